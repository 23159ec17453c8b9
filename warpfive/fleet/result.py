"""What a simulation gives: times of every request and the figures drawn from them.

Clocks. TTFT runs from the moment a request reaches the front door to the end of the step that
yields its first token; it includes the fixed front-end time, routing, queueing, prefill and, with
separate pools, the transfer of the KV cache. TPOT is the time from the first token to the last,
divided by the tokens after the first. A request of one token has no TPOT.
"""

from dataclasses import asdict, dataclass, field

import numpy as np

from warpfive.fleet.trace import PS, Trace

QUANTILES = (50, 90, 95, 99)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaStats:
    """Counts of one replica."""

    steps: int
    busy_s: float
    peak_blocks: int
    tokens: int
    """Tokens computed, repeated ones included."""
    preemptions: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcome:
    """Times of every request, in the order of the trace."""

    trace: Trace
    arrival_ps: np.ndarray
    first_ps: np.ndarray
    """End of the step that yields the first token."""
    finish_ps: np.ndarray
    hit_tokens: np.ndarray
    """Prompt tokens found in the prefix cache."""
    preemptions: np.ndarray
    replica: np.ndarray
    replicas: tuple[ReplicaStats, ...] = field(default=())

    @property
    def ttft_s(self) -> np.ndarray:
        """Time to first token of each request."""
        return (self.first_ps - self.arrival_ps) / PS

    @property
    def tpot_s(self) -> np.ndarray:
        """Time per output token after the first; NaN for one-token outputs."""
        later = np.where(self.trace.output > 1, self.trace.output - 1, np.nan)
        return (self.finish_ps - self.first_ps) / PS / later

    @property
    def latency_s(self) -> np.ndarray:
        """Arrival to last token."""
        return (self.finish_ps - self.arrival_ps) / PS

    @property
    def span_s(self) -> float:
        """First arrival to last token."""
        return float(self.finish_ps.max() - self.arrival_ps.min()) / PS


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Figures of one run; times in seconds, rates per second."""

    requests: int
    span_s: float
    ttft_mean_s: float
    ttft_s: dict[str, float]
    tpot_mean_s: float
    tpot_s: dict[str, float]
    latency_s: dict[str, float]
    request_rate: float
    output_rate: float
    """Output tokens per second of the whole run, its ends included."""
    total_rate: float
    """Prompt and output tokens per second."""
    hit_share: float
    """Share of prompt tokens found in the prefix cache."""
    preemptions: int
    steps: int
    utilisation: float
    """Share of the run in which a replica was computing, mean over replicas."""
    peak_blocks: int

    def as_dict(self) -> dict:
        """The fields by name, for ``--json``."""
        return asdict(self)


def summarise(outcome: Outcome) -> Summary:
    """The figures of a run."""
    trace, span = outcome.trace, outcome.span_s
    tpot = outcome.tpot_s
    tpot = tpot[~np.isnan(tpot)]
    busy = [stats.busy_s for stats in outcome.replicas] or [0.0]
    return Summary(
        requests=len(trace),
        span_s=span,
        ttft_mean_s=float(outcome.ttft_s.mean()),
        ttft_s=_quantiles(outcome.ttft_s),
        tpot_mean_s=float(tpot.mean()) if len(tpot) else 0.0,
        tpot_s=_quantiles(tpot),
        latency_s=_quantiles(outcome.latency_s),
        request_rate=len(trace) / span if span else 0.0,
        output_rate=float(trace.output.sum()) / span if span else 0.0,
        total_rate=trace.tokens / span if span else 0.0,
        hit_share=float(outcome.hit_tokens.sum()) / float(trace.prompt.sum()),
        preemptions=int(outcome.preemptions.sum()),
        steps=sum(stats.steps for stats in outcome.replicas),
        utilisation=float(np.mean(busy)) / span if span else 0.0,
        peak_blocks=max((stats.peak_blocks for stats in outcome.replicas), default=0),
    )


def _quantiles(values: np.ndarray) -> dict[str, float]:
    if not len(values):
        return {f"p{q}": 0.0 for q in QUANTILES}
    found = np.percentile(values, QUANTILES)
    return {f"p{q}": float(value) for q, value in zip(QUANTILES, found, strict=True)}
