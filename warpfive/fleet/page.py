"""The gap as one self-contained web page: both waterfalls with their bands, and the table."""

from html import escape
from math import log10
from types import ModuleType
from typing import Any

from warpfive.fleet.charts import OTHER, OWN, TICKS, bars
from warpfive.fleet.gap import Gap, Ratio, Rung, Side

WHOLE = "whole system"
NBSP = "\u00a0"
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1f2933; margin: 2rem auto; max-width: 1200px;
  padding: 0 1.5rem; }
h1 { font-size: 1.45rem; margin: 0; }
p.note { color: #616e7c; font-size: .85rem; margin: .3rem 0 1rem; }
.cards { display: flex; flex-wrap: wrap; gap: 1rem; margin: 1rem 0; }
.card { flex: 1 1 14rem; border: 1px solid #e4e7eb; border-radius: .6rem; padding: .8rem 1rem; }
.card b { display: block; font-size: 1.7rem; line-height: 1.2; }
.card small { color: #616e7c; }
table { border-collapse: collapse; width: 100%; font-size: .85rem; margin-top: 1rem; }
th, td { padding: .35rem .6rem; text-align: right; white-space: nowrap;
  border-bottom: 1px solid #e4e7eb; }
th:first-child, td:first-child, td.text, th.text { text-align: left; }
td.text { white-space: normal; }
tr.off td { color: #9aa5b1; }
thead th { color: #616e7c; font-weight: 600; }
"""


def page(gap: Gap, graph: ModuleType, title: str, note: str) -> str:
    """The HTML text; ``graph`` is ``plotly.graph_objects``."""
    chart = _figure(gap, graph).to_html(
        include_plotlyjs="inline", full_html=False, default_width="100%",
        config={"displaylogo": False, "responsive": True},
    )  # fmt: skip
    return (
        "<!doctype html><html lang=en><head><meta charset=utf-8>"
        '<meta name=viewport content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>"
        f"<h1>{escape(gap.own.chip.title)} against {escape(gap.other.chip.title)}, "
        f"{escape(gap.model.name)}</h1><p class=note>{escape(note)}</p>"
        f"{_cards(gap)}{chart}{_table(gap)}</body></html>"
    )


def _cards(gap: Gap) -> str:
    own, other = gap.own.chip.name, gap.other.chip.name
    rows = (
        ("chip against chip", gap.chip_to_chip, f"{own} to {other}, naive on both"),
        ("system against naive chip", gap.whole_to_naive, f"whole {own} system to {other}, naive"),
        ("system against system", gap.whole_to_whole, "whole systems on both"),
    )
    cards = (
        f"<div class=card>{name}<b>{_number(ratio)}</b><small>{escape(what)}; 80% band "
        f"{ratio.low:.2f} to {ratio.high:.2f}</small></div>"
        for name, ratio, what in rows
    )
    return f"<div class=cards>{''.join(cards)}</div>"


def _number(ratio: Ratio) -> str:
    return f"{ratio.value:.2f}x"


def _figure(gap: Gap, graph: ModuleType) -> Any:
    figure = graph.Figure()
    base = gap.other.naive.value
    ends: list[float] = []
    layers = []
    for side, colour in ((gap.own, OWN), (gap.other, OTHER)):
        rows = bars(side, base)
        ends += [row[2] for row in rows]
        layers.append((side, rows, colour))
    low, high = min(ends) / 2, max(ends) * 2.2
    for side, rows, colour in layers:
        bar = _bars(side, rows, base, SPACES / log10(high / low))
        figure.add_bar(**bar, name=side.chip.name, marker_color=colour)
    ticks = [tick for tick in TICKS if low < tick < high]
    figure.update_layout(
        barmode="group", bargap=0.28, bargroupgap=0.08, template="plotly_white",
        height=46 * (len(gap.own.rungs) + 1) + 110, margin={"l": 10, "r": 20, "t": 40, "b": 50},
        xaxis={
            "type": "log", "title": {"text": f"multiples of {gap.other.chip.name}, naive"},
            "tickvals": ticks, "ticktext": [f"{tick:g}" for tick in ticks], "minor": {"ticks": ""},
            "range": [log10(low), log10(high)],
        },
        yaxis={"autorange": "reversed", "automargin": True},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        font={"family": "system-ui, sans-serif", "color": "#1f2933"},
    )  # fmt: skip
    figure.add_vline(x=1.0, line={"color": "#9aa5b1", "width": 1, "dash": "dot"})
    return figure


SPACES = 270
"""Spaces that would fill the width of the plot: texts stand clear of their bands by them."""


def _bars(
    side: Side, rows: list[tuple[str, float, float, Rung]], base: float, pace: float
) -> dict[str, Any]:
    """Bars of one side: where they begin, how long they are, their bands and texts.

    ``pace`` is the number of spaces that one decade of the axis takes.
    """
    spans = [_span(row, base) for row in rows]
    whole = side.whole
    spans.append((0.0, whole.value / base, whole.value_low / base, whole.value_high / base))
    texts = [_text(row[3], base) for row in rows] + [f"<b>{whole.value / base:.2f}</b>"]
    clear = [2 + round(pace * log10(max(high, end) / end)) for _, end, _, high in spans]
    return {
        "orientation": "h",
        "y": [row[0] for row in rows] + [WHOLE],
        "base": [begin for begin, *_ in spans],
        "x": [end - begin for begin, end, *_ in spans],
        "error_x": {
            "type": "data", "symmetric": False, "thickness": 1.1, "width": 3, "color": "#1f2933",
            "array": [high - end if high > low else None for _, end, low, high in spans],
            "arrayminus": [end - low if high > low else None for _, end, low, high in spans],
        },
        "text": [NBSP * count + text for count, text in zip(clear, texts, strict=True)],
        "textposition": "outside",
        "textfont": {"size": 11},
        "cliponaxis": False,
        "customdata": [_hover(row[3]) for row in rows] + [_hover(whole)],
        "hovertemplate": "%{y}<br>%{customdata}<extra>%{fullData.name}</extra>",
    }  # fmt: skip


def _span(row: tuple[str, float, float, Rung], base: float) -> tuple[float, float, float, float]:
    """Begin, end, and the band of the end."""
    _, begin, end, rung = row
    if rung.key == "naive":
        return 0.0, end, rung.value_low / base, rung.value_high / base
    if not rung.kept:
        return begin, begin, begin, begin
    return begin, end, begin * rung.low, begin * rung.high


def _text(rung: Rung, base: float) -> str:
    if rung.key == "naive":
        return f"<b>{rung.value / base:.2f}</b>"
    return f"x{rung.gain:.2f}" if rung.kept else "off"


def _hover(rung: Rung) -> str:
    state = "" if rung.kept else " (left off)"
    return (
        f"{rung.value:.1f} tok/s/chip [{rung.value_low:.1f}, {rung.value_high:.1f}]<br>"
        f"x{rung.gain:.2f} [{rung.low:.2f}, {rung.high:.2f}]{state}<br>{escape(rung.detail)}"
    )


def _table(gap: Gap) -> str:
    heads = "".join(
        f"<th>{escape(side.chip.name)}, tok/s/chip<th>gain<th>80% band"
        for side in (gap.own, gap.other)
    )
    rows = "".join(
        f"<tr{'' if mine.kept or theirs.kept else ' class=off'}><td>{escape(mine.name)}"
        f"{_cells(mine)}{_cells(theirs)}<td>{mine.value / theirs.value:.2f}"
        f"<td class=text>{escape('' if mine.detail == 'on' else mine.detail)}"
        for mine, theirs in zip(gap.own.rungs, gap.other.rungs, strict=True)
    )
    return (
        f"<table><thead><tr><th>step{heads}<th>ratio<th class=text>on "
        f"{escape(gap.own.chip.name)}</thead><tbody>{rows}</tbody></table>"
    )


def _cells(rung: Rung) -> str:
    value = f"<td>{rung.value:.1f}"
    if rung.key == "naive":
        return f"{value}<td><td>{rung.value_low:.0f} to {rung.value_high:.0f}"
    if not rung.kept:
        return f"{value}<td>off<td>"
    return f"{value}<td>x{rung.gain:.2f}<td>{rung.low:.2f} to {rung.high:.2f}"
