"""One engine instance: a model on some chips of one kind, its memory and step times."""

from dataclasses import dataclass
from typing import Any

from warpfive.catalog import ChipSpec, EngineProfile, ModelSpec, engine_profile, node_of
from warpfive.engine import EngineConfig
from warpfive.errors import InputError
from warpfive.fleet.cost import StepCost, step_cost
from warpfive.fleet.fast import kv_blocks
from warpfive.perf import Efficiency, Layout, Speculation, StepModel, ledger

MOST_SEQS = 1024
BLOCK_TOKENS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """The choices that make an instance."""

    chip: ChipSpec
    layout: Layout
    dtype: str = ""
    kv_dtype: str = ""
    engine: str | EngineProfile = ""
    """A profile's name, or a profile."""
    speculation: Speculation | None = None
    fit: Efficiency | None = None
    """Kernel efficiencies in place of the chip's own."""
    models: int = 1
    """Models whose weights share the chips; the others' take from the KV cache."""

    @property
    def profile(self) -> EngineProfile:
        """The engine profile."""
        return engine_profile(self.engine) if isinstance(self.engine, str) else self.engine

    @property
    def label(self) -> str:
        """Short name for tables."""
        kinds = [part for part in (self.dtype, self.kv_dtype and f"kv {self.kv_dtype}") if part]
        return f"{self.chip.name} {self.layout}" + (f" ({', '.join(kinds)})" if kinds else "")


class Instance:
    """A setup with its memory and step times; building one refuses what cannot run."""

    def __init__(self, model: ModelSpec, setup: Setup, context: float) -> None:
        if model.kind != "decoder":
            raise InputError(
                f"--model {model.name}: serving is simulated for models that generate text; for a "
                f"{model.kind} model `warpfive estimate` gives samples a second"
            )
        self.model, self.setup = model, setup
        self.step = StepModel(
            setup.chip, model, setup.layout, setup.profile, setup.dtype, setup.kv_dtype,
            setup.speculation, setup.fit,
        )  # fmt: skip
        self.ledger = ledger(self.step)
        self.kv_tokens = self._kv_tokens()
        self.cost = instance_cost(self.step, context)

    @property
    def chips(self) -> int:
        """Chips of the instance."""
        return self.setup.layout.chips

    def _kv_tokens(self) -> int:
        """Tokens the KV cache holds beside the weights of every model."""
        others = (self.setup.models - 1) * self.ledger.weights_bytes
        share = 1 - others / self.ledger.kv_bytes
        if share <= 0:
            raise InputError(
                f"{self.setup.models} models like {self.model.name} do not fit together on "
                f"{self.setup.label}; pool fewer"
            )
        return int(self.ledger.kv_tokens * share)

    @property
    def front_s(self) -> float:
        """Time of a request outside the queue and its own steps."""
        return self.step.engine.request_s + self.step.engine.intake_s

    @property
    def usd_per_h(self) -> float | None:
        """Rent of its chips."""
        price = self.setup.chip.rental_usd_per_h
        return None if price is None else price * self.chips

    def config(
        self, max_seqs: int, max_tokens: int, block_tokens: int = 0, **changes: Any
    ) -> EngineConfig:
        """Engine limits for a run; ``changes`` are further fields of the configuration."""
        size = block_tokens or BLOCK_TOKENS
        seqs = min(max_seqs, len(self.cost.decode_ps) - 1)
        values: dict[str, Any] = {
            "kv_blocks": kv_blocks(self.kv_tokens, size),
            "block_tokens": size,
            "max_seqs": seqs,
            "max_tokens": max(max_tokens, seqs),
            "chunked_prefill": self.step.engine.mixed,
        }
        return EngineConfig(**values | changes)


def instance_cost(step: StepModel, context: float) -> StepCost:
    """Step tables wide enough for every limit the planner tries."""
    groups = step.layout.dp
    seqs = MOST_SEQS if groups == 1 else MOST_SEQS // 2 * groups
    widest = max(8192, step.engine.chunk_tokens) * groups
    return step_cost(step, max_seqs=seqs, max_tokens=widest, context=context)


def chips_per_node(chip: ChipSpec) -> int:
    """Chips that share a host."""
    return node_of(chip).chips


def host_w(chip: ChipSpec) -> float:
    """Power of one host beside its chips."""
    return node_of(chip).host_w
