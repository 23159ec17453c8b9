"""Time of one serving step: a decode step, a prefill step, or both in one.

The decode step is linear in the batch's total context, so that a stretch of many steps can be
summed in closed form: ``seconds = base + slope * context_sum`` for a given batch.
"""

import math
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from warpfive.catalog import (
    DTYPE_BYTES,
    AttentionSpec,
    ChipSpec,
    EngineProfile,
    LayerSpec,
    ModelSpec,
    engine_profile,
)
from warpfive.perf import kernels
from warpfive.perf.kernels import Efficiency, efficiency
from warpfive.perf.layout import Layout, check_layout
from warpfive.perf.precision import Precision, precision_of

PRODUCTS = 7
"""Separate products of a dense layer: query, key, value, output, gate, up and down."""
LAUNCH_SHARPNESS = 3.0
"""How sharply launches and the chip's work take turns as the bound of a prefill step."""


class Line(NamedTuple):
    """Seconds of a decode step: ``base + slope * context_sum``."""

    base: float
    slope: float


class Term(NamedTuple):
    """One operator's share of a step."""

    name: str
    seconds: float
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Speculation:
    """Draft tokens verified in one step."""

    drafts: int
    acceptance: float
    """Chance that a draft token is accepted, given that those before it were."""

    @property
    def tokens_per_step(self) -> float:
        """Expected tokens a step yields."""
        if self.acceptance >= 1:
            return self.drafts + 1.0
        return (1 - self.acceptance ** (self.drafts + 1)) / (1 - self.acceptance)


