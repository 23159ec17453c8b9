"""Time, memory and energy of a kernel, an operator and a serving step on a catalog chip.

    step = StepModel(chip("h20"), model("qwen3-8b"), Layout(tp=1), dtype="fp8")
    step.prefill(4096), step.decode(64, 64 * 4096), ledger(step).kv_tokens

What only a verb needs (estimates, validation, calibration) is imported on first use.
"""

import importlib
from typing import Any

from warpfive.perf.kernels import Efficiency, efficiency
from warpfive.perf.layout import Layout, check_layout
from warpfive.perf.ledger import Ledger, ledger, weights_bytes
from warpfive.perf.precision import WEIGHT_DTYPES, Precision, precision_of
from warpfive.perf.step import Line, Speculation, StepModel, Term

_LATER = {
    "Band": "bands", "band": "bands", "kernel_band": "bands",
    "Calibration": "calibrate", "calibrate_engine": "calibrate",
    "Atomics": "counters", "Counters": "counters", "Reuse": "counters",
    "SharedTraffic": "counters", "SourceLine": "counters", "Traffic": "counters",
    "merge_counters": "counters", "sample_counters": "counters",
    "power_w": "energy",
    "Bounds": "estimate", "Estimate": "estimate", "Quantity": "estimate",
    "bounds": "estimate", "estimate_load": "estimate",
    "LineHeat": "heat", "line_heat": "heat",
    "Predictor": "predict",
    "Case": "rows", "Skip": "rows", "read_case": "rows",
    "SampleEstimate": "samples", "sample_estimate": "samples",
    "Load": "load", "Served": "load", "serve_load": "serve",
    "StepTable": "table",
    "Advice": "advice", "advise": "advice",
    "Comparison": "comparison", "KernelComparison": "comparison",
    "compare": "comparison",
    "BOUND_WORDS": "timing", "KernelTime": "timing", "copy_time": "timing", "counts_of": "timing",
    "figures_text": "timing",
    "kernel_time": "timing",
    "SHIPPED": "validate", "Summary": "validate", "Validation": "validate",
    "held_out": "validate", "kind_of": "validate", "read_rows": "validate",
    "validate_rows": "validate",
}  # fmt: skip
"""Name -> module that defines it."""

__all__ = [
    "BOUND_WORDS", "SHIPPED", "WEIGHT_DTYPES", "Advice", "Atomics", "Band", "Bounds", "Calibration",
    "Case", "Comparison", "Counters", "Efficiency", "Estimate", "KernelComparison", "KernelTime",
    "Layout", "Ledger", "Line", "LineHeat", "Load", "Precision", "Predictor", "Quantity", "Reuse",
    "SampleEstimate", "Served", "SharedTraffic", "Skip", "SourceLine", "Speculation", "StepModel",
    "StepTable", "Summary", "Term", "Traffic", "Validation", "advise", "band", "bounds",
    "calibrate_engine", "check_layout", "compare", "copy_time", "counts_of", "efficiency",
    "estimate_load", "figures_text", "held_out", "kernel_band", "kernel_time", "kind_of", "ledger",
    "line_heat", "merge_counters", "power_w", "precision_of", "read_case", "read_rows",
    "sample_counters", "sample_estimate", "serve_load", "validate_rows", "weights_bytes",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"warpfive.perf.{_LATER[name]}"), name)
