"""Closed-form operating points of an instance: thousands of configurations in milliseconds.

In steady state ``b`` sequences decode. Each needs ``o - 1`` steps, so prompts begin at
``b / (o - 1)`` a step. A prompt of ``p`` tokens to compute takes ``s`` steps of at most
``chunk - b`` tokens; a share ``f = s b / (o - 1)`` of the steps carries prompt tokens, and

    step = (1 - f) decode(b) + f mixed(p / s, b)          TPOT = step
    rate = b / ((o - 1) step)                 TTFT = front + wait + s mixed + crowd + rest of step

Where prompts and decodes do not share a step (``chunk`` 0), each prompt adds its whole prefill:
``step = decode(b) + b / (o - 1) prefill(p)``. Waiting follows M/G/1, its load the prompt tokens a
step must take over those it can. The figures are means; the planner simulates what it prints.
"""

from dataclasses import dataclass

import numpy as np

from warpfive.fleet.demand import Demand
from warpfive.fleet.instance import Instance
from warpfive.fleet.trace import PS

BATCHES = np.array([
    1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048,
    3072, 4096, 6144, 8192, 12288, 16384, 24576, 32768,
])  # fmt: skip
CHUNKS = (1024, 2048, 4096, 8192)
FULL = 0.92
"""Share of the KV cache that the screen fills, for growth and lengths above the mean."""
LOADS = np.array([0.2, 0.35, 0.5, 0.6, 0.7, 0.8, 0.88])
"""Shares of its time that a prefill instance is kept busy."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Points:
    """Operating points of one instance, one entry each."""

    batch: np.ndarray
    """Sequences that decode together; 0 for a prefill instance."""
    chunk: np.ndarray
    """Tokens a step takes at most."""
    ttft_s: np.ndarray
    tpot_s: np.ndarray
    rate: np.ndarray
    """Requests per second of the instance."""

    def __len__(self) -> int:
        return len(self.batch)


def decode_s(instance: Instance, batch: np.ndarray, context: float) -> np.ndarray:
    """Seconds of a decode step of each batch size."""
    cost = instance.cost
    return (cost.decode_ps[batch] + cost.context_ps * batch * context) / PS


def prompt_pairs(need: Demand) -> float:
    """(new token, seen token) pairs of a mean prompt."""
    computed, cached = need.computed, need.prompt - need.computed
    return computed * cached + computed**2 / 2 * (1 + need.prompt_cv2)


def prefill_s(instance: Instance, need: Demand, chunk: int) -> float:
    """Seconds to prefill a mean prompt alone, in chunks."""
    steps = max(1.0, need.computed / chunk)
    body = float(_mixed(instance, np.array([need.computed / steps]))[0]) * steps
    return body + instance.cost.pair_fs * prompt_pairs(need) / 1000 / PS


def _mixed(instance: Instance, tokens: np.ndarray) -> np.ndarray:
    table = instance.cost.mixed_ps
    return np.interp(tokens, np.arange(len(table)), table) / PS


def _batches(instance: Instance, need: Demand) -> np.ndarray:
    """Batch sizes that the tables and the KV cache allow."""
    most = FULL * instance.kv_tokens / need.context
    return BATCHES[: np.searchsorted(BATCHES, min(most, len(instance.cost.decode_ps) - 1), "right")]


def screen(instance: Instance, need: Demand, chunks: tuple[int, ...] = CHUNKS) -> Points:
    """Operating points with prompts and decodes on the same instance."""
    batch = _batches(instance, need)
    groups = instance.setup.layout.dp
    steps = max(need.output - 1, 1.0)
    if not instance.step.engine.mixed:
        chunk = instance.step.engine.chunk_tokens * groups
        alone = prefill_s(instance, need, chunk)
        step = decode_s(instance, batch, need.context) + batch / steps * alone
        load = batch / steps * alone / step
        return _points(instance, need, batch, np.full(len(batch), chunk), step, alone, load)
    parts = [_chunked(instance, need, batch, chunk * groups) for chunk in chunks]
    return _joined(parts)


def _chunked(instance: Instance, need: Demand, batch: np.ndarray, chunk: int) -> Points:
    batch = batch[batch < 0.9 * chunk]
    room = chunk - batch
    steps = max(need.output - 1, 1.0)
    parts = np.maximum(1.0, need.computed / room)
    starts = batch / steps
    share = np.minimum(parts * starts, 1.0)
    tokens = np.where(parts * starts > 1, need.computed * starts, need.computed / parts)
    load = need.computed * starts / room
    fits = tokens <= room
    batch, parts, share, tokens = batch[fits], parts[fits], share[fits], tokens[fits]
    starts, load = starts[fits], load[fits]
    cost = instance.cost
    seen = cost.context_ps * batch * need.context / PS
    pairs = cost.pair_fs * prompt_pairs(need) / 1000 / PS * tokens / max(need.computed, 1e-9)
    with_prompt = _mixed(instance, tokens + batch) + cost.seat_ps[batch] / PS + pairs + seen
    without = decode_s(instance, batch, need.context)
    step = (1 - share) * without + share * with_prompt
    # What is left of the step a request arrives in: long steps are met more often.
    rest = ((1 - share) * without**2 + share * with_prompt**2) / (2 * step)
    # Prompts that arrive during one step share the next.
    crowd = starts * with_prompt / step * (with_prompt - without) * (1 - share / 2)
    own = parts * with_prompt + crowd + rest - step / 2
    # The share of time that prompts take is a load, too; those that wait together share a step.
    load = np.maximum(load, starts / step * parts * (with_prompt - without) / 2)
    return _points(instance, need, batch, np.full(len(batch), chunk), step, own, load)


def _points(
    instance: Instance, need: Demand, batch: np.ndarray, chunk: np.ndarray, step: np.ndarray,
    own: np.ndarray | float, load: np.ndarray,
) -> Points:  # fmt: skip
    load = np.minimum(load, 0.98)
    wait = load / (1 - load) * own / 2 * (1 + need.prompt_cv2)
    return Points(
        batch=batch,
        chunk=chunk,
        ttft_s=instance.front_s + wait + own + step / 2,
        tpot_s=step,
        rate=batch / (max(need.output - 1, 1.0) * step),
    )


def _joined(parts: list[Points]) -> Points:
    return Points(**{
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in ("batch", "chunk", "ttft_s", "tpot_s", "rate")
    })  # fmt: skip


def screen_prefill(instance: Instance, need: Demand) -> Points:
    """Operating points of an instance that only prefills."""
    chunk = instance.step.engine.chunk_tokens * instance.setup.layout.dp
    alone = prefill_s(instance, need, chunk)
    wait = LOADS / (1 - LOADS) * alone / 2 * (1 + need.prompt_cv2)
    count = len(LOADS)
    return Points(
        batch=np.zeros(count, dtype=int), chunk=np.full(count, chunk),
        ttft_s=instance.front_s + wait + alone, tpot_s=np.zeros(count), rate=LOADS / alone,
    )  # fmt: skip


def screen_decode(instance: Instance, need: Demand) -> Points:
    """Operating points of an instance that only decodes."""
    batch = _batches(instance, need)
    step = decode_s(instance, batch, need.context)
    return Points(
        batch=batch, chunk=np.full(len(batch), 8192), ttft_s=np.zeros(len(batch)), tpot_s=step,
        rate=batch / (max(need.output - 1, 1.0) * step),
    )  # fmt: skip
