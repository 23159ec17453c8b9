"""``warpfive chips``: the catalog's chips, their figures and sources, side by side or checked."""

from pathlib import Path

import typer

from warpfive.catalog import (
    GRADES,
    ChipSpec,
    Figure,
    chip,
    chip_file,
    chip_names,
    memory_options,
    system,
    system_names,
    with_settings,
)
from warpfive.cli.options import JsonFile, Settings
from warpfive.cli.output import write_json

COLUMNS = (
    ("bf16", "TFLOP/s", lambda c: c.rates.get("bf16", 0.0) / 1e12),
    ("8-bit", "TOP/s", lambda c: max(c.rates.get("fp8", 0.0), c.rates.get("int8", 0.0)) / 1e12),
    ("memory", "GiB", lambda c: c.memory.capacity_bytes / 2**30),
    ("bandwidth", "GB/s", lambda c: c.memory.bandwidth / 1e9),
    ("link", "GB/s", lambda c: c.link.bandwidth / 1e9),
    ("domain", "chips", lambda c: c.link.domain),
    ("power", "W", lambda c: c.tdp_w or 0.0),
    ("rental", "USD/h", lambda c: c.rental_usd_per_h or 0.0),
)


def build() -> typer.Typer:
    """The ``chips`` commands, for the main application."""
    app = typer.Typer(no_args_is_help=False, help=__doc__)
    app.callback(invoke_without_command=True)(_default)
    for command in (list_chips, show, compare, check):
        name = "list" if command is list_chips else command.__name__
        app.command(name)(command)
    return app


def _default(context: typer.Context) -> None:
    """The catalog's chips, their figures and sources, side by side or checked."""
    if context.invoked_subcommand is None:
        list_chips(json_file="")


def list_chips(json_file: JsonFile = "") -> None:
    """List every chip with its main figures; ~ marks an estimate."""
    specs = [chip(name) for name in chip_names()]
    if json_file:
        write_json(json_file, [_summary(spec) for spec in specs])
        return
    _print_rows([_cells(spec) for spec in specs], ["chip", *(name for name, _, _ in COLUMNS)])
    typer.echo("\n~ estimate, not a published figure · systems: " + ", ".join(system_names()))
    typer.echo("warpfive chips show NAME prints every figure with its source and grade")


_FIGURE = {
    "bf16": "compute.bf16", "memory": "memory.capacity", "bandwidth": "memory.bandwidth",
    "link": "link.bandwidth", "domain": "link.domain", "power": "power.tdp",
    "rental": "price.rental",
}  # fmt: skip


def _cells(spec: ChipSpec) -> list[str]:
    cells = [spec.name]
    for name, _, value in COLUMNS:
        key = _FIGURE.get(name, "compute.fp8" if spec.native("fp8") else "compute.int8")
        number = value(spec)
        mark = "~" if key in spec.figures and spec.grade(key) == "estimate" else " "
        cells.append(f"{number:,.4g}{mark}" if number else "-")
    return cells


