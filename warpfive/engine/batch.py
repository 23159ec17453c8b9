"""What one step computes."""

from dataclasses import dataclass, field

from warpfive.engine.request import Sequence


@dataclass(frozen=True, slots=True)
class Slice:
    """Tokens ``start`` to ``start + count`` of one sequence."""

    sequence: Sequence
    start: int
    count: int

    @property
    def samples(self) -> bool:
        """Whether the step yields this sequence's next token."""
        return self.start + self.count == self.sequence.total


@dataclass(slots=True)
class Batch:
    """The slices of one step, in order of service."""

    slices: list[Slice] = field(default_factory=list)
    preempted: list[Sequence] = field(default_factory=list)
    """Sequences that lost their KV when this batch was formed."""

    @property
    def tokens(self) -> int:
        """Tokens the step computes."""
        return sum(part.count for part in self.slices)

    def __bool__(self) -> bool:
        return bool(self.slices)
