"""Serving at the level of requests: workloads, replicas, routing, figures, plans."""

from warpfive.fleet.cost import StepCost, StepTimes, step_cost
from warpfive.fleet.failure import Failure
from warpfive.fleet.fast import kv_blocks, simulate
from warpfive.fleet.plain import simulate_plain
from warpfive.fleet.readers import FORMATS, read_trace
from warpfive.fleet.result import Outcome, ReplicaStats, Summary, summarise
from warpfive.fleet.router import ROUTERS
from warpfive.fleet.trace import Trace, make_trace
from warpfive.fleet.workload import ARRIVALS, NAMED, Lengths, Workload, parse_workload

__all__ = [
    "ARRIVALS", "FORMATS", "NAMED", "ROUTERS",
    "Failure", "Lengths", "Outcome", "ReplicaStats", "StepCost", "StepTimes", "Summary", "Trace",
    "Workload",
    "kv_blocks", "make_trace", "parse_workload", "read_trace", "simulate", "simulate_plain",
    "step_cost", "summarise",
]  # fmt: skip
