"""Step times of one replica as integer tables, so that both simulations add up the same numbers.

A step computes slices of sequences. Slices of one token attend to their context like a decode;
longer ones are prompts or parts of prompts. With ``b`` one-token slices over ``c`` tokens of
context in all, ``t`` tokens in the step and ``p`` (new token, seen token) pairs in the longer
slices:

    decodes only   decode[b] + context * c
    any prompt     mixed[t] + seat[b] + pair * p + context * c
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from warpfive.errors import InputError
from warpfive.fleet.trace import PS


class StepTimes(Protocol):
    """What the tables are made from; ``warpfive.perf.StepModel`` is one."""

    @property
    def tokens_per_step(self) -> float:
        """Tokens a decode step yields for each sequence."""

    def decode(self, batch: int, context_sum: float) -> float:
        """Seconds of a decode step."""

    def prefill(self, new_tokens: float, context: float = 0.0, prompts: float = math.inf) -> float:
        """Seconds of a prefill step over so many prompts."""

    def mixed(self, new_tokens: float, context: float, batch: float, context_sum: float) -> float:
        """Seconds of a step with both."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StepCost:
    """Step times in picoseconds; see the module for the formula."""

    decode_ps: np.ndarray
    mixed_ps: np.ndarray
    seat_ps: np.ndarray
    tail_ps: int
    """Each token beyond the end of ``mixed_ps``."""
    pair_fs: int
    """Femtoseconds of one pair."""
    context_ps: int

    def step_ps(self, slices: Iterable[tuple[int, int]]) -> int:
        """Picoseconds of a step over (start, count) slices."""
        ones = context = pairs = tokens = 0
        for start, count in slices:
            tokens += count
            if count == 1:
                ones += 1
                context += start + 1
            else:
                pairs += count * start + count * (count + 1) // 2
        seen = self.context_ps * context
        if ones == tokens:
            return int(self.decode_ps[ones]) + seen
        return self._mixed(tokens) + int(self.seat_ps[ones]) + self.pair_fs * pairs // 1000 + seen

    def _mixed(self, tokens: int) -> int:
        last = len(self.mixed_ps) - 1
        if tokens <= last:
            return int(self.mixed_ps[tokens])
        return int(self.mixed_ps[last]) + (tokens - last) * self.tail_ps


def step_cost(times: StepTimes, *, max_seqs: int, max_tokens: int, context: float) -> StepCost:
    """Tables for an engine's limits, with slopes taken at the workload's mean ``context``.

    Speculation is spread evenly: a step that yields 1.7 tokens becomes 1.7 steps of one.
    """
    gain = times.tokens_per_step
    middle = max(1, max_seqs // 2)
    span = middle * max(context, 1.0)
    slope = (times.decode(middle, 2 * span) - times.decode(middle, span)) / span / gain
    decode = _table(lambda b: times.decode(int(b), 0.0) / gain, max_seqs, exact=2)
    most = max(max_tokens, 2)
    chunk = min(most, 2048)
    deep = times.prefill(chunk, max(context, 1.0))
    pair = (deep - times.prefill(chunk, 0.0)) / (chunk * max(context, 1.0))
    own = pair_share(times)
    mixed = _table(
        lambda t: _prompts(times, t, context) - pair * own * t * t / 2, most, edges=EDGES
    )
    seat = _table(lambda b: _seat(times, b), max_seqs, pace=4.0)
    if min(mixed[-1], decode[-1], slope) < 0:
        raise InputError("step times fall with more work; check the chip's figures")
    tail = max(0.0, float(mixed[-1] - mixed[-1 - most // 4]) / (most // 4))
    return StepCost(
        decode_ps=_ps(decode), mixed_ps=_ps(mixed), seat_ps=_ps(seat), tail_ps=round(tail * PS),
        pair_fs=round(pair * PS * 1000), context_ps=round(slope * PS),
    )  # fmt: skip


def _prompts(times: StepTimes, tokens: float, length: float) -> float:
    """Seconds of a step of prompts of this length, each computed by one data-parallel group."""
    if pair_share(times) == 1.0:
        return times.prefill(tokens, 0.0)
    return times.prefill(tokens, 0.0, tokens / max(length, 1.0))


def pair_share(times: StepTimes) -> float:
    """Share of a chunk's own pairs that one chip computes: less than 1 with data parallelism."""
    layout = getattr(times, "layout", None)
    return 1.0 / layout.dp if layout is not None else 1.0


def _seat(times: StepTimes, batch: float) -> float:
    """Seconds that ``batch`` decodes add to a mixed step beside their rows and contexts."""
    if batch < 1:
        return 0.0
    return max(0.0, times.mixed(512, 0.0, batch, 0.0) - times.prefill(512 + batch, 0.0))


EDGES = (64, 65, 128, 129)
"""Tokens between which a matrix product takes one more row of tiles."""


def _table(
    value: Callable[[float], float], last: int, exact: int = 1, pace: float = 1.7,
    edges: tuple[int, ...] = (),
) -> np.ndarray:  # fmt: skip
    """Values at 0 to ``last``, computed on a grid that widens by ``pace`` and joined by lines."""
    near = (edge for edge in edges if edge < last)
    grid = sorted({*range(1, min(exact, last) + 1), *near, last, *_widening(exact, last, pace)})
    points = [value(point) for point in grid]
    table = np.interp(np.arange(last + 1), grid, points)
    table[0] = 0.0
    return np.maximum.accumulate(np.maximum(table, 0.0))


def _widening(first: int, last: int, pace: float) -> list[int]:
    points, point = [], float(first)
    while point < last:
        points.append(int(point))
        point = max(point + 1, point * pace)
    return points


def _ps(seconds: np.ndarray) -> np.ndarray:
    return np.round(seconds * PS).astype(np.int64)
