"""docs/plan.md names every key that the JSON has."""

import re
from pathlib import Path

import pytest

from warpfive.catalog import chip, model
from warpfive.cli import main
from warpfive.fleet import Ask, parse_slo, parse_workload, search, search_json

DOCS = Path(__file__).parents[2] / "docs"


def keys(data: object) -> set[str]:
    """Every key of nested dictionaries, without those that are names of other things."""
    if isinstance(data, list):
        return set().union(*map(keys, data)) if data else set()
    if not isinstance(data, dict):
        return set()
    inner = {name: value for name, value in data.items() if name not in ("refused", "launch")}
    return set(data) | set().union(*map(keys, inner.values()))


def test_every_json_key_of_a_plan_is_documented():
    ask = Ask(
        model=model("qwen3-4b"), chips=(chip("h20"),), workload=parse_workload("chat"),
        slo=parse_slo("ttft=2s,tpot=60ms,e2e=60s"), most_chips=1, split=False,
    )  # fmt: skip
    words = set(re.findall(r"[a-z0-9_]+", (DOCS / "plan.md").read_text(encoding="utf-8")))
    missing = keys(search_json(search(ask, workers=1))) - words - {"p10", "p90", "ttft", "e2e"}
    assert not {key for key in missing if not key.startswith(("ttft", "tpot", "e2e"))}


@pytest.mark.parametrize("page", ["which-chip", "close-the-gap"])
def test_every_command_of_a_tutorial_runs(page, tmp_path, monkeypatch, capsys):
    text = (DOCS / "tutorials" / f"{page}.md").read_text(encoding="utf-8")
    commands = re.findall(r"^    warpfive (.+)$", text, re.MULTILINE)
    monkeypatch.chdir(tmp_path)
    assert commands
    for command in commands:
        assert main(command.split()) == 0, command
        assert capsys.readouterr().out
        for picture in re.findall(r"--(?:png|html) (\S+)", command):
            assert (tmp_path / picture).stat().st_size > 10_000