@dataclass(frozen=True, slots=True)
class StepModel:
    """Step times of a model on a chip under an engine.

    ``batch``, ``context_sum`` and token counts are those of the whole instance; data-parallel
    groups share them evenly.
    """

    chip: ChipSpec
    model: ModelSpec
    layout: Layout = field(default_factory=Layout)
    engine: EngineProfile = field(default_factory=engine_profile)
    dtype: str = ""
    kv_dtype: str = ""
    speculation: Speculation | None = None
    fit: Efficiency | None = None
    _cache: dict[tuple[str, float], float] = field(
        default_factory=dict, repr=False, compare=False, init=False
    )
    precision: Precision = field(init=False)
    shares: Efficiency = field(init=False)
    """``fit`` with the engine's fixed times."""

    def __post_init__(self) -> None:
        check_layout(self.layout, self.model, self.chip)
        precision = precision_of(self.chip, self.model, self.dtype, self.kv_dtype)
        object.__setattr__(self, "precision", precision)
        object.__setattr__(self, "engine", self.engine.on(self.chip))
        if self.fit is None:
            object.__setattr__(self, "fit", efficiency(self.chip))
        scale = self.engine.start_scale
        scaled = replace(
            self.fit, kernel_s=self.fit.kernel_s * scale, attention_s=self.fit.attention_s * scale,
            allreduce_s=self.fit.allreduce_s * scale,
        )  # fmt: skip
        object.__setattr__(self, "shares", scaled)

    # -- what callers use -----------------------------------------------------------------

    def decode(self, batch: int, context_sum: float) -> float:
        """Seconds of a step that decodes one token (or one speculation) for each sequence."""
        base, slope = self.decode_line(batch)
        return base + slope * context_sum

    def decode_line(self, batch: float) -> Line:
        """Base and slope of the decode step over the batch's total context, in seconds."""
        key = ("base", batch)
        if key not in self._cache:
            self._cache[key] = sum(term.seconds for term in self.decode_terms(batch))
            self._cache["slope", batch] = self._context_slope(batch)
        return Line(self._cache[key], self._cache["slope", batch])

    def prefill(self, new_tokens: float, context: float = 0.0, prompts: float = math.inf) -> float:
        """Seconds of a step that prefills ``new_tokens`` behind ``context`` cached tokens.

        They belong to so many ``prompts``, each computed by one data-parallel group; attention is
        shared evenly.
        """
        if new_tokens <= 0:
            return 0.0
        return sum(term.seconds for term in self.prefill_terms(new_tokens, context, prompts))

    def mixed(self, new_tokens: float, context: float, batch: float, context_sum: float) -> float:
        """Seconds of one step that prefills some tokens and decodes a batch."""
        if batch <= 0:
            return self.prefill(new_tokens, context)
        if new_tokens <= 0:
            return self.decode(int(batch), context_sum)
        attended = self.prefill_attention(new_tokens / self.layout.dp, context)
        scale = self.prefill_scale
        rows = new_tokens + batch
        together = (self.own(rows / self.layout.dp, batch + 1) + self.pooled(rows)) * scale
        seen = self._context_slope(batch) * context_sum + self.state(batch)
        host = self.engine.sequence_s * batch / self.layout.dp
        return self.launched(together + attended * scale + seen) + host + self._host(new_tokens)

    @property
    def prefill_scale(self) -> float:
        """Time of a prefill step's work on the chip against its operators'."""
        experts = self.engine.moe_prefill_scale if self.model.is_moe else 1.0
        return self.engine.prefill_scale * experts

    def launched(self, device: float) -> float:
        """Seconds of prefill work on the chip, or of its launches where they take longer."""
        return kernels.join(LAUNCH_SHARPNESS, device, self.prefill_launches)

    @property
    def prefill_launches(self) -> float:
        """Host seconds to launch a prefill step's layers."""
        engine = self.engine
        layers = sum(layer.count for layer in self.model.layers if layer.feed_forward.experts)
        total = engine.prefill_layer_s * self.model.layer_count + engine.prefill_moe_s * layers
        return max(total, self.launches)

    @property
    def launches(self) -> float:
        """Host seconds to launch a decode step's layers, which overlap with the chip's work."""
        engine, types = self.engine, self.precision
        total = engine.launch_s * self.model.layer_count
        total += self._narrow(types.dense) * PRODUCTS * self.model.layer_count
        for layer in self.model.layers:
            if not layer.feed_forward.experts:
                continue
            one = engine.expert_s + self._narrow(types.experts) * layer.feed_forward.matrices
            loop = layer.feed_forward.experts * one if engine.expert_s else 0.0
            total += layer.count * (loop + engine.moe_launch_s)
        return total

    def _narrow(self, dtype: str) -> float:
        """Extra host seconds of a product with weights of this type."""
        return self.engine.quantised_s if DTYPE_BYTES[dtype] == 1 else 0.0

    def _host(self, new_tokens: float) -> float:
        return self.engine.prefill_s + self.engine.token_s * new_tokens

    def decode_stretch(self, batch: int, context_sum: float, steps: int) -> float:
        """Seconds of ``steps`` decode steps in a row, contexts growing by one token each."""
        base, slope = self.decode_line(batch)
        grown = self.tokens_per_step * batch * steps * (steps - 1) / 2
        return steps * base + slope * (steps * context_sum + grown)

    @property
    def tokens_per_step(self) -> float:
        """Tokens a decode step yields for each sequence."""
        return self.speculation.tokens_per_step if self.speculation else 1.0

    def kv_transfer(self, tokens: float, bandwidth: float | None = None) -> float:
        """Seconds to move a prompt's KV cache to another instance over the network."""
        rate = bandwidth or self.chip.network.bandwidth * self.shares.network * self.layout.chips
        return self.model.kv_bytes(tokens, self.precision.kv) / rate + self.chip.network.latency_s

    # -- operators ------------------------------------------------------------------------

    def decode_terms(self, batch: float) -> list[Term]:
        """Operators of a decode step, without what grows with context."""
        drafts = self.speculation.drafts if self.speculation else 0
        rows = batch * (1 + drafts) / self.layout.pp
        terms = self._layer_terms(rows, batch / self.layout.pp)
        terms.append(Term("state", self.state(batch), 1))
        device = sum(term.seconds for term in terms)
        hidden = kernels.join(LAUNCH_SHARPNESS, device, self.launches) - device
        terms += [*self._engine_terms(rows, batch), Term("launches", hidden, 1)]
        if drafts:
            terms.append(Term("draft", self._draft(batch, drafts), drafts))
        return terms

    def prefill_terms(
        self, new_tokens: float, context: float = 0.0, prompts: float = math.inf
    ) -> list[Term]:
        """Operators of a prefill step."""
        scale = self.prefill_scale * self.pipeline_share(new_tokens)
        tokens = new_tokens / self.layout.cp
        mine = max(1.0, tokens / min(self.layout.dp, max(1.0, prompts)))
        terms = [
            Term(name, seconds * scale, count)
            for name, seconds, count in (*self._own_terms(mine, 1.0), *self._pooled_terms(tokens))
        ]
        attended = self.prefill_attention(new_tokens / self.layout.dp, context)
        terms.append(Term("attention", attended * scale, self.model.layer_count))
        device = sum(term.seconds for term in terms)
        hidden = self.launched(device) - device
        terms.append(Term("engine", self._host(new_tokens) + hidden, 1))
        return terms

    def pipeline_share(self, new_tokens: float) -> float:
        """Time of a prompt against all stages in a row, its chunks following each other."""
        stages = self.layout.pp
        chunks = max(1.0, new_tokens / self.engine.chunk_tokens)
        return (chunks + stages - 1) / (chunks * stages) if stages > 1 else 1.0

    def _engine_terms(self, rows: float, batch: float) -> list[Term]:
        hops = (self.layout.pp - 1) * (
            self.chip.link.latency_s
            + rows * self.model.hidden * 2 / max(self.chip.link.bandwidth, 1e9)
        )
        host = self.engine.step_s + self.engine.sequence_s * batch / self.layout.dp
        return [Term("pipeline", hops, self.layout.pp - 1), Term("engine", host, 1)]

    def own(self, mine: float, sequences: float = 1.0) -> float:
        """Seconds of what a data-parallel group does with its ``mine`` rows, context aside."""
        return sum(term.seconds for term in self._own_terms(max(1.0, mine), sequences))

    def pooled(self, rows: float) -> float:
        """Seconds of what all groups do together: experts and their exchange over ``rows``."""
        return sum(term.seconds for term in self._pooled_terms(rows))

    def _layer_terms(self, rows: float, sequences: float) -> list[Term]:
        """Everything of a step but attention over the context; ``rows`` tokens pass the layers."""
        mine = self._rank_rows(rows)
        return [*self._own_terms(mine, sequences), *self._pooled_terms(rows)]

    def _own_terms(self, mine: float, sequences: float) -> list[Term]:
        terms: list[Term] = []
        for layer in self.model.layers:
            terms.append(Term("projections", self._projections(layer, mine), layer.count))
            terms.append(Term("feed-forward", self._dense(layer, mine), layer.count))
            terms.append(Term("all-reduce", self._reductions(layer, mine), layer.count))
            terms.append(Term("small", self._small(mine), layer.count))
        terms = [Term(name, seconds * count, count) for name, seconds, count in terms]
        last = max(1.0, min(sequences / self.layout.dp, mine))
        terms.append(Term("head", self._gemm(last, self._split_vocab(), self.model.hidden), 1))
        return terms

    def _pooled_terms(self, rows: float) -> list[Term]:
        return [
            Term("feed-forward", self._routed(layer, rows) * layer.count, layer.count)
            for layer in self.model.layers if layer.feed_forward.experts
        ]  # fmt: skip

    def _split_vocab(self) -> int:
        return math.ceil(self.model.vocab / self.layout.tp)

    def _gemm(self, rows: float, n: int, k: int) -> float:
        types = self.precision
        seconds = kernels.gemm(self.chip, self.shares, (rows, n, k), types.dense, types.dense_math)
        return seconds * self.engine.gemm_scale

    def _rank_rows(self, rows: float) -> float:
        """Rows one data-parallel group computes."""
        return max(1.0, rows / self.layout.dp)

    def _projections(self, layer: LayerSpec, mine: float) -> float:
        spec, hidden, tp = layer.attention, self.model.hidden, self.layout.tp
        return sum(self._gemm(mine, n, k) for n, k in _projection_shapes(spec, hidden, tp))

    def _dense(self, layer: LayerSpec, mine: float) -> float:
        """The dense feed-forward, or the shared expert and the router."""
        block, hidden = layer.feed_forward, self.model.hidden
        inner = block.shared if block.experts else block.intermediate
        seconds = self._gemm(mine, block.experts, hidden) if block.experts else 0.0
        if inner:
            width = math.ceil(inner / self.layout.tp)
            seconds += self._gemm(mine, (block.matrices - 1) * width, hidden)
            seconds += self._gemm(mine, hidden, width)
        return seconds

    def _routed(self, layer: LayerSpec, rows: float) -> float:
        """The experts of a layer: products, exchange, routing."""
        products = self._experts(layer, rows) * self.engine.moe_scale
        return products + self._dispatch(layer, rows) + self.engine.moe_s

    def _experts(self, layer: LayerSpec, rows: float) -> float:
        block, hidden = layer.feed_forward, self.model.hidden
        ranks = self.layout.ep
        chance = kernels.active_experts(block.experts, block.top_k, rows) / block.experts
        hit = kernels.fullest(block.experts / ranks, chance, ranks)
        pairs = kernels.fullest(rows * block.top_k, 1 / ranks, ranks)
        width = math.ceil(block.intermediate / self.layout.moe_tp)
        types = self.precision
        up = (pairs, hit, (block.matrices - 1) * width, hidden)
        down = (pairs, hit, hidden, width)
        return sum(
            kernels.grouped_gemm(self.chip, self.shares, shape, types.experts, types.experts_math)
            for shape in (up, down)
        )

    def _dispatch(self, layer: LayerSpec, rows: float) -> float:
        """Tokens to their experts and back, where experts live on other chips."""
        layout, hidden = self.layout, self.model.hidden
        members = layout.tp * layout.dp
        if layout.dp == 1 or members == 1:
            return 0.0
        mine = rows / layout.dp
        wide = members > self.chip.link.domain
        if layout.ep > 1 and (wide or self.engine.dispatch == "alltoall"):
            size = mine * kernels.copies(self.chip, layer.feed_forward.top_k, members, mine)
            out = kernels.exchange(self.chip, self.shares, size * hidden, members)
            back = kernels.exchange(self.chip, self.shares, size * hidden * 2, members)
        else:
            size = mine * (layout.dp - 1)
            least = self.shares.gather_s if layout.ep == 1 else 0.0
            out = kernels.exchange(self.chip, self.shares, size * hidden * 2, members, least)
            back = out
        return (out + back) * self.engine.comm_scale * (1 - self.engine.overlap)

    def _reductions(self, layer: LayerSpec, mine: float) -> float:
        """All-reduces of a layer: after attention, and after a feed-forward sliced by ``tp``."""
        size = mine * self.model.hidden * 2
        one = kernels.all_reduce(self.chip, self.shares, size, self.layout.tp)
        sliced = not layer.feed_forward.experts or self.layout.dp == 1
        return one * (2 if sliced else 1) * self.engine.comm_scale

    def _small(self, mine: float) -> float:
        """Norms, rotations, activations and quantisation: memory traffic and launches."""
        moved = mine * self.model.hidden * 2 * self.engine.passes
        return self.engine.layer_s + moved / (self.chip.memory.bandwidth * self.shares.stream)

    # -- attention over the context -------------------------------------------------------

    def _context_slope(self, batch: float) -> float:
        """Seconds of a decode step per token of context, all layers."""
        groups = self.layout.dp * self.layout.pp
        total = 0.0
        for layer in self.model.layers:
            total += layer.count * self._slope_of(layer.attention, batch / groups)
        engine = self.engine
        packed = self.precision.dense in ("int4", "int8") and engine.packed_context_scale
        scale = engine.attention_scale * (packed or engine.context_scale)
        return total * scale / self.layout.dp

    def _slope_of(self, spec: AttentionSpec, batch: float) -> float:
        if spec.kind == "linear" or spec.window:
            return 0.0
        if spec.index_topk:
            return spec.index_dim / (self.chip.memory.bandwidth * self.shares.attention_stream)
        kv, tp = self.precision.kv, self.layout.tp
        return kernels.context_seconds(self.chip, self.shares, spec, kv, tp)

    def state(self, batch: float) -> float:
        """Decode attention that does not grow: kernels, windows, sparse choices, fixed state."""
        mine = batch / (self.layout.dp * self.layout.pp)
        stream = self.chip.memory.bandwidth * self.shares.attention_stream
        size = DTYPE_BYTES[self.precision.kv]
        total = 0.0
        for layer in self.model.layers:
            spec = layer.attention
            kept = spec.window or spec.index_topk or 0
            per_token = spec.cache_elements() / (1 if spec.kind == "mla" else self.layout.tp) * size
            if spec.index_topk:
                heads = spec.heads / self.layout.tp
                flops = 2 * heads * (2 * spec.kv_rank + spec.rope_dim)
                per_token = max(
                    per_token, flops / (self.chip.rate("bf16") * self.shares.mla_decode) * stream
                )
            state = kernels.STATE_BYTES * spec.state_elements() / self.layout.tp
            moved = mine * (kept * per_token + state)
            total += layer.count * (moved / stream + self.shares.attention_s)
        return total * self.engine.attention_scale

    def prefill_attention(self, tokens: float, context: float) -> float:
        """Causal attention of a group's new tokens over themselves and what is cached."""
        groups = self.layout.cp * self.layout.tp
        flops = linear = 0.0
        for layer in self.model.layers:
            spec = layer.attention
            if spec.kind == "linear":
                linear += layer.count * kernels.linear_prefill(
                    self.chip, self.shares, spec, tokens, groups
                )
                continue
            seen = context + tokens / 2
            if spec.window:
                seen = min(seen, spec.window)
            if spec.index_topk:
                index = 2 * spec.index_heads * spec.index_dim * seen * self.layout.tp / 2
                seen = min(seen, spec.index_topk)
                flops += layer.count * tokens * index
            flops += layer.count * tokens * _attention_flops(spec, seen)
        seconds = kernels.prefill_attention(self.chip, self.shares, flops / groups, tokens)
        return (seconds + linear) * self.engine.attention_scale

    def _draft(self, batch: float, drafts: int) -> float:
        """Draft steps of a multi-token prediction layer: one layer and the head each."""
        layer, mine = self.model.layers[-1], self._rank_rows(batch)
        one = self._projections(layer, mine) + self._dense(layer, mine) + self._small(mine)
        if layer.feed_forward.experts:
            one += self._routed(layer, batch)
        return drafts * (one + self._gemm(mine, self._split_vocab(), self.model.hidden))