def _print_rows(rows: list[list[str]], heads: list[str]) -> None:
    units = ["", *(unit for _, unit, _ in COLUMNS)][: len(heads)]
    table = [heads, units, *rows]
    widths = [max(len(row[i]) for row in table) for i in range(len(heads))]
    for row in table:
        first = row[0].ljust(widths[0])
        rest = "  ".join(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
        typer.echo(f"{first}  {rest}".rstrip())


def _summary(spec: ChipSpec) -> dict[str, object]:
    return {
        "name": spec.name,
        "title": spec.title,
        "vendor": spec.vendor,
        "aliases": list(spec.aliases),
        "what_if": list(spec.whatif),
        "figures": {
            key: {"value": fig.value, "unit": fig.unit, "grade": fig.grade, "source": fig.source}
            for key, fig in spec.figures.items()
        },
        "sources": dict(spec.sources),
    }


def show(name: str, settings: Settings = None, json_file: JsonFile = "") -> None:
    """Print every figure of a chip (or of a .toml file) with unit, grade and source."""
    if name.lower() in system_names():
        _show_system(name)
        return
    spec = with_settings(chip(name), settings or [])
    if json_file:
        write_json(json_file, _summary(spec))
        return
    typer.echo(f"{spec.name}: {spec.title}, {spec.vendor}")
    for label in ("release", "process", "software"):
        if getattr(spec, label):
            typer.echo(f"  {label}: {getattr(spec, label)}")
    if spec.whatif:
        typer.echo(f"  what if: {', '.join(spec.whatif)}")
    _print_figures(spec.figures)
    _print_derived(spec)
    _print_memories(spec)
    typer.echo("\nsources")
    for key, text in spec.sources.items():
        typer.echo(f"  {key}: {text}")
    if spec.notes:
        typer.echo(f"\nnotes: {spec.notes}")


def _print_figures(figures: object) -> None:
    table = ""
    for key, figure in sorted(dict(figures).items(), key=lambda item: item[0].split(".")[0]):  # type: ignore[call-overload]
        group, _, name = key.partition(".")
        if group != table:
            typer.echo(f"\n{group}")
            table = group
        typer.echo(_figure_line(name, figure))


def _figure_line(name: str, figure: Figure) -> str:
    return f"  {name:<12} {figure!s:>16}   {figure.grade:<10} {figure.source}"


def _print_derived(spec: ChipSpec) -> None:
    dtype = "bf16" if spec.rates.get("bf16") else max(spec.rates, key=lambda key: spec.rates[key])
    typer.echo("\nas used, after any --set")
    typer.echo(f"  {dtype} rate       {spec.rate(dtype) / 1e12:10,.4g} TFLOP/s")
    typer.echo(
        f"  memory          {spec.memory.capacity_bytes / 2**30:10,.4g} GiB "
        f"{spec.memory.technology} at {spec.memory.bandwidth / 1e9:,.4g} GB/s"
    )
    typer.echo(f"  ridge           {spec.ridge(dtype):10,.4g} operations per byte")


def _print_memories(spec: ChipSpec) -> None:
    typer.echo("\nmemory it could carry (--set memory=NAME), and what export rules ask of a buyer")
    for technology, memory in memory_options(spec):
        typer.echo(
            f"  {technology.name:<8} {memory.units:>3} x {technology.unit:<12} "
            f"{memory.capacity_bytes / 2**30:6.0f} GiB {memory.bandwidth / 1e9:7,.0f} GB/s  "
            f"{technology.export:<9} {technology.rule}"
        )


def _show_system(name: str) -> None:
    spec = system(name)
    typer.echo(f"{spec.name}: {spec.title}, {spec.vendor}; chip: {spec.chip or 'any'}")
    _print_figures(spec.figures)
    typer.echo(f"\nsources\n  reference: {spec.sources['reference']}\n\nnotes: {spec.notes}")


def compare(names: list[str], settings: Settings = None, json_file: JsonFile = "") -> None:
    """Set chips side by side; the last column sets each against the first."""
    specs = [with_settings(chip(name), settings or []) for name in names]
    if json_file:
        write_json(json_file, [_summary(spec) for spec in specs])
        return
    width = max(16, *(len(spec.name) + 2 for spec in specs))
    typer.echo(" " * 24 + "".join(spec.name.rjust(width) for spec in specs))
    for name, unit, value in COLUMNS:
        first = value(specs[0])
        cells = []
        for index, spec in enumerate(specs):
            number = value(spec)
            ratio = f" ({number / first:.2f}x)" if index and first and number else ""
            cells.append((f"{number:,.4g}{ratio}" if number else "-").rjust(width))
        typer.echo(f"{name + ', ' + unit:<24}" + "".join(cells))


def check(files: list[Path]) -> None:
    """Validate chip files and say precisely what is wrong."""
    for path in files:
        spec = chip_file(path)
        grades = [figure.grade for figure in spec.figures.values()]
        counts = ", ".join(f"{grades.count(grade)} {grade}" for grade in GRADES if grade in grades)
        typer.echo(f"{path}: {spec.name} is sound; {len(grades)} figures: {counts}")


def register(app: typer.Typer) -> None:
    """Add the ``chips`` commands to the main application."""
    app.add_typer(build(), name="chips")
