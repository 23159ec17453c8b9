"""``warpfive plan``: the cheapest way to serve a model within limits."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from warpfive.catalog import chip, engine_profile
from warpfive.catalog import model as catalog_model
from warpfive.cli import options
from warpfive.cli.output import check_target, console, write_json
from warpfive.errors import InputError
from warpfive.fleet import (
    Ask,
    Plan,
    Search,
    bands_json,
    launch_commands,
    parse_slo,
    parse_workload,
    search,
    search_json,
    show_seconds,
    with_prices,
)
from warpfive.perf import WEIGHT_DTYPES, Speculation


def register(app: typer.Typer) -> None:
    """Add the verb to the main application."""
    app.command("plan")(plan)


def plan(
    model: options.Model,
    chips: Annotated[str, typer.Option(help="Chips to choose from: a,b,c.")],
    slo: options.Slo,
    workload: options.Workload = "chat",
    rate: Annotated[float | None, typer.Option(help="Requests per second to serve.")] = None,
    chips_max: Annotated[int | None, typer.Option(help="Serve as much as so many can.")] = None,
    dtype: Annotated[str, typer.Option(help="Weight formats to try: fp8,int4.")] = "",
    engine: options.Engine = "",
    speculate: Annotated[
        str, typer.Option(metavar="DRAFTS:ACCEPTANCE", help="Draft tokens, such as 1:0.8.")
    ] = "",
    price: Annotated[
        list[str] | None, typer.Option(metavar="CHIP=USD", help="Rent of a chip per hour.")
    ] = None,
    split: Annotated[bool, typer.Option(help="Also try separate prefill and decode pools.")] = True,
    instance_max: Annotated[int, typer.Option(help="Chips of the largest instance tried.")] = 64,
    top: Annotated[int, typer.Option(help="Plans to print.")] = 8,
    workers: options.Workers = 0,
    ray: options.Ray = "",
    json_file: options.JsonFile = "",
) -> None:
    """Find the cheapest plans that hold the limits, simulated request by request."""
    check_target("--json", json_file)
    engine_profile(engine)  # an unknown name is refused before the search
    specs = tuple(chip(name.strip()) for name in chips.split(",") if name.strip())
    ask = Ask(
        model=catalog_model(model), chips=with_prices(specs, _prices(price or [])),
        workload=parse_workload(workload), slo=parse_slo(slo), rate=rate, chips_max=chips_max,
        dtypes=_dtypes(dtype), engine=engine, speculation=parse_speculation(speculate),
        split=split, most_chips=instance_max,
    )  # fmt: skip
    found = search(ask, workers=workers, ray=ray)
    if json_file:
        write_json(json_file, search_json(found, top))
    if json_file != "-":
        show(found, top)


def _dtypes(text: str) -> tuple[str, ...]:
    names = tuple(filter(None, text.split(",")))
    unknown = [name for name in names if name not in WEIGHT_DTYPES]
    if unknown:
        raise InputError(f"--dtype {unknown[0]!r}: unknown; known: {', '.join(WEIGHT_DTYPES)}")
    return names


def _prices(items: list[str]) -> dict[str, float]:
    prices = {}
    for item in items:
        name, _, value = item.partition("=")
        try:
            prices[chip(name).name] = float(value)
        except ValueError:
            raise InputError(f"--price {item!r}: must be CHIP=USD, such as h20=1.2") from None
    return prices


def parse_speculation(text: str) -> Speculation | None:
    """Read ``DRAFTS:ACCEPTANCE``."""
    if not text:
        return None
    drafts, _, acceptance = text.partition(":")
    try:
        found = Speculation(drafts=int(drafts), acceptance=float(acceptance or 0.7))
    except ValueError:
        found = Speculation(drafts=0, acceptance=0.0)
    if found.drafts < 1 or not 0 < found.acceptance <= 1:
        raise InputError(
            f"--speculate {text!r}: must be draft tokens and the chance that one is accepted, "
            "such as 1:0.8"
        )
    return found


# -- terminal -----------------------------------------------------------------------------


def show(found: Search, top: int) -> None:
    """Print the answer."""
    screen = console()
    ask, need = found.ask, found.need
    screen.print(
        f"[bold]{ask.model.name}[/] · {ask.workload.name}: {need.prompt:.0f} prompt and "
        f"{need.output:.0f} output tokens a request · {ask.slo}"
    )
    if found.plans:
        screen.print(_table(found.plans[:top], _title(found)))
        _show_bands(screen, found.plans[0])
        _show_launch(screen, found.plans[0], ask.model.hub or ask.model.name)
    else:
        screen.print(f"[bold]no plan holds the limits[/]: {found.verdict}", highlight=False)
        if found.nearest:
            screen.print(_table([found.nearest], "nearest"))
    _show_front(screen, found)
    screen.print(
        f"{found.configurations:,} configurations of {found.setups} setups in "
        f"{found.seconds:.1f} s, {found.simulations} simulations", highlight=False,
    )  # fmt: skip
    for cause, count in found.refused.items():
        screen.print(f"  {count} setups left out: {cause}", highlight=False)


def _title(found: Search) -> str:
    ask = found.ask
    if ask.rate is not None:
        return f"cheapest for {ask.rate:g} requests/s"
    if ask.chips_max is not None:
        return f"most requests with at most {ask.chips_max} chips"
    return "cheapest per token, one group each at its highest rate"


def _table(plans: list[Plan], title: str) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column("plan", overflow="fold")
    for name in ("chips", "nodes", "req/s", "TTFT", "TPOT", "tok/s/chip", "kW", "$/h", "$/Mtok"):
        table.add_column(name, justify="right", no_wrap=True)
    for item in plans:
        count = f"{item.groups} x " if item.groups > 1 else ""
        table.add_row(
            f"{count}{item.group.label}", str(item.chips), str(item.nodes), f"{item.rate:.3g}",
            show_seconds(item.measured.reached["ttft"]),
            show_seconds(item.measured.reached["tpot"]),
            f"{item.output_rate / item.chips:.0f}", _or_dash(item.power_w, 1e-3, ".1f"),
            _or_dash(item.usd_per_h, 1, ".2f"), _or_dash(item.usd_per_mtoken, 1, ".2f"),
        )  # fmt: skip
    return table


def _or_dash(value: float | None, scale: float, form: str) -> str:
    return "-" if value is None else format(value * scale, form)


def _show_bands(screen: Console, best: Plan) -> None:
    for name, found in bands_json(best).items():
        screen.print(
            f"first plan's {name[:4].upper()}: {show_seconds(found['p10'])} to "
            f"{show_seconds(found['p90'])} (80% band; {found['basis']})", highlight=False,
        )  # fmt: skip


def _show_launch(screen: Console, best: Plan, model: str) -> None:
    screen.print("\nto start the first one, once per replica:", highlight=False)
    for engine, lines in launch_commands(best.group, model).items():
        for line in lines:
            screen.print(f"  [dim]{engine:9}[/] {line}", highlight=False, soft_wrap=True)


def _show_front(screen: Console, found: Search) -> None:
    table = Table(
        title="\nPareto front (closed form)", title_justify="left", box=None, pad_edge=False
    )
    for name in ("setup", "batch", "tok/s/user", "tok/s/chip"):
        table.add_column(name, justify="left" if name == "setup" else "right")
    step = max(1, len(found.pareto) // 8)
    for point in found.pareto[::step]:
        table.add_row(
            point.setup.label, str(point.batch), f"{point.user_rate:.1f}", f"{point.chip_rate:.0f}"
        )
    screen.print(table)
