"""``warpfive serve``: an OpenAI-compatible server at the speed of any chip of the catalog."""

import socket
from typing import Annotated

import typer

from warpfive.catalog import DEFAULT_CHIP, with_settings
from warpfive.catalog import chip as catalog_chip
from warpfive.catalog import model as catalog_model
from warpfive.cli import options
from warpfive.cli.output import console
from warpfive.cli.speculate import speculation as speculation_of
from warpfive.errors import InputError
from warpfive.fleet import Instance, Setup
from warpfive.perf import Layout


def register(app: typer.Typer) -> None:
    """Add the verb to the main application."""
    app.command("serve")(serve)


def serve(
    model: Annotated[str, typer.Argument(help="A model's name, its folder, or a config.json.")],
    chip: options.Chip = DEFAULT_CHIP,
    settings: options.Settings = None,
    tp: options.Tp = 1,
    pp: options.Pp = 1,
    dp: options.Dp = 1,
    ep: options.Ep = 1,
    dtype: options.Dtype = "",
    kv_dtype: options.KvDtype = "",
    engine: options.Engine = "",
    drafts: options.Drafts = 0,
    acceptance: options.Acceptance = 0.7,
    max_seqs: options.MaxSeqs = 256,
    max_tokens: options.MaxTokens = 8192,
    prefix_cache: options.PrefixCache = True,
    context: Annotated[
        int, typer.Option(help="Mean tokens of a running request, where step times are exact.")
    ] = 2048,
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen at; 0 for a free one.")] = 8000,
    speed: Annotated[float, typer.Option(help="Run the chip's clock so many times faster.")] = 1.0,
) -> None:
    """Serve the OpenAI API as a twin: real queueing and batching, the chip's speed, filler text."""
    _check(context, speed)
    setup = Setup(
        chip=with_settings(catalog_chip(chip), settings or []),
        layout=Layout(tp=tp, pp=pp, dp=dp, ep=ep), dtype=dtype, kv_dtype=kv_dtype, engine=engine,
        speculation=speculation_of(drafts, acceptance),
    )  # fmt: skip
    instance = Instance(catalog_model(model), setup, context)
    config = instance.config(
        max_seqs, max_tokens, prefix_cache=prefix_cache, max_context=instance.model.max_context
    )
    serving = _serving()
    text = serving.load_text(model)
    service = serving.Service(
        config, serving.TwinExecutor(instance.cost, text.vocabulary), instance.front_s, speed
    )
    label = f"{setup.label}, predicted by warpfive; filler text"
    app = serving.make_app(service, text, model, label)
    with _listen(host, port) as listener:
        _say(model, instance, text.name, listener)
        _run(app, listener)


def _check(context: int, speed: float) -> None:
    if context < 1:
        raise InputError(f"--context must be at least 1, not {context}")
    if speed <= 0:
        raise InputError(f"--speed must be above 0, not {speed:g}")


def _serving():  # noqa: ANN202 a module
    try:
        from warpfive import serving
    except ImportError as error:
        raise InputError(f"the server needs {error.name}: pip install 'warpfive[serve]'") from None
    return serving


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()  # whoever reads the address may connect at once
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(
            f"--host {host} --port {port}: cannot listen there ({reason}); name another port, "
            "or 0 for a free one"
        ) from None
    return listener


def _say(model: str, instance: Instance, tokenizer: str, listener: socket.socket) -> None:
    host, port = listener.getsockname()[:2]
    screen = console(stderr=True)
    screen.print(
        f"[bold]{model}[/] as a twin of {instance.setup.label}: {instance.chips} "
        f"chip{'s' * (instance.chips > 1)}, KV cache of {instance.kv_tokens:,} tokens; times are "
        f"predicted, the text is filler ({tokenizer})", highlight=False, soft_wrap=True,
    )  # fmt: skip
    shown = f"[{host}]" if ":" in host else host
    screen.print(f"http://{shown}:{port}/v1", highlight=False)


def _run(app: object, listener: socket.socket) -> None:
    import uvicorn

    settings = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1)  # type: ignore[arg-type]
    uvicorn.Server(settings).run(sockets=[listener])
