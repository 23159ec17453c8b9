"""``warpfive parity``: a checkpoint's answers on the chip against a float32 reference."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from warpfive.cli.options import JsonFile
from warpfive.cli.output import write_json
from warpfive.errors import InputError

if TYPE_CHECKING:
    from warpfive.torch_backend import parity


def register(app: typer.Typer) -> None:
    """Add the ``parity`` verb to the main application."""
    app.command("parity")(command)


def command(
    model: Annotated[Path, typer.Argument(metavar="MODEL_DIR", help="Folder of a checkpoint.")],
    dtype: Annotated[
        str, typer.Option(help="Of the chip's weights: fp32, bf16, fp16, fp8, int8 or int4.")
    ] = "bf16",
    text: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Text to compare on; a short one unless given."),
    ] = None,
    tokens: Annotated[int, typer.Option(help="How many tokens of it to use.")] = 512,
    window: Annotated[int, typer.Option(help="Tokens that are seen at once.")] = 256,
    chart: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write a picture: .png or .html.")
    ] = None,
    json_file: JsonFile = "",
) -> None:
    """Compare a checkpoint on the chip with float32 on the host, layer by layer."""
    from warpfive.torch_backend import parity

    options = parity.Options(dtype=dtype, text=read(text), window=window, tokens=tokens)
    if chart and chart.suffix not in (".png", ".html"):
        raise InputError(f"{chart}: a chart's name must end in .png or .html")
    result = parity.measure(model, options, lambda line: typer.echo(line, err=True))
    if chart:
        parity.write_chart(result, chart)
    if json_file:
        write_json(json_file, result.record())
    if json_file != "-":
        show(result)


def read(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        raise InputError(f"--text {path}: cannot be read ({reason})") from None


def show(result: "parity.Parity") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"{result.model}: {result.dtype} on the chip against float32")
    table.add_column("")
    for name in ("relative difference", "cosine", "largest difference"):
        table.add_column(name, justify="right")
    for row in (*result.layers, result.logits):
        table.add_row(row.name, f"{row.relative:.3g}", f"{row.cosine:.6f}", f"{row.worst:.3g}")
    console = Console()
    console.print(table)
    console.print(
        f"{result.tokens} tokens · same first choice {result.top1:.1%} · "
        f"KL divergence {result.divergence:.3g} nats · perplexity "
        f"{result.perplexity_chip:.3f} on the chip, {result.perplexity_reference:.3f} in float32"
    )
