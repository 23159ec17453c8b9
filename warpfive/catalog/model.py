"""What a model is: its layers' shapes, and the sizes that follow from them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from warpfive.catalog.chip import DTYPE_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class AttentionSpec:
    """One layer's attention: ``gqa`` (with MHA and MQA), ``mla`` or ``linear``."""

    kind: str
    heads: int
    kv_heads: int = 0
    head_dim: int = 0
    value_dim: int = 0
    """Width of one head's value."""
    gated: bool = False
    """The query projection also makes an output gate."""
    bias: bool = False
    window: int | None = None
    """Tokens a sliding window keeps; None for the whole context."""
    q_rank: int = 0
    kv_rank: int = 0
    rope_dim: int = 0
    nope_dim: int = 0
    index_heads: int = 0
    index_dim: int = 0
    index_topk: int = 0
    """Tokens a learnt sparse index keeps; 0 where attention is dense."""
    key_heads: int = 0
    conv: int = 0

    def parameters(self, hidden: int) -> int:
        """Weights of the layer's projections."""
        if self.kind == "mla":
            return self._mla_parameters(hidden)
        if self.kind == "linear":
            keys, values = self.key_heads * self.head_dim, self.heads * self.value_dim
            mixed = 2 * keys + values
            return hidden * (mixed + values + 2 * self.heads) + mixed * self.conv + values * hidden
        queries = self.heads * self.head_dim
        both = 2 * queries if self.gated else queries
        pairs = self.kv_heads * (self.head_dim + self.value_dim)
        biases = both + pairs if self.bias else 0
        return hidden * (both + pairs) + self.heads * self.value_dim * hidden + biases

    def _mla_parameters(self, hidden: int) -> int:
        queries = self.heads * (self.nope_dim + self.rope_dim)
        down = hidden * self.q_rank + self.q_rank * queries if self.q_rank else hidden * queries
        latent = hidden * (self.kv_rank + self.rope_dim)
        up = self.kv_rank * self.heads * (self.nope_dim + self.value_dim)
        index = self.q_rank * self.index_heads * self.index_dim + hidden * (
            self.index_dim + self.index_heads
        )
        return down + latent + up + self.heads * self.value_dim * hidden + index

    def cache_elements(self) -> int:
        """Elements one token adds to the layer's KV cache."""
        if self.kind == "mla":
            return self.kv_rank + self.rope_dim + (self.index_dim if self.index_topk else 0)
        if self.kind == "linear":
            return 0
        return self.kv_heads * (self.head_dim + self.value_dim)

    def state_elements(self) -> int:
        """Elements of a sequence's fixed state (linear attention), kept in fp32."""
        if self.kind != "linear":
            return 0
        mixed = 2 * self.key_heads * self.head_dim + self.heads * self.value_dim
        return self.heads * self.head_dim * self.value_dim + mixed * self.conv


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedForwardSpec:
    """One layer's feed-forward: dense, or a mixture of experts with an optional shared part."""

    intermediate: int
    """Width of the dense block, or of one expert."""
    experts: int = 0
    top_k: int = 0
    shared: int = 0
    """Width of what every token passes beside its experts."""
    matrices: int = 3
    """Three where a gate multiplies (SwiGLU), two for a plain block."""

    def parameters(self, hidden: int) -> int:
        """All weights of the block."""
        if not self.experts:
            return self.matrices * hidden * self.intermediate
        one = self.matrices * hidden * self.intermediate
        return self.experts * one + self.matrices * hidden * self.shared + hidden * self.experts

    def active_parameters(self, hidden: int) -> int:
        """Weights one token passes."""
        if not self.experts:
            return self.parameters(hidden)
        width = self.top_k * self.intermediate + self.shared
        return self.matrices * hidden * width + hidden * self.experts


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerSpec:
    """``count`` equal layers."""

    count: int
    attention: AttentionSpec
    feed_forward: FeedForwardSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class DenseOp:
    """``count`` matrix products of one sample: m x k by k x n."""

    m: int
    n: int
    k: int
    count: int = 1
    reuse: float = 1.0
    """Times each input is used by a convolution's overlapping windows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """A model of the catalog, or one read from a ``config.json``."""

    name: str
    kind: str
    """``decoder``, ``encoder``, ``recommender`` or ``vision``."""
    hidden: int = 0
    vocab: int = 0
    layers: tuple[LayerSpec, ...] = ()
    tied: bool = False
    """Input and output embedding are one matrix."""
    max_context: int = 0
    dtype: str = "bf16"
    """Type the weights are published in."""
    quantised: str = ""
    """What is quantised in the published weights: ``all`` linear layers, ``experts`` or empty."""
    mtp_layers: int = 0
    """Multi-token prediction layers the weights come with."""
    mtp_parameters: int = 0
    other_parameters: int = 0
    """Weights outside the layers and embeddings."""
    ops: tuple[DenseOp, ...] = ()
    """Matrix products of one sample, for models that are no transformer."""
    gather_bytes: int = 0
    """Bytes one sample gathers from embedding tables."""
    published_parameters: float = 0.0
    source: str = ""
    hub: str = ""
    """``owner/Name`` of the published weights."""
    config: Mapping[str, object] = field(default_factory=dict, repr=False, compare=False)

    @property
    def layer_count(self) -> int:
        """Layers, without multi-token prediction."""
        return sum(layer.count for layer in self.layers)

    @property
    def embedding_parameters(self) -> int:
        """Input and output embeddings."""
        return self.vocab * self.hidden * (1 if self.tied or self.kind == "encoder" else 2)

    @property
    def expert_parameters(self) -> int:
        """Weights of all routed experts."""
        return sum(
            layer.count * layer.feed_forward.experts * layer.feed_forward.matrices
            * self.hidden * layer.feed_forward.intermediate
            for layer in self.layers
        )  # fmt: skip

    @property
    def parameters(self) -> int:
        """All weights, without multi-token prediction."""
        layers = sum(
            layer.count
            * (
                layer.attention.parameters(self.hidden)
                + layer.feed_forward.parameters(self.hidden)
                + 2 * self.hidden
            )
            for layer in self.layers
        )
        dense = sum(op.n * op.k for op in self.ops for _ in range(op.count))
        return layers + self.embedding_parameters + self.other_parameters + dense

    @property
    def active_parameters(self) -> int:
        """Weights one token is multiplied with; the input embedding is a look-up."""
        layers = sum(
            layer.count
            * (
                layer.attention.parameters(self.hidden)
                + layer.feed_forward.active_parameters(self.hidden)
            )
            for layer in self.layers
        )
        return layers + self.vocab * self.hidden

    @property
    def is_moe(self) -> bool:
        """Whether any layer has routed experts."""
        return any(layer.feed_forward.experts for layer in self.layers)

    @property
    def is_mla(self) -> bool:
        """Whether the KV cache holds a latent that tensor parallelism cannot split."""
        return any(layer.attention.kind == "mla" for layer in self.layers)

    @property
    def max_kv_heads(self) -> int:
        """KV heads that tensor parallelism can spread; 1 for a shared latent."""
        return max(
            (layer.attention.kv_heads for layer in self.layers if layer.attention.kind == "gqa"),
            default=1,
        )

    def kv_bytes_per_token(self, dtype: str = "bf16") -> float:
        """KV cache one token of context takes over all layers, whole model."""
        elements = sum(
            layer.count * layer.attention.cache_elements()
            for layer in self.layers
            if not layer.attention.window
        )
        return elements * DTYPE_BYTES[dtype]

    def kv_bytes(self, context: float, dtype: str = "bf16") -> float:
        """KV cache and state of one sequence of ``context`` tokens, whole model."""
        size = DTYPE_BYTES[dtype]
        total = 0.0
        for layer in self.layers:
            kept = min(context, layer.attention.window or context)
            total += layer.count * layer.attention.cache_elements() * kept * size
            total += layer.count * layer.attention.state_elements() * DTYPE_BYTES["fp32"]
        return total
