"""What a chip is: the numbers every tool reads, and nothing it does."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from warpfive.catalog.figure import Figure
from warpfive.errors import InputError

DTYPE_BYTES: Mapping[str, float] = {
    "fp64": 8, "fp32": 4, "tf32": 4, "fp16": 2, "bf16": 2, "fp8": 1, "int8": 1, "fp4": 0.5,
    "int4": 0.5,
}  # fmt: skip
"""Storage bytes of one element."""

_NEXT_WIDER: Mapping[str, tuple[str, ...]] = {
    "int4": ("int8", "bf16"), "fp4": ("fp8", "bf16"), "fp8": ("bf16",), "int8": ("bf16",),
    "bf16": ("fp16", "fp32"), "fp16": ("bf16", "fp32"), "tf32": ("fp32",), "fp32": ("fp64",),
    "fp64": (),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreSpec:
    """One kind of core and how many a chip has."""

    count: int
    clock_hz: float
    lanes: int = 32
    fp32_lanes: int = 128
    """Scalar fp32 multiply-adds a core completes each cycle."""
    registers: int = 65536
    """32-bit registers of a core."""
    threads: int = 2048
    blocks: int = 32
    scratch_bytes: int = 228 * 1024
    """Shared memory a core offers to its blocks."""
    l1_bytes: int = 128 * 1024
    sfu_lanes: int = 16
    """Special functions a core completes each cycle."""
    lsu_bytes: int = 128
    """Shared-memory or L1 bytes a core moves each cycle."""
    schedulers: int = 4
    """Warp instructions a core starts each cycle."""
    int_lanes: int = 64
    half_lanes: int = 256
    """Scalar 16-bit multiply-adds a core completes each cycle, two to an instruction."""
    fp64_lanes: float = 32
    l2_port_bytes: int = 64
    """Bytes a core gets from the L2 each cycle."""
    alu_cycles: float = 4
    """Cycles until an instruction that depends on another can start."""
    l1_cycles: float = 41
    shared_cycles: float = 30
    barrier_cycles: float = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class MemorySpec:
    """Device memory and the cache before it."""

    technology: str
    capacity_bytes: float
    bandwidth: float
    """Peak bytes per second."""
    effective_bandwidth: float | None = None
    """Best measured streaming rate, bytes per second; None where nobody published one."""
    units: int | None = None
    """Stacks, chips or packages."""
    l2_bytes: float = 0.0
    latency_s: float = 600e-9
    l2_bandwidth: float = 0.0
    """Peak bytes per second between the L2 and all cores."""
    l2_latency_s: float = 200e-9
    l2_slices: float = 64
    """Parts of the L2 that work at the same time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSpec:
    """A link between chips: scale-up, scale-out or host."""

    name: str
    bandwidth: float
    """Bytes per second of one chip in one direction, all its links together."""
    latency_s: float
    domain: int
    """Chips reached without leaving the link."""
    topology: str = "switch"
    """``switch``: full rate to any peer; ``mesh``: a full mesh, rate shared among peers."""
    efficiency: float = 0.85
    """Share of the bandwidth a large collective reaches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChipSpec:
    """A chip of the catalog, in SI units."""

    name: str
    title: str
    vendor: str
    aliases: tuple[str, ...] = ()
    rates: Mapping[str, float] = field(default_factory=dict)
    """Dense peak operations per second by data type; absent or 0 where not native."""
    core: CoreSpec
    memory: MemorySpec
    link: LinkSpec
    network: LinkSpec
    """Scale-out network, per chip."""
    host_link: LinkSpec
    tdp_w: float | None = None
    idle_w: float | None = None
    rental_usd_per_h: float | None = None
    compute_capability: str = ""
    launch_s: float = 4e-6
    """Host time to start one kernel outside a captured graph."""
    start_s: float = 1.5e-6
    """Time of a kernel that does nothing, from its first block to its end."""
    software: str = ""
    release: str = ""
    process: str = ""
    notes: str = ""
    whatif: tuple[str, ...] = ()
    """Changes made to the named chip, as given."""
    figures: Mapping[str, Figure] = field(default_factory=dict)
    """Every figure by key, with unit, source and grade."""
    sources: Mapping[str, str] = field(default_factory=dict)

    @property
    def cores(self) -> int:
        """Cores (SM, CU, AI core) a program can use."""
        return self.core.count

    @property
    def clock_hz(self) -> float:
        """Clock of the cores under load."""
        return self.core.clock_hz

    @property
    def bandwidth(self) -> float:
        """Peak memory bytes per second."""
        return self.memory.bandwidth

    def native(self, dtype: str) -> bool:
        """Whether the chip multiplies this type without converting it."""
        return self.rates.get(dtype, 0.0) > 0

    def compute_dtype(self, dtype: str) -> str:
        """The type the chip multiplies in when data is of ``dtype``."""
        if dtype not in _NEXT_WIDER:
            raise InputError(f"unknown data type {dtype!r}; known: {', '.join(_NEXT_WIDER)}")
        if self.native(dtype):
            return dtype
        for wider in _NEXT_WIDER[dtype]:
            if self.native(wider):
                return wider
        raise InputError(f"{self.name}: no published rate for {dtype} or a wider type")

    def rate(self, dtype: str = "bf16") -> float:
        """Dense peak operations per second on data of ``dtype``."""
        return self.rates[self.compute_dtype(dtype)]

    def ridge(self, dtype: str = "bf16") -> float:
        """Operations per byte at which memory and arithmetic take equally long."""
        return self.rate(dtype) / self.memory.bandwidth

    def grade(self, key: str) -> str:
        """Grade of one figure, or ``estimate`` where the catalog has none."""
        figure = self.figures.get(key)
        return figure.grade if figure else "estimate"
