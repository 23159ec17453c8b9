"""How far predictions have been from measurements, by chip and quantity."""

import json
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

BANDS = Path(__file__).parent / "bands.json"
KERNEL_BANDS = Path(__file__).parent / "kernel_bands.json"
"""Errors of counted kernels against measurements, by chip; benchmarks/fidelity writes it."""
KINDS = {
    "ttft_s": "ttft", "tpot_s": "tpot", "latency_s": "ttft", "ttft_p50_s": "ttft",
    "tpot_p50_s": "tpot", "itl_s": "tpot",
    "output_rate": "rate", "total_rate": "rate", "request_rate": "rate",
    "prefill_rate": "rate", "decode_rate": "rate", "memory_bytes": "memory",
    **{f"{kind}_p{share}_s": f"{kind} tail" for kind in ("ttft", "tpot") for share in (90, 95, 99)},
}  # fmt: skip
"""Predicted quantity -> the error statistics it shares."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """An 80% band: measured values lay within a factor ``exp(half_width)`` of the prediction."""

    half_width: float
    basis: str
    """What the width was measured on, or ``no ground truth``."""

    def around(self, value: float) -> tuple[float, float]:
        """Low and high end of the band around a prediction."""
        factor = math.exp(self.half_width)
        return value / factor, value * factor


@cache
def _data() -> dict[str, Any]:
    return json.loads(BANDS.read_text(encoding="utf-8"))


def band(quantity: str, chip: str) -> Band:
    """The 80% band of a quantity on a chip; the widest where the chip was never measured."""
    kind = KINDS[quantity]
    known = _data()["chips"].get(chip, {})
    if kind in known:
        entry = known[kind]
        basis = f"{entry['rows']} measured rows of {chip}"
        return Band(half_width=entry["half_width"], basis=basis)
    width = _data()["other"][kind]["half_width"]
    if known:
        return Band(half_width=width, basis=f"other quantities of {chip} and other chips")
    return Band(half_width=width, basis="no ground truth")


def kernel_band(chip: str) -> Band | None:
    """The 80% band of a counted kernel's time on a chip; None: no ground truth."""
    if not KERNEL_BANDS.exists():
        return None
    entry = json.loads(KERNEL_BANDS.read_text(encoding="utf-8")).get(chip)
    if not entry:
        return None
    return Band(half_width=entry["half_width"], basis=f"{entry['rows']} measured kernels of {chip}")
