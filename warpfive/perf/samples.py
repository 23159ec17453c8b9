"""Models that answer in one pass: encoders, vision and recommendation."""

from dataclasses import dataclass

from warpfive.catalog import ChipSpec, ModelSpec
from warpfive.errors import InputError
from warpfive.perf import kernels
from warpfive.perf.kernels import efficiency


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleEstimate:
    """Time of one batch and the rate it gives."""

    batch_s: float
    samples_per_s: float
    flops_per_sample: float
    share_of_peak: float


def sample_estimate(
    chip: ChipSpec, model: ModelSpec, batch: int, *, tokens: int = 128, dtype: str = ""
) -> SampleEstimate:
    """Predict one pass of ``batch`` samples; ``tokens`` is an encoder's sequence length."""
    if model.kind == "decoder":
        raise InputError(f"{model.name} generates token by token; give --input and --output")
    wanted = dtype or ("int8" if not chip.native("bf16") else "bf16")
    compute, fit = chip.compute_dtype(wanted), efficiency(chip)
    shapes = _shapes(model, batch, tokens)
    seconds = sum(
        count * kernels.gemm(chip, fit, (m, n, k), wanted, compute) for m, n, k, count in shapes
    )
    flops = sum(2 * m * n * k * count for m, n, k, count in shapes) / batch
    if model.kind == "encoder":
        attention = _attention_flops(model, tokens)
        seconds += attention * batch / (chip.rates[compute] * fit.attention * 0.5)
        flops += attention
    seconds += model.gather_bytes * batch / (chip.memory.bandwidth * 0.3)
    return SampleEstimate(
        batch_s=seconds,
        samples_per_s=batch / seconds,
        flops_per_sample=flops,
        share_of_peak=flops * batch / seconds / chip.rates[compute],
    )


def _attention_flops(model: ModelSpec, tokens: int) -> float:
    """Full (not causal) attention of one sequence."""
    return sum(
        4.0 * layer.count * layer.attention.heads * layer.attention.head_dim * tokens * tokens
        for layer in model.layers
    )


def _shapes(model: ModelSpec, batch: int, tokens: int) -> list[tuple[int, int, int, int]]:
    if model.ops:
        return [(op.m * batch, op.n, op.k, op.count) for op in model.ops]
    rows = batch * tokens
    shapes = []
    for layer in model.layers:
        width, inner = model.hidden, layer.feed_forward.intermediate
        shapes += [
            (rows, 3 * width, width, layer.count), (rows, width, width, layer.count),
            (rows, inner, width, layer.count), (rows, width, inner, layer.count),
        ]  # fmt: skip
    return shapes
