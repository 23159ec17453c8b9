"""The gap's picture: a waterfall of factors, as PNG (matplotlib) and as one HTML file (plotly).

Both packages belong to the extra ``charts`` and are loaded when a picture is asked for.
"""

import importlib
from pathlib import Path
from types import ModuleType

from warpfive.errors import InputError
from warpfive.fleet.gap import Gap, Rung, Side

INK, SOFT, GREY = "#1f2933", "#616e7c", "#9aa5b1"
OWN, OTHER, STEP = "#0f766e", "#b45309", "#2dd4bf"
TICKS = tuple(digit * 10.0**power for power in range(-4, 5) for digit in (1, 2, 5))


def needed(package: str, option: str) -> ModuleType:
    """The package, or a sentence on how to get it."""
    try:
        return importlib.import_module(package)
    except ImportError:
        raise InputError(
            f"{option}: needs {package.split('.')[0]}, which is not installed; "
            "pip install 'warpfive[charts]'"
        ) from None


def write_chart(gap: Gap, path: Path) -> None:
    """Write the picture in the format its name ends in: .png or .html."""
    writers = {".png": write_png, ".html": write_html}
    if path.suffix not in writers:
        raise InputError(f"{path}: a chart's name must end in .png or .html")
    writers[path.suffix](gap, path)


def bars(side: Side, base: float) -> list[tuple[str, float, float, Rung]]:
    """(label, from, to, rung) of each bar, in multiples of ``base``."""
    rows = []
    before = 0.0
    for rung in side.rungs:
        after = rung.value / base
        rows.append((rung.name, before if rung.key != "naive" else 0.0, after, rung))
        before = after
    return rows


def headline(gap: Gap) -> str:
    """The picture's message in one line."""
    ratio, whole, final = gap.chip_to_chip, gap.whole_to_naive, gap.whole_to_whole
    return (
        f"{gap.own.chip.name} against {gap.other.chip.name}, {gap.model.name}: "
        f"{ratio.value:.2f} chip to chip, {whole.value:.1f} whole system to naive chip, "
        f"{final.value:.2f} system to system"
    )


def caption(gap: Gap) -> str:
    """What the numbers are."""
    return (
        f"output tokens/s/chip at the highest rate that holds {gap.slo}; workload {gap.workload}; "
        f"1 = {gap.other.chip.name}, naive; 80% bands; {gap.basis}"
    )


def write_png(gap: Gap, path: Path) -> None:
    """Draw the waterfall as PNG."""
    needed("matplotlib", f"--png {path}").use("Agg")
    plt = needed("matplotlib.pyplot", f"--png {path}")
    base = gap.other.naive.value
    rows = bars(gap.own, base)
    own, other = gap.own.chip.name, gap.other.chip.name
    names = [f"{other}, naive", f"{own}, naive", *(row[0] for row in rows[1:])]
    names += [f"{own}, whole system", f"{other}, whole system"]
    height = 0.36 * len(names) + 1.9
    figure, axes = plt.subplots(figsize=(12, height), dpi=150)
    last = len(names)
    _solid(axes, 0, 1.0, gap.other.naive, base, OTHER)
    _solid(axes, 1, rows[0][2], gap.own.naive, base, OWN)
    for place, (_, begin, end, rung) in enumerate(rows[1:], 2):
        _step(axes, place, begin, end, rung)
        axes.plot([begin] * 2, [place - 1, place], color=GREY, lw=0.6, zorder=1)
    axes.plot([rows[-1][2]] * 2, [last - 3, last - 2], color=GREY, lw=0.6, zorder=1)
    _solid(axes, last - 2, rows[-1][2], gap.own.whole, base, OWN)
    _solid(axes, last - 1, gap.other.whole.value / base, gap.other.whole, base, OTHER)
    axes.set_yticks(range(last), names, fontsize=9, color=INK)
    for place in (0, 1, last - 2, last - 1):
        axes.get_yticklabels()[place].set_fontweight("bold")
    axes.invert_yaxis()
    axes.set_ylim(last - 0.4, -0.6)
    ends = [row[2] for row in rows] + [1.0, gap.other.whole.value / base]
    _scale(axes, min(ends) / 2, max(ends) * 4.5, gap.other.chip.name)
    figure.text(0.012, 1 - 0.30 / height, headline(gap), fontsize=12.5, weight="bold", color=INK)
    figure.text(0.012, 1 - 0.58 / height, caption(gap), fontsize=8, color=SOFT)
    figure.tight_layout(rect=(0, 0, 1, 1 - 0.68 / height))
    _save(path, lambda: figure.savefig(path, facecolor="white"))
    plt.close(figure)


def _scale(axes, low: float, high: float, other: str) -> None:
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    ticks = [tick for tick in TICKS if low < tick < high]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks], fontsize=8, color=SOFT)
    axes.set_xticks([], minor=True)
    axes.set_xlabel(f"multiples of {other}, naive", fontsize=9, color=SOFT)
    axes.grid(axis="x", color="#e4e7eb", lw=0.7, zorder=0)
    axes.axvline(1.0, color=GREY, linewidth=0.9, linestyle=":", zorder=1)
    axes.set_axisbelow(True)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.tick_params(length=0)


def _solid(axes, place: int, value: float, rung: Rung, base: float, colour: str) -> None:
    axes.barh(place, value, color=colour, height=0.66, zorder=2)
    _whisker(axes, place, rung.value_low / base, rung.value_high / base)
    end = max(value, rung.value_high / base)
    axes.text(end * 1.05, place, f"{value:.2f}", va="center", fontsize=9.5, weight="bold",
              color=colour)  # fmt: skip


def _step(axes, place: int, begin: float, end: float, rung: Rung) -> None:
    if not rung.kept:
        axes.text(begin * 1.04, place, _left_off(rung), va="center", fontsize=8, color=GREY)
        return
    axes.barh(place, end - begin, left=begin, color=STEP, height=0.66, zorder=2)
    _whisker(axes, place, begin * rung.low, begin * rung.high)
    right = max(end, begin * rung.high) * 1.05
    gain = axes.annotate(f"x{rung.gain:.2f}", (right, place), va="center", fontsize=9, color=INK)
    if rung.detail not in ("", "on"):
        axes.annotate(rung.detail, (1.0, 0.5), xycoords=gain, xytext=(6, 0), va="center",
                      textcoords="offset points", fontsize=8, color=SOFT)  # fmt: skip


def _whisker(axes, place: int, low: float, high: float) -> None:
    axes.plot([low, high], [place] * 2, color=INK, lw=1.1, zorder=3)
    axes.plot([low, high], [place] * 2, color=INK, marker="|", ms=5, lw=0, zorder=3)


def _left_off(rung: Rung) -> str:
    return rung.detail if rung.detail == "does not apply" else f"x{rung.gain:.2f}, left off"


def write_html(gap: Gap, path: Path) -> None:
    """Write the waterfall and its table as one HTML file that needs nothing else."""
    from warpfive.fleet.page import page

    graph = needed("plotly.graph_objects", f"--html {path}")
    text = page(gap, graph, headline(gap), caption(gap))
    _save(path, lambda: path.write_text(text, encoding="utf-8"))


def _save(path: Path, write) -> None:
    try:
        write()
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from None
