"""Chips by name or file."""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from warpfive.catalog.chip import ChipSpec, CoreSpec, LinkSpec, MemorySpec
from warpfive.catalog.figure import Figure
from warpfive.catalog.names import nearest
from warpfive.catalog.read import load_toml, read_figures, refuse_unknown
from warpfive.catalog.rules import check_chip
from warpfive.errors import InputError

DEFAULT_CHIP = "zhenwu-810e"
FOLDER = Path(__file__).parent / "chips"

TEXTS = {
    "name", "title", "vendor", "aliases", "process", "release", "software",
    "compute_capability", "notes", "sources",
}  # fmt: skip

TABLES: Mapping[str, Mapping[str, str]] = {
    "compute": dict.fromkeys(
        ("fp64", "fp32", "tf32", "fp16", "bf16", "fp8", "int8", "fp4", "int4"), "rate"
    ),
    "core": {
        "count": "count", "clock": "frequency", "lanes": "count", "fp32_lanes": "count",
        "registers": "count", "threads": "count", "blocks": "count", "scratch": "bytes",
        "l1": "bytes", "sfu_lanes": "count", "lsu_bytes": "bytes",
        "schedulers": "count", "int_lanes": "count", "half_lanes": "count",
        "fp64_lanes": "count", "l2_port": "bytes", "alu_latency": "count",
        "l1_latency": "count", "shared_latency": "count", "barrier_latency": "count",
    },
    "memory": {
        "technology": "text", "capacity": "bytes", "bandwidth": "bandwidth",
        "effective": "bandwidth", "units": "count", "l2": "bytes", "latency": "time",
        "l2_bandwidth": "bandwidth", "l2_latency": "time", "l2_slices": "count",
    },
    "link": {
        "name": "text", "topology": "text", "layout": "text", "bandwidth": "bandwidth",
        "domain": "count", "latency": "time", "efficiency": "fraction",
    },
    "host": {
        "name": "text", "bandwidth": "bandwidth", "latency": "time", "launch": "time",
        "start": "time",
    },
    "network": {
        "name": "text", "bandwidth": "bandwidth", "latency": "time", "efficiency": "fraction",
    },
    "power": {"tdp": "power", "idle": "power"},
    "price": {"rental": "price"},
}  # fmt: skip

REQUIRED = (
    "compute.bf16|fp16|int8|fp32", "core.count", "core.clock", "memory.capacity",
    "memory.bandwidth", "link.bandwidth", "link.domain",
)  # fmt: skip


@functools.cache
def chip_names() -> tuple[str, ...]:
    """Names of the catalog's chips, sorted."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


@functools.cache
def _aliases() -> dict[str, str]:
    found = {}
    for name in chip_names():
        data = load_toml(FOLDER / f"{name}.toml")
        found.update(dict.fromkeys(data["aliases"], name))
    return found


def chip_path(name: str = DEFAULT_CHIP) -> Path:
    """The catalog's file of a chip."""
    return FOLDER / f"{name}.toml"


@functools.cache
def chip(name: str = DEFAULT_CHIP) -> ChipSpec:
    """The chip of this name or alias, or the one a ``.toml`` file describes."""
    if name.endswith(".toml"):
        return chip_file(Path(name))
    key = name.lower().replace("_", "-").replace(" ", "-")
    if key in chip_names():
        return chip_file(FOLDER / f"{key}.toml")
    if key in _aliases():
        return chip_file(FOLDER / f"{_aliases()[key]}.toml")
    known = [*chip_names(), *_aliases()]
    raise InputError(
        f"unknown chip {name!r}; {nearest(key, known)} (`warpfive chips` lists them; "
        "a file of your own ends in .toml)"
    )


def chip_file(path: Path) -> ChipSpec:
    """The chip a file describes; refuses what is unknown, missing or impossible."""
    data = load_toml(path)
    where = path.name
    refuse_unknown(where, data, TEXTS | set(TABLES))
    figures = read_figures(where, data, TABLES)
    _require(where, data, figures)
    spec = _build(data, figures)
    check_chip(spec)
    return spec


def _require(where: str, data: Mapping[str, Any], figures: Mapping[str, Figure]) -> None:
    for text in ("name", "vendor"):
        if not isinstance(data.get(text), str):
            raise InputError(f"{where}: {text} is missing; it must be a string")
    if "technology" not in data.get("memory", {}):
        raise InputError(f'{where}: memory.technology is missing, such as "HBM3"')
    for key in REQUIRED:
        table, _, names = key.partition(".")
        if not any(f"{table}.{name}" in figures for name in names.split("|")):
            raise InputError(f"{where}: {table}.{names.replace('|', ' or ')} is missing")


