"""What-if variants: a named chip with some figures changed."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from warpfive.catalog.chip import ChipSpec, MemorySpec
from warpfive.catalog.figure import parse_quantity
from warpfive.catalog.memory import MemoryTechnology, memory_technologies, memory_technology
from warpfive.catalog.names import nearest
from warpfive.catalog.rules import check_chip
from warpfive.errors import InputError

SETTINGS = {
    "memory": "technology, with its usual units, bandwidth and capacity",
    "memory.units": "stacks, chips or packages",
    "memory.capacity": "bytes", "memory.bandwidth": "bytes per second",
    "memory.l2": "bytes", "memory.l2_bandwidth": "bytes per second", "memory.latency": "time",
    "clock": "frequency; rates follow", "cores": "count; rates follow",
    "link.bandwidth": "bytes per second, one direction", "link.domain": "chips",
    "link.latency": "time", "network.bandwidth": "bytes per second", "tdp": "power",
    "rental": "USD/h",
    "bf16": "rate", "fp16": "rate", "fp8": "rate", "int8": "rate", "fp4": "rate", "fp32": "rate",
}  # fmt: skip
"""Key of ``--set`` -> what it takes."""


def with_settings(chip: ChipSpec, settings: Sequence[str]) -> ChipSpec:
    """The chip with ``key=value`` changes made in order, checked like any other."""
    for setting in settings:
        key, sign, value = setting.partition("=")
        if not sign or not value:
            raise InputError(f"--set {setting!r}: must be key=value, such as memory=hbm3e")
        if key not in SETTINGS:
            raise InputError(f"--set {key}: unknown key; {nearest(key, list(SETTINGS))}")
        chip = _apply(chip, key, value)
        chip = replace(chip, whatif=(*chip.whatif, setting))
    if settings:
        check_chip(chip)
    return chip


def memory_options(chip: ChipSpec) -> list[tuple[MemoryTechnology, MemorySpec]]:
    """Each technology the chip could carry instead, and the memory it would then have."""
    names = ("hbm2", "hbm2e", "hbm3", "hbm3e", "gddr6", "gddr7", "lpddr5x")
    return [(memory_technologies()[name], _refit(chip, name)) for name in names]


def _apply(chip: ChipSpec, key: str, value: str) -> ChipSpec:
    what = f"--set {key}"
    if key == "memory":
        return replace(chip, memory=_refit(chip, value))
    if key == "memory.units":
        return replace(chip, memory=_refit(chip, chip.memory.technology, int(_count(value, what))))
    if key.startswith("memory."):
        return _set_memory(chip, key, value, what)
    if key in ("clock", "cores"):
        return _scale(chip, key, value, what)
    if key.startswith(("link.", "network.")):
        return _set_link(chip, key, value, what)
    if key == "tdp":
        return replace(chip, tdp_w=parse_quantity(value, "power", what))
    if key == "rental":
        return replace(chip, rental_usd_per_h=parse_quantity(value, "price", what))
    return replace(chip, rates={**chip.rates, key: parse_quantity(value, "rate", what)})


def _count(value: str, what: str) -> float:
    number = parse_quantity(value, "count", what)
    if number < 1 or number != int(number):
        raise InputError(f"{what}: {value!r} is not a whole number of at least 1")
    return number


def _refit(chip: ChipSpec, technology_name: str, units: int | None = None) -> MemorySpec:
    """Other memory on the same chip: as many stacks, or the usual number of packages."""
    technology = memory_technology(technology_name)
    own = memory_technology(chip.memory.technology)
    same_kind = technology.name.startswith("HBM") and own.name.startswith("HBM")
    if units is None:
        units = chip.memory.units if same_kind and chip.memory.units else technology.units
    return replace(
        chip.memory,
        technology=technology.name,
        units=units,
        bandwidth=units * technology.bandwidth,
        capacity_bytes=units * technology.capacity_max,
        effective_bandwidth=None,
    )


_MEMORY = {
    "memory.capacity": ("capacity_bytes", "bytes"),
    "memory.l2": ("l2_bytes", "bytes"),
    "memory.l2_bandwidth": ("l2_bandwidth", "bandwidth"),
    "memory.latency": ("latency_s", "time"),
}


def _set_memory(chip: ChipSpec, key: str, value: str, what: str) -> ChipSpec:
    if key in _MEMORY:
        name, dimension = _MEMORY[key]
        changes: dict[str, Any] = {name: parse_quantity(value, dimension, what)}
    else:
        changes = {
            "bandwidth": parse_quantity(value, "bandwidth", what), "effective_bandwidth": None,
        }  # fmt: skip
    return replace(chip, memory=replace(chip.memory, **changes))


def _scale(chip: ChipSpec, key: str, value: str, what: str) -> ChipSpec:
    if key == "clock":
        clock = parse_quantity(value, "frequency", what)
        factor, core = clock / chip.core.clock_hz, replace(chip.core, clock_hz=clock)
    else:
        count = int(_count(value, what))
        factor, core = count / chip.core.count, replace(chip.core, count=count)
    rates = {dtype: rate * factor for dtype, rate in chip.rates.items()}
    return replace(chip, core=core, rates=rates)


def _set_link(chip: ChipSpec, key: str, value: str, what: str) -> ChipSpec:
    table, _, name = key.partition(".")
    link = getattr(chip, table)
    if name == "domain":
        link = replace(link, domain=int(_count(value, what)))
    elif name == "latency":
        link = replace(link, latency_s=parse_quantity(value, "time", what))
    else:
        link = replace(link, bandwidth=parse_quantity(value, "bandwidth", what))
    return replace(chip, **{table: link})
