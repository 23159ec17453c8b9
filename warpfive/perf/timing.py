"""How long a launch that was counted takes on a chip: ``native/kernel_time.cpp`` from Python.

The formulas are that file's, which the running chip's clock uses, too; ``docs/timing.md``
explains them.
"""

import ctypes
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from warpfive.catalog import ChipSpec
from warpfive.cbuild import c_library
from warpfive.errors import InputError
from warpfive.perf.counters import BUCKETS, SECTOR_BYTES, TENSOR_TYPES, Counters
from warpfive.perf.energy import power_w

SOURCE = Path(__file__).parent / "native" / "kernel_time.cpp"
_MEMBER = re.compile(r"^  double (\w+)(?:\[(\w+)\])?;", re.MULTILINE)
_STREAM_SHARE = 0.9
"""Of the peak bandwidth that streaming reaches where nobody measured it."""
_BLOCK_SCRATCH = 1024
"""Bytes of shared memory that the chip itself takes of every block (CUDA's occupancy rules)."""

TERMS = (
    "issue", "fp32", "integer", "fp64", "half", "sfu", "tensor", "l1", "l2", "dram", "atomics",
    "latency",
)  # fmt: skip
LIMITS = ("threads", "registers", "shared memory", "blocks", "grid")
BOUND_WORDS: Mapping[str, str] = {
    "issue": "instruction issue", "fp32": "fp32 units", "integer": "integer units",
    "fp64": "fp64 units", "half": "fp16 units", "sfu": "special functions",
    "tensor": "tensor units", "l1": "L1 and shared memory", "l2": "L2 bandwidth",
    "dram": "memory bandwidth", "atomics": "atomics", "latency": "latency", "start": "launch",
}  # fmt: skip
"""Term -> what a person calls it."""


def _structure(name: str) -> type[ctypes.Structure]:
    """The structure as the header declares it: doubles, one by one or in arrays."""
    text = SOURCE.with_suffix(".h").read_text(encoding="utf-8")
    body = text.partition(f"struct {name} {{")[2].partition("};")[0]
    members: list[tuple[str, Any]] = []
    for member, length in _MEMBER.findall(body):
        kind = ctypes.c_double * BUCKETS if length else ctypes.c_double
        members.append((member, kind))
    return type(name, (ctypes.Structure,), {"_fields_": members})


Counts = _structure("WfCounts")
"""Counts of one launch as the model takes them; members as in ``native/kernel_time.h``."""
Figures = _structure("WfFigures")
"""A chip's figures as the model takes them."""
_Time = _structure("WfTime")


@cache
def _library() -> ctypes.CDLL:
    library = c_library(SOURCE)
    library.wf_kernel_time.restype = None
    library.wf_copy_time.restype = library.wf_fill_time.restype = ctypes.c_double
    library.wf_copy_time.argtypes = [ctypes.POINTER(Figures), ctypes.c_double, ctypes.c_int]
    library.wf_fill_time.argtypes = [ctypes.POINTER(Figures), ctypes.c_double]
    return library


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelTime:
    """One launch on one chip. Times in seconds."""

    chip: str
    terms: Mapping[str, float]
    """Each term alone, in the order of ``TERMS``."""
    start_s: float
    body_s: float
    """The terms joined."""
    total_s: float
    bound: str
    """The largest term, or ``start``."""
    share: float
    """Share of the bound's peak that the launch reaches, 0 to 1."""
    occupancy: float
    limit: str
    """What bounds the resident blocks: one of ``LIMITS``."""
    resident_blocks: int
    waves: int
    tail: float
    """Blocks of the busiest core over the mean; 1 is even."""
    l1_hit: float
    l2_hit: float
    dram_bytes: float
    l2_bytes: float
    energy_j: float | None
    """None where the catalog has no power figure."""


def figures_of(chip: ChipSpec) -> ctypes.Structure:
    """The chip's figures in the model's form."""
    core, memory = chip.core, chip.memory
    tensor = {f"tensor_{dtype}": _tensor_rate(chip, dtype) for dtype in TENSOR_TYPES}
    return Figures(
        cores=core.count, clock_hz=core.clock_hz, schedulers=core.schedulers,
        fp32_lanes=core.fp32_lanes, int_lanes=core.int_lanes, fp64_lanes=core.fp64_lanes,
        half_lanes=core.half_lanes, sfu_lanes=core.sfu_lanes, lsu_bytes=core.lsu_bytes,
        l2_port_bytes=core.l2_port_bytes, registers=core.registers, threads=core.threads,
        blocks=core.blocks, scratch_bytes=core.scratch_bytes, block_scratch_bytes=_BLOCK_SCRATCH,
        l1_bytes=core.l1_bytes, alu_cycles=core.alu_cycles, shared_cycles=core.shared_cycles,
        l1_cycles=core.l1_cycles, barrier_cycles=core.barrier_cycles, l2_s=memory.l2_latency_s,
        dram_s=memory.latency_s, l2_bytes=memory.l2_bytes,
        l2_bandwidth=memory.l2_bandwidth or memory.bandwidth, l2_slices=memory.l2_slices,
        dram_bandwidth=memory.effective_bandwidth or _STREAM_SHARE * memory.bandwidth,
        dram_peak=memory.bandwidth, start_s=chip.start_s, launch_s=chip.launch_s,
        host_bandwidth=chip.host_link.bandwidth * chip.host_link.efficiency,
        host_s=chip.host_link.latency_s, **tensor,
    )  # fmt: skip


def figures_text(chip: ChipSpec) -> str:
    """The figures as the running chip reads them: a line ``name value`` each, in their order."""
    figures = figures_of(chip)
    return "".join(f"{name} {getattr(figures, name)!r}\n" for name, _ in Figures._fields_)


