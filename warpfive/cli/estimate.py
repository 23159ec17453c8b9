"""``warpfive estimate``: one model on one chip under one load."""

from typing import Annotated

import typer

from warpfive.catalog import DEFAULT_CHIP, ChipSpec, chip, engine_profile, model, with_settings
from warpfive.cli import options
from warpfive.cli.output import check_target, write_json
from warpfive.cli.speculate import speculation as speculation_of
from warpfive.errors import InputError
from warpfive.perf import (
    Estimate,
    Layout,
    Load,
    Quantity,
    StepModel,
    estimate_load,
    sample_estimate,
)

GIB = 2.0**30


def register(app: typer.Typer) -> None:
    """Add the ``estimate`` verb to the main application."""
    app.command()(estimate)


def estimate(
    model_name: options.Model,
    chip_name: options.Chip = DEFAULT_CHIP,
    settings: options.Settings = None,
    tp: options.Tp = 1,
    pp: options.Pp = 1,
    dp: options.Dp = 1,
    ep: options.Ep = 1,
    cp: options.Cp = 1,
    prompt: Annotated[int, typer.Option("--input", help="Prompt tokens.")] = 1024,
    output: Annotated[int, typer.Option(help="Output tokens.")] = 512,
    concurrency: Annotated[int, typer.Option(help="Requests in flight.")] = 16,
    requests: Annotated[int, typer.Option(help="Requests in all; 0: ten rounds.")] = 0,
    engine: options.Engine = "",
    dtype: options.Dtype = "",
    kv_dtype: options.KvDtype = "",
    drafts: options.Drafts = 0,
    acceptance: options.Acceptance = 0.7,
    prefill_chip: options.PrefillChip = "",
    prefill_tp: options.PrefillTp = 1,
    json_file: options.JsonFile = "",
) -> None:
    """Predict TTFT, TPOT, throughput, memory and bounds, with 80% bands."""
    _check(prompt, output, concurrency, requests)
    speculation = speculation_of(drafts, acceptance)
    check_target("--json", json_file)
    spec, device = model(model_name), with_settings(chip(chip_name), settings or [])
    layout = Layout(tp=tp, pp=pp, dp=dp, ep=ep, cp=cp)
    if spec.kind != "decoder":
        _check_whole(spec.name, layout, drafts, engine or prefill_chip)
        _samples(device, model_name, concurrency, prompt, dtype, json_file)
        return
    profile = engine_profile(engine)
    step = StepModel(device, spec, layout, profile, dtype, kv_dtype, speculation)
    prefill = None
    if prefill_chip:
        prefill = StepModel(
            chip(prefill_chip), spec, Layout(tp=prefill_tp), profile, dtype, kv_dtype
        )
    elif prefill_tp != 1:
        raise InputError("--prefill-tp describes a prefill instance; name its --prefill-chip")
    load = Load(
        input_tokens=prompt, output_tokens=output, concurrency=concurrency, requests=requests
    )
    result = estimate_load(step, load, prefill)
    if json_file:
        write_json(json_file, _record(step, prefill, load, result))
    if json_file != "-":
        _print(step, prefill, load, result)


def _check(prompt: int, output: int, concurrency: int, requests: int) -> None:
    for name, value in (("input", prompt), ("output", output), ("concurrency", concurrency)):
        if value < 1:
            raise InputError(f"--{name} must be at least 1, not {value}")
    if requests < 0 or 0 < requests < concurrency:
        raise InputError(f"--requests must be 0 or at least --concurrency, not {requests}")


def _check_whole(name: str, layout: Layout, drafts: int, engine: str) -> None:
    if layout != Layout() or drafts or engine:
        raise InputError(
            f"{name} answers in one pass on one chip; --tp, --pp, --dp, --ep, --cp, --drafts and "
            "--engine are for models that generate text"
        )


def _record(
    step: StepModel, prefill: StepModel | None, load: Load, result: Estimate
) -> dict[str, object]:
    return {
        "model": step.model.name,
        "chip": step.chip.name,
        "what_if": list(step.chip.whatif),
        "chips": step.layout.chips + (prefill.layout.chips if prefill else 0),
        "prefill_chip": prefill.chip.name if prefill else None,
        "prefill_chips": prefill.layout.chips if prefill else 0,
        "layout": {key: getattr(step.layout, key) for key in ("tp", "pp", "dp", "ep", "cp")},
        "engine": step.engine.name,
        "precision": step.precision.label,
        "input_tokens": load.input_tokens,
        "output_tokens": load.output_tokens,
        "concurrency": load.concurrency,
        **result.as_dict(),
    }


