"""The steps from a naive system to a whole one, each a change of the model's inputs.

No step carries a gain. Each switches what the step-time model, the scheduler or the traffic is
given, and the gain is what the simulation then shows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from warpfive.catalog import ChipSpec, EngineProfile, ModelSpec
from warpfive.fleet.capacity import Group, PoolPlan
from warpfive.fleet.instance import Setup, chips_per_node
from warpfive.perf import Efficiency, Layout, Speculation, efficiency

EAGER_KERNELS = 33
"""Kernels a layer launches one by one without fusion: 2 norms of 5, 7 products, rotation 8,
attention 4, activation 2, residuals 2."""
EAGER_STEP_S = 3e-3
"""Host time an eager step adds: scheduling and sampling written in Python."""
SCORE_BYTES = 14.0
"""Bytes an unfused attention moves for one score: written, through the softmax, read."""
VIRTUAL_HOST = 1.3
"""Host times inside a virtual machine with emulated interrupts, against bare metal."""
OVERLAP = 0.6
"""Share of expert exchange hidden behind computing with two batches in flight."""
RESERVED_SEATS = 64
"""Most sequences of an engine that reserves the longest request's KV cache for each."""
SEATS = 256
"""Sequences a replica runs at once with continuous batching."""
CHUNK = 2048
"""Tokens of a step with chunked prefill."""
POPULARITY = 0.5
"""Zipf exponent of how often experts are chosen."""
TRAFFIC_CV = 1.0
"""Standard deviation over mean of one model's hourly traffic."""
POOLED_MODELS = (2, 3, 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """One draw of what the model does not know, each a factor of 1 when it is right."""

    kernels: Mapping[str, float] = field(default_factory=dict)
    """Factors on the fields of ``Efficiency``."""
    host: float = 1.0
    launches: float = 1.0
    acceptance: float = 1.0
    network: float = 1.0
    virtual: float = 1.0
    traffic: float = 1.0

    @classmethod
    def draw(cls, seed: Sequence[int]) -> "Doubt":
        """A draw: 10% on kernels, 25% on host times, 20% on what is assumed of software.

        The last number of the seed comes in pairs, an odd one being the mirror image of the even
        one before it.
        """
        rng = np.random.default_rng([*seed[:-1], seed[-1] // 2])
        sign = -1 if seed[-1] % 2 else 1

        def factor(sigma: float) -> float:
            return float(np.exp(sign * rng.normal(0.0, sigma)))

        names = ("gemm", "gemm_8bit", "stream", "grouped", "grouped_stream", "attention",
                 "attention_stream", "mla_decode", "link", "network")  # fmt: skip
        return cls(
            kernels={name: factor(0.10) for name in names}, host=factor(0.25),
            launches=factor(0.2), acceptance=factor(0.1), network=factor(0.2),
            virtual=factor(0.1), traffic=factor(0.2),
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """What is switched on, and the choices made where a step leaves one."""

    chip: ChipSpec
    model: ModelSpec
    engine: EngineProfile
    longest: int
    """Tokens of the longest request, which a naive engine reserves for each."""
    layout: Layout
    prefill_chip: ChipSpec | None = None
    """Another chip for the prefill pool."""
    prefill_layout: Layout | None = None
    pools: tuple[int, int] = (0, 0)
    """Prefill and decode replicas of a group; (0, 0) for one pool."""
    models: int = 1
    """Models that share the chips."""
    on: frozenset[str] = frozenset()
    doubt: Doubt = field(default_factory=Doubt)

    def has(self, name: str) -> bool:
        """Whether a step is switched on."""
        return name in self.on

    # -- what the step-time model is given -------------------------------------------------

    def profile(self, layout: Layout, chip: ChipSpec) -> EngineProfile:
        """The engine profile with every step's change."""
        base, doubt = self.engine, self.doubt
        host = doubt.host * (1.0 if self.has("bare metal") else 1 + (VIRTUAL_HOST - 1)
                             * doubt.virtual)  # fmt: skip
        values: dict[str, Any] = {"mixed": True, "layer_s": base.layer_s * doubt.host}
        step_s = base.step_s
        if not self.has("kernels"):
            values["layer_s"] = EAGER_KERNELS * chip.launch_s * doubt.launches * host
            values["attention_scale"] = base.attention_scale * unfused_attention(self.model)
            step_s += EAGER_STEP_S
        values["step_s"] = step_s * host
        for name in ("sequence_s", "prefill_s", "request_s", "token_s"):
            values[name] = getattr(base, name) * host
        topology = self.has("topology")
        values["dispatch"] = "alltoall" if topology else "allgather"
        values["overlap"] = OVERLAP if topology else 0.0
        if layout.ep > 1:
            values["moe_scale"] = base.moe_scale * imbalance(self.model, layout.ep)
        return replace(base, **values)

    def fit(self, layout: Layout, chip: ChipSpec) -> Efficiency:
        """Kernel efficiencies, within what a chip can reach."""
        own = efficiency(chip)
        values = {
            name: min(0.97, getattr(own, name) * factor)
            for name, factor in self.doubt.kernels.items()
        }
        if not self.has("topology"):
            # One ring through all members: each byte and each latency is passed on by every chip.
            ring = 2 * (layout.tp - 1) * chip.link.latency_s
            values["allreduce_s"] = max(own.allreduce_s, ring)
        return replace(own, **values)

    def wired(self, chip: ChipSpec) -> ChipSpec:
        """The chip with the links its collectives use: one of a mesh's without topology."""
        if self.has("topology") or chip.link.topology != "mesh":
            return chip
        peers = min(chip.link.domain, 8) - 1
        return replace(chip, link=replace(chip.link, bandwidth=chip.link.bandwidth / peers))

    def setup(self, chip: ChipSpec, layout: Layout) -> Setup:
        """One instance's setup."""
        narrow = self.has("quantisation")
        return Setup(
            chip=self.wired(chip), layout=layout,
            dtype=narrow_dtype(self.model, chip) if narrow else "",
            kv_dtype=("fp8" if chip.native("fp8") else "int8") if narrow else "bf16",
            engine=self.profile(layout, chip), fit=self.fit(layout, chip),
            speculation=self.speculation(), models=self.models,
        )  # fmt: skip

    def speculation(self) -> Speculation | None:
        """Draft tokens: the model's own prediction layer, or a small draft head."""
        if not self.has("speculation"):
            return None
        drafts, acceptance = (1, 0.85) if self.model.mtp_layers else (2, 0.65)
        return Speculation(drafts=drafts, acceptance=min(0.98, acceptance * self.doubt.acceptance))

    # -- what the simulation is given ------------------------------------------------------

    def group(self, kv_tokens: int) -> Group:
        """The pools to simulate; ``kv_tokens`` is one instance's KV cache."""
        if self.pools == (0, 0):
            return Group(pools=(self._serving(kv_tokens),))
        heads, tails = self.pools
        other = self.prefill_chip or self.chip
        first = self.prefill_layout or self.layout
        prefill = self.setup(other, first)
        decode = self.setup(self.chip, self.layout)
        if prefill.kv_dtype != decode.kv_dtype:
            prefill = replace(prefill, kv_dtype=decode.kv_dtype)
        limits = {"prefix_cache": self.has("prefix cache")}
        return Group(pools=(
            PoolPlan(role="prefill", setup=prefill, replicas=heads, max_seqs=SEATS,
                     max_tokens=8192 * first.dp, limits=limits),
            PoolPlan(role="decode", setup=decode, replicas=tails,
                     max_seqs=SEATS * self.layout.dp, max_tokens=8192 * self.layout.dp,
                     limits=limits),
        ))  # fmt: skip

    def _serving(self, kv_tokens: int) -> PoolPlan:
        groups = self.layout.dp
        limits: dict[str, Any] = {"prefix_cache": self.has("prefix cache")}
        seats, tokens = SEATS * groups, CHUNK * groups
        if not self.has("batching"):
            seats = max(1, min(RESERVED_SEATS * groups, kv_tokens // self.longest))
            tokens = max(8192, self.longest) * groups
            limits["chunked_prefill"] = False
        return PoolPlan(
            role="serve", setup=self.setup(self.chip, self.layout), replicas=1, max_seqs=seats,
            max_tokens=tokens, limits=limits,
        )  # fmt: skip

    @property
    def traffic_share(self) -> float:
        """Mean over provisioned traffic: capacity is bought for the peaks of the models."""
        return mean_over_peak(self.models, TRAFFIC_CV * self.doubt.traffic)


# -- what the steps are made of -------------------------------------------------------------


def unfused_attention(model: ModelSpec) -> float:
    """KV and score traffic of an attention that writes its scores, against a fused one's."""
    factors = []
    for layer in model.layers:
        spec = layer.attention
        if spec.kind == "linear":
            factors.append((1.0, layer.count))
            continue
        kept = 2.0 * max(1, spec.cache_elements())
        factors.append((1 + SCORE_BYTES * spec.heads / kept, layer.count))
    total = sum(count for _, count in factors)
    return sum(factor * count for factor, count in factors) / total


def narrow_dtype(model: ModelSpec, chip: ChipSpec) -> str:
    """The narrowest published-quality format the chip multiplies: fp8, else int8."""
    if model.dtype not in ("bf16", "fp16", "fp32"):
        return "" if chip.native(model.dtype) or model.dtype != "fp8" else "int8"
    if chip.native("fp8"):
        return "fp8"
    return "int8" if chip.native("int8") else ""


def imbalance(model: ModelSpec, ways: int) -> float:
    """Load of the busiest expert chip over the mean, experts placed by their popularity.

    Experts are dealt out busiest first to the chip with least, after the busiest have been
    doubled into one spare place a chip.
    """
    experts = max(layer.feed_forward.experts for layer in model.layers)
    share = np.arange(1, experts + 1) ** -POPULARITY
    load: list[float] = (share / share.sum()).tolist()
    for _ in range(ways):
        busiest = load.pop(0)
        load = sorted([*load, busiest / 2, busiest / 2], reverse=True)
    chips = [0.0] * ways
    for one in load:
        place = min(range(ways), key=lambda chip: chips[chip])
        chips[place] += one
    return max(chips) * ways


def mean_over_peak(models: int, cv: float, hours: int = 4000) -> float:
    """Mean traffic over its 95th percentile, for models of log-normal hourly traffic together."""
    rng = np.random.default_rng(11)
    spread = np.log1p(cv**2)
    hourly = rng.lognormal(-spread / 2, np.sqrt(spread), (hours, models)).mean(axis=1)
    return float(hourly.mean() / np.percentile(hourly, 95))


def naive_layouts(model: ModelSpec, chip: ChipSpec) -> list[Layout]:
    """What is tried first without thinking: the whole node in one, then more nodes in a row."""
    width = chips_per_node(chip)
    while width > 1 and any(
        layer.attention.heads % width for layer in model.layers if layer.attention.kind != "linear"
    ):
        width //= 2
    return [Layout(tp=width, pp=pp) for pp in (1, 2, 4, 8)]
