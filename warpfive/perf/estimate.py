"""One configuration under one load: latency, throughput, memory, bounds and power."""

from dataclasses import asdict, dataclass
from typing import Any

from warpfive.catalog import DTYPE_BYTES
from warpfive.errors import InputError
from warpfive.perf.bands import band
from warpfive.perf.correct import corrected
from warpfive.perf.energy import power_w
from warpfive.perf.ledger import Ledger, ledger, weights_bytes
from warpfive.perf.load import Load, Served
from warpfive.perf.serve import serve_load
from warpfive.perf.step import StepModel
from warpfive.perf.table import StepTable


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A predicted number with its 80% band."""

    value: float
    low: float
    high: float
    basis: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Least seconds of one decode step by each bound at its peak, and what the step takes."""

    weights_s: float
    """Weights read once at peak bandwidth."""
    kv_s: float
    """KV cache of the batch read once at peak bandwidth."""
    arithmetic_s: float
    links_s: float
    """Collectives, as modelled."""
    host_s: float
    """Engine time that nothing hides."""
    step_s: float
    """Predicted time of the step."""

    @property
    def largest(self) -> str:
        """Name of the largest bound."""
        names = {
            "memory: weights": self.weights_s, "memory: KV cache": self.kv_s,
            "arithmetic": self.arithmetic_s, "links": self.links_s, "host": self.host_s,
        }  # fmt: skip
        return max(names, key=lambda name: names[name])


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What ``warpfive estimate`` prints; times in seconds, rates per second of the instance."""

    ttft: Quantity
    tpot: Quantity
    output_rate: Quantity
    total_rate: float
    request_rate: float
    rate_per_chip: float
    """Output tokens per second and chip."""
    user_rate: float
    """Tokens per second one user sees after the first."""
    batch: float
    context: float
    """Mean context of a sequence during decode."""
    memory: Ledger
    bounds: Bounds
    terms: list[dict[str, Any]]
    tails: dict[str, float]
    """``ttft_p90_s`` and so on: what 90 and 99 % of the requests stay within."""
    prefill_s: float
    """One prompt alone."""
    power_w: float | None
    """Mean of one chip (of the decode instance, where prompts have their own); None without a
    published TDP."""
    usd_per_million: float | None
    """Rental cost of a million output tokens."""

    def as_dict(self) -> dict[str, Any]:
        """Everything by name, for ``--json``."""
        return {**asdict(self), "bound": self.bounds.largest}


def estimate_load(step: StepModel, load: Load, prefill: StepModel | None = None) -> Estimate:
    """Predict a load on one instance; refuses what does not fit.

    With ``prefill`` the prompts are computed on a second instance and their KV cache is moved.
    """
    book = ledger(step)
    engine = step.engine
    if prefill:
        ledger(prefill)
    need = load.input_tokens + load.output_tokens
    if need > book.kv_tokens / step.layout.dp:
        raise InputError(
            f"one request of {need:.0f} tokens needs more KV cache than the "
            f"{book.kv_tokens // step.layout.dp} tokens that {step.model.name} leaves on "
            f"{step.chip.name} at {step.layout}; use more chips, fewer bits or shorter requests"
        )
    if step.model.max_context and need > step.model.max_context:
        raise InputError(
            f"a request of {need:.0f} tokens is longer than {step.model.name}'s context of "
            f"{step.model.max_context}"
        )
    table = StepTable(step)
    head = StepTable(prefill) if prefill else None
    result = serve_load(table, load, book.kv_tokens, engine.slots, head)
    result = corrected(result, engine, load, step.layout.chips)
    return _estimate(step, load, book, result, head or table)


def _quantity(step: StepModel, name: str, value: float) -> Quantity:
    width = band(name, step.chip.name)
    low, high = width.around(value)
    return Quantity(value=value, low=low, high=high, basis=width.basis)


def _estimate(
    step: StepModel, load: Load, book: Ledger, result: Served, head: StepTable
) -> Estimate:
    apart = head.step is not step
    chips = step.layout.chips + (head.step.layout.chips if apart else 0)
    batch = max(1.0, result.batch)
    context = load.input_tokens + load.output_tokens / 2
    rents = [
        (one.chip.rental_usd_per_h, one.layout.chips) for one in (step, head.step)[: 1 + apart]
    ]
    per_hour = result.output_rate * 3600
    return Estimate(
        ttft=_quantity(step, "ttft_s", result.ttft_s),
        tpot=_quantity(step, "tpot_s", result.tpot_s),
        output_rate=_quantity(step, "output_rate", result.output_rate),
        total_rate=result.total_rate,
        request_rate=result.request_rate,
        rate_per_chip=result.output_rate / chips,
        user_rate=1 / result.tpot_s if result.tpot_s else 0.0,
        batch=batch,
        context=context,
        memory=book,
        bounds=bounds(step, batch, context),
        terms=terms(step, batch, context),
        tails={
            f"{kind}_p{share}_s": result.tail(kind, share / 100)
            for kind in ("ttft", "tpot")
            for share in (90, 99)
        },
        prefill_s=head.prefill(load.input_tokens, 0.0),
        power_w=_power(step, result, batch, context, prompts=not apart),
        usd_per_million=_usd(rents, per_hour),
    )


def bounds(step: StepModel, batch: float, context: float) -> Bounds:
    """Bounds of one decode step of ``batch`` sequences with ``context`` tokens each."""
    chip, model, layout = step.chip, step.model, step.layout
    seconds = {term["name"]: term["seconds"] for term in terms(step, batch, context)}
    flops = 2 * batch * model.active_parameters / layout.chips
    return Bounds(
        weights_s=_weights_read(step, batch) / chip.memory.bandwidth,
        kv_s=_kv_read(step, batch, context) / chip.memory.bandwidth,
        arithmetic_s=flops / chip.rate(step.precision.dense),
        links_s=seconds.get("all-reduce", 0.0) + seconds.get("pipeline", 0.0),
        host_s=seconds.get("engine", 0.0),
        step_s=sum(seconds.values()),
    )


def _weights_read(step: StepModel, batch: float) -> float:
    """Bytes of weights one chip reads in a step: all dense ones, and the experts hit."""
    model = step.model
    experts = model.expert_parameters * DTYPE_BYTES[step.precision.experts]
    experts /= step.layout.tp * step.layout.dp * step.layout.pp
    inputs = model.vocab * model.hidden * 2 / step.layout.tp if not model.tied else 0.0
    dense = weights_bytes(step) - experts - inputs
    if not model.is_moe:
        return dense
    block = next(layer.feed_forward for layer in model.layers if layer.feed_forward.experts)
    hit = 1 - (1 - block.top_k / block.experts) ** batch
    return dense + experts * hit


def _kv_read(step: StepModel, batch: float, context: float) -> float:
    one = step.model.kv_bytes(context, step.precision.kv)
    shared = 1 if step.model.is_mla else min(step.layout.tp, step.model.max_kv_heads)
    return one * batch / (shared * step.layout.dp * step.layout.pp)


def terms(step: StepModel, batch: float, context: float) -> list[dict[str, Any]]:
    """Operators of a decode step by name, largest first."""
    found: dict[str, float] = {}
    for term in step.decode_terms(batch):
        found[term.name] = found.get(term.name, 0.0) + term.seconds
    found["attention"] = step.decode_line(batch).slope * batch * context + found.pop("state", 0.0)
    named = [{"name": name, "seconds": seconds} for name, seconds in found.items() if seconds > 0]
    return sorted(named, key=lambda term: -term["seconds"])


def _usd(rents: list[tuple[float | None, int]], per_hour: float) -> float | None:
    """Rent of a million output tokens over (USD an hour, chips); None where a rent is unknown."""
    known = [rent * chips for rent, chips in rents if rent]
    return sum(known) / per_hour * 1e6 if len(known) == len(rents) else None


def _power(
    step: StepModel, result: Served, batch: float, context: float, *, prompts: bool
) -> float | None:
    """Mean power of a chip: bytes and operations of decode, and of prefill, over the run."""
    chips, model = step.layout.chips, step.model
    tokens = result.total_rate if prompts else result.output_rate
    flops = 2 * tokens * model.active_parameters / chips
    steps = result.output_rate / max(batch, 1.0)
    moved = steps * (_weights_read(step, batch) + _kv_read(step, batch, context))
    moved += (tokens - result.output_rate) / chips * model.hidden * 24 * model.layer_count
    dtype = step.precision.dense_math
    return power_w(step.chip, min(moved, step.chip.memory.bandwidth), flops, dtype)
