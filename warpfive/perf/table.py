"""A step model tabulated for simulation: a few microseconds a step.

Times between grid points are interpolated; the grid is dense where small batches matter.
"""

from bisect import bisect_right
from typing import Any

from warpfive.perf.kernels import join
from warpfive.perf.step import LAUNCH_SHARPNESS, StepModel

GRID = (
    1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 160, 192, 256, 320, 384, 512, 640, 768,
    1024, 1280, 1536, 2048, 2560, 3072, 4096, 6144, 8192, 12288, 16384, 24576, 32768, 65536,
    131072,
)  # fmt: skip
"""Sequences or tokens at which a step's parts are computed."""
CURVES = ("base", "slope", "own", "pooled", "fixed")
"""What is tabulated: a decode step's line, and the parts of a step with prompts."""


class StepTable:
    """Decode, prefill and mixed step times of one ``StepModel``, filled as they are asked for."""

    __slots__ = (
        "step", "compiled", "_base", "_slope", "_own", "_pooled", "_fixed", "_launches", "_moe",
        "_seen",
    )  # fmt: skip

    def __init__(self, step: StepModel) -> None:
        self.step = step
        self.compiled: Any = None
        """The table as ``fast.py`` keeps it."""
        self._base: dict[float, float] = {}
        self._slope: dict[float, float] = {}
        self._own: dict[float, float] = {}
        self._pooled: dict[float, float] = {}
        self._fixed: dict[float, float] = {}
        self._seen: dict[tuple[float, float], float] = {}
        self._launches, self._moe = step.prefill_launches, step.model.is_moe

    def line(self, batch: float) -> tuple[float, float]:
        """Base and slope of a decode step."""
        return self._at(self._base, batch), self._at(self._slope, batch)

    def prefill(
        self, new_tokens: float, context: float, sequences: float = 1.0, fullest: float = 0.0
    ) -> float:
        """Seconds of a prefill step of ``sequences`` prompts with equal shares of the tokens.

        ``fullest`` of the tokens belong to one data-parallel group, for which the others wait; 0
        where the groups share them as evenly as whole prompts allow.
        """
        step, mine = self.step, fullest or self._share(new_tokens, sequences)
        scale = step.prefill_scale * step.pipeline_share(new_tokens)
        split = step.layout.cp
        body = self._at(self._own, mine / split) + self._experts(new_tokens / split)
        attended = self._attended(new_tokens, context, sequences, mine)
        device = join(LAUNCH_SHARPNESS, (body + attended) * scale, self._launches)
        return device + step.engine.prefill_s + step.engine.token_s * new_tokens

    def mixed(
        self, new_tokens: float, context: float, sequences: float, batch: float,
        context_sum: float, fullest: float = 0.0,
    ) -> float:  # fmt: skip
        """Seconds of a step that prefills some prompts and decodes a batch."""
        if batch <= 0:
            return self.prefill(new_tokens, context, sequences, fullest)
        step, mine = self.step, fullest or self._share(new_tokens, sequences)
        attended = self._attended(new_tokens, context, sequences, mine)
        body = self._at(self._own, mine + batch / step.layout.dp)
        body += self._experts(new_tokens + batch)
        seen = self._at(self._slope, batch) * context_sum + self._at(self._fixed, batch)
        host = step.engine.prefill_s + step.engine.sequence_s * batch / step.layout.dp
        host += step.engine.token_s * new_tokens
        work = (body + attended) * step.prefill_scale + seen
        return join(LAUNCH_SHARPNESS, work, self._launches) + host

    def ask(self, curve: int, point: float, context: float) -> float:
        """A point of one of ``CURVES``, or beyond them attention of a prompt behind a context."""
        if curve < len(CURVES):
            return self._value(getattr(self, f"_{CURVES[curve]}"), int(point))
        return self._attention(point, context)

    def _share(self, new_tokens: float, sequences: float) -> float:
        return new_tokens / min(self.step.layout.dp, max(1.0, sequences))

    def _attended(self, new_tokens: float, context: float, sequences: float, mine: float) -> float:
        """Attention of the prompts that the fullest group holds."""
        length = min(mine, new_tokens / sequences)
        return mine / length * self._attention(length, context)

    def _attention(self, length: float, context: float) -> float:
        known = self._seen.get((length, context))
        if known is None:
            known = self._seen[length, context] = self.step.prefill_attention(length, context)
        return known

    def _experts(self, rows: float) -> float:
        return self._at(self._pooled, max(1.0, rows)) if self._moe else 0.0

    def _at(self, table: dict[float, float], batch: float) -> float:
        if batch in table:
            return table[batch]
        if batch <= 1:
            return self._value(table, 1)
        upper = bisect_right(GRID, batch)
        low = GRID[upper - 1]
        if low == batch or upper == len(GRID):
            return self._value(table, low)
        high = GRID[upper]
        share = (batch - low) / (high - low)
        between = self._value(table, low) * (1 - share) + self._value(table, high) * share
        table[batch] = between
        return between

    def _value(self, table: dict[float, float], point: int) -> float:
        if point not in table:
            if table is self._own:
                table[point] = self.step.own(point)
            elif table is self._pooled:
                table[point] = self.step.pooled(point)
            elif table is self._fixed:
                table[point] = self.step.state(point)
            else:
                self._base[point], self._slope[point] = self.step.decode_line(point)
        return table[point]
