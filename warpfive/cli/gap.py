"""``warpfive gap``: how much of a chip's gap the system around it wins back."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from warpfive.catalog import DEFAULT_CHIP
from warpfive.catalog import chip as catalog_chip
from warpfive.catalog import model as catalog_model
from warpfive.cli import options
from warpfive.cli.output import check_target, console, write_json
from warpfive.errors import InputError
from warpfive.fleet import Gap, Ratio, Rung, gap_json, parse_slo, parse_workload, write_chart
from warpfive.fleet import gap as climb

LIMITS = "ttft=5s,tpot=100ms,p=90"


def register(app: typer.Typer) -> None:
    """Add the verb to the main application."""
    app.command("gap")(gap)


def gap(
    model: options.Model,
    vs: Annotated[str, typer.Option(help="The chip to compare with.")],
    chip: Annotated[str, typer.Option(help="The chip whose gap it is.")] = DEFAULT_CHIP,
    workload: options.Workload = "talk",
    slo: options.Slo = LIMITS,
    engine: options.Engine = "",
    draws: Annotated[int, typer.Option(help="Draws behind the bands; 0 for none.")] = 8,
    png: Annotated[str, typer.Option(metavar="FILE", help="Draw the waterfall.")] = "",
    html: Annotated[str, typer.Option(metavar="FILE", help="The same, interactive.")] = "",
    workers: options.Workers = 0,
    ray: options.Ray = "",
    json_file: options.JsonFile = "",
) -> None:
    """From chip against chip to system against system, one switched step at a time."""
    if draws < 0:
        raise InputError(f"--draws {draws}: must be at least 0")
    for option, target in (("--png", png), ("--html", html), ("--json", json_file)):
        check_target(option, target)
    found = climb(
        catalog_model(model), catalog_chip(chip), catalog_chip(vs), parse_workload(workload),
        parse_slo(slo), engine=engine, draws=draws, workers=workers, ray=ray,
    )  # fmt: skip
    for target in (png, html):
        if target:
            write_chart(found, Path(target))
    if json_file:
        write_json(json_file, gap_json(found))
    if json_file != "-":
        show(found)


def show(found: Gap) -> None:
    """Print both ladders."""
    screen = console()
    own, other = found.own, found.other
    screen.print(
        f"[bold]{found.model.name}[/] · {found.workload} · output tokens/s/chip at the highest "
        f"rate that holds {found.slo}"
    )
    if found.widened > 1:
        screen.print(f"limits widened {found.widened:.3g} times: naive systems hold no tighter")
    screen.print(_table(found, bands=screen.width >= BANDS_FROM))
    screen.print(f"\nwhat was chosen on {own.chip.name}:")
    for rung in own.rungs:
        if rung.detail not in ("", "on", "does not apply"):
            screen.print(f"  [dim]{rung.name}: {rung.detail}[/]", highlight=False)
    for text, ratio in (
        (f"\nchip against chip, naive on both: {own.chip.name} is", found.chip_to_chip),
        (f"whole {own.chip.name} system against {other.chip.name}, naive:", found.whole_to_naive),
        ("system against system:", found.whole_to_whole),
    ):
        screen.print(f"{text} [bold]{_ratio(ratio)}[/]", highlight=False)
    screen.print(f"80% bands; {found.basis}", highlight=False, style="dim")


BANDS_FROM = 100
"""Columns from which bands fit beside the gains."""


def _table(found: Gap, bands: bool) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("step", overflow="fold")
    for side in (found.own, found.other):
        table.add_column(side.chip.name, justify="right", no_wrap=True)
        table.add_column("gain", justify="right", no_wrap=True)
        if bands:
            table.add_column("80% band", justify="right", no_wrap=True)
    table.add_column("ratio", justify="right", no_wrap=True)
    shown = 3 if bands else 2
    for mine, theirs in zip(found.own.rungs, found.other.rungs, strict=True):
        table.add_row(
            mine.name, *_cells(mine)[:shown], *_cells(theirs)[:shown],
            f"{mine.value / theirs.value:.2f}",
        )  # fmt: skip
    return table


def _cells(rung: Rung) -> tuple[str, str, str]:
    value = f"{rung.value:.1f}"
    if rung.key == "naive":
        return value, "", f"{rung.value_low:.0f}-{rung.value_high:.0f}"
    if not rung.kept:
        return value, "off", "" if rung.detail == "does not apply" else f"(x{rung.gain:.2f})"
    return value, f"x{rung.gain:.2f}", f"{rung.low:.2f}-{rung.high:.2f}"


def _ratio(ratio: Ratio) -> str:
    return f"{ratio.value:.2f}x ({ratio.low:.2f} to {ratio.high:.2f})"
