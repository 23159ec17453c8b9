"""One engine instance: a model on some chips of one kind, its memory and step times."""

from dataclasses import dataclass

from warpfive.catalog import ChipSpec, ModelSpec, engine_profile, node_of
from warpfive.engine import EngineConfig
from warpfive.fleet.cost import StepCost, step_cost
from warpfive.fleet.fast import kv_blocks
from warpfive.perf import Layout, Speculation, StepModel, ledger

MOST_SEQS = 1024
BLOCK_TOKENS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """The choices that make an instance."""

    chip: ChipSpec
    layout: Layout
    dtype: str = ""
    kv_dtype: str = ""
    engine: str = ""
    speculation: Speculation | None = None

    @property
    def label(self) -> str:
        """Short name for tables."""
        kinds = [part for part in (self.dtype, self.kv_dtype and f"kv {self.kv_dtype}") if part]
        return f"{self.chip.name} {self.layout}" + (f" ({', '.join(kinds)})" if kinds else "")


class Instance:
    """A setup with its memory and step times; building one refuses what cannot run."""

    def __init__(self, model: ModelSpec, setup: Setup, context: float) -> None:
        self.model, self.setup = model, setup
        self.step = StepModel(
            setup.chip, model, setup.layout, engine_profile(setup.engine), setup.dtype,
            setup.kv_dtype, setup.speculation,
        )  # fmt: skip
        self.ledger = ledger(self.step)
        self.cost = instance_cost(self.step, context)

    @property
    def chips(self) -> int:
        """Chips of the instance."""
        return self.setup.layout.chips

    @property
    def kv_tokens(self) -> int:
        """Tokens its KV cache holds."""
        return self.ledger.kv_tokens

    @property
    def front_s(self) -> float:
        """Time of a request outside the queue and the steps."""
        profile = self.step.engine
        return profile.request_s + getattr(profile, "intake_s", 0.0)

    @property
    def usd_per_h(self) -> float | None:
        """Rent of its chips."""
        price = self.setup.chip.rental_usd_per_h
        return None if price is None else price * self.chips

    def config(self, max_seqs: int, max_tokens: int, block_tokens: int = 0) -> EngineConfig:
        """Engine limits for a run."""
        size = block_tokens or BLOCK_TOKENS
        return EngineConfig(
            kv_blocks=kv_blocks(self.kv_tokens, size),
            block_tokens=size,
            max_seqs=max_seqs,
            max_tokens=max(max_tokens, max_seqs),
            chunked_prefill=self.step.engine.mixed,
        )


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
