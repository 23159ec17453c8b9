"""An executor that says how long a step takes on the chip, and answers with filler tokens."""

import zlib

from warpfive.engine import Batch, Sequence, StepResult
from warpfive.fleet import PS, StepCost


class TwinExecutor:
    """Step times of ``cost``; token ids below ``vocabulary``, the same for the same request.

    An id depends on the request's prompt and on the token's place alone, never on the batch, so a
    repeated request has a repeated answer, as with greedy sampling.
    """

    def __init__(self, cost: StepCost, vocabulary: int) -> None:
        self.cost = cost
        self.vocabulary = vocabulary

    def execute(self, batch: Batch) -> StepResult:
        """Time of the batch, and a token for each slice that yields one."""
        spent = self.cost.step_ps((part.start, part.count) for part in batch.slices)
        tokens = [self._token(part.sequence) if part.samples else 0 for part in batch.slices]
        return StepResult(tokens=tokens, elapsed_s=spent / PS)

    def release(self, sequence: Sequence) -> None:
        """Nothing is kept."""

    def _token(self, sequence: Sequence) -> int:
        request = sequence.request
        prompt = request.hashes[-1] if request.hashes else request.prompt_tokens
        seed = f"{prompt} {request.prompt_tokens} {len(sequence.outputs)}"
        return zlib.crc32(seed.encode()) % self.vocabulary