def _build(data: Mapping[str, Any], figures: Mapping[str, Figure]) -> ChipSpec:
    def get(key: str, default: float) -> float:
        return figures[key].si if key in figures else default

    def maybe(key: str) -> float | None:
        return figures[key].si if key in figures else None

    rates = {dtype: get(f"compute.{dtype}", 0.0) for dtype in TABLES["compute"]}
    return ChipSpec(
        name=data["name"],
        title=data.get("title", data["name"]),
        vendor=data["vendor"],
        aliases=tuple(data.get("aliases", ())),
        rates={dtype: rate for dtype, rate in rates.items() if rate > 0},
        core=_core(get),
        memory=_memory(data["memory"]["technology"], get, maybe),
        link=_link(data.get("link", {}), "link", get, int(get("link.domain", 1))),
        network=_link(data.get("network", {}), "network", get, 1 << 20),
        host_link=_link(data.get("host", {}), "host", get, 1),
        tdp_w=maybe("power.tdp"),
        idle_w=maybe("power.idle"),
        rental_usd_per_h=maybe("price.rental"),
        compute_capability=data.get("compute_capability", ""),
        launch_s=get("host.launch", 4e-6),
        start_s=get("host.start", 1.5e-6),
        software=data.get("software", ""),
        release=data.get("release", ""),
        process=data.get("process", ""),
        notes=data.get("notes", ""),
        figures=figures,
        sources=data.get("sources", {}),
    )


def _core(get: Any) -> CoreSpec:
    count, clock_hz = int(get("core.count", 1)), get("core.clock", 1e9)
    # A published fp64 rate says how many lanes there are.
    fp64_lanes = get("compute.fp64", 0.0) / max(2 * count * clock_hz, 1)
    return CoreSpec(
        count=count,
        clock_hz=clock_hz,
        lanes=int(get("core.lanes", 32)),
        fp32_lanes=int(get("core.fp32_lanes", 128)),
        registers=int(get("core.registers", 65536)),
        threads=int(get("core.threads", 2048)),
        blocks=int(get("core.blocks", 32)),
        scratch_bytes=int(get("core.scratch", 228 * 1024)),
        l1_bytes=int(get("core.l1", 128 * 1024)),
        sfu_lanes=int(get("core.sfu_lanes", 16)),
        lsu_bytes=int(get("core.lsu_bytes", 128)),
        schedulers=int(get("core.schedulers", 4)),
        int_lanes=int(get("core.int_lanes", 64)),
        half_lanes=int(get("core.half_lanes", 256)),
        fp64_lanes=fp64_lanes or get("core.fp64_lanes", 32),
        l2_port_bytes=int(get("core.l2_port", 64)),
        alu_cycles=get("core.alu_latency", 4),
        l1_cycles=get("core.l1_latency", 41),
        shared_cycles=get("core.shared_latency", 30),
        barrier_cycles=get("core.barrier_latency", 25),
    )


def _memory(technology: str, get: Any, maybe: Any) -> MemorySpec:
    units = maybe("memory.units")
    return MemorySpec(
        technology=technology,
        capacity_bytes=get("memory.capacity", 0.0),
        bandwidth=get("memory.bandwidth", 0.0),
        effective_bandwidth=maybe("memory.effective"),
        units=None if units is None else int(units),
        l2_bytes=get("memory.l2", 0.0),
        latency_s=get("memory.latency", 600e-9),
        l2_bandwidth=get("memory.l2_bandwidth", 2.5 * get("memory.bandwidth", 0.0)),
        l2_latency_s=get("memory.l2_latency", 200e-9),
        l2_slices=get("memory.l2_slices", 64),
    )


def _link(table: Mapping[str, Any], name: str, get: Any, domain: int) -> LinkSpec:
    defaults = {"link": (0.0, 5e-6, 0.8), "network": (25e9, 10e-6, 0.85), "host": (32e9, 8e-6, 0.8)}
    bandwidth, latency, efficiency = defaults[name]
    return LinkSpec(
        name=table.get("name", name),
        bandwidth=get(f"{name}.bandwidth", bandwidth),
        latency_s=get(f"{name}.latency", latency),
        domain=domain,
        topology=table.get("topology", "switch"),
        efficiency=get(f"{name}.efficiency", efficiency),
    )
