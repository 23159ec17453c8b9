"""What the weights, the arithmetic and the KV cache are stored and computed in."""

from dataclasses import dataclass

from warpfive.catalog import DTYPE_BYTES, ChipSpec, ModelSpec, nearest
from warpfive.errors import InputError

WEIGHT_DTYPES = ("fp32", "bf16", "fp16", "fp8", "int8", "int4", "fp4")


@dataclass(frozen=True, slots=True, kw_only=True)
class Precision:
    """Types of one run; ``*_math`` is what the chip multiplies in."""

    dense: str
    """Attention projections, dense and shared feed-forward, head."""
    dense_math: str
    experts: str
    experts_math: str
    kv: str

    @property
    def label(self) -> str:
        """Short name for tables."""
        weights = self.dense if self.dense == self.experts else f"{self.dense}+{self.experts}"
        return f"{weights}, kv {self.kv}"


def precision_of(
    chip: ChipSpec, model: ModelSpec, dtype: str = "", kv_dtype: str = ""
) -> Precision:
    """Types for ``dtype`` weights on a chip; the published ones where ``dtype`` is empty.

    Weights quantised only in the experts (gpt-oss, Kimi-K2-Thinking) stay so. A four-bit type is
    multiplied in bf16 unless the chip has fp4 arithmetic.
    """
    weights = (dtype or model.dtype).lower()
    if weights not in WEIGHT_DTYPES:
        raise InputError(f"--dtype {dtype!r}: {nearest(weights, WEIGHT_DTYPES)}")
    if kv_dtype and kv_dtype not in DTYPE_BYTES:
        raise InputError(f"--kv-dtype {kv_dtype!r}: {nearest(kv_dtype, list(DTYPE_BYTES))}")
    kv = kv_dtype or "bf16"
    math = _math(chip, weights)
    if model.quantised == "experts" and weights == model.dtype:
        return Precision(
            dense="bf16", dense_math=chip.compute_dtype("bf16"), experts=weights,
            experts_math=math, kv=kv,
        )  # fmt: skip
    return Precision(dense=weights, dense_math=math, experts=weights, experts_math=math, kv=kv)


def _math(chip: ChipSpec, weights: str) -> str:
    if weights == "int4" or (weights == "fp4" and not chip.native("fp4")):
        return chip.compute_dtype("bf16")
    return chip.compute_dtype(weights)
