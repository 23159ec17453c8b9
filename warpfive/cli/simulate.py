"""``warpfive simulate``: a workload on replicas of one setup, request by request."""

import time
from dataclasses import replace
from typing import Annotated

import typer
from rich.table import Table

from warpfive.catalog import DEFAULT_CHIP, with_settings
from warpfive.catalog import chip as catalog_chip
from warpfive.catalog import model as catalog_model
from warpfive.cli import options
from warpfive.cli.output import check_target, console, write_json
from warpfive.cli.speculate import speculation as speculation_of
from warpfive.errors import InputError
from warpfive.fleet import (
    Instance,
    Pool,
    Setup,
    Summary,
    Trace,
    demand,
    kv_transfer,
    parse_workload,
    sample,
    show_seconds,
    simulate_plain,
    simulate_split,
    summarise,
)
from warpfive.fleet import simulate as simulate_fast
from warpfive.perf import Layout


def register(app: typer.Typer) -> None:
    """Add the verb to the main application."""
    app.command("simulate")(simulate)


def simulate(
    model: options.Model,
    chip: options.Chip = DEFAULT_CHIP,
    settings: options.Settings = None,
    workload: options.Workload = "chat",
    rate: Annotated[
        float, typer.Option(help="Requests per second; 0 for the trace's own arrivals.")
    ] = 0.0,
    requests: Annotated[int, typer.Option(help="Requests to simulate at most.")] = 20_000,
    replicas: Annotated[int, typer.Option(help="Equal replicas.")] = 1,
    routing: Annotated[str, typer.Option(help="round_robin, least_loaded or prefix_aware.")] = (
        "least_loaded"
    ),
    clients: Annotated[
        int, typer.Option(help="Clients a replica that wait for answers; ignores arrivals.")
    ] = 0,
    tp: options.Tp = 1,
    pp: options.Pp = 1,
    dp: options.Dp = 1,
    ep: options.Ep = 1,
    cp: options.Cp = 1,
    dtype: options.Dtype = "",
    kv_dtype: options.KvDtype = "",
    engine: options.Engine = "",
    drafts: options.Drafts = 0,
    acceptance: options.Acceptance = 0.7,
    prefill_chip: options.PrefillChip = "",
    prefill_tp: options.PrefillTp = 1,
    prefill_replicas: Annotated[int, typer.Option(help="Prefill instances.")] = 1,
    max_seqs: options.MaxSeqs = 256,
    max_tokens: options.MaxTokens = 8192,
    prefix_cache: options.PrefixCache = True,
    plain: Annotated[bool, typer.Option(help="Run the serving scheduler itself (slow).")] = False,
    seed: Annotated[int, typer.Option(help="Of drawn workloads.")] = 0,
    json_file: options.JsonFile = "",
) -> None:
    """Queueing, batching, memory and latency of a workload, one request at a time."""
    _check(rate, requests, clients)
    _check_pools(prefill_chip, prefill_tp, prefill_replicas, clients)
    check_target("--json", json_file)
    work = parse_workload(workload)
    need = demand(work)
    setup = Setup(
        chip=with_settings(catalog_chip(chip), settings or []),
        layout=Layout(tp=tp, pp=pp, dp=dp, ep=ep, cp=cp), dtype=dtype, kv_dtype=kv_dtype,
        engine=engine, speculation=speculation_of(drafts, acceptance),
    )  # fmt: skip
    instance = Instance(catalog_model(model), setup, need.context)
    if isinstance(work, Trace) and not rate:
        trace = work.head(requests)
    else:
        trace = sample(work, rate or 1.0, requests, seed)
    limits = {"max_seqs": max_seqs, "max_tokens": max_tokens, "block_tokens": need.hash_tokens}
    pool = Pool(
        config=instance.config(**limits, prefix_cache=prefix_cache), cost=instance.cost,
        replicas=replicas, routing=routing,
    )  # fmt: skip
    once = simulate_plain if plain else simulate_fast
    first = None
    begun = time.perf_counter()
    if prefill_chip:
        other = replace(
            setup, chip=catalog_chip(prefill_chip), layout=Layout(tp=prefill_tp), speculation=None
        )
        first = Instance(instance.model, other, need.context)
        head = Pool(
            config=first.config(**limits, prefix_cache=prefix_cache), cost=first.cost,
            replicas=prefill_replicas, routing=routing,
        )  # fmt: skip
        transfer = kv_transfer(first, instance, need.prompt)
        outcome = simulate_split(trace, head, pool, transfer, once)
    else:
        outcome = once(
            trace, pool.config, pool.cost, replicas=replicas, routing=routing, clients=clients
        )
    spent = time.perf_counter() - begun
    found = summarise(outcome)
    front_s = (first or instance).front_s
    if json_file:
        write_json(json_file, {
            "model": model, "setup": setup.label, "replicas": replicas, "routing": routing,
            "prefill_setup": first.setup.label if first else None,
            "prefill_replicas": prefill_replicas if first else 0,
            "front_s": front_s, "kv_tokens": instance.kv_tokens, **found.as_dict(),
            "simulated_per_s": len(trace) / spent,
        })  # fmt: skip
    if json_file != "-":
        where = f"{replicas} x {setup.label}" if replicas > 1 else setup.label
        if first:
            where = f"{prefill_replicas} x {first.setup.label} prefill, {where} decode"
        show(found, f"[bold]{instance.model.name}[/] on {where}", front_s, spent)
        _warn(trace, found)


