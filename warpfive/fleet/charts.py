"""The gap's picture: a waterfall of factors, as PNG (matplotlib) and as one HTML file (plotly).

Both packages belong to the extra ``charts`` and are loaded when a picture is asked for.
"""

import importlib
from pathlib import Path
from types import ModuleType

from warpfive.errors import InputError
from warpfive.fleet.gap import Gap, Rung, Side

INK, GREY = "#1f2933", "#9aa5b1"
OWN, OTHER, STEP, OFF = "#0f766e", "#b45309", "#14b8a6", "#d9e2ec"


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
    figure, axes = plt.subplots(figsize=(11, 0.42 * len(names) + 1.8), dpi=140)
    _solid(axes, 0, 1.0, gap.other.naive, base, OTHER)
    _solid(axes, 1, rows[0][2], gap.own.naive, base, OWN)
    for place, (_, begin, end, rung) in enumerate(rows[1:], 2):
        _step(axes, place, begin, end, rung)
    last = len(names)
    _solid(axes, last - 2, rows[-1][2], gap.own.whole, base, OWN)
    _solid(axes, last - 1, gap.other.whole.value / base, gap.other.whole, base, OTHER)
    axes.set_yticks(range(last), names, fontsize=9)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlabel(f"multiples of {gap.other.chip.name}, naive", fontsize=9)
    axes.axvline(1.0, color=GREY, linewidth=0.8, linestyle=":")
    for spine in ("top", "right", "left"):
        axes.spines[spine].set_visible(False)
    axes.tick_params(axis="y", length=0)
    ends = [row[2] for row in rows] + [1.0, gap.other.whole.value / base]
    axes.set_xlim(min(ends) / 2, max(ends) * 5)
    ticker = needed("matplotlib.ticker", f"--png {path}")
    axes.xaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))
    figure.suptitle(headline(gap), fontsize=11, x=0.01, ha="left", weight="bold", color=INK)
    figure.text(0.01, 0.01, caption(gap), fontsize=7, color="#52606d")
    figure.tight_layout(rect=(0, 0.03, 1, 0.97))
    _save(path, lambda: figure.savefig(path))
    plt.close(figure)


def _solid(axes, place: int, value: float, rung: Rung, base: float, colour: str) -> None:
    axes.barh(place, value, color=colour, height=0.62)
    axes.plot([rung.value_low / base, rung.value_high / base], [place] * 2, color=INK, lw=1.2)
    end = max(value, rung.value_high / base)
    axes.text(end * 1.03, place - 0.02, f" {value:.2f}", va="center", fontsize=9, color=INK)


def _step(axes, place: int, begin: float, end: float, rung: Rung) -> None:
    if not rung.kept:
        axes.text(begin, place, f"· {_left_off(rung)}", va="center", fontsize=8, color=GREY)
        return
    axes.barh(place, end - begin, left=begin, color=STEP, height=0.62)
    axes.plot([begin * rung.low, begin * rung.high], [place] * 2, color=INK, lw=1.0)
    note = "" if rung.detail == "on" else f"  {rung.detail}"
    right = max(end, begin * rung.high) * 1.03
    axes.text(right, place - 0.02, f" x{rung.gain:.2f}{note}", va="center", fontsize=8,
              color=INK)  # fmt: skip


def _left_off(rung: Rung) -> str:
    return rung.detail if rung.detail == "does not apply" else f"x{rung.gain:.2f}, left off"


def write_html(gap: Gap, path: Path) -> None:
    """Write the waterfall as one HTML file that needs nothing else."""
    graph = needed("plotly.graph_objects", f"--html {path}")
    figure = graph.Figure()
    base = gap.other.naive.value
    for side, colour in ((gap.own, OWN), (gap.other, OTHER)):
        rows = bars(side, base)
        figure.add_bar(
            name=side.chip.name, orientation="h", marker_color=colour,
            y=[row[0] for row in rows] + ["whole system"],
            x=[rows[0][2]] + [row[2] - row[1] for row in rows[1:]] + [rows[-1][2]],
            base=[0] + [row[1] for row in rows[1:]] + [0],
            customdata=[_hover(row[3]) for row in rows] + [_hover(side.whole)],
            hovertemplate="%{y}<br>%{customdata}<extra>%{fullData.name}</extra>",
        )  # fmt: skip
    figure.update_layout(
        title={"text": headline(gap) + f"<br><sub>{caption(gap)}</sub>"}, barmode="group",
        xaxis={"type": "log", "title": {"text": f"multiples of {gap.other.chip.name}, naive"}},
        yaxis={"autorange": "reversed"}, template="plotly_white", height=780,
        legend={"orientation": "h"},
    )  # fmt: skip
    text = figure.to_html(include_plotlyjs="inline", full_html=True)
    text = text.replace("<head>", f"<head><title>{headline(gap)}</title>", 1)
    _save(path, lambda: path.write_text(text, encoding="utf-8"))


def _hover(rung: Rung) -> str:
    state = "" if rung.kept else " (left off)"
    return (
        f"{rung.value:.1f} tok/s/chip [{rung.value_low:.1f}, {rung.value_high:.1f}]<br>"
        f"x{rung.gain:.2f} [{rung.low:.2f}, {rung.high:.2f}]{state}<br>{rung.detail}"
    )


def _save(path: Path, write) -> None:
    try:
        write()
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from None
