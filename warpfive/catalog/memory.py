"""Memory technologies, and which of them export rules leave within reach."""

import functools
import tomllib
from dataclasses import dataclass
from pathlib import Path

from warpfive.catalog.names import nearest
from warpfive.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryTechnology:
    """One stack, chip or package of a memory technology."""

    name: str
    unit: str
    bandwidth: float
    """Bytes per second of one unit at the usual pin rate."""
    bandwidth_max: float
    """Bytes per second of one unit at the fastest pin rate sold."""
    capacity_min: float
    capacity_max: float
    """Bytes of one unit."""
    joules_per_byte: float
    units: int
    """Units a large accelerator carries."""
    area_mm2: float
    """Package area, for the export rule."""
    export: str
    """``free``, ``exception`` or ``licence``: what the rule asks of a buyer under control."""
    rule: str
    grade: str
    source: str


@functools.cache
def memory_technologies() -> dict[str, MemoryTechnology]:
    """Every memory technology by lower-case name."""
    text = (Path(__file__).parent / "memory.toml").read_text(encoding="utf-8")
    rows = tomllib.loads(text)
    return {key: MemoryTechnology(**row) for key, row in rows.items()}


def memory_technology(name: str) -> MemoryTechnology:
    """The technology called ``name``, in any case."""
    table = memory_technologies()
    key = name.lower().replace("-", "").replace(" ", "")
    if key not in table:
        raise InputError(
            f"unknown memory technology {name!r}; {nearest(key, list(table), 'known')}"
        )
    return table[key]
