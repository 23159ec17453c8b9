"""How many requests a second the request-level simulation serves, and how long a plan takes.

    python benchmarks/simulate.py [OUT.csv]

Fixed seeds; one core for the simulations, every core for the plan. Times are the best of three and
hold everything from a loaded trace to the arrays of results.
"""

import csv
import os
import platform
import sys
import time
from collections.abc import Callable

from warpfive.catalog import chip, model
from warpfive.engine import EngineConfig
from warpfive.fleet import (
    Ask,
    Instance,
    Setup,
    demand,
    parse_slo,
    parse_workload,
    search,
    simulate,
    simulate_plain,
)
from warpfive.perf import Layout

REQUESTS = 200_000


def best(function: Callable[[], object], rounds: int = 3) -> float:
    """Shortest time of some rounds, in seconds."""
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        function()
        times.append(time.perf_counter() - begun)
    return min(times)


def simulations() -> list[tuple[str, float, str]]:
    """Requests per second of the fast simulation at light, usual and full load."""
    rows = []
    for workload, rates, count in (
        ("chat", (2, 8, 11), REQUESTS),
        ("document", (0.5, 1.2), 20_000),
    ):
        work = parse_workload(workload)
        need = demand(work)
        setup = Setup(chip=chip("h100"), layout=Layout(tp=4), dtype="fp8", kv_dtype="fp8")
        instance = Instance(model("llama-3.1-70b"), setup, need.context)
        config: EngineConfig = instance.config(256, 8192)
        for rate in rates:
            trace = work.trace(count, rate)
            simulate(trace.head(100), config, instance.cost)
            spent = best(lambda: simulate(trace, config, instance.cost))  # noqa: B023
            rows.append((f"fast, {workload} at {rate:g}/s", count / spent, "requests/s"))
        small = work.trace(400, rates[0])
        spent = best(lambda: simulate_plain(small, config, instance.cost), 1)  # noqa: B023
        rows.append((f"plain, {workload} at {rates[0]:g}/s", 400 / spent, "requests/s"))
    return rows


def plans() -> list[tuple[str, float, str]]:
    """Time of a search of some 10,000 configurations."""
    ask = Ask(
        model=model("llama-3.1-70b"), chips=tuple(chip(n) for n in ("zhenwu-810e", "h20", "h100")),
        workload=parse_workload("chat"), slo=parse_slo("ttft=1s,tpot=50ms"), rate=20.0,
    )  # fmt: skip
    found = search(ask)
    return [
        ("plan search", found.seconds, "s"),
        ("plan configurations", found.configurations, "configurations"),
        ("plan simulations", found.simulations, "simulations"),
    ]


def main() -> None:
    """Print the rows, and write them where a file is named."""
    rows = [*simulations(), *plans()]
    where = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    for name, value, unit in rows:
        print(f"{name:28} {value:14,.1f} {unit}")
    print(where)
    if len(sys.argv) > 1:
        with open(sys.argv[1], "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["what", "value", "unit", "machine", "date"])
            for name, value, unit in rows:
                writer.writerow([name, f"{value:.6g}", unit, where, time.strftime("%Y-%m-%d")])


if __name__ == "__main__":
    main()
