"""Every key that ``--json`` writes is in the pages that describe them."""

import json
import re
from pathlib import Path

import pytest

from warpfive.cli import main

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ("metrics.md", "perf.md")
NAMES_OF_OTHER_THINGS = ("left_out", "before", "after", "tables", "figures", "fitted", "terms")
"""Keys whose inner keys are causes, quantities, names or chips."""


def keys(data: object) -> set[str]:
    """Every key of nested dictionaries."""
    if isinstance(data, list):
        return set().union(*map(keys, data)) if data else set()
    if not isinstance(data, dict):
        return set()
    inner = [value for name, value in data.items() if name not in NAMES_OF_OTHER_THINGS]
    return set(data) | set().union(*map(keys, inner))


@pytest.fixture(scope="module")
def words() -> set[str]:
    text = "".join((DOCS / page).read_text(encoding="utf-8") for page in PAGES)
    return set(re.findall(r"[a-z0-9_]+", text))


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    head = "id,model,hardware,parallelism,engine,input_len,output_len,batch,metric,value,unit\n"
    lines = [
        f"r{batch}{metric},qwen3-8b,H20,TP1,vllm 9.9,1000,50,{batch},{metric},{value},ms"
        for batch in (1, 16)
        for metric, value in (("ttft_mean", 200 * batch), ("tpot_mean", 20))
    ]
    path = tmp_path / "rows.csv"
    path.write_text(head + "\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize(
    "command",
    [
        "estimate --model qwen3-8b --chip h20",
        "estimate --model resnet-50 --chip hanguang-800",
        "simulate --model qwen3-8b --chip h20 --rate 2 --requests 40",
        "simulate --model qwen3-8b --prefill-chip h20 --rate 2 --requests 40 --drafts 1",
        "models kimi-k2",
        "validate ROWS",
        "calibrate ROWS --out OUT",
    ],
)
def test_every_key_is_documented(command, words, rows, tmp_path):
    target = tmp_path / "out.json"
    command = command.replace("ROWS", str(rows)).replace("OUT", str(tmp_path / "mine.json"))
    assert main([*command.split(), "--json", str(target)]) == 0
    found = keys(json.loads(target.read_text(encoding="utf-8")))
    assert found and found - words == set()
