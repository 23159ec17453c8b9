"""Figures no chip can have, refused with the rule they break."""

from warpfive.catalog.chip import ChipSpec
from warpfive.catalog.memory import memory_technology
from warpfive.errors import InputError

FLOPS_PER_CORE_CLOCK = 524288
"""More operations per core and cycle than the widest core sold (295,000 in Hanguang 800)."""


_POSITIVE = (
    "fp32_lanes", "registers", "threads", "blocks", "scratch_bytes", "l1_bytes", "sfu_lanes",
    "lsu_bytes", "schedulers", "int_lanes", "half_lanes", "fp64_lanes", "l2_port_bytes",
)  # fmt: skip


def check_chip(chip: ChipSpec) -> None:
    """Raise with the first rule the chip breaks."""
    _check_core(chip)
    _check_rates(chip)
    _check_memory(chip)
    _check_links(chip)
    _check_power(chip)


def _refuse(chip: ChipSpec, what: str) -> None:
    raise InputError(f"{chip.name}: {what}")


def _check_core(chip: ChipSpec) -> None:
    core = chip.core
    if core.count < 1:
        _refuse(chip, f"core.count must be at least 1, not {core.count}")
    if core.lanes < 1 or core.lanes & (core.lanes - 1):
        _refuse(
            chip,
            f"core.lanes must be a power of two, not {core.lanes}; "
            "CUDA code masks thread ids with lanes - 1",
        )
    for name in _POSITIVE:
        if getattr(core, name) <= 0:
            _refuse(chip, f"core.{name} must be positive, not {getattr(core, name):g}")
    if not 1e8 <= core.clock_hz <= 1e10:
        _refuse(chip, f"core.clock must lie in 0.1 to 10 GHz, not {core.clock_hz / 1e9:g} GHz")


def _check_rates(chip: ChipSpec) -> None:
    limit = FLOPS_PER_CORE_CLOCK * chip.core.count * chip.core.clock_hz
    for dtype, rate in chip.rates.items():
        if rate < 0 or rate > limit:
            _refuse(
                chip,
                f"compute.{dtype} of {rate / 1e12:g} TFLOP/s asks for more than "
                f"{FLOPS_PER_CORE_CLOCK} operations per core and cycle",
            )
    bf16, fp8 = chip.rates.get("bf16", 0.0), chip.rates.get("fp8", 0.0)
    if fp8 and fp8 < bf16:
        _refuse(chip, "compute.fp8 must not be slower than compute.bf16; leave it out instead")


def _check_memory(chip: ChipSpec) -> None:
    memory = chip.memory
    if memory.capacity_bytes <= 0 or memory.bandwidth <= 0:
        _refuse(chip, "memory.capacity and memory.bandwidth must be positive")
    if memory.effective_bandwidth and memory.effective_bandwidth > memory.bandwidth:
        _refuse(
            chip,
            f"memory.effective of {memory.effective_bandwidth / 1e9:g} GB/s is above the peak of "
            f"{memory.bandwidth / 1e9:g} GB/s; an efficiency cannot exceed 1",
        )
    technology = memory_technology(memory.technology)
    units = memory.units or max(1, round(memory.capacity_bytes / technology.capacity_min))
    ceiling = units * technology.bandwidth_max * 1.02
    if memory.bandwidth > ceiling:
        _refuse(
            chip,
            f"memory.bandwidth of {memory.bandwidth / 1e9:g} GB/s is more than {units} x "
            f"{technology.name} can carry ({ceiling / 1e9:.0f} GB/s)",
        )
    if memory.units and memory.capacity_bytes > memory.units * technology.capacity_max * 1.01:
        _refuse(
            chip,
            f"memory.capacity of {memory.capacity_bytes / 2**30:g} GiB is more than {units} x "
            f"{technology.name} can hold ({units * technology.capacity_max / 2**30:g} GiB)",
        )


def _check_links(chip: ChipSpec) -> None:
    for key, link in (("link", chip.link), ("network", chip.network), ("host", chip.host_link)):
        if link.bandwidth < 0 or link.latency_s < 0:
            _refuse(chip, f"{key}.bandwidth and {key}.latency must not be negative")
        if not 0 < link.efficiency <= 1:
            _refuse(
                chip,
                f"{key}.efficiency must lie above 0 and at most 1, not {link.efficiency:g}",
            )
        if link.topology not in ("switch", "mesh", "host"):
            _refuse(chip, f"{key}.topology {link.topology!r}; known: switch, mesh, host")
    if chip.link.domain < 1:
        _refuse(chip, f"link.domain must be at least 1 chip, not {chip.link.domain}")


def _check_power(chip: ChipSpec) -> None:
    if chip.tdp_w is not None and chip.tdp_w <= 0:
        _refuse(chip, f"power.tdp must be positive, not {chip.tdp_w:g} W")
    if chip.tdp_w and chip.idle_w and chip.idle_w > chip.tdp_w:
        _refuse(chip, f"power.idle of {chip.idle_w:g} W is above power.tdp of {chip.tdp_w:g} W")
