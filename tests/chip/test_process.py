"""What a whole process does: engines, reports, the translator's process, the cache."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from warpfive.chip import library
from warpfive.perf import Counters

HERE = Path(__file__).parent
Script = Callable[..., subprocess.CompletedProcess]
START = """
import os, sys
import numpy as np
from pathlib import Path
from conftest import Bench
from warpfive.chip.device import Device
elf = Path(os.environ["KERNELS"]).read_bytes()
device = Device()
{setup}
bench = Bench(device, device.load(elf), elf)
"""


@pytest.fixture(scope="module")
def python(elf: bytes, tmp_path_factory: pytest.TempPathFactory) -> Script:
    """Runs a script on a fresh chip."""
    kernels = tmp_path_factory.mktemp("image") / "kernels.elf"
    kernels.write_bytes(elf)
    paths = ":".join([str(HERE), str(HERE.parents[1])])

    def run(body: str, setup: str = "", **environment: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, "-c", START.format(setup=setup) + body],
            env=os.environ | environment | {"PYTHONPATH": paths, "KERNELS": str(kernels)},
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip

    return run


SUMS = """
source, data = bench.array(4 * 64)
out, sums = bench.array(4)
data[:] = np.arange(256)
done = bench.run("block_sum", (4, 64), source, out, 2, shared_bytes=256)
print(int(done.fault), (sums == data.reshape(4, 64).sum(1)).all())
"""
APART = "device.lib.wf_set_reference(None)"  # as in a program that is not Python


@pytest.mark.parametrize("engine", ["fast", "general", "reference"])
@pytest.mark.parametrize("setup", ["", APART])
def test_every_engine_gives_the_same(python, engine, setup):
    done = python(SUMS, setup, WARPFIVE_ENGINE=engine)
    assert done.stdout == "0 True\n", done.stderr


def test_the_reference_engine_names_faults_alike(python):
    body = "print(bench.run('store_at', (2, 128), 0x10, 70).message)"
    said = {python(body, WARPFIVE_ENGINE=engine).stdout for engine in ("fast", "reference")}
    assert len(said) == 1 and "thread (70,0,0)" in said.pop()


def test_one_host_thread_gives_the_same(python):
    assert python(SUMS, WARPFIVE_THREADS="1").stdout == "0 True\n"


@pytest.mark.skipif(platform.machine() != "x86_64", reason="these are x86-64's levels")
@pytest.mark.parametrize("host", ["avx2", "sse4"])
def test_lesser_hosts_give_the_same(python, host):
    done = python(SUMS, WARPFIVE_HOST=host)
    assert done.stdout == "0 True\n", done.stderr


def test_the_translators_process_is_nobodys_child(python):
    body = SUMS + """
try:
    os.waitpid(-1, os.WNOHANG)
except ChildProcessError:
    print("no children")
"""
    done = python(body, WARPFIVE_CACHE_BYTES="1")
    assert done.stdout == "0 True\nno children\n", done.stderr


def test_a_translator_that_fails_is_a_failed_launch(python, tmp_path):
    body = """
out, _ = bench.array(1)
print(bench.run("where_am_i", (1, (7, 3, 1)), out).message)
"""
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "lib").symlink_to(Path(os.environ.get("WARPFIVE_CACHE", "~/.cache/warpfive"))
                               .expanduser() / "lib")  # fmt: skip
    (cache / "translated").write_text("no folder")
    done = python(body, WARPFIVE_CACHE=str(cache))
    assert done.stdout == (
        f"the kernel where_am_i cannot be translated: the cache {cache} cannot be written; set "
        "WARPFIVE_CACHE\n"
    )


def test_the_report_counts_instructions_and_lanes(python, tmp_path):
    file = tmp_path / "report.jsonl"
    body = """
out, _ = bench.array(64)
for _ in range(3):
    bench.run("split", (1, 64), out)
bench.run("fill", (1000, 32), bench.array(32000)[0], 32000, 1)
"""
    done = python(body, WARPFIVE_REPORT=str(file), WARPFIVE_EXACT="1")
    assert done.returncode == 0, done.stderr
    split, fill = (Counters.from_json(json.loads(line)) for line in file.read_text().splitlines())
    assert (split.kernel, split.launches, split.grid) == ("split", 3, (1, 1, 1))
    assert 0 < split.divergence < 1 and fill.divergence == 0
    assert fill.lane_instructions == 32 * fill.warp_instructions > 32000
    assert split.exact and split.host_s > 0


def test_sampled_counts_are_near_exact_ones(python, tmp_path):
    body = 'bench.run("fill", (1000, 32), bench.array(32000)[0], 32000, 1)'
    counts = []
    for exact in "01":
        file = tmp_path / exact
        python(body, WARPFIVE_REPORT=str(file), WARPFIVE_EXACT=exact)
        counts.append(Counters.from_json(json.loads(file.read_text())).warp_instructions)
    assert counts[0] == pytest.approx(counts[1], rel=0.1)


def test_bytes_are_copied_by_the_c_library():
    # The toolchain's own memcpy, which a static link would take, moves a byte at a time.
    assert b"\0memcpy\0" in library().read_bytes()