def _projection_shapes(spec: AttentionSpec, hidden: int, tp: int) -> list[tuple[int, int]]:
    """(n, k) of a layer's projections on one chip."""
    heads = math.ceil(spec.heads / tp)
    if spec.kind == "linear":
        keys = math.ceil(spec.key_heads / tp) * spec.head_dim
        values = heads * spec.value_dim
        return [(2 * keys + 2 * values, hidden), (hidden, values)]
    if spec.kind == "mla":
        queries = heads * (spec.nope_dim + spec.rope_dim)
        shapes = [(spec.q_rank + spec.kv_rank + spec.rope_dim, hidden)]
        shapes.append((queries, spec.q_rank or hidden))
        shapes.append((heads * (spec.nope_dim + spec.value_dim), spec.kv_rank))
        shapes.append((hidden, heads * spec.value_dim))
        if spec.index_topk:
            shapes.append((spec.index_heads * spec.index_dim, spec.q_rank))
        return shapes
    kv = max(1, math.ceil(spec.kv_heads / tp))
    queries = heads * spec.head_dim * (2 if spec.gated else 1)
    return [
        (queries + kv * (spec.head_dim + spec.value_dim), hidden),
        (hidden, heads * spec.value_dim),
    ]


def _attention_flops(spec: AttentionSpec, seen: float) -> float:
    """Operations of one token's attention over ``seen`` tokens, all heads."""
    if spec.kind == "mla":
        return 2.0 * spec.heads * (spec.nope_dim + spec.rope_dim + spec.value_dim) * seen
    return 2.0 * spec.heads * (spec.head_dim + spec.value_dim) * seen
