"""Core and cache figures: every chip has them, with a source; impossible ones are refused."""

import re
from pathlib import Path

import pytest

from warpfive.catalog import chip, chip_file, chip_names, chip_path
from warpfive.catalog.chips import TABLES
from warpfive.errors import InputError

KEYS = [
    "core.schedulers", "core.int_lanes", "core.half_lanes", "core.l2_port", "core.alu_latency",
    "core.l1_latency", "core.shared_latency", "memory.l2_bandwidth", "memory.l2_latency",
    "memory.l2_slices", "memory.latency",
]  # fmt: skip


@pytest.mark.parametrize("name", chip_names())
def test_every_chip_has_them_with_source_and_grade(name):
    spec = chip(name)
    for key in KEYS:
        assert spec.figures[key].source in spec.sources, key
    assert "compute.fp64" in spec.figures or "core.fp64_lanes" in spec.figures
    assert spec.memory.l2_bandwidth > spec.memory.bandwidth
    assert spec.memory.l2_latency_s < spec.memory.latency_s


def test_a_published_fp64_rate_says_how_many_lanes_there_are():
    assert chip("a100").core.fp64_lanes == pytest.approx(32, rel=0.01)
    assert chip("h100").core.fp64_lanes == pytest.approx(69, rel=0.01)  # the boost clock is higher
    assert chip("h20").core.fp64_lanes == pytest.approx(3.24, rel=0.01)


def test_a_core_without_lanes_is_refused(tmp_path: Path):
    text = chip_path("h20").read_text(encoding="utf-8")
    file = tmp_path / "mine.toml"
    file.write_text(re.sub(r"int_lanes = \{ value = 64", "int_lanes = { value = 0", text))
    with pytest.raises(InputError, match=r"h20: core\.int_lanes must be positive, not 0"):
        chip_file(file)


def test_the_page_names_every_key():
    page = (Path(__file__).parents[2] / "docs" / "catalog.md").read_text(encoding="utf-8")
    for table in ("core", "memory", "host"):
        for key in TABLES[table]:
            assert re.search(rf"\b{key}\b", page), f"{table}.{key}"
