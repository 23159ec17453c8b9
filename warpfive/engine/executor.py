"""What computes a batch. One scheduler, any executor: simulated time now, a device when serving."""

from dataclasses import dataclass, field
from typing import Protocol

from warpfive.engine.batch import Batch
from warpfive.engine.request import Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """What a step gave."""

    tokens: list[int]
    """One id for each slice of the batch; ignored where the slice samples nothing."""
    elapsed_s: float
    """How long the step took on the executor's clock."""


class Executor(Protocol):
    """Computes batches in the order given. Contract:

    * ``execute`` computes the KV of every slice into the blocks of its sequence and returns one
      token id for each slice;
    * a batch may hold prompts, parts of prompts and single decodes, in any mix;
    * ``release`` is called once for each sequence that ended, was aborted or lost its KV.
    """

    def execute(self, batch: Batch) -> StepResult:
        """Run one step."""

    def release(self, sequence: Sequence) -> None:
        """Forget per-sequence state; its KV blocks are no longer its own."""


@dataclass(slots=True)
class FixedExecutor:
    """Answers ``token`` for every slice after ``step_s`` seconds; for tests and examples."""

    step_s: float = 0.01
    token: int = 0
    released: list[Sequence] = field(default_factory=list)

    def execute(self, batch: Batch) -> StepResult:
        """Nothing is computed."""
        return StepResult(tokens=[self.token] * len(batch.slices), elapsed_s=self.step_s)

    def release(self, sequence: Sequence) -> None:
        """Remember who was released."""
        self.released.append(sequence)
