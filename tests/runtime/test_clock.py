"""The chip's clock: events and kernels read predicted time, streams overlap as on the device."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from warpfive.catalog import chip
from warpfive.cli import main
from warpfive.perf import figures_text

PROGRAMS = Path(__file__).parent / "programs"


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("clock") / "clock"
    assert main(["cc", str(PROGRAMS / "clock.cu"), "-o", str(out)]) == 0
    return out


def run(words, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, timeout=120, check=False,
        env=os.environ | environment,
    )  # fmt: skip


def figures(spec) -> list[str]:
    link = spec.host_link
    return [
        f"{spec.launch_s * 1e6}", f"{link.bandwidth * link.efficiency / 1e9}",
        f"{link.latency_s * 1e6}",
    ]  # fmt: skip


def test_the_timeline_of_the_default_chip(clock: Path) -> None:
    done = run([clock, *figures(chip())])
    assert (done.returncode, done.stdout) == (0, "ok\n"), done.stdout + done.stderr


def test_another_chips_figures_move_the_clock(clock: Path, tmp_path: Path) -> None:
    spec = chip("a100")
    (tmp_path / "chip").write_text(figures_text(spec))
    done = run([clock, *figures(spec)], WARPFIVE_CHIP=str(tmp_path / "chip"))
    assert (done.returncode, done.stdout) == (0, "ok\n"), done.stdout + done.stderr


def test_a_program_sees_the_chip_whose_time_is_told(tmp_path: Path) -> None:
    (tmp_path / "see.cu").write_text(r"""
#include <cstdio>
int main() {
  cudaDeviceProp p;
  cudaGetDeviceProperties(&p, 0);
  printf("%d %d %d\n", p.multiProcessorCount, p.clockRate, p.l2CacheSize);
}
""")
    words = [sys.executable, "-m", "warpfive", "run", tmp_path / "see.cu"]
    for spec, more in ((chip("h20"), ["--chip", "h20"]), (chip(), [])):
        seen = tuple(map(int, run([*words, *more]).stdout.split()))
        assert seen == (spec.cores, spec.clock_hz / 1e3, spec.memory.l2_bytes)


def test_a_file_that_is_no_chip_is_refused(clock: Path, tmp_path: Path) -> None:
    (tmp_path / "chip").write_text("cores 3\n")
    done = run([clock, *figures(chip())], WARPFIVE_CHIP=str(tmp_path / "chip"))
    assert done.returncode == 1 and "is not a chip's figures" in done.stderr


ONE = r"""
#include <cstdio>
__global__ void saxpy(int n, float a, const float *x, float *y) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = a * x[i] + y[i];
}
int main() {
  int n = 1 << 20; float *x, *y, ms; cudaEvent_t a, b;
  cudaMalloc(&x, n * 4); cudaMalloc(&y, n * 4); cudaEventCreate(&a); cudaEventCreate(&b);
  cudaEventRecord(a); saxpy<<<n / 256, 256>>>(n, 2, x, y); cudaEventRecord(b);
  cudaEventSynchronize(b); cudaEventElapsedTime(&ms, a, b); printf("%.9g\n", ms * 1e-3);
}
"""


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("one") / "one.cu"
    path.write_text(ONE)
    return path


@pytest.mark.parametrize("name", ["zhenwu-810e", "h20"])
def test_events_and_the_report_tell_the_same_time(one: Path, tmp_path: Path, name: str) -> None:
    words = ["run", one, "--exact", "--chip", name, "--json", tmp_path / "out.json"]
    done = run([sys.executable, "-m", "warpfive", *words])
    found = json.loads((tmp_path / "out.json").read_text())["kernels"][0]["times"][0]
    launched = float(done.stdout) - chip(name).launch_s
    assert launched == pytest.approx(found["total_s"], abs=2e-9)


def test_without_a_report_a_sample_tells_nearly_the_same(one: Path) -> None:
    exact = run([sys.executable, "-m", "warpfive", "run", one, "--exact"]).stdout
    sampled = run([sys.executable, "-m", "warpfive", "run", one]).stdout
    assert float(sampled) == pytest.approx(float(exact), rel=0.15)


def test_the_hosts_clock_is_the_hosts(one: Path) -> None:
    chips = float(run([sys.executable, "-m", "warpfive", "run", one]).stdout)
    hosts = float(run([sys.executable, "-m", "warpfive", "run", one, "--clock", "host"]).stdout)
    assert chips < 20e-6 < hosts


def test_a_trace_has_every_span(one: Path, tmp_path: Path) -> None:
    done = run([sys.executable, "-m", "warpfive", "run", one, "--trace", tmp_path / "trace.json"])
    assert done.returncode == 0
    events = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    (kernel,) = [event for event in events if event.get("cat") == "kernel"]
    assert kernel["name"] == "saxpy" and kernel["ph"] == "X"
    assert kernel["dur"] == pytest.approx(8, rel=0.2) and kernel["args"]["grid"] == [4096, 1, 1]


def test_an_unknown_clock_is_refused(one: Path) -> None:
    done = run([sys.executable, "-m", "warpfive", "run", one, "--clock", "wall"])
    assert done.returncode == 2
    assert "there is no clock 'wall'; it is one of chip, host" in done.stderr
