"""Systems and networks by name: supernodes, racks, scale-out fabrics."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from warpfive.catalog.chip import ChipSpec, LinkSpec
from warpfive.catalog.figure import Figure
from warpfive.catalog.names import nearest
from warpfive.catalog.read import load_toml, read_figures, refuse_unknown
from warpfive.errors import InputError

FOLDER = Path(__file__).parent / "systems"

TABLES: Mapping[str, Mapping[str, str]] = {
    "size": {"chips": "count", "chips_per_node": "count", "chips_per_segment": "count"},
    "link": {
        "name": "text", "topology": "text", "bandwidth": "bandwidth", "domain": "count",
        "latency": "time",
    },
    "network": {
        "name": "text", "bandwidth": "bandwidth", "latency": "time", "oversubscription": "count",
    },
    "power": {"total": "power"},
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSpec:
    """How many chips share a host and a scale-up link, and what joins the hosts."""

    name: str
    chips: int
    """Chips of one node."""
    link: LinkSpec
    network: LinkSpec
    host_w: float = 800.0
    """Power of CPUs, NICs and fans of one node beside its chips."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemSpec:
    """A supernode or a network of nodes."""

    name: str
    title: str
    vendor: str
    chip: str
    """Name of its chip; empty for a network that joins any."""
    chips: int
    chips_per_node: int
    chips_per_segment: int
    link: LinkSpec | None
    network: LinkSpec
    oversubscription: float = 1.0
    """Ratio of capacity below and above the segment."""
    power_w: float | None = None
    notes: str = ""
    figures: Mapping[str, Figure] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)


@functools.cache
def system_names() -> tuple[str, ...]:
    """Names of the catalog's systems and networks, sorted."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


@functools.cache
def system(name: str) -> SystemSpec:
    """The system or network of this name or alias."""
    for stem in system_names():
        spec = _read(FOLDER / f"{stem}.toml", name)
        if spec:
            return spec
    raise InputError(f"unknown system {name!r}; {nearest(name, system_names())}")


def _read(path: Path, name: str) -> SystemSpec | None:
    data = load_toml(path)
    if name.lower() not in (data["name"], *data["aliases"]):
        return None
    texts = {"name", "title", "vendor", "aliases", "chip", "notes", "sources"}
    refuse_unknown(path.name, data, texts | set(TABLES))
    figures = read_figures(path.name, data, TABLES)

    def get(key: str, default: float = 0.0) -> float:
        return figures[key].si if key in figures else default

    def link(table: str, domain: int) -> LinkSpec:
        return LinkSpec(
            name=data[table]["name"],
            bandwidth=get(f"{table}.bandwidth"),
            latency_s=get(f"{table}.latency", 1e-5),
            domain=domain,
            topology=data[table].get("topology", "switch"),
        )

    return SystemSpec(
        name=data["name"],
        title=data["title"],
        vendor=data["vendor"],
        chip=data["chip"],
        chips=int(get("size.chips")),
        chips_per_node=int(get("size.chips_per_node")),
        chips_per_segment=int(get("size.chips_per_segment")),
        link=link("link", int(get("link.domain"))) if "link" in data else None,
        network=link("network", int(get("size.chips"))),
        oversubscription=get("network.oversubscription", 1.0),
        power_w=figures["power.total"].si if "power.total" in figures else None,
        notes=data.get("notes", ""),
        figures=figures,
        sources=data["sources"],
    )


def node_of(chip: ChipSpec) -> NodeSpec:
    """The usual node of a chip: eight to a host, or as many as its link reaches if fewer."""
    chips = 8 if chip.link.domain >= 8 else max(1, chip.link.domain)
    return NodeSpec(name=f"{chip.name} x{chips}", chips=chips, link=chip.link, network=chip.network)
