"""One line of advice a kernel: the change that would save most time on a chip, by the model.

Each candidate removes one cause from the counts, or one limit, and times the launch again. What
saves most is named, with the source line that causes most of it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from warpfive.catalog import ChipSpec
from warpfive.perf.counters import Counters, SourceLine
from warpfive.perf.timing import BOUND_WORDS, KernelTime, kernel_time

LEAST_GAIN = 0.04
"""Share of the time that a change must save to be worth a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What to change, where, and what the model says it would save."""

    kind: str
    """``coalesce conflicts diverge local atomics grid occupancy fp64`` or ``bound``."""
    text: str
    where: str = ""
    """``file.cu:41``, or empty."""
    gain: float = 0.0
    """Share of the launch's time that would go, 0 to 1; 0 for advice without a candidate."""

    def __str__(self) -> str:
        gain = f" ({self.gain:.0%} less time)" if self.gain else ""
        return f"{self.text}{gain}"


@dataclass(frozen=True, slots=True)
class _Case:
    """The launch that candidates are tried on."""

    one: Counters
    counts: Any
    chip: ChipSpec
    time: KernelTime


_Candidate = tuple[Advice, Callable[[Any], None]]


def advise(one: Counters, counts: Any, chip: ChipSpec, time: KernelTime) -> Advice:
    """Advice for a record whose counts (`counts_of`) take ``time`` on the chip."""
    case = _Case(one, counts, chip, time)
    best = Advice(kind="bound", text=_at_bound(case))
    for advice, change in _candidates(case):
        changed = type(counts).from_buffer_copy(counts)
        change(changed)
        gain = 1 - kernel_time(changed, chip).total_s / time.total_s
        if gain > max(best.gain, LEAST_GAIN):
            best = Advice(kind=advice.kind, text=advice.text, where=advice.where, gain=gain)
    return best


def _candidates(case: _Case) -> Iterator[_Candidate]:
    for found in (
        _coalesce, _conflicts, _diverge, _local, _atomics, _grid, _parallel, _occupancy, _fp64,
    ):  # fmt: skip
        candidate = found(case)
        if candidate:
            yield candidate


def _where(line: SourceLine) -> str:
    return f"{Path(line.file).name}:{line.line}" if line.file else ""


def _at(line: SourceLine | None) -> str:
    return f" at line {line.line}" if line and line.file else ""


def _worst(one: Counters, cost: Callable[[SourceLine], float]) -> SourceLine | None:
    """The source line that costs most, if any costs something."""
    worst = max(one.lines, key=cost, default=None)
    return worst if worst and cost(worst) > 0 else None


def _named(kind: str, text: str, line: SourceLine | None) -> Advice:
    return Advice(kind=kind, text=text, where=_where(line) if line else "")


def _coalesce(case: _Case) -> _Candidate | None:
    one = case.one
    traffic = (one.global_load, one.global_store)
    sectors = sum(part.sectors for part in traffic)
    ideal = sum(part.ideal_sectors for part in traffic)
    if sectors < 1.2 * ideal or not ideal:
        return None
    line = _worst(one, lambda row: row.sectors - row.ideal_sectors)
    share, touched, enough = 1.0, sectors, ideal
    requests = sum(part.requests for part in traffic)
    if line:
        share, requests = line.requests / max(requests, 1), line.requests
        touched, enough = line.sectors, line.ideal_sectors
    text = (
        f"{min(share, 1):.0%} of global accesses{_at(line)} touch {touched / requests:.0f} sectors "
        f"a warp where {max(enough / requests, 1):.0f} would do: uncoalesced"
    )

    def change(counts: Any) -> None:
        keep = ideal / sectors
        for name in ("load_sectors", "store_sectors", "cold_loads", "cold_stores"):
            setattr(counts, name, getattr(counts, name) * keep)
        for name in ("reuse_l1", "reuse_l2_loads", "reuse_l2_stores"):
            getattr(counts, name)[:] = [value * keep for value in getattr(counts, name)]
        # Packed data lies in fewer sectors.
        counts.footprint_loaded = min(counts.footprint_loaded, counts.load_sectors)
        counts.footprint_stored = min(counts.footprint_stored, counts.store_sectors)

    return _named("coalesce", text, line), change


def _conflicts(case: _Case) -> _Candidate | None:
    one = case.one
    traffic = (one.shared_load, one.shared_store)
    passes = sum(part.wavefronts for part in traffic)
    ideal = sum(part.ideal_wavefronts for part in traffic)
    if passes < 1.1 * ideal or not ideal:
        return None
    line = _worst(one, lambda row: row.wavefronts - row.ideal_wavefronts)
    factor = line.wavefronts / line.ideal_wavefronts if line else passes / ideal
    text = (
        f"shared memory{_at(line)} takes {factor:.3g} passes where 1 would do: bank conflicts; "
        "pad the rows"
    )

    def change(counts: Any) -> None:
        counts.shared_wavefronts *= ideal / passes

    return _named("conflicts", text, line), change


_LANE_UNITS = (
    "alu", "int_mul", "fp32", "fp64", "fp16", "sfu", "convert", "branch", "warp",
)  # fmt: skip


def _diverge(case: _Case) -> _Candidate | None:
    one = case.one
    if one.divergence < 0.08:
        return None
    line = _worst(one, lambda row: 32 * row.warp_instructions - row.lane_instructions)
    text = f"{one.divergence:.0%} of the lanes idle"
    if line:
        idle = 1 - line.lane_instructions / (32 * line.warp_instructions)
        text += f", {idle:.0%}{_at(line)}"
    text += ": warps diverge" if one.divergent_branches else ": warps are not full"

    def change(counts: Any) -> None:
        keep = 1 - one.divergence
        for name in _LANE_UNITS:
            setattr(counts, name, getattr(counts, name) * keep)

    return _named("diverge", text, line), change


