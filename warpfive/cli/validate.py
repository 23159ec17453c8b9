"""``warpfive validate``: predictions against measured rows."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from warpfive.cli import options
from warpfive.cli.output import write_json
from warpfive.perf import (
    SHIPPED,
    Summary,
    Validation,
    held_out,
    kind_of,
    read_rows,
    validate_rows,
)

QUANTITIES = (
    ("tpot", "TPOT"), ("ttft", "TTFT"), ("rate", "throughput"), ("tpot tail", "TPOT tail"),
    ("ttft tail", "TTFT tail"), ("memory", "memory"),
)  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the ``validate`` verb to the main application."""
    app.command("validate")(command)


def command(
    rows: Annotated[
        Path | None, typer.Argument(help="CSV with the columns of the shipped rows.")
    ] = None,
    held_out_only: Annotated[
        bool, typer.Option("--held-out", help="Only rows of groups kept from fitting.")
    ] = False,
    json_file: options.JsonFile = "",
) -> None:
    """Compare predictions with the shipped measurements, or with rows of your own."""
    result = validate_rows(read_rows(rows or SHIPPED))
    if held_out_only:
        kept = tuple(item for item in result.compared if held_out(item.case))
        result = Validation(compared=kept, left_out=result.left_out)
    if json_file:
        write_json(json_file, record(result))
    if json_file != "-":
        _print(result)


TABLES = {
    "chip": lambda case: case.chip,
    "engine": lambda case: case.engine,
    "model": lambda case: case.model,
    "tier": lambda case: case.tier or "-",
    "split": lambda case: "held out" if held_out(case) else "fitted",
}


def record(result: Validation) -> dict[str, object]:
    """Everything by name, for ``--json``."""
    tables = {
        name: {
            quantity: {group: asdict(entry) for group, entry in entries.items()}
            for quantity, entries in _by_quantity(result, key).items()
        }
        for name, key in TABLES.items()
    }
    rows = [
        {
            "id": item.case.id, "chip": item.case.chip, "model": item.case.model,
            "engine": item.case.engine, "layout": str(item.case.layout),
            "quantity": item.case.quantity, "measured": item.case.value,
            "predicted": item.predicted, "error": item.error, "in_band": item.covered,
            "held_out": held_out(item.case),
        }
        for item in result.compared
    ]  # fmt: skip
    return {
        "compared": len(result.compared), "left_out": dict(result.left_out), "tables": tables,
        "rows": rows,
    }  # fmt: skip


def _by_quantity(result: Validation, key: object) -> dict[str, dict[str, Summary]]:
    found = {}
    for name, _ in QUANTITIES:
        part = tuple(item for item in result.compared if kind_of(item.case) == name)
        found[name] = Validation(compared=part, left_out={}).by(key)  # type: ignore[arg-type]
    return found


def _print(result: Validation) -> None:
    typer.echo(
        f"{len(result.compared):,} rows compared, {sum(result.left_out.values()):,} left out"
    )
    for name, key in TABLES.items():
        for quantity, entries in _by_quantity(result, key).items():
            _print_table(f"{dict(QUANTITIES)[quantity]} by {name}", entries)
    if result.left_out:
        typer.echo("\nleft out")
    for cause, count in result.causes().items():
        typer.echo(f"  {count:6,}  {cause}")


def _print_table(title: str, entries: Mapping[str, Summary]) -> None:
    if not entries:
        return
    typer.echo(f"\n{title:<34}{'rows':>6}{'median':>9}{'p90':>9}{'bias':>9}{'in band':>9}")
    for name, entry in entries.items():
        typer.echo(
            f"  {name:<32}{entry.rows:6,}{entry.median:9.1%}{entry.p90:9.1%}"
            f"{entry.bias:+9.1%}{entry.within_band:9.0%}"
        )
