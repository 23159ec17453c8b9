"""The profile page: one HTML file that needs nothing else."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from warpfive.catalog import ChipSpec
from warpfive.cli.format import short_name
from warpfive.cli.trace import Span, stream_name
from warpfive.errors import InputError
from warpfive.perf import BOUND_WORDS, Comparison, KernelComparison, LineHeat, line_heat

PARTS = Path(__file__).parent / "page"
MOST_KERNELS = 300
MOST_SPANS = 50_000
CONTEXT = 3
"""Lines shown around each line that takes time."""
LEAST_SHARE = 0.002
"""Share of the time from which on a line is shown."""


def write_page(found: Comparison, spans: Sequence[Span], program: str, path: Path) -> None:
    """Writes the page to ``path``."""
    try:
        path.write_text(page(found, spans, program), encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}") from error


def page(found: Comparison, spans: Sequence[Span], program: str) -> str:
    """The page's text."""
    # "</" would end the script; a JSON string may write it with a backslash.
    data = json.dumps(_data(found, spans, program), separators=(",", ":")).replace("</", "<\\/")
    parts = {
        "@TITLE@": f"{_escaped(program)} on {found.chips[0].name}",
        "@STYLE@": (PARTS / "page.css").read_text(encoding="utf-8"),
        "@SCRIPT@": (PARTS / "page.js").read_text(encoding="utf-8"),
        "@DATA@": data,
    }
    text = (PARTS / "page.html").read_text(encoding="utf-8")
    for mark, part in parts.items():
        text = text.replace(mark, part, 1)
    return text


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _data(found: Comparison, spans: Sequence[Span], program: str) -> dict[str, Any]:
    whole = found.to_json()
    kernels = found.kernels[:MOST_KERNELS]
    colors: dict[str, int] = {}
    for kernel in kernels:
        colors.setdefault(kernel.counters.kernel, len(colors))
    hidden = len(found.kernels) - len(kernels)
    footer = "Every quantity is defined in docs/metrics.md, every formula in docs/timing.md."
    if hidden:
        footer = f"{hidden} kernels and shapes with less time are in --json. " + footer
    return {
        "program": program, "words": dict(BOUND_WORDS), "footer": footer,
        "chips": [one | {"title": spec.title} for one, spec in
                  zip(whole["chips"], found.chips, strict=True)],
        "kernels": [_kernel(kernel, one, colors) for kernel, one in
                    zip(kernels, whole["kernels"], strict=False)],
        "roofs": roofs(found.chips[0]),
        "spans": _spans(spans, kernels),
        "files": _files(line_heat(found)),
    }  # fmt: skip


def _kernel(
    kernel: KernelComparison, record: dict[str, Any], colors: dict[str, int]
) -> dict[str, Any]:
    one = kernel.counters
    flops = (sum(one.flops.values()) + sum(one.tensor_ops.values())) / one.launches
    keep = ("kernel", "grid", "block", "launches", "times", "advice")
    return {name: record[name] for name in keep} | {
        "name": short_name(one.kernel), "color": colors[one.kernel], "flops": flops,
        "divergence": one.divergence, "registers": one.registers, "exact": one.exact,
        "sampled_blocks": one.sampled_blocks,
    }  # fmt: skip


def roofs(chip: ChipSpec) -> dict[str, Any]:
    """The roofline's ceilings: peak bandwidth, and peak rates of lanes and tensor units."""
    core = chip.core
    peaks = [{"name": "fp32", "rate": 2 * core.fp32_lanes * core.count * core.clock_hz}]
    tensor = max(("bf16", "fp16", "tf32"), key=lambda dtype: chip.rates.get(dtype, 0.0))
    if chip.rates.get(tensor, 0.0) > peaks[0]["rate"]:
        peaks.append({"name": f"{tensor} tensor", "rate": chip.rates[tensor]})
    return {"bandwidth": chip.memory.bandwidth, "peaks": peaks}


def _spans(spans: Sequence[Span], kernels: Sequence[KernelComparison]) -> dict[str, Any]:
    """Spans as columns of numbers; kinds below zero are copies and fills."""
    shown = spans[:MOST_SPANS]
    index = {
        (one.counters.kernel, one.counters.grid, one.counters.block): at
        for at, one in reversed(list(enumerate(kernels)))
    }
    streams = sorted({span.stream for span in shown})
    kinds: list[str] = []

    def kind(span: Span) -> int:
        at = index.get((span.kernel, span.grid, span.block), -1)
        if at >= 0:
            return at
        if span.name not in kinds:
            kinds.append(span.name)
        return -1 - kinds.index(span.name)

    rows = {stream: at for at, stream in enumerate(streams)}
    return {
        "kind": [kind(span) for span in shown], "kinds": kinds,
        "stream": [rows[span.stream] for span in shown], "streams": list(map(stream_name, streams)),
        "start": [span.start_ns for span in shown],
        "length": [span.end_ns - span.start_ns for span in shown],
        "end": max((span.end_ns for span in spans), default=0), "more": len(spans) - len(shown),
    }  # fmt: skip


def _files(heat: Sequence[LineHeat]) -> list[dict[str, Any]]:
    """Source files with their hot lines and what lies around them; hottest file first."""
    files: dict[str, list[LineHeat]] = {}
    for line in heat:
        files.setdefault(line.file, []).append(line)
    shown = []
    for name, lines in files.items():
        text = _text(name)
        most = max(line.share for line in lines)
        if text is not None and most >= LEAST_SHARE:
            total = sum(line.share for line in lines)
            shown.append((total, {"name": name, "most": most, "lines": _rows(text, lines)}))
    return [file for _, file in sorted(shown, key=lambda pair: -pair[0])]


def _text(name: str) -> list[str] | None:
    try:
        return Path(name).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None


def _rows(text: list[str], lines: Sequence[LineHeat]) -> list[list[Any] | None]:
    """``[number, text, share, note]``; None where lines are left out."""
    by_number = {line.line: line for line in lines}
    near = {
        number
        for line in lines
        if line.share >= LEAST_SHARE
        for number in range(line.line - CONTEXT, line.line + CONTEXT + 1)
        if 1 <= number <= len(text)
    }
    rows: list[list[Any] | None] = []
    last = 0
    for number in sorted(near):
        if number != last + 1:
            rows.append(None)
        line = by_number.get(number)
        share, note = (line.share, line.note) if line else (0.0, "")
        rows.append([number, text[number - 1], round(share, 6), note])
        last = number
    return rows + [None] if last < len(text) else rows
