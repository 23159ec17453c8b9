"""Published failure rates of chips, links and switches."""

import functools
import tomllib
from dataclasses import dataclass
from pathlib import Path

from warpfive.catalog.names import nearest
from warpfive.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureRate:
    """How often one unit of a kind fails."""

    item: str
    unit: str
    """What the rate counts: a chip, a link, a switch."""
    raw: str
    """The figure as published."""
    grade: str
    source: str
    rate_per_hour: float | None = None
    """None where only a fleet's total was published."""


@functools.cache
def failure_rates() -> dict[str, FailureRate]:
    """Every rate by name, such as ``gpu-attributed-interruption``."""
    text = (Path(__file__).parent / "reliability.toml").read_text(encoding="utf-8")
    return {name: FailureRate(**row) for name, row in tomllib.loads(text).items()}


def failure_rate(name: str) -> FailureRate:
    """The rate of this name."""
    table = failure_rates()
    if name not in table:
        raise InputError(f"unknown failure rate {name!r}; {nearest(name, list(table))}")
    return table[name]
