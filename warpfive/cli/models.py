"""``warpfive models``: the bundled models, or one of them in full."""

from typing import Annotated, Any

import typer

from warpfive.catalog import ModelSpec, model, model_names
from warpfive.cli.options import JsonFile
from warpfive.cli.output import check_target, write_json

Name = Annotated[str, typer.Argument(help="A model's name or config.json; all where left out.")]


def register(app: typer.Typer) -> None:
    """Add the verb to the main application."""
    app.command("models")(models)


def models(name: Name = "", json_file: JsonFile = "") -> None:
    """List the bundled models, or tell what is known of one."""
    check_target("--json", json_file)
    found = [record(model(one)) for one in ([name] if name else model_names())]
    if json_file:
        write_json(json_file, found[0] if name else found)
    if json_file == "-":
        return
    if name:
        for key, value in found[0].items():
            typer.echo(f"  {key.replace('_', ' '):<22}{_shown(value)}")
        return
    typer.echo(f"{'model':<24}{'kind':<13}{'weights':>9}{'active':>9}{'experts':>9}{'attention':>11}"
               f"{'KV/token':>11}{'context':>11}  published in")  # fmt: skip
    for row in found:
        typer.echo(_line(row))
    typer.echo("\nweights and active ones in billions; any other model: --model PATH/config.json")


def record(spec: ModelSpec) -> dict[str, Any]:
    """What is known of a model; sizes in bytes."""
    kinds = sorted({layer.attention.kind for layer in spec.layers})
    blocks = [layer.feed_forward for layer in spec.layers if layer.feed_forward.experts]
    return {
        "model": spec.name, "kind": spec.kind, "hub": spec.hub, "layers": spec.layer_count,
        "hidden": spec.hidden, "parameters": spec.parameters,
        "active_parameters": spec.active_parameters if spec.layers else spec.parameters,
        "experts": blocks[0].experts if blocks else 0, "top_k": blocks[0].top_k if blocks else 0,
        "attention": "+".join(kinds), "kv_bytes_per_token": spec.kv_bytes_per_token(),
        "max_context": spec.max_context, "dtype": spec.dtype,
    }  # fmt: skip


def _line(row: dict[str, Any]) -> str:
    experts = f"{row['top_k']}/{row['experts']}" if row["experts"] else "-"
    kept = f"{row['kv_bytes_per_token'] / 1024:,.0f} KiB" if row["kind"] == "decoder" else "-"
    context = f"{row['max_context']:,}" if row["max_context"] else "-"
    return (
        f"{row['model']:<24}{row['kind']:<13}{row['parameters'] / 1e9:9.2f}"
        f"{row['active_parameters'] / 1e9:9.2f}{experts:>9}{row['attention'] or '-':>11}"
        f"{kept:>11}{context:>11}  {row['dtype']}"
    )


def _shown(value: object) -> str:
    return f"{value:,.0f}" if isinstance(value, int | float) else str(value) or "-"
