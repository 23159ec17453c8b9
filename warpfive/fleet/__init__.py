"""Serving at the level of requests: workloads, replicas, routing, figures, plans."""

from warpfive.fleet.capacity import kv_transfer
from warpfive.fleet.charts import write_chart
from warpfive.fleet.cost import StepCost, StepTimes, step_cost
from warpfive.fleet.demand import Demand, demand, sample
from warpfive.fleet.failure import Failure
from warpfive.fleet.fast import kv_blocks, simulate
from warpfive.fleet.gap import STEPS, Gap, Ratio, Rung, Side, gap
from warpfive.fleet.instance import Instance, Setup
from warpfive.fleet.launch import launch_commands
from warpfive.fleet.plain import SimulatedExecutor, simulate_plain
from warpfive.fleet.plan import Ask, Plan, Search, search, with_prices
from warpfive.fleet.readers import FORMATS, read_trace
from warpfive.fleet.report import bands_json, gap_json, plan_json, search_json
from warpfive.fleet.result import Outcome, ReplicaStats, Summary, summarise
from warpfive.fleet.router import ROUTERS
from warpfive.fleet.slo import Slo, parse_slo, reached, show_seconds
from warpfive.fleet.split import Pool, Transfer, simulate_split
from warpfive.fleet.sweep import sweep
from warpfive.fleet.trace import PS, Trace, make_trace
from warpfive.fleet.workload import ARRIVALS, NAMED, Lengths, Workload, parse_workload

__all__ = [
    "ARRIVALS", "FORMATS", "NAMED", "PS", "ROUTERS", "STEPS",
    "Ask", "Demand", "Failure", "Gap", "Instance", "Lengths", "Outcome", "Plan", "Pool", "Ratio",
    "ReplicaStats", "Rung", "Search", "Setup", "Side",
    "SimulatedExecutor", "Slo", "StepCost", "StepTimes", "Summary",
    "Trace", "Transfer", "Workload",
    "bands_json", "demand", "gap", "gap_json", "kv_blocks", "kv_transfer",
    "launch_commands", "make_trace",
    "parse_slo", "parse_workload", "plan_json", "reached", "read_trace", "sample", "search",
    "search_json", "show_seconds", "simulate", "simulate_plain", "simulate_split", "step_cost",
    "summarise", "sweep", "with_prices", "write_chart",
]  # fmt: skip
