"""``warpfive gap``: how much of a chip's gap the system around it wins back."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from warpfive.catalog import chip as catalog_chip
from warpfive.catalog import model as catalog_model
from warpfive.cli.output import JsonFile, write_json
from warpfive.errors import InputError
from warpfive.fleet import Gap, Ratio, Rung, gap_json, parse_slo, parse_workload, write_chart
from warpfive.fleet import gap as climb

LIMITS = "ttft=5s,tpot=100ms,p=90"


def register(app: typer.Typer) -> None:
    """Add the verb to the main application."""
    app.command("gap")(gap)


def gap(
    model: Annotated[str, typer.Option(help="A model's name, or the path of a config.json.")],
    vs: Annotated[str, typer.Option(help="The chip to compare with.")],
    chip: Annotated[str, typer.Option(help="The chip whose gap it is.")] = "zhenwu-810e",
    workload: Annotated[
        str, typer.Option(help="As in plan; conversations show the prefix cache.")
    ] = "talk",
    slo: Annotated[str, typer.Option(help="Limits that every rung must hold.")] = LIMITS,
    engine: Annotated[str, typer.Option(help="Engine profile both start from.")] = "",
    draws: Annotated[int, typer.Option(help="Draws behind the bands; 0 for none.")] = 8,
    png: Annotated[str, typer.Option(metavar="FILE", help="Draw the waterfall.")] = "",
    html: Annotated[str, typer.Option(metavar="FILE", help="The same, interactive.")] = "",
    workers: Annotated[int, typer.Option(help="Processes; 0 for every core.")] = 0,
    ray: Annotated[str, typer.Option(metavar="ADDRESS", help="Spread over a Ray cluster.")] = "",
    json_file: JsonFile = "",
) -> None:
    """From chip against chip to system against system, one switched step at a time."""
    if draws < 0:
        raise InputError(f"--draws {draws}: must be at least 0")
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
    console = Console()
    own, other = found.own, found.other
    console.print(
        f"[bold]{found.model.name}[/] · {found.workload} · output tokens/s/chip at the highest "
        f"rate that holds {found.slo}"
    )
    if found.widened > 1:
        console.print(f"limits widened {found.widened:.3g} times: naive systems hold no tighter")
    table = Table(box=None, pad_edge=False)
    table.add_column("step", no_wrap=True)
    for side in (own, other):
        table.add_column(side.chip.name, justify="right")
        table.add_column("gain", justify="right")
        table.add_column("80% band", justify="right")
    table.add_column("ratio", justify="right")
    table.add_column(f"on {own.chip.name}", overflow="fold", style="dim")
    for mine, theirs in zip(own.rungs, other.rungs, strict=True):
        table.add_row(
            mine.name, *_cells(mine), *_cells(theirs), f"{mine.value / theirs.value:.2f}",
            "" if mine.detail == "on" else mine.detail,
        )  # fmt: skip
    console.print(table)
    for text, ratio in (
        (f"chip against chip, naive on both: {own.chip.name} is", found.chip_to_chip),
        (f"whole {own.chip.name} system against {other.chip.name}, naive:", found.whole_to_naive),
        ("system against system:", found.whole_to_whole),
    ):
        console.print(f"{text} [bold]{_ratio(ratio)}[/]", highlight=False)
    console.print(f"80% bands; {found.basis}", highlight=False, style="dim")


def _cells(rung: Rung) -> tuple[str, str, str]:
    value = f"{rung.value:.1f}"
    if rung.key == "naive":
        return value, "", f"{rung.value_low:.0f}-{rung.value_high:.0f}"
    if not rung.kept:
        return value, "off", "" if rung.detail == "does not apply" else f"(x{rung.gain:.2f})"
    return value, f"x{rung.gain:.2f}", f"{rung.low:.2f}-{rung.high:.2f}"


def _ratio(ratio: Ratio) -> str:
    return f"{ratio.value:.2f}x ({ratio.low:.2f} to {ratio.high:.2f})"