def _tensor_rate(chip: ChipSpec, dtype: str) -> float:
    """The type's rate, of a wider one where the chip lacks it, or of its scalar lanes."""
    core = chip.core
    try:
        return chip.rate(dtype)
    except InputError:
        return 2 * core.fp32_lanes * core.count * core.clock_hz


_UNITS = (
    "alu", "int_mul", "fp32", "fp64", "fp16", "sfu", "convert", "global_load", "global_store",
    "shared_load", "shared_store", "local", "atomic", "branch", "warp", "barrier", "tensor",
    "other",
)  # fmt: skip
"""Units whose instructions the model takes as they are; the rest are free or counted as turns."""


def counts_of(one: Counters) -> ctypes.Structure:
    """Counts of one launch of a record."""
    mean_path = one.warp_instructions / max(one.launches * one.blocks * one.warps, 1)
    values = {unit: one.warp.get(unit, 0.0) for unit in _UNITS}
    values |= {f"tensor_{dtype}": one.tensor_ops.get(dtype, 0.0) for dtype in TENSOR_TYPES}
    values |= {
        "load_requests": one.global_load.requests, "load_sectors": one.global_load.sectors,
        "store_requests": one.global_store.requests, "store_sectors": one.global_store.sectors,
        "local_requests": one.local_load.requests + one.local_store.requests,
        "local_sectors": one.local_load.sectors + one.local_store.sectors,
        "shared_wavefronts": one.shared_load.wavefronts + one.shared_store.wavefronts,
        "shared_passes": one.shared_atomic.passes,
        "constant_turns": max(one.constant_addresses - one.constant_requests, 0.0),
        "atomic_requests": one.global_atomic.requests, "atomic_sectors": one.global_atomic.sectors,
        "atomic_passes": one.global_atomic.passes, "atomic_hottest": one.global_atomic.hottest,
        "load_groups": one.global_load_groups, "shared_groups": one.shared_load_groups,
        "cold_loads": one.l2.cold_loads, "cold_stores": one.l2.cold_stores,
    }  # fmt: skip
    counts = Counts(**{name: value / one.launches for name, value in values.items()})
    for member, reuse in (
        ("reuse_l1", one.l1.loads), ("reuse_l2_loads", one.l2.loads),
        ("reuse_l2_stores", one.l2.stores),
    ):  # fmt: skip
        getattr(counts, member)[:] = [value / one.launches for value in reuse]
    counts.blocks, counts.threads = one.blocks, one.threads
    counts.registers, counts.shared_bytes = one.registers, one.shared_bytes
    counts.path = one.path_mean / mean_path if mean_path else 1.0
    counts.longest = one.path_max / one.path_mean if one.path_mean else 1.0
    counts.footprint_loaded = one.footprint_loaded
    counts.footprint_stored = one.footprint_stored
    counts.l2_blocks = one.l2.blocks
    counts.period = max(one.period_sectors, one.footprint_sectors)
    counts.repeats = 1 - 1 / one.launches
    return counts


def kernel_time(counts: ctypes.Structure, chip: ChipSpec) -> KernelTime:
    """Predicted time of one launch with these counts."""
    figures, time = figures_of(chip), _Time()
    _library().wf_kernel_time(ctypes.byref(counts), ctypes.byref(figures), ctypes.byref(time))
    terms = {name: getattr(time, name) for name in TERMS}
    bound = max(terms, key=terms.__getitem__)
    if figures.start_s > time.body:
        bound = "start"
    return KernelTime(
        chip=chip.name, terms=terms, start_s=figures.start_s, body_s=time.body,
        total_s=time.total, bound=bound, share=_share(bound, time, figures),
        occupancy=time.occupancy, limit=LIMITS[int(time.limit)],
        resident_blocks=int(time.resident_blocks), waves=int(time.waves), tail=time.tail,
        l1_hit=time.l1_hit, l2_hit=time.l2_hit, dram_bytes=time.dram_bytes,
        l2_bytes=time.l2_sectors * SECTOR_BYTES, energy_j=_energy(counts, chip, time),
    )  # fmt: skip


def copy_time(chip: ChipSpec, nbytes: float, over_host_link: bool) -> float:
    """Seconds of a copy to or from the host, or within the device."""
    return _library().wf_copy_time(figures_of(chip), nbytes, int(over_host_link))


def _share(bound: str, time: Any, figures: Any) -> float:
    if bound == "start":
        return figures.start_s / time.total
    if bound == "dram":
        at_peak = time.dram_bytes / figures.dram_peak
    elif bound == "l2":
        at_peak = time.l2_sectors * SECTOR_BYTES / figures.l2_bandwidth
    elif bound in ("latency", "atomics"):
        at_peak = getattr(time, bound)
    else:
        at_peak = getattr(time, bound) / max(time.tail, 1)
    return min(at_peak / time.total, 1.0)


def _energy(counts: Any, chip: ChipSpec, time: Any) -> float | None:
    """Mean power while it runs, by what it moves and computes, times its time."""
    used = {dtype: getattr(counts, f"tensor_{dtype}") for dtype in TENSOR_TYPES}
    dtype = max(used, key=used.__getitem__)
    # Work of the lanes counts as the share of their own peak that it takes.
    busy = max(getattr(time, name) for name in ("fp32", "integer", "fp64", "half", "sfu"))
    if not any(chip.rates.get(name) for name in ("bf16", "fp16", "int8", "fp32")):
        return None
    rate = chip.rate(dtype)
    flops = sum(used.values()) + busy * rate
    power = power_w(chip, time.dram_bytes / time.total, flops / time.total, dtype)
    return None if power is None else power * time.total
