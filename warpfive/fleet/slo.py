"""Service levels: limits on what users wait for, and how far a run is from them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from warpfive.errors import InputError
from warpfive.fleet.result import Outcome

_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0}
LIMITS = ("ttft", "tpot", "e2e")


@dataclass(frozen=True, slots=True, kw_only=True)
class Slo:
    """Limits that ``share`` of the requests must keep; None where there is none."""

    ttft_s: float | None = None
    tpot_s: float | None = None
    e2e_s: float | None = None
    share: float = 0.95

    def __post_init__(self) -> None:
        given = self.limits
        for name, value in given.items():
            if value <= 0:
                raise InputError(f"{name}={value:g}s: must be above 0")
        if not 0.5 <= self.share < 1:
            raise InputError(f"p={100 * self.share:g}: must be at least 50 and below 100")
        if self.e2e_s is not None and self.ttft_s is not None and self.ttft_s > self.e2e_s:
            raise InputError(
                f"ttft={self.ttft_s:g}s exceeds e2e={self.e2e_s:g}s: the first token comes before "
                "the last; raise e2e or lower ttft"
            )

    @property
    def limits(self) -> dict[str, float]:
        """The limits that are set, by name, in seconds."""
        values = {"ttft": self.ttft_s, "tpot": self.tpot_s, "e2e": self.e2e_s}
        return {name: value for name, value in values.items() if value is not None}

    def ratios(self, values: Mapping[str, float]) -> dict[str, float]:
        """Each limit's value over its bound; at most 1 where the limit holds."""
        return {name: values[name] / bound for name, bound in self.limits.items()}

    def __str__(self) -> str:
        parts = [f"{name} {show_seconds(value)}" for name, value in self.limits.items()]
        return ", ".join(parts) + f" for {100 * self.share:g}% of requests"


def show_seconds(value: float) -> str:
    """A duration in the unit it reads best in."""
    if value >= 100:
        return f"{value:,.0f} s"
    return f"{value:.3g} s" if value >= 1 else f"{1e3 * value:.3g} ms"


def parse_slo(text: str) -> Slo:
    """Read ``ttft=1s,tpot=50ms`` with optional ``e2e=20s`` and ``p=99``.

    >>> parse_slo("ttft=1s,tpot=50ms").tpot_s
    0.05
    """
    values: dict[str, float] = {}
    for item in filter(None, text.split(",")):
        name, _, value = item.partition("=")
        if name not in (*LIMITS, "p"):
            raise InputError(f"--slo {item!r}: unknown limit; known: {', '.join(LIMITS)}, p")
        if name in values:
            raise InputError(f"--slo {text!r}: gives {name} twice; give it once")
        values[name] = _seconds(value, item) if name != "p" else _percent(value, item)
    if not values.keys() & set(LIMITS):
        raise InputError(f"--slo {text!r}: must give at least one of {', '.join(LIMITS)}")
    return Slo(
        ttft_s=values.get("ttft"), tpot_s=values.get("tpot"), e2e_s=values.get("e2e"),
        share=values.get("p", 95.0) / 100,
    )  # fmt: skip


def _seconds(text: str, item: str) -> float:
    for unit in ("us", "ms", "min", "s"):
        if text.endswith(unit):
            try:
                return float(text[: -len(unit)]) * _UNITS[unit]
            except ValueError:
                break
    raise InputError(f"--slo {item!r}: must be a number with a unit, such as 50ms or 1s")


def _percent(text: str, item: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(f"--slo {item!r}: must be a percentage, such as p=95") from None


def reached(outcome: Outcome, slo: Slo, front_s: float = 0.0, skip: float = 0.25) -> dict:
    """Value of each limit at the share asked for, without the run's first ``skip``."""
    keep = slice(int(skip * len(outcome.trace)), None)
    at = 100 * slo.share
    tpot = outcome.tpot_s[keep]
    tpot = tpot[~np.isnan(tpot)]
    return {
        "ttft": float(np.percentile(outcome.ttft_s[keep], at)) + front_s,
        "tpot": float(np.percentile(tpot, at)) if len(tpot) else 0.0,
        "e2e": float(np.percentile(outcome.latency_s[keep], at)) + front_s,
    }
