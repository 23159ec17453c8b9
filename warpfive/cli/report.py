"""The table of kernels that ``run --report`` prints, and its JSON twin."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from warpfive.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelRow:
    """What one kernel did with one shape."""

    kernel: str
    grid: tuple[int, int, int]
    block: tuple[int, int, int]
    launches: int
    warp_instructions: int
    lane_instructions: int
    divergence: float  # share of lane slots that did nothing
    host_s: float
    exact: bool  # False: counted on a sample of the blocks and scaled


def read_records(path: Path) -> list[KernelRow]:
    """Rows that the program's processes left, the longest-running kernel first."""
    if not path.exists():
        return []
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        record["grid"], record["block"] = tuple(record["grid"]), tuple(record["block"])
        rows.append(KernelRow(**{name: record[name] for name in KernelRow.__slots__}))
    return sorted(rows, key=lambda row: -row.host_s)


def write_json(rows: list[KernelRow], path: Path) -> None:
    document = {"version": 1, "kernels": [asdict(row) for row in rows]}
    try:
        path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}") from error


def print_report(rows: list[KernelRow]) -> None:
    """Prints the table on stderr."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        console.width = 100  # a log has no width of its own
    if not rows:
        console.print("warpfive: the program launched no kernel")
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    table.add_column("kernel", overflow="fold", min_width=16)
    for name in ("launches", "grid", "block", "warp instr.", "diverged", "host time", "share"):
        table.add_column(name, justify="right", no_wrap=True)
    total_s = sum(row.host_s for row in rows)
    for row in rows:
        table.add_row(
            short_name(row.kernel), f"{row.launches:,}", shape(row.grid), shape(row.block),
            count(row.warp_instructions, row.exact), f"{row.divergence:.0%}",
            duration(row.host_s), f"{row.host_s / total_s if total_s else 0:.0%}",
        )  # fmt: skip
    console.print(table)
    console.print(summary(rows, total_s))


def summary(rows: list[KernelRow], total_s: float) -> str:
    """One sentence below the table."""
    launches = sum(row.launches for row in rows)
    instructions = sum(row.warp_instructions for row in rows)
    rate = f", {count(instructions / total_s)} a second" if total_s and instructions else ""
    text = f"{launches:,} launches, {count(instructions)} warp instructions{rate}, "
    text += f"{duration(total_s)} in kernels"
    if not all(row.exact for row in rows):
        text += " (~: counted on a sample of the blocks)"
    return text


def short_name(kernel: str) -> str:
    """A demangled name without its parameter list."""
    depth = 0
    for place, letter in enumerate(kernel):
        depth += (letter == "<") - (letter == ">")
        if letter == "(" and depth == 0 and not kernel[place:].startswith("(anonymous"):
            return kernel[:place].removeprefix("void ")
    return kernel


def shape(sizes: tuple[int, int, int]) -> str:
    """``256``, ``16x16`` or ``8x8x4``."""
    x, y, z = sizes
    return f"{x}x{y}x{z}" if z > 1 else f"{x}x{y}" if y > 1 else f"{x}"


def count(value: float, exact: bool = True) -> str:
    """``1,234``, ``1.23 M``: four digits at most; ``~`` before an estimate."""
    mark = "" if exact else "~"
    for limit, unit in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k")):
        if value >= limit:
            scale = {"T": 1e12, "G": 1e9, "M": 1e6, "k": 1e3}[unit]
            return f"{mark}{value / scale:.3g} {unit}"
    return f"{mark}{value:,.0f}"


def duration(seconds: float) -> str:
    """``12.3 ms``: three digits in the unit that fits."""
    for scale, unit in ((1, "s"), (1e-3, "ms"), (1e-6, "us")):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns" if seconds else "0 s"
