"""The picture of a comparison, as PNG (matplotlib) or as one HTML file (plotly)."""

import importlib
from pathlib import Path
from types import ModuleType

from warpfive.errors import InputError
from warpfive.torch_backend.parity.compare import Parity

INK, LINE = "#1f2933", "#0f766e"


def write_chart(parity: Parity, path: Path) -> None:
    """Writes the picture in the format its name ends in: .png or .html."""
    writers = {".png": write_png, ".html": write_html}
    if path.suffix not in writers:
        raise InputError(f"{path}: a chart's name must end in .png or .html")
    writers[path.suffix](parity, path)


def needed(package: str) -> ModuleType:
    try:
        return importlib.import_module(package)
    except ImportError:
        raise InputError(
            f"a chart needs {package.split('.')[0]}, which is not installed; "
            "pip install 'warpfive[charts]'"
        ) from None


def headline(parity: Parity) -> str:
    return (
        f"{parity.model} in {parity.dtype} on the chip: {parity.top1:.1%} of next tokens agree, "
        f"perplexity {parity.perplexity_chip:.2f} against {parity.perplexity_reference:.2f}"
    )


def write_png(parity: Parity, path: Path) -> None:
    needed("matplotlib").use("Agg")
    plot = needed("matplotlib.pyplot")
    figure, axes = plot.subplots(figsize=(9, 4.5), dpi=150)
    points = [*parity.layers, parity.logits]
    axes.plot(range(len(points)), [point.relative for point in points], marker="o", color=LINE)
    axes.set_xticks(range(len(points)), [point.name for point in points], rotation=60, fontsize=8)
    axes.set_yscale("log")
    axes.set_ylabel("relative difference from float32")
    axes.set_title(headline(parity), color=INK, fontsize=10)
    axes.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(path)
    plot.close(figure)


def write_html(parity: Parity, path: Path) -> None:
    graph = needed("plotly.graph_objects")
    points = [*parity.layers, parity.logits]
    figure = graph.Figure(
        graph.Scatter(
            x=[point.name for point in points], y=[point.relative for point in points],
            mode="lines+markers", line={"color": LINE},
        )
    )  # fmt: skip
    figure.update_yaxes(type="log", title="relative difference from float32")
    figure.update_layout(title=headline(parity), template="plotly_white")
    figure.write_html(path, include_plotlyjs=True)
