"""Prefill and decode on separate pools, with the KV cache sent between them.

A request is prefilled on one replica of the first pool, its KV cache leaves over that replica's
links, one request after another, and a replica of the second pool decodes it. The first token
reaches the client when the transfer ends. A request that the second pool preempts is computed again
there. ``overlap`` is the share of a transfer that is sent while the prompt is still being computed.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from warpfive.engine import EngineConfig
from warpfive.errors import InputError
from warpfive.fleet.cost import StepCost
from warpfive.fleet.fast import simulate
from warpfive.fleet.result import Outcome
from warpfive.fleet.trace import PS, Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Equal replicas of one engine."""

    config: EngineConfig
    cost: StepCost
    replicas: int = 1
    routing: str = "round_robin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """How KV caches travel."""

    token_bytes: float
    """KV cache of one prompt token, whole model."""
    bandwidth: float
    """Bytes per second out of one prefill replica."""
    latency_s: float = 1e-5
    overlap: float = 0.0
    fixed_bytes: float = 0.0
    """State that does not grow with the prompt."""

    def __post_init__(self) -> None:
        if self.bandwidth <= 0 or not 0 <= self.overlap < 1:
            raise InputError(
                f"transfer at {self.bandwidth:g} B/s with overlap {self.overlap:g}: the rate must "
                "be above 0 and the overlap at least 0 and below 1"
            )

    def seconds(self, prompt: np.ndarray) -> np.ndarray:
        """Time each prompt's KV cache occupies the links after its prefill."""
        size = self.fixed_bytes + self.token_bytes * prompt
        return (1 - self.overlap) * size / self.bandwidth


def simulate_split(
    trace: Trace,
    prefill: Pool,
    decode: Pool,
    transfer: Transfer,
    run: Callable[..., Outcome] = simulate,
) -> Outcome:
    """Simulate a trace over two pools; ``run`` simulates one of them."""
    first = _run(run, replace(trace, output=np.ones_like(trace.output)), prefill)
    sent_ps = _send(first, transfer)
    later = np.flatnonzero(trace.output > 1)
    finish_ps, preempted = sent_ps.copy(), first.preemptions.astype(np.int32)
    stats = first.replicas
    where = first.replica
    if len(later):
        order = later[np.argsort(sent_ps[later], kind="stable")]
        second = _run(run, _decodes(trace, order, sent_ps), decode)
        finish_ps[order] = second.finish_ps
        preempted[order] += second.preemptions
        stats = (*stats, *second.replicas)
    return Outcome(
        trace=trace, arrival_ps=first.arrival_ps, first_ps=sent_ps, finish_ps=finish_ps,
        hit_tokens=first.hit_tokens, preemptions=preempted, replica=where, replicas=stats,
    )  # fmt: skip


def _run(run: Callable[..., Outcome], trace: Trace, pool: Pool) -> Outcome:
    return run(trace, pool.config, pool.cost, replicas=pool.replicas, routing=pool.routing)


def _send(first: Outcome, transfer: Transfer) -> np.ndarray:
    """When each request's KV cache has arrived; a replica's links serve one after another."""
    busy = np.round(transfer.seconds(first.trace.prompt) * PS).astype(np.int64)
    latency = round(transfer.latency_s * PS)
    done = np.empty(len(busy), dtype=np.int64)
    for replica in range(len(first.replicas)):
        mine = np.flatnonzero(first.replica == replica)
        mine = mine[np.argsort(first.finish_ps[mine], kind="stable")]
        load = np.cumsum(busy[mine])
        start = np.maximum.accumulate(first.finish_ps[mine] - (load - busy[mine]))
        done[mine] = start + load + latency
    return done


def _decodes(trace: Trace, rows: np.ndarray, sent_ps: np.ndarray) -> Trace:
    """What the second pool sees: prompts and first tokens whose KV cache is there."""
    return Trace(
        arrival_ps=sent_ps[rows],
        prompt=trace.prompt[rows] + 1,
        output=trace.output[rows] - 1,
        priority=trace.priority[rows],
        ready=trace.prompt[rows],
        name=trace.name,
    )
