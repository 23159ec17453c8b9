"""A figure: a value with its unit, its source and how far to trust it."""

import re
from dataclasses import dataclass

from warpfive.errors import InputError

GRADES = ("official", "press", "community", "estimate")
"""How far a figure can be trusted, best first."""

UNITS: dict[str, tuple[str, float]] = {
    "FLOP/s": ("rate", 1.0), "GFLOP/s": ("rate", 1e9), "TFLOP/s": ("rate", 1e12),
    "TFLOPS": ("rate", 1e12), "PFLOP/s": ("rate", 1e15), "TOPS": ("rate", 1e12),
    "B": ("bytes", 1.0), "KiB": ("bytes", 2.0**10), "MiB": ("bytes", 2.0**20),
    "GiB": ("bytes", 2.0**30), "KB": ("bytes", 1e3), "MB": ("bytes", 1e6), "GB": ("bytes", 1e9),
    "B/s": ("bandwidth", 1.0), "MB/s": ("bandwidth", 1e6), "GB/s": ("bandwidth", 1e9),
    "TB/s": ("bandwidth", 1e12), "GiB/s": ("bandwidth", 2.0**30), "TiB/s": ("bandwidth", 2.0**40),
    "Gbit/s": ("bandwidth", 1e9 / 8),
    "Hz": ("frequency", 1.0), "MHz": ("frequency", 1e6), "GHz": ("frequency", 1e9),
    "s": ("time", 1.0), "ms": ("time", 1e-3), "us": ("time", 1e-6), "ns": ("time", 1e-9),
    "W": ("power", 1.0), "kW": ("power", 1e3),
    "pJ/bit": ("energy", 1e-12), "USD/h": ("price", 1.0), "1/h": ("failures", 1.0),
    "count": ("count", 1.0), "fraction": ("fraction", 1.0),
}  # fmt: skip
"""Unit name -> (dimension, factor to SI)."""

_QUANTITY = re.compile(r"^\s*([-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)\s*([A-Za-z/0-9]*)\s*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number of the catalog, as printed by its source."""

    value: float
    unit: str
    grade: str
    source: str

    @property
    def si(self) -> float:
        """The value in bytes, hertz, seconds, watts or operations per second."""
        return self.value * UNITS[self.unit][1]

    def __str__(self) -> str:
        unit = "" if self.unit in ("count", "fraction") else f" {self.unit}"
        return f"{self.value:g}{unit}"


def parse_quantity(text: str, dimension: str, what: str) -> float:
    """SI value of ``1.6GHz`` or ``96 GiB``; a bare number counts as SI units or a count."""
    match = _QUANTITY.match(text)
    if not match:
        raise InputError(f"{what}: {text!r} is not a number with a unit, such as 1.6GHz or 96GiB")
    number, unit = match.groups()
    if not unit:
        return float(number)
    known = {name.lower(): (kind, scale) for name, (kind, scale) in UNITS.items()}
    kind, scale = known.get(unit.lower(), ("", 0.0))
    if kind != dimension:
        names = ", ".join(name for name, (kind, _) in UNITS.items() if kind == dimension)
        raise InputError(f"{what}: {text!r} is not a {dimension}; its units are {names}")
    return float(number) * scale
