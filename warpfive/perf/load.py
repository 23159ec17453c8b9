"""What is offered to one instance, and what its users get."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import NamedTuple


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Requests offered to one instance."""

    input_tokens: float
    output_tokens: float
    concurrency: int
    """Requests in flight at once; the next is sent when one ends."""
    requests: int = 0
    """Requests in all; 0 for ten rounds of the concurrency."""
    spread: float = 0.0
    """Lengths are uniform in mean x (1 +- spread); exponential where it is negative."""
    seed: int = 5


class Sample(NamedTuple):
    """A quantity of single requests, in seconds."""

    values: Sequence[float]
    weight: float
    """Of each."""
    more: float = 0.0
    """To be added to each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """Averages over the requests; times in seconds, rates per second."""

    ttft_s: float
    """Sending of a request to its first token."""
    tpot_s: float
    """Time between a request's later tokens."""
    latency_s: float
    seconds: float
    """The whole load."""
    output_rate: float
    total_rate: float
    request_rate: float
    batch: float
    """Mean number of sequences a decode step held."""
    itl_s: float = 0.0
    """A decode step without prompts in it: what lies between two tokens most of the time."""
    samples: Mapping[str, Sequence[Sample]] = field(default_factory=dict, repr=False)
    """``ttft`` and ``tpot`` of single requests."""

    def ordered(self, kind: str) -> list[tuple[float, float]]:
        """Single requests' ``ttft`` or ``tpot`` with their weights, in order."""
        return sorted(
            (value + part.more, part.weight) for part in self.samples[kind] for value in part.values
        )

    def tail(self, kind: str, share: float) -> float:
        """Seconds that this share of the requests' ``ttft`` or ``tpot`` stays within."""
        ordered = self.ordered(kind)
        mean = sum(value * weight for value, weight in ordered)
        reached = list(accumulate(weight for _, weight in ordered))
        if not mean:
            return 0.0
        index = bisect_left(reached, share * reached[-1] - 1e-12)
        return ordered[index][0] * getattr(self, f"{kind}_s") / mean
