"""Time, memory and energy of a kernel, an operator and a serving step on a catalog chip.

step = StepModel(chip("h20"), model("qwen3-8b"), Layout(tp=1), dtype="fp8")
step.prefill(4096), step.decode(64, 64 * 4096), ledger(step).kv_tokens
"""

from warpfive.perf.kernels import Efficiency, efficiency
from warpfive.perf.layout import Layout, check_layout
from warpfive.perf.ledger import Ledger, ledger, weights_bytes
from warpfive.perf.precision import WEIGHT_DTYPES, Precision, precision_of
from warpfive.perf.step import Line, Speculation, StepModel, Term

__all__ = [
    "WEIGHT_DTYPES",
    "Efficiency", "Layout", "Ledger", "Line", "Precision", "Speculation", "StepModel", "Term",
    "check_layout", "efficiency", "ledger", "precision_of", "weights_bytes",
]  # fmt: skip
