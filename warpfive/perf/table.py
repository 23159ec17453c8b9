"""A step model tabulated for simulation: a few microseconds a step.

Times between grid points are interpolated; the grid is dense where small batches matter.
"""

from bisect import bisect_right

from warpfive.perf.step import StepModel

_GRID = (
    1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 160, 192, 256, 320, 384, 512, 640, 768,
    1024, 1280, 1536, 2048, 2560, 3072, 4096, 6144, 8192, 12288, 16384, 24576, 32768, 65536,
    131072,
)  # fmt: skip


class StepTable:
    """Decode, prefill and mixed step times of one ``StepModel``, filled as they are asked for."""

    __slots__ = ("step", "_base", "_slope", "_body", "_fixed")

    def __init__(self, step: StepModel) -> None:
        self.step = step
        self._base: dict[int, float] = {}
        self._slope: dict[int, float] = {}
        self._body: dict[int, float] = {}
        self._fixed: dict[int, float] = {}

    def line(self, batch: float) -> tuple[float, float]:
        """Base and slope of a decode step."""
        return self._at(self._base, batch), self._at(self._slope, batch)

    def prefill(self, new_tokens: float, context: float, sequences: int = 1) -> float:
        """Seconds of a prefill step of ``sequences`` prompts with equal shares of the tokens."""
        engine = self.step.engine
        scale = self.step.prefill_scale * self.step.pipeline_share(new_tokens)
        attended = sequences * self.step.prefill_attention(new_tokens / sequences, context)
        body = self._at(self._body, max(1.0, new_tokens / self.step.layout.cp))
        device = self.step.launched((body + attended) * scale)
        return device + engine.prefill_s + engine.token_s * new_tokens

    def mixed(
        self, new_tokens: float, context: float, sequences: int, batch: float, context_sum: float
    ) -> float:
        """Seconds of a step that prefills some prompts and decodes a batch."""
        if batch <= 0:
            return self.prefill(new_tokens, context, sequences)
        engine = self.step.engine
        attended = sequences * self.step.prefill_attention(new_tokens / sequences, context)
        body = self._at(self._body, new_tokens + batch)
        seen = self._at(self._slope, batch) * context_sum + self._at(self._fixed, batch)
        host = engine.prefill_s + engine.sequence_s * batch / self.step.layout.dp
        host += engine.token_s * new_tokens
        return self.step.launched((body + attended) * self.step.prefill_scale + seen) + host

    def _at(self, table: dict[int, float], batch: float) -> float:
        if batch <= 1:
            return self._value(table, 1)
        upper = bisect_right(_GRID, batch)
        low = _GRID[upper - 1]
        if low == batch or upper == len(_GRID):
            return self._value(table, low)
        high = _GRID[upper]
        share = (batch - low) / (high - low)
        return self._value(table, low) * (1 - share) + self._value(table, high) * share

    def _value(self, table: dict[int, float], point: int) -> float:
        if point not in table:
            if table is self._body:
                table[point] = self.step.body(point, 1.0)
            elif table is self._fixed:
                table[point] = self.step.state(point)
            else:
                self._base[point], self._slope[point] = self.step.decode_line(point)
        return table[point]
