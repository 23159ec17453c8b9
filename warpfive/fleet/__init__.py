"""Serving at the level of requests: workloads, replicas, routing, figures, plans."""

from warpfive.fleet.cost import StepCost, StepTimes, step_cost
from warpfive.fleet.failure import Failure
from warpfive.fleet.fast import kv_blocks, simulate
from warpfive.fleet.plain import simulate_plain
from warpfive.fleet.result import Outcome, ReplicaStats, Summary, summarise
from warpfive.fleet.router import ROUTERS
from warpfive.fleet.trace import Trace, make_trace

__all__ = [
    "ROUTERS",
    "Failure", "Outcome", "ReplicaStats", "StepCost", "StepTimes", "Summary", "Trace",
    "kv_blocks", "make_trace", "simulate", "simulate_plain", "step_cost", "summarise",
]  # fmt: skip
