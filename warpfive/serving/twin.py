"""An executor that says how long a step takes on the chip, and answers with filler tokens."""

import zlib

from warpfive.engine import Batch, Sequence
from warpfive.fleet import SimulatedExecutor, StepCost


class TwinExecutor(SimulatedExecutor):
    """The fleet's simulated executor with answers.

    Token ids lie below ``vocabulary`` and are the same for the same request.
    An id depends on the request's prompt and on the token's place alone, never on the batch, so a
    repeated request has a repeated answer, as with greedy sampling.
    """

    def __init__(self, cost: StepCost, vocabulary: int) -> None:
        super().__init__(cost)
        self.vocabulary = vocabulary

    def tokens(self, batch: Batch) -> list[int]:
        """A token for each slice that yields one."""
        return [self._token(part.sequence) if part.samples else 0 for part in batch.slices]

    def _token(self, sequence: Sequence) -> int:
        request = sequence.request
        prompt = request.hashes[-1] if request.hashes else request.prompt_tokens
        seed = f"{prompt} {request.prompt_tokens} {len(sequence.outputs)}"
        return zlib.crc32(seed.encode()) % self.vocabulary
