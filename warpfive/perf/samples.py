"""Models that answer in one pass: encoders, vision and recommendation."""

from dataclasses import dataclass, replace

from warpfive.catalog import ChipSpec, DenseOp, ModelSpec
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
    ops = _ops(model, batch, tokens)
    seconds = sum(
        op.count * kernels.gemm(chip, fit, (op.m, op.n, op.k), wanted, compute, op.reuse)
        for op in ops
    )
    flops = sum(2 * op.m * op.n * op.k * op.count for op in ops) / batch
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


def _ops(model: ModelSpec, batch: int, tokens: int) -> list[DenseOp]:
    """Matrix products of one pass of a batch."""
    if model.ops:
        return [replace(op, m=op.m * batch) for op in model.ops]
    rows, ops = batch * tokens, []
    for layer in model.layers:
        width, inner = model.hidden, layer.feed_forward.intermediate
        for n, k in ((3 * width, width), (width, width), (inner, width), (width, inner)):
            ops.append(DenseOp(m=rows, n=n, k=k, count=layer.count))
    return ops
