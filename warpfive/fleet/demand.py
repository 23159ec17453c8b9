"""What a workload asks of a replica: the averages that the closed-form screen needs."""

from dataclasses import dataclass

import numpy as np

from warpfive.fleet.trace import Trace
from warpfive.fleet.workload import Workload

SAMPLE = 4000
"""Requests drawn to learn a workload's averages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """Averages over a workload's requests."""

    prompt: float
    output: float
    prompt_cv2: float
    """Variance of the prompt lengths over their mean squared."""
    hit_share: float
    """Share of prompt tokens that an unbounded prefix cache supplies."""
    longest: int
    """Most prompt and output tokens of one request."""
    requests: int
    hash_tokens: int

    @property
    def computed(self) -> float:
        """Prompt tokens to compute for a request with an unbounded prefix cache."""
        return self.prompt * (1 - self.hit_share)

    @property
    def context(self) -> float:
        """Mean tokens a sequence attends to while it decodes."""
        return self.prompt + self.output / 2


def sample(workload: Workload | Trace, rate: float, requests: int, seed: int = 0) -> Trace:
    """Requests of a workload at a rate: drawn, or the trace's own, repeated where too few."""
    if isinstance(workload, Trace):
        return workload.repeated(requests).head(requests).at_rate(rate)
    return workload.trace(requests, rate, seed)


def demand(workload: Workload | Trace, prefix_cache: bool = True) -> Demand:
    """Averages of a workload, from the trace itself or from a sample."""
    trace = workload.head(SAMPLE) if isinstance(workload, Trace) else workload.trace(SAMPLE, 1.0)
    prompt = trace.prompt.astype(float)
    return Demand(
        prompt=float(prompt.mean()),
        output=float(trace.output.mean()),
        prompt_cv2=float(prompt.var() / prompt.mean() ** 2),
        hit_share=_ideal_hits(trace) if prefix_cache else 0.0,
        longest=int((trace.prompt.astype(np.int64) + trace.output).max()),
        requests=len(trace),
        hash_tokens=trace.hash_tokens,
    )


def _ideal_hits(trace: Trace) -> float:
    """Share of prompt tokens in blocks seen before."""
    if not trace.hash_ids:
        return 0.0
    first = np.unique(trace.hash, return_index=True)[1]
    return float((len(trace.hash) - len(first)) * trace.hash_tokens / trace.prompt.sum())
