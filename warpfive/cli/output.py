"""What the catalog's and the predictor's verbs share: JSON files and layout options."""

import json
from pathlib import Path
from typing import Annotated

import typer

from warpfive.errors import InputError

JsonFile = Annotated[
    str, typer.Option("--json", metavar="FILE", help="Write everything as JSON; - prints it.")
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="A what-if change, such as clock=1.6GHz."),
]


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