def _local(case: _Case) -> _Candidate | None:
    if not case.counts.local_sectors:
        return None
    line = _worst(case.one, lambda row: row.spills)
    text = f"arrays of a thread{_at(line)} lie in memory: index them by constants, or use shared"

    def change(counts: Any) -> None:
        counts.local_sectors = counts.local_requests = counts.local = 0

    return _named("local", text, line), change


def _atomics(case: _Case) -> _Candidate | None:
    if not case.counts.atomic_requests:
        return None
    line = _worst(case.one, lambda row: row.atomic_lanes)
    hottest = case.counts.atomic_hottest
    text = f"{_count(hottest)} atomics{_at(line)} meet at one address: sum within the block first"
    if hottest < 2 * case.counts.atomic_requests / max(case.counts.blocks, 1):
        text = f"atomics{_at(line)} bound it: sum within the warp or block first"

    def change(counts: Any) -> None:
        # One atomic a block is what is left.
        left = min(counts.blocks, counts.atomic_requests) / counts.atomic_requests
        for name in ("atomic_requests", "atomic_sectors", "atomic_passes", "atomic_hottest"):
            setattr(counts, name, getattr(counts, name) * left)

    return _named("atomics", text, line), change


def _count(value: float) -> str:
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:.3g} {unit}"
    return f"{value:.0f}"


def _grid(case: _Case) -> _Candidate | None:
    blocks, cores = case.counts.blocks, case.chip.cores
    per_core = blocks / cores
    if per_core >= 4 and case.time.waves > 1:
        return None
    if blocks < cores:
        some = "1 block" if blocks == 1 else f"{blocks:.0f} blocks"
        text = f"{some} for {cores} cores: a finer grid would use them all"
    elif case.time.tail > 1.1:
        text = (
            f"{blocks:.0f} blocks on {cores} cores: the busiest has {case.time.tail:.2f} times "
            "the mean; smaller blocks even it out"
        )
    else:
        return None

    def change(counts: Any) -> None:
        # The same work in as many blocks as fill every core evenly.
        counts.blocks = cores * max(round(per_core), 1) * (4 if blocks < cores else 1)
        counts.threads = max(counts.threads * blocks / counts.blocks, 32)
        counts.longest = 1

    return Advice(kind="grid", text=text), change


_LONG = 200
"""Instructions of a warp from which on its work can be shared among several."""


def _parallel(case: _Case) -> _Candidate | None:
    one, chip = case.one, case.chip
    room = chip.cores * chip.core.threads
    have = one.blocks * one.threads
    if 4 * have > room or one.warp_instructions < _LONG * one.launches * one.blocks * one.warps:
        return None
    text = (
        f"{have:,} threads on a chip with room for {room:,}: give each less work, "
        "and launch more of them"
    )

    def change(counts: Any) -> None:
        counts.blocks *= min(room // have, 8)

    return Advice(kind="grid", text=text), change


def _occupancy(case: _Case) -> _Candidate | None:
    limit = case.time.limit
    if case.time.occupancy > 0.7 or limit not in ("registers", "shared memory", "blocks"):
        return None
    have = {
        "registers": f"{case.counts.registers:.0f} registers a thread",
        "shared memory": f"{case.counts.shared_bytes / 1024:.3g} KiB of shared memory a block",
        "blocks": f"blocks of {case.counts.threads:.0f} threads",
    }[limit]
    text = f"{have} fill only {case.time.occupancy:.0%} of a core: {BOUND_WORDS['latency']} shows"

    def change(counts: Any) -> None:
        counts.registers = min(counts.registers, 32)
        counts.shared_bytes = min(counts.shared_bytes, 16 * 1024)
        if limit == "blocks":
            counts.blocks = max(counts.blocks * counts.threads / 256, 1)
            counts.threads = 256

    return Advice(kind="occupancy", text=text), change


def _fp64(case: _Case) -> _Candidate | None:
    if not case.counts.fp64:
        return None
    core = case.chip.core
    text = f"it computes in double, {core.fp32_lanes / core.fp64_lanes:.3g} times slower than float"

    def change(counts: Any) -> None:
        counts.fp32, counts.fp64 = counts.fp32 + counts.fp64, 0

    return Advice(kind="fp64", text=text), change


_FALLBACK = {
    "dram": "at {share:.0%} of memory bandwidth: fuse it with a neighbour, or use a smaller type",
    "l2": "the L2 bounds it: keep what is used again in shared memory",
    "l1": "shared memory and L1 bound it: hold more in registers, use wider accesses",
    "tensor": "at {share:.0%} of the tensor units' peak",
    "fp32": "at {share:.0%} of the fp32 peak: matrix products belong on the tensor units",
    "integer": "integer work bounds it: hoist index arithmetic, use 32-bit indices",
    "issue": "instruction issue bounds it: unroll, use wider loads",
    "sfu": "special functions bound it",
    "fp64": "at {share:.0%} of the fp64 peak",
    "half": "at {share:.0%} of the fp16 peak of the lanes",
    "atomics": "atomics bound it",
    "latency": "waits for its own loads: more independent work a thread",
    "start": "most of its time is the start: fewer, larger launches, or a graph",
}  # fmt: skip


def _at_bound(case: _Case) -> str:
    return _FALLBACK[case.time.bound].format(share=case.time.share)
