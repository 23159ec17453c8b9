"""A program with one fault a kernel: the report names each fault and its line."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent / "advice.cu"


def report(out: Path, *more: str) -> dict[str, dict]:
    """Kernels of the report by name, on H20."""
    words = ["run", str(SOURCE), "--chip", "h20", "--vs", "h100", "--json", str(out), *more]
    done = subprocess.run(
        [sys.executable, "-m", "warpfive", *words], capture_output=True, text=True, check=False,
        timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(out.read_text())["kernels"]
    return {kernel["kernel"].partition("(")[0]: kernel for kernel in found}


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict]:
    """With every block counted."""
    return report(tmp_path_factory.mktemp("advice") / "out.json", "--exact")


def line_of(fault: str) -> str:
    for number, line in enumerate(SOURCE.read_text().splitlines(), 1):
        if f"fault: {fault}" in line:
            return f"advice.cu:{number}"
    raise AssertionError(fault)


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("strided", "coalesce", "sectors a warp where 4 would do: uncoalesced"),
        ("conflicts", "conflicts", "takes 32 passes where 1 would do: bank conflicts"),
        ("diverges", "diverge", "warps diverge"),
        ("hot", "atomics", "262 k atomics at line 27 meet at one address"),
    ],
)
def test_the_fault_and_its_line(kernels, name, kind, words):
    advice = kernels[name]["advice"]
    assert (advice["kind"], advice["where"]) == (kind, line_of(name))
    assert words in advice["text"] and advice["gain"] > 0.1


def test_few_threads_and_double_precision_have_no_line(kernels):
    few, doubles = kernels["few"]["advice"], kernels["doubles"]["advice"]
    assert few["kind"] == "grid"
    assert few["text"].startswith(("2 blocks for 78 cores", "512 threads on a chip"))
    assert doubles["kind"] == "fp64" and "39.5 times slower than float" in doubles["text"]


def test_a_kernel_without_a_fault_is_told_its_bound(kernels):
    streams = kernels["streams"]
    assert streams["advice"]["kind"] == "bound" and streams["times"][0]["bound"] == "dram"
    moved = 2 * 4 * (1 << 22)
    assert streams["times"][0]["dram_bytes"] == pytest.approx(moved, rel=0.02)


def test_divergence_counts_what_the_source_says(kernels):
    lanes = kernels["diverges"]["counters"]["lane"]["fp32"]
    warps = kernels["diverges"]["counters"]["warp"]["fp32"]
    assert 3.9 < lanes / warps < 5  # four lanes of each warp compute


def test_another_chip_of_the_same_run_is_bound_elsewhere(kernels):
    h20, h100 = kernels["doubles"]["times"]
    assert (h20["bound"], h20["chip"], h100["chip"]) == ("fp64", "h20", "h100")
    assert h20["total_s"] > 5 * h100["total_s"]


def test_a_sample_tells_nearly_the_same(kernels, tmp_path):
    sampled = report(tmp_path / "out.json")
    for name in ("strided", "conflicts", "diverges", "doubles", "streams"):
        exact, found = kernels[name]["times"][0], sampled[name]["times"][0]
        assert found["total_s"] == pytest.approx(exact["total_s"], rel=0.1), name
        assert found["bound"] == exact["bound"], name
