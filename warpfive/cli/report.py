"""What ``run --report`` prints: kernels, their times on the chips asked for, and advice."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from warpfive.catalog import ChipSpec
from warpfive.cli.format import count, duration, shape, short_name
from warpfive.errors import InputError
from warpfive.perf import (
    BOUND_WORDS,
    Comparison,
    Counters,
    KernelComparison,
    kernel_band,
    merge_counters,
)

MOST_ROWS = 12


def read_records(path: Path) -> list[Counters]:
    """Records that the program's processes left."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    return merge_counters(Counters.from_json(json.loads(line)) for line in lines)


def write_json(found: Comparison, path: Path) -> None:
    """Everything that was counted and predicted; docs/metrics.md names the keys."""
    document = {"version": 2} | found.to_json()
    try:
        path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}") from error


def print_report(found: Comparison) -> None:
    """Prints the table on stderr."""
    from rich.console import Console

    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        console.width = 100  # a log has no width of its own
    if not found.kernels:
        console.print("warpfive: the program launched no kernel")
        return
    for line in (*_lines(found, console.width), *_footer(found)):
        console.print(line, soft_wrap=True)


def _lines(found: Comparison, width: int) -> list[Any]:
    """The table: a row a kernel with its advice below, and the totals."""
    from rich.text import Text

    shown = found.kernels[:MOST_ROWS]
    rows = [_row(kernel) for kernel in shown]
    launches = sum(kernel.counters.launches for kernel in found.kernels)
    totals = [f"{launches:,}", *(duration(total) for total in found.total_s)]
    first = found.total_s[0]
    ratios = ["", *(f"{first / total:.2f}x" for total in found.total_s)]
    heads = ["launches", *labels(found.chips)]
    widths = [max(map(len, column)) for column in zip(heads, totals, *rows, strict=True)]
    names = min(max(26, width - sum(widths) - 2 * len(widths) - 32), 44)

    def line(name: str, cells: list[str], more: str = "", style: str = "") -> Any:
        right = "".join(f"  {cell:>{size}}" for cell, size in zip(cells, widths, strict=True))
        return Text(f"{_cut(name, names):<{names}}{right}  {more}".rstrip(), style)

    rule = Text("─" * (names + sum(widths) + 2 * len(widths) + 26), "dim")
    lines = [line("kernel, grid x block", heads, "bound by", "bold"), rule]
    for kernel, row in zip(shown, rows, strict=True):
        time = kernel.times[0]
        bound = f"{BOUND_WORDS[time.bound]} {time.share:.0%}"
        lines += [line(_title(kernel, names), row, bound), Text(_advice(kernel), "cyan")]
    lines += [rule, line("all kernels", totals, "", "bold")]
    return [*lines, line("speed", ratios)] if len(found.chips) > 1 else lines


def labels(chips: Sequence[ChipSpec]) -> list[str]:
    """Names of the chips; an asterisk marks one with changed figures."""
    return [spec.name + ("*" if spec.whatif else "") for spec in chips]


def _row(kernel: KernelComparison) -> list[str]:
    return [f"{kernel.counters.launches:,}", *(duration(time.total_s) for time in kernel.times)]


def _title(kernel: KernelComparison, width: int) -> str:
    shapes = f"  {shape(kernel.counters.grid)} x {shape(kernel.counters.block)}"
    return _cut(short_name(kernel.counters.kernel), max(width - len(shapes), 12)) + shapes


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _advice(kernel: KernelComparison) -> str:
    advice = kernel.advice
    return f"  └ {advice.where + ': ' if advice.where else ''}{advice}"


def _footer(found: Comparison) -> list[str]:
    hidden = len(found.kernels) - MOST_ROWS
    lines = [f"{hidden} more kernels are in --json and in `warpfive profile`"] if hidden > 0 else []
    instructions = sum(kernel.counters.warp_instructions for kernel in found.kernels)
    host_s = sum(kernel.counters.host_s for kernel in found.kernels)
    exact = all(kernel.counters.exact for kernel in found.kernels)
    rate = f", {count(instructions / host_s)} a second" if host_s else ""
    lines.append(
        f"{count(instructions, exact)} warp instructions in {duration(host_s)} on this host{rate}"
    )
    joules = [
        f"{name} {_joules(value)}"
        for name, value in zip(labels(found.chips), found.energy_j, strict=True)
        if value is not None
    ]
    if joules:
        lines.append("energy, estimated: " + ", ".join(joules))
    lines += [f"* {spec.name} with {', '.join(spec.whatif)}" for spec in found.chips if spec.whatif]
    return [*lines, _truth(found.chips)]


def _joules(value: float) -> str:
    for scale, unit in ((1, "J"), (1e-3, "mJ"), (1e-6, "uJ")):
        if value >= scale:
            return f"{value / scale:.3g} {unit}"
    return f"{value / 1e-9:.3g} nJ"


def _truth(chips: Sequence[ChipSpec]) -> str:
    """What is known of the predictions' error, chip by chip."""
    known, unknown = [], []
    for spec in chips:
        band = kernel_band(spec.name)
        if band is None:
            unknown += [spec.name] if spec.name not in unknown else []
        else:
            low, high = band.around(1.0)
            known.append(f"{spec.name} {low:.2f}x to {high:.2f}x ({band.basis})")
    parts = ["80% band: " + ", ".join(known)] if known else []
    if unknown:
        parts.append("predicted, no ground truth: " + ", ".join(unknown))
    return "; ".join(parts)
