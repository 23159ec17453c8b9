"""The tutorial's files and commands, and the example, as a reader would run them."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/tutorials/move-a-pytorch-service.md").read_text(encoding="utf-8")


def run(words, folder):
    start = {"python": [sys.executable], "warpfive": [sys.executable, "-m", "warpfive"]}
    done = subprocess.run(
        [*start[words[0]], *words[1:]], cwd=folder, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, f"{shlex.join(words)}\n{done.stdout}{done.stderr}"
    return done.stdout


def test_the_tutorial_runs_as_written(tmp_path):
    pytest.importorskip("matplotlib")
    for block in re.findall(r"```python\n(.*?)```", TEXT, re.S):
        (tmp_path / block.split()[1]).write_text(block)
    said = [run(shlex.split(line), tmp_path) for line in re.findall(r"^\$ (.*)$", TEXT, re.M)]
    assert said[1].startswith("the tug moved along ")
    assert "same first choice 100.0%" in said[2]
    assert json.loads((tmp_path / "bf16.json").read_text())["dtype"] == "bf16"
    assert (tmp_path / "int8.png").exists()


def test_the_example_passes():
    said = run(["warpfive", "run", str(ROOT / "examples/compiled.py")], ROOT)
    counts = [int(count) for count in re.findall(r"(\d+) launches", said)]
    assert counts[1] < counts[0]
    assert said.endswith("PASS\n")
