"""``warpfive calibrate``: an engine profile from a few measurements of one's own."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from warpfive.catalog import EngineProfile, engine_profile
from warpfive.cli import options
from warpfive.cli.output import write_json
from warpfive.errors import InputError
from warpfive.perf import Calibration, Case, calibrate_engine, read_case, read_rows


def register(app: typer.Typer) -> None:
    """Add the ``calibrate`` verb to the main application."""
    app.command("calibrate")(command)


def command(
    rows: Annotated[Path, typer.Argument(help="CSV with the columns of the shipped rows.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Profile to write; ends in .json.")],
    engine: Annotated[str, typer.Option(help="Profile to start from; the rows' own.")] = "",
    json_file: options.JsonFile = "",
) -> None:
    """Fit an engine profile to measured rows, for use as --engine FILE."""
    if out.suffix != ".json":
        raise InputError(f"--out {out}: the name of a profile ends in .json")
    read = [read_case(row) for row in read_rows(rows)]
    cases = [case for case in read if isinstance(case, Case)]
    result = calibrate_engine(cases, engine_profile(engine) if engine else None)
    out.write_text(json.dumps(profile_record(result.profile), indent=1) + "\n", encoding="utf-8")
    if json_file:
        record = {
            "rows": result.rows, "left_out": len(read) - len(cases),
            "before": dict(result.before), "after": dict(result.after),
            "profile": profile_record(result.profile),
        }  # fmt: skip
        write_json(json_file, record)
    if json_file != "-":
        _print(result, out, len(read) - len(cases))


def profile_record(profile: EngineProfile) -> dict[str, object]:
    """A profile's keys as they are stored."""
    return {**asdict(profile), "fitted": dict(profile.fitted)}


def _print(result: Calibration, out: Path, left_out: int) -> None:
    typer.echo(f"{result.rows} rows fitted, {left_out} left out; median error before and after")
    for quantity, before in result.before.items():
        typer.echo(f"  {quantity:<14}{before:8.1%}{result.after[quantity]:8.1%}")
    typer.echo(f"wrote {out}; use it as --engine {out}")