def _print(step: StepModel, prefill: StepModel | None, load: Load, result: Estimate) -> None:
    where = f"{step.layout.chips} x {step.chip.name} ({step.layout})"
    if prefill:
        first = f"{prefill.layout.chips} x {prefill.chip.name} ({prefill.layout})"
        where = f"{first} for prompts and {where} for tokens"
    typer.echo(f"{step.model.name} on {where}, {step.engine.name}, {step.precision.label}")
    if step.chip.whatif:
        typer.echo(f"what if: {', '.join(step.chip.whatif)}")
    typer.echo(
        f"{load.concurrency} requests in flight, {load.input_tokens:.0f} tokens in, "
        f"{load.output_tokens:.0f} out\n"
    )
    _line("TTFT, mean", result.ttft, 1e3, "ms")
    _line("TPOT, mean", result.tpot, 1e3, "ms")
    _line("output", result.output_rate, 1.0, "tokens/s")
    typer.echo(
        f"  {'per chip':<14}{result.rate_per_chip:10,.1f} tokens/s   "
        f"per user {result.user_rate:,.1f} tokens/s   requests {result.request_rate:,.2f}/s"
    )
    tails = result.tails
    typer.echo(
        f"  {'tails':<14}TTFT p90 {tails['ttft_p90_s'] * 1e3:,.0f} ms, p99 "
        f"{tails['ttft_p99_s'] * 1e3:,.0f} ms; TPOT p99 {tails['tpot_p99_s'] * 1e3:,.1f} ms"
    )
    typer.echo(f"  band measured on: {result.tpot.basis}")
    _print_step(result)
    _print_memory(result)
    _print_cost(result)


def _line(name: str, value: Quantity, scale: float, unit: str) -> None:
    typer.echo(
        f"  {name:<14}{value.value * scale:10,.1f} {unit:<9}"
        f"80% band {value.low * scale:,.1f} to {value.high * scale:,.1f}"
    )


def _print_step(result: Estimate) -> None:
    bounds = result.bounds
    typer.echo(
        f"\none decode step: batch {result.batch:.1f}, context {result.context:.0f}, "
        f"{bounds.step_s * 1e3:.2f} ms; largest bound: {bounds.largest}"
    )
    for term in result.terms:
        share = term["seconds"] / bounds.step_s
        typer.echo(f"  {term['name']:<14}{term['seconds'] * 1e3:10.3f} ms  {share:5.0%}")
    typer.echo(
        f"  at peak rates: weights {bounds.weights_s * 1e3:.2f} ms, KV cache "
        f"{bounds.kv_s * 1e3:.2f} ms, arithmetic {bounds.arithmetic_s * 1e3:.2f} ms"
    )


def _print_memory(result: Estimate) -> None:
    book = result.memory
    typer.echo(f"\nmemory of one chip, {book.capacity_bytes / GIB:.1f} GiB")
    for name in ("weights", "activations", "runtime", "reserve", "fragmentation", "kv"):
        typer.echo(f"  {name:<14}{getattr(book, name + '_bytes') / GIB:10.2f} GiB")
    typer.echo(f"  KV cache holds {book.kv_tokens:,} tokens")


def _print_cost(result: Estimate) -> None:
    parts = []
    if result.power_w is not None:
        parts.append(f"power of a chip {result.power_w:.0f} W (no ground truth)")
    if result.usd_per_million is not None:
        parts.append(f"rental {result.usd_per_million:.3f} USD per million output tokens")
    if parts:
        typer.echo("\n" + "; ".join(parts))


def _samples(
    device: ChipSpec, name: str, batch: int, tokens: int, dtype: str, json_file: str
) -> None:
    spec = model(name)
    result = sample_estimate(device, spec, batch, tokens=min(tokens, 512), dtype=dtype)
    if json_file:
        record = {
            "model": spec.name, "chip": device.name, "batch": batch,
            "batch_s": result.batch_s, "samples_per_s": result.samples_per_s,
            "flops_per_sample": result.flops_per_sample, "share_of_peak": result.share_of_peak,
        }  # fmt: skip
        write_json(json_file, record)
    if json_file != "-":
        typer.echo(f"{spec.name} on {device.name}, batch {batch}")
        typer.echo(f"  batch         {result.batch_s * 1e3:10.3f} ms")
        typer.echo(f"  samples       {result.samples_per_s:10,.0f} /s (no ground truth)")
        typer.echo(f"  share of peak {result.share_of_peak:10.1%}")
