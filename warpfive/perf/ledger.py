"""Where a chip's memory goes."""

from dataclasses import asdict, dataclass

from warpfive.catalog import DTYPE_BYTES
from warpfive.errors import InputError
from warpfive.perf.step import StepModel

RUNTIME_BYTES = 1.5 * 2**30
"""Context, libraries and communication buffers of one chip."""
FRAGMENTATION = 0.02
"""Share of the KV cache lost in partly filled blocks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """Bytes of the fullest chip of an instance."""

    capacity_bytes: float
    weights_bytes: float
    activations_bytes: float
    runtime_bytes: float
    reserve_bytes: float
    """What the engine leaves untouched."""
    fragmentation_bytes: float
    kv_bytes: float
    """Room left for the KV cache."""
    kv_tokens: int
    """Tokens of context the whole instance holds."""

    def as_dict(self) -> dict[str, float]:
        """The fields by name, for ``--json``."""
        return asdict(self)


def weights_bytes(step: StepModel) -> float:
    """Weights on the fullest chip."""
    model, layout, types = step.model, step.layout, step.precision
    experts = model.expert_parameters
    embeddings = model.embedding_parameters
    rest = model.parameters - experts - embeddings - model.other_parameters
    share = layout.tp * layout.pp
    dense = rest * _stored(types.dense) / share
    routed = experts * _stored(types.experts) / (layout.tp * layout.dp * layout.pp)
    return dense + routed + embeddings * 2 / share + model.other_parameters * 2


def _stored(dtype: str) -> float:
    """Bytes of a weight with its scales."""
    scales = {"int4": 0.06, "fp4": 0.04, "fp8": 0.001, "int8": 0.002}
    return DTYPE_BYTES[dtype] + scales.get(dtype, 0.0)


def ledger(step: StepModel) -> Ledger:
    """Memory of a step model's instance; refuses a model that does not fit, with the sizes."""
    chip, model = step.chip, step.model
    capacity = chip.memory.capacity_bytes
    weights = weights_bytes(step)
    tokens = step.engine.chunk_tokens / step.layout.cp
    widest = max((layer.feed_forward.intermediate for layer in model.layers), default=0)
    activations = tokens * (8 * model.hidden + 4 * widest / step.layout.tp) * 2
    activations += 256 * model.vocab / step.layout.tp * 4
    reserve = (1 - step.engine.memory_fraction) * capacity
    if step.engine.memory_rule == "sglang":
        reserve = RUNTIME_BYTES + max(0.0, sglang_reserve(step) - activations)
    used = weights + activations + max(reserve, RUNTIME_BYTES)
    room = capacity - used
    if room <= 0:
        raise InputError(
            f"{model.name} does not fit: {weights / 2**30:.1f} GiB of weights "
            f"({step.precision.label}) and {(used - weights) / 2**30:.1f} GiB beside them on a "
            f"{chip.name} of {capacity / 2**30:.0f} GiB at {step.layout}; use more chips or "
            "fewer bits"
        )
    fragmentation = room * FRAGMENTATION
    kv = room - fragmentation
    return Ledger(
        capacity_bytes=capacity,
        weights_bytes=weights,
        activations_bytes=activations,
        runtime_bytes=RUNTIME_BYTES,
        reserve_bytes=max(0.0, reserve - RUNTIME_BYTES),
        fragmentation_bytes=fragmentation,
        kv_bytes=kv,
        kv_tokens=_tokens(step, kv),
    )


MIB = 2**20
SGLANG_LARGE = 60 * 2**30
"""On chips above this SGLang captures graphs of larger batches and leaves at least 10 GiB."""


def sglang_reserve(step: StepModel) -> float:
    """Bytes that SGLang leaves beside weights and KV cache: activations, graphs, its own data.

    ``ServerArgs._handle_gpu_memory_settings`` of SGLang 0.5.6 to 0.5.9.
    """
    layout, chips = step.layout, step.layout.tp * step.layout.dp * step.layout.pp
    large = step.chip.memory.capacity_bytes > SGLANG_LARGE
    graphs = (256 if chips < 4 else 512) if large else (32 if chips < 4 else 160)
    found = 512 + 1.5 * max(step.engine.chunk_tokens, 2048) + 2 * graphs + 128 * chips
    if layout.dp > 1:
        found += (4.5 if graphs > 300 else 3) * graphs * layout.dp
    return max(found, 10 * 1024 if large else 0) * MIB


def _tokens(step: StepModel, room: float) -> int:
    """Tokens of context in ``room`` bytes a chip, whole instance."""
    model, layout = step.model, step.layout
    size = DTYPE_BYTES[step.precision.kv]
    per_chip = 0.0
    for layer in model.layers:
        spec = layer.attention
        if spec.window:
            continue
        copies = 1 if spec.kind == "mla" else min(layout.tp, max(1, spec.kv_heads))
        per_chip += layer.count * spec.cache_elements() * size / copies
    per_chip /= layout.pp
    return int(room / per_chip) * layout.dp if per_chip else 1 << 31