def _warn(trace: Trace, found: Summary) -> None:
    """Say so where requests came faster than they were served."""
    asked = trace.rate
    if asked > 1.05 * found.request_rate and len(trace) > 100:
        console().print(
            f"overloaded: {asked:.3g} requests/s came and {found.request_rate:.3g} were served, so "
            "waiting grows with the length of the run; add replicas or lower --rate",
            highlight=False,
        )


def _check(rate: float, requests: int, clients: int) -> None:
    if rate < 0:
        raise InputError(f"--rate {rate:g}: must be at least 0")
    if requests < 1:
        raise InputError(f"--requests {requests}: must be at least 1")
    if clients < 0:
        raise InputError(f"--clients {clients}: must be at least 0")
    if rate and clients:
        raise InputError("--rate and --clients: give one; clients send when they are answered")


def _check_pools(chip: str, tp: int, replicas: int, clients: int) -> None:
    if not chip and (tp != 1 or replicas != 1):
        raise InputError(
            "--prefill-tp and --prefill-replicas describe a prefill pool; name its --prefill-chip"
        )
    if replicas < 1:
        raise InputError(f"--prefill-replicas {replicas}: must be at least 1")
    if chip and clients:
        raise InputError("--prefill-chip and --clients: separate pools take a trace or a --rate")


def show(found: Summary, title: str, front: float, spent: float) -> None:
    """Print the figures."""
    screen = console()
    screen.print(title, highlight=False)
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for name in ("mean", "p50", "p90", "p95", "p99"):
        table.add_column(name, justify="right")
    rows = (
        ("TTFT", found.ttft_mean_s, found.ttft_s, front),
        ("TPOT", found.tpot_mean_s, found.tpot_s, 0.0),
        ("latency", None, found.latency_s, front),
    )
    for name, mean, values, more in rows:
        cells = [show_seconds(value + more) for value in values.values()]
        table.add_row(name, "" if mean is None else show_seconds(mean + more), *cells)
    screen.print(table)
    screen.print(
        f"{found.request_rate:.3g} requests/s, {found.output_rate:.0f} output tokens/s, busy "
        f"{100 * found.utilisation:.0f}%, prefix hits {100 * found.hit_share:.0f}%, "
        f"{found.preemptions} preemptions", highlight=False,
    )  # fmt: skip
    screen.print(
        f"{found.requests:,} requests, {found.steps:,} steps, simulated in {spent:.2f} s",
        highlight=False, style="dim",
    )  # fmt: skip
