"""The commands and the client of the tutorial about the server, run as they are printed."""

import json
import re
import shlex
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")
pytest.importorskip("prometheus_client")

from warpfive.cli import main  # noqa: E402

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "tutorials/serve-on-another-chip.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def text():
    """The tutorial with a port that is free here, and a clock twenty times as fast."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    text = TEXT.replace("8123", port)
    command = next(line for line in text.splitlines() if line.startswith("    warpfive serve"))
    words = [sys.executable, "-m", *shlex.split(command), "--speed", "20"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as server:
        try:
            said = ""
            while "http" not in said:
                line = server.stderr.readline()
                assert line, said
                said += line
            yield text
        finally:
            server.terminate()


def test_the_client_measures(text, tmp_path):
    script = tmp_path / "load.py"
    script.write_text(re.search(r"```python\n(.*?)```", text, re.S)[1])
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=120, check=True
    )
    first, between = map(float, re.findall(r"[\d.]+", done.stdout))
    assert first > between > 0


def test_curl_is_answered(text):

    if not shutil.which("curl"):
        pytest.skip("curl is not installed")
    command = next(line for line in text.splitlines() if line.startswith("    curl"))
    done = subprocess.run(shlex.split(command), capture_output=True, timeout=60, check=True)
    assert json.loads(done.stdout)["usage"]["completion_tokens"] == 8


def test_the_same_load_is_simulated(text, capsys):
    command = next(line for line in text.splitlines() if line.startswith("    warpfive simulate"))
    assert main(shlex.split(command)[1:]) == 0
    assert "output tokens/s" in capsys.readouterr().out
