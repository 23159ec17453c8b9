"""Scripts that know nothing of warpfive: by ``warpfive run``, and by plain python once enabled."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import sys, torch
x = torch.arange(6., device="cuda")
print(sys.argv[1:], torch.cuda.is_available(), (x * 2).sum().item(), __name__)
if "twice" in sys.argv:  # an operator that its author wrote for the host alone
    library = torch.library.Library("mine", "DEF")
    library.define("twice(Tensor x) -> Tensor")
    library.impl("twice", lambda x: 2 * x, "CPU")
    print(torch.ops.mine.twice(x).sum())
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    return path


def warpfive(*words: object, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "warpfive", *map(str, words)]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | environment
    )


def test_run_gives_the_script_its_own_arguments(script: Path) -> None:
    done = warpfive("run", script, "--report", "3")
    assert done.stdout == "['--report', '3'] True 30.0 __main__\n"
    assert done.returncode == 0


def test_fallback_is_allowed_only_when_asked_for_and_is_reported(script: Path) -> None:
    refused = warpfive("run", script, "twice")
    assert refused.returncode == 1
    assert "'warpfive run --fallback'" in refused.stderr
    allowed = warpfive("run", "--fallback", script, "twice")
    assert allowed.stdout.endswith("tensor(30., device='cuda:0')\n")
    assert "computed on the host, for want of a kernel on the chip" in allowed.stderr
    assert "mine::twice" in allowed.stderr


def test_enable_and_disable(script: Path, tmp_path: Path) -> None:
    place = {"XDG_CONFIG_HOME": str(tmp_path)}
    assert "enabled: no" in warpfive("torch", "status", **place).stdout
    assert warpfive("torch", "enable", **place).returncode == 0
    assert "enabled: yes" in warpfive("torch", "status", **place).stdout
    plain = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, env=os.environ | place,
        check=False,
    )  # fmt: skip
    assert plain.stdout == "[] True 30.0 __main__\n"
    warpfive("torch", "disable", **place)
    assert "enabled: no" in warpfive("torch", "status", **place).stdout
    assert not (tmp_path / "warpfive" / "torch-enabled").exists()


def test_a_script_that_is_not_there() -> None:
    done = warpfive("run", "nowhere.py")
    assert done.stderr == "warpfive: there is no file nowhere.py\n"
    assert done.returncode == 2
