"""What a fitted profile still misses at the settings it was fitted to, carried to near ones.

A Gaussian process over the logarithms of concurrency, lengths and chips: a correction is strong
beside a measured setting and fades to none far from all of them.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from warpfive.catalog import EngineProfile
from warpfive.perf.load import Load, Served
from warpfive.perf.solve import solve_linear

REACH = (2.0, 2.0, 2.0, 1.4)
"""Distance, in factors of e of concurrency, prompt, output and chips, at which it fades."""
SPREAD = 0.2
"""Typical log error that is left and varies with the setting."""
NOISE = 0.06
"""Typical log error that repeats at no other setting."""
LARGEST = 0.5
"""Log errors beyond this are taken as odd rows and count no further."""


def place(load: Load, chips: int) -> list[float]:
    """Where a load on so many chips lies among the measured ones."""
    values = (load.concurrency, load.input_tokens, load.output_tokens, chips)
    return [math.log(max(1.0, value)) / reach for value, reach in zip(values, REACH, strict=True)]


def fit_errors(places: Sequence[Sequence[float]], errors: Sequence[float]) -> dict[str, Any]:
    """Weights that carry log errors (predicted over measured) at some places to others."""
    matrix = [
        [_near(one, other) + (NOISE**2 if i == j else 0.0) for j, other in enumerate(places)]
        for i, one in enumerate(places)
    ]
    clipped = [max(-LARGEST, min(LARGEST, error)) for error in errors]
    weights = solve_linear(matrix, clipped) if places else []
    return {
        "places": [[round(value, 4) for value in one] for one in places],
        "weights": [round(value, 4) for value in weights],
    }


def log_error(fitted: Mapping[str, Any], where: Sequence[float]) -> float:
    """Expected log error at a place."""
    pairs = zip(fitted["places"], fitted["weights"], strict=True)
    return sum(weight * _near(one, where) for one, weight in pairs)


def _near(one: Sequence[float], other: Sequence[float]) -> float:
    square = sum((a - b) ** 2 for a, b in zip(one, other, strict=True))
    return SPREAD**2 * math.exp(-square / 2)


def corrected(served: Served, engine: EngineProfile, load: Load, chips: int) -> Served:
    """Averages with the errors that the profile's own measurements lead to expect taken out.

    Latency is rebuilt from TTFT and TPOT, and the rates of a closed loop follow it.
    """
    if not engine.corrections:
        return served
    where = place(load, chips)
    factor = {
        kind: math.exp(-log_error(fitted, where)) for kind, fitted in engine.corrections.items()
    }
    ttft = served.ttft_s * factor.get("ttft", 1.0)
    tpot = served.tpot_s * factor.get("tpot", 1.0)
    later = served.latency_s - served.ttft_s
    latency = ttft + later * factor.get("tpot", 1.0)
    pace = served.latency_s / latency
    return replace(
        served, ttft_s=ttft, tpot_s=tpot, latency_s=latency, seconds=served.seconds / pace,
        output_rate=served.output_rate * pace, total_rate=served.total_rate * pace,
        request_rate=served.request_rate * pace,
    )  # fmt: skip
