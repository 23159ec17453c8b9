"""What the chip counts while a kernel runs: one record a kernel, grid, block and dynamic shared.

The chip writes these records (``WARPFIVE_REPORT``), the time model reads them. Nothing here depends
on a chip's size: caches, occupancy and waves of any chip follow from one run's record.

Every *extensive* quantity is a total over all launches of the record and all of their blocks. Where
``exact`` is false it was counted on ``sampled_blocks`` blocks and scaled up. A *request* is a
warp instruction that touches one kind of memory; *lanes* are those that were active.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from warpfive.errors import InputError
from warpfive.units import WARP_LANES

UNITS = (
    "alu", "int_mul", "fp32", "fp64", "fp16", "sfu", "convert", "global_load", "global_store",
    "shared_load", "shared_store", "local", "constant", "spill", "folded", "atomic", "branch",
    "warp", "barrier", "tensor", "other",
)  # fmt: skip
"""Where an instruction executes. Memory instructions count by the memory they touch.

``fp16`` has binary16 and bfloat16 scalars; ``sfu`` quotients, roots and approximations;
``convert`` changes of number format; ``warp`` votes, shuffles and reductions over lanes;
``constant`` kernel arguments and ``__constant__`` variables. Two kinds cost a RISC-V core an issue
slot and others nothing: ``spill``, loads and stores of stack slots that hold one value at a time
(registers, where there are enough), and ``folded``, the second and later parts of an access that
is 64 or 128 bits wide in one lane, whose first part carries the request.
"""
FLOAT_TYPES = ("fp64", "fp32", "fp16")
TENSOR_TYPES = ("fp16", "bf16", "tf32", "int8")
BUCKETS = 40
"""Reuse-distance buckets: distance 0, then [2^(i-1), 2^i) sectors in bucket i."""
SECTOR_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Requests to device memory (global or local) of one direction."""

    requests: float = 0
    lanes: float = 0
    """Active lanes, summed over requests."""
    bytes: float = 0
    """Bytes the lanes asked for: lanes x size of the access."""
    sectors: float = 0
    """Distinct 32-byte sectors each request touched, summed over requests."""
    ideal_sectors: float = 0
    """The fewest that could hold each request's bytes: the lesser of sectors and bytes / 32."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedTraffic:
    """Requests to a block's shared memory of one direction: 32 banks of 4 bytes."""

    requests: float = 0
    lanes: float = 0
    bytes: float = 0
    wavefronts: float = 0
    """Passes over the banks: in each, every bank serves one 4-byte word, to any lanes that want it.
    8-byte accesses are served a half warp, 16-byte ones a quarter warp at a time."""
    ideal_wavefronts: float = 0
    """Passes had no bank held two wanted words: 1, or the halves or quarters with active lanes."""

    @property
    def conflicts(self) -> float:
        """Passes that bank conflicts added."""
        return self.wavefronts - self.ideal_wavefronts


