"""JSON files of the verbs."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from warpfive.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

PAGE = 150
"""Columns of a table that is written to a file or a pipe."""


def console(stderr: bool = False) -> "Console":
    """A console as wide as the terminal, or as a page where there is none."""
    from rich.console import Console

    found = Console(stderr=stderr)
    return found if found.is_terminal else Console(stderr=stderr, width=PAGE)


def write_json(target: str, data: object) -> None:
    """Write ``data`` to a file, or to standard output for ``-``."""
    text = json.dumps(data, indent=1)
    if target == "-":
        typer.echo(text)
        return
    try:
        Path(target).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"--json {target}: cannot be written ({error.strerror})") from None


def check_target(option: str, target: str) -> None:
    """Refuse a file that could not be written, before the work that fills it."""
    if target and target != "-" and not Path(target).resolve().parent.is_dir():
        raise InputError(f"{option} {target}: there is no folder {Path(target).parent}")