@dataclass(frozen=True, slots=True, kw_only=True)
class Atomics:
    """Read-modify-writes of one memory."""

    requests: float = 0
    lanes: float = 0
    addresses: float = 0
    """Distinct addresses of each request, summed; lanes - addresses collided within their warp."""
    passes: float = 0
    """Most lanes on one address of each request, summed: turns that must follow one another."""
    sectors: float = 0
    """Distinct 32-byte sectors of each request, summed (global memory)."""
    hottest: float = 0
    """Operations on the most used address of a launch, summed over launches (an estimate)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reuse:
    """Reuse distances of 32-byte sectors of global memory in a stream of accesses.

    The distance of an access is the number of distinct sectors that the stream touched since the
    last access to the same sector, so a least-recently-used cache of C bytes that sees the stream
    hits where distance x 32 < C. The stream is that of ``blocks`` consecutive blocks that run
    abreast, one instruction of each warp in turn, meeting at barriers. Where a cache serves B
    blocks at a time, multiply distances by B / blocks: other blocks' sectors come between.

    One entry an access of a sector by a request, so a request counts once for each sector it
    touches. Atomics are part of the stream but no entries. Streams are sampled by line (128 bytes)
    where they are long and scaled up; sums agree with ``sectors`` of the loads and stores.
    """

    blocks: int = 1
    loads: tuple[float, ...] = (0.0,) * BUCKETS
    stores: tuple[float, ...] = (0.0,) * BUCKETS
    cold_loads: float = 0
    """First accesses of a sector within the stream, by loads."""
    cold_stores: float = 0

    def hits(self, cache_bytes: float, resident_blocks: float, kind: str = "loads") -> float:
        """Accesses that an LRU cache of this size, shared by so many blocks, would serve."""
        limit = cache_bytes / SECTOR_BYTES * self.blocks / max(resident_blocks, 1e-9)
        total = 0.0
        for bucket, count in enumerate(getattr(self, kind)):
            low, high = (0, 1) if bucket == 0 else (2.0 ** (bucket - 1), 2.0**bucket)
            # Within a bucket distances count as spread evenly.
            total += count * min(1.0, max(0.0, (limit - low) / (high - low)))
        return total


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceLine:
    """A source line's share; file "" where the image has no line table."""

    file: str
    line: int
    warp_instructions: float = 0
    lane_instructions: float = 0
    requests: float = 0
    """Global loads, stores and atomics."""
    sectors: float = 0
    ideal_sectors: float = 0
    shared_requests: float = 0
    wavefronts: float = 0
    ideal_wavefronts: float = 0
    branches: float = 0
    divergent_branches: float = 0
    atomic_lanes: float = 0
    atomic_addresses: float = 0
    spills: float = 0
    """Warp instructions on stack slots and local memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """What was counted of a kernel with one grid, block and dynamic shared memory."""

    kernel: str
    grid: tuple[int, int, int]
    block: tuple[int, int, int]
    image: str = ""
    """Hash of the image that holds the kernel: kernels of one name may be several."""
    launches: int = 1
    host_s: float = 0
    """Host time of all launches."""
    exact: bool = True
    sampled_blocks: int = 0
    """Blocks counted, of ``blocks``."""
    dynamic_shared_bytes: int = 0
    static_shared_bytes: int = 0
    registers: int = 0
    """Estimate of 32-bit registers a thread needs: the most that are live at once in the RISC-V
    code, stack slots of single values included; 0 where unknown (recursion, indirect calls)."""
    stack_bytes: int = 0
    args_bytes: int = 0

    warp: Mapping[str, float] = field(default_factory=dict)
    """Warp instructions by unit (`UNITS`)."""
    lane: Mapping[str, float] = field(default_factory=dict)
    """Lane instructions by unit: active lanes summed over warp instructions."""
    flops: Mapping[str, float] = field(default_factory=dict)
    """Scalar operations by type (`FLOAT_TYPES`): one a lane, two a multiply-add."""
    tensor_ops: Mapping[str, float] = field(default_factory=dict)
    """Multiplies and adds of tile products by type (`TENSOR_TYPES`)."""
    branches: float = 0
    """Conditional branches executed by warps."""
    divergent_branches: float = 0
    """Those whose active lanes went both ways."""

    global_load: Traffic = Traffic()
    global_store: Traffic = Traffic()
    local_load: Traffic = Traffic()
    """Stack that is addressed; a thread's 4-byte words lie beside those of its warp's others."""
    local_store: Traffic = Traffic()
    shared_load: SharedTraffic = SharedTraffic()
    shared_store: SharedTraffic = SharedTraffic()
    global_atomic: Atomics = Atomics()
    shared_atomic: Atomics = Atomics()
    constant_requests: float = 0
    constant_addresses: float = 0
    """Distinct addresses of each constant request, summed: each costs a turn."""

    l1: Reuse = Reuse()
    """Reuse within single blocks."""
    l2: Reuse = Reuse()
    """Reuse within groups of neighbouring blocks; `Reuse.blocks` of them."""
    footprint_sectors: float = 0
    """Distinct sectors of global memory that one launch touches (estimate; mean over launches)."""
    footprint_loaded: float = 0
    """Those that loads and atomics touch."""
    footprint_stored: float = 0
    """Those that stores and atomics touch."""

    period_sectors: float = 0
    """Sectors touched from one launch of the record to its next, its own and those of the launches
    between (mean; distinct kernels are taken to touch distinct sectors)."""

    barrier_wait: float = 0
    """Instruction slots that warps spent at block barriers for the slowest warp of each."""
    path_mean: float = 0
    """Critical path of a block: warp instructions of the slowest warp, from barrier to barrier;
    mean over blocks."""
    path_max: float = 0
    """The longest block's."""
    global_load_groups: float = 0
    """Times a warp had to wait for global loads, issuing in order: loads that are issued before
    the first of them is used make one group. Loads / groups is the memory-level parallelism."""
    shared_load_groups: float = 0
    lines: tuple[SourceLine, ...] = ()

    @property
    def threads(self) -> int:
        """Of a block."""
        return self.block[0] * self.block[1] * self.block[2]

    @property
    def warps(self) -> int:
        """Of a block."""
        return -(-self.threads // WARP_LANES)

    @property
    def blocks(self) -> int:
        """Of one launch."""
        return self.grid[0] * self.grid[1] * self.grid[2]

    @property
    def shared_bytes(self) -> int:
        """Of a block, static and dynamic."""
        return self.static_shared_bytes + self.dynamic_shared_bytes

    @property
    def warp_instructions(self) -> float:
        """Of all units."""
        return sum(self.warp.values())

    @property
    def lane_instructions(self) -> float:
        """Of all units."""
        return sum(self.lane.values())

    @property
    def idle_lane_slots(self) -> float:
        """Lane slots of warp instructions that no active lane filled."""
        return WARP_LANES * self.warp_instructions - self.lane_instructions

    @property
    def divergence(self) -> float:
        """Share of lane slots that did nothing."""
        slots = WARP_LANES * self.warp_instructions
        return self.idle_lane_slots / slots if slots else 0.0

    @property
    def key(self) -> tuple:
        """What makes two records one."""
        return self.kernel, self.image, self.grid, self.block, self.dynamic_shared_bytes

    def to_json(self) -> dict[str, Any]:
        """Plain dicts, lists and numbers."""
        return {item.name: _plain(getattr(self, item.name)) for item in fields(self)}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "Counters":
        """Reads `to_json`; keys that are missing are zero. InputError names what is wrong."""
        known = {item.name for item in fields(cls)}
        extra = sorted(set(record) - known)
        if extra:
            raise InputError(
                f"counters have no key {extra[0]!r}; is the report of another version?"
            )
        missing = sorted({"kernel", "grid", "block"} - set(record))
        if missing:
            raise InputError(f"a record of counters lacks {missing[0]!r}")
        values = dict(record)
        for name, kind in NESTED.items():
            if name in values:
                values[name] = _nested(kind, name, values[name])
        for name in ("grid", "block"):
            values[name] = tuple(values[name])
        values["lines"] = tuple(
            _nested(SourceLine, "lines", one) for one in values.get("lines", ())
        )
        made = cls(**values)
        check_counters(made)
        return made


NESTED: dict[str, type] = {
    "global_load": Traffic, "global_store": Traffic, "local_load": Traffic, "local_store": Traffic,
    "shared_load": SharedTraffic, "shared_store": SharedTraffic, "global_atomic": Atomics,
    "shared_atomic": Atomics, "l1": Reuse, "l2": Reuse,
}  # fmt: skip
_SUMMED = (
    "launches", "host_s", "sampled_blocks", "branches", "divergent_branches",
    "constant_requests", "constant_addresses", "barrier_wait", "global_load_groups",
    "shared_load_groups",
)  # fmt: skip
_AVERAGED = (
    "path_mean", "footprint_sectors", "footprint_loaded", "footprint_stored", "period_sectors",
)  # fmt: skip


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if hasattr(value, "__dataclass_fields__"):
        return {item.name: _plain(getattr(value, item.name)) for item in fields(value)}
    return value


def _nested(kind: type, name: str, value: Any) -> Any:
    known = {item.name for item in fields(kind)}
    extra = sorted(set(value) - known)
    if extra:
        raise InputError(f"counters' {name} has no key {extra[0]!r}")
    return kind(**{key: tuple(one) if isinstance(one, list) else one for key, one in value.items()})


def check_counters(one: Counters) -> None:
    """Raises InputError where a record cannot be."""
    where = f"counters of {one.kernel}"
    for name, shape in (("grid", one.grid), ("block", one.block)):
        if len(shape) != 3 or min(shape) < 1:
            raise InputError(f"{where}: {name} is {shape}; three extents of 1 or more are needed")
    for name, names in (("warp", UNITS), ("lane", UNITS), ("flops", FLOAT_TYPES),
                        ("tensor_ops", TENSOR_TYPES)):  # fmt: skip
        for key, count in getattr(one, name).items():
            if key not in names:
                raise InputError(f"{where}: {name} has no {key!r}; there are {', '.join(names)}")
            if count < 0:
                raise InputError(f"{where}: {name} of {key} is {count}; counts are not negative")
    if one.launches < 1:
        raise InputError(f"{where}: {one.launches} launches; a record has at least one")
    slots = WARP_LANES * one.warp_instructions
    if one.lane_instructions > slots * (1 + 1e-9):
        raise InputError(f"{where}: more lane instructions than {WARP_LANES} a warp instruction")
    if one.divergent_branches > one.branches * (1 + 1e-9):
        raise InputError(f"{where}: more divergent branches than branches")
    for name in ("l1", "l2"):
        reuse = getattr(one, name)
        if len(reuse.loads) != BUCKETS or len(reuse.stores) != BUCKETS:
            raise InputError(f"{where}: {name} needs {BUCKETS} buckets")


def _sum(kind: type, parts: list[Any]) -> Any:
    """Numbers added, tuples element by element."""
    values = {}
    for item in fields(kind):
        column = [getattr(part, item.name) for part in parts]
        if isinstance(column[0], tuple):
            values[item.name] = tuple(map(sum, zip(*column, strict=True)))
        else:
            values[item.name] = sum(column)
    if kind is Reuse:
        values["blocks"] = max(part.blocks for part in parts)
    return kind(**values)


def _sum_maps(maps: Iterable[Mapping[str, float]]) -> dict[str, float]:
    total: dict[str, float] = {}
    for one in maps:
        for key, count in one.items():
            total[key] = total.get(key, 0) + count
    return total


def _sum_lines(parts: list[Counters]) -> tuple[SourceLine, ...]:
    found: dict[tuple[str, int], dict[str, Any]] = {}
    for part in parts:
        for one in part.lines:
            entry = found.setdefault((one.file, one.line), {"file": one.file, "line": one.line})
            for item in fields(SourceLine)[2:]:
                entry[item.name] = entry.get(item.name, 0) + getattr(one, item.name)
    return tuple(SourceLine(**entry) for entry in found.values())


def _merge_group(parts: list[Counters]) -> Counters:
    first = parts[0]
    if len(parts) == 1:
        return first
    values = {item.name: getattr(first, item.name) for item in fields(Counters)}
    for name in _SUMMED:
        values[name] = sum(getattr(part, name) for part in parts)
    launches = values["launches"]
    for name in _AVERAGED:
        values[name] = sum(getattr(part, name) * part.launches for part in parts) / launches
    for name in ("warp", "lane", "flops", "tensor_ops"):
        values[name] = _sum_maps(getattr(part, name) for part in parts)
    for name, kind in NESTED.items():
        values[name] = _sum(kind, [getattr(part, name) for part in parts])
    values["exact"] = all(part.exact for part in parts)
    values["path_max"] = max(part.path_max for part in parts)
    values["registers"] = max(part.registers for part in parts)
    values["lines"] = _sum_lines(parts)
    return Counters(**values)


def merge_counters(records: Iterable[Counters]) -> list[Counters]:
    """One record a key, in the order of first appearance (several processes of a program)."""
    groups: dict[tuple, list[Counters]] = {}
    for one in records:
        groups.setdefault(one.key, []).append(one)
    return [_merge_group(parts) for parts in groups.values()]


def sample_counters() -> Counters:
    """A hand-made record for tests: y = a x + y over 2^20 floats, 4096 blocks of 256 threads.

    A warp executes 17 instructions: 3 loads of arguments, index arithmetic, a bound check, two
    loads, a multiply-add and a store. Nothing is reused, so every sector is cold.
    """
    warps, lanes = 4096.0 * 8, 4096.0 * 256
    per_warp = {"alu": 8, "int_mul": 1, "constant": 3, "branch": 1, "global_load": 2, "fp32": 1,
                "global_store": 1}  # fmt: skip
    sectors = 4 * warps
    load = Traffic(requests=2 * warps, lanes=2 * lanes, bytes=8 * lanes, sectors=2 * sectors,
                   ideal_sectors=2 * sectors)  # fmt: skip
    store = Traffic(requests=warps, lanes=lanes, bytes=4 * lanes, sectors=sectors,
                    ideal_sectors=sectors)  # fmt: skip
    # The store finds the sector that the second load brought: 8 warps of 12 sectors lie between
    # at most.
    stores = tuple(sectors if bucket == 6 else 0.0 for bucket in range(BUCKETS))
    reuse = {"cold_loads": 2 * sectors, "stores": stores}
    return Counters(
        kernel="saxpy(int, float, float const*, float*)", grid=(4096, 1, 1), block=(256, 1, 1),
        launches=1, host_s=1e-3, exact=True, sampled_blocks=4096, registers=12, args_bytes=24,
        warp={unit: count * warps for unit, count in per_warp.items()},
        lane={unit: count * lanes for unit, count in per_warp.items()},
        flops={"fp32": 2 * lanes}, branches=warps, global_load=load, global_store=store,
        constant_requests=3 * warps, constant_addresses=3 * warps,
        l1=Reuse(**reuse), l2=Reuse(blocks=4, **reuse), footprint_sectors=2 * sectors,
        footprint_loaded=2 * sectors, footprint_stored=sectors, path_mean=17, path_max=17,
        global_load_groups=warps,
        lines=(SourceLine(file="saxpy.cu", line=4, warp_instructions=17 * warps,
                          lane_instructions=17 * lanes, requests=3 * warps, sectors=3 * sectors,
                          ideal_sectors=3 * sectors, branches=warps),),
    )  # fmt: skip
