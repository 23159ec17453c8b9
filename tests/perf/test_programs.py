"""The harness that measures programs on a GPU, with this chip in the GPU's place."""

import csv
import json
import shutil
import subprocess
import sys

import pytest

from benchmarks.fidelity import measure_gpu, programs
from benchmarks.hecbench import Bench


@pytest.fixture(scope="module")
def nvcc() -> str:
    found = shutil.which("nvcc", path=Bench.with_nvcc()["PATH"])
    assert found
    return found


def test_the_timer_finds_what_the_report_predicts(nvcc, tmp_path, monkeypatch):
    monkeypatch.setenv("CXX", f"{sys.executable} -m ziglang c++")
    timer = measure_gpu.build_timer(tmp_path)
    program = measure_gpu.Program("saxpy", measure_gpu.EXAMPLES / "saxpy.cu")
    binary = measure_gpu.build(program, nvcc, "sm_80", tmp_path)
    assert binary is not None
    (row,) = measure_gpu.kernel_times(program, binary, timer)
    words = ["run", str(program.source), "-O3", "--json", str(tmp_path / "out.json")]
    subprocess.run([sys.executable, "-m", "warpfive", *words], check=True, capture_output=True)
    (kernel,) = json.loads((tmp_path / "out.json").read_text())["kernels"]
    assert row["kernel"].startswith("_Z5saxpy") and int(row["launches"]) == kernel["launches"]
    assert row["block"] == "x".join(map(str, kernel["block"]))
    predicted_us = kernel["times"][0]["total_s"] * 1e6
    assert float(row["median_us"]) == pytest.approx(predicted_us, rel=0.25)


def test_without_a_gpu_it_says_what_it_needs():
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.fidelity.measure_gpu", "--nvcc", "no-such-nvcc"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "needs an NVIDIA GPU with nvidia-smi and nvcc on PATH" in done.stderr


def test_names_of_gpus_are_found_in_the_catalog():
    assert programs.chip_of("NVIDIA H100 80GB HBM3") == "h100"
    assert programs.chip_of("NVIDIA H100 PCIe") == "h100-pcie"
    assert programs.chip_of("NVIDIA A100-SXM4-80GB") == "a100"
    assert programs.chip_of("Tesla K80") is None


def test_the_page_says_that_the_figures_are_owed():
    assert not programs.MEASURED.exists(), "then docs/fidelity.md has a table instead"
    assert "these figures are owed" in programs.section()


def test_measured_rows_make_a_table_and_bands(tmp_path, monkeypatch):
    monkeypatch.setattr(measure_gpu, "MEASURED", tmp_path / "m.csv")
    monkeypatch.setattr(programs, "MEASURED", tmp_path / "m.csv")
    monkeypatch.setattr(programs, "PREDICTED", tmp_path / "p.csv")
    about = {"gpu": "NVIDIA H100 80GB HBM3", "driver": "1", "toolkit": "1", "date": "2026-01-01"}
    rows = [
        {"program": f"p{i}", "args": "", "kernel": "k", "grid": "1x1x1", "block": "32x1x1",
         "launches": "1", "total_us": str(10.0 * (i + 1)), "median_us": "1"} | about
        for i in range(40)
    ]  # fmt: skip
    measure_gpu.write(rows, about["gpu"])
    measure_gpu.write(rows, about["gpu"])  # a second time replaces the first
    with (tmp_path / "p.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["program", "args", "chip", "total_us"])
        writer.writerows([f"p{i}", "", "h100", 11.0 * (i + 1)] for i in range(40))
    found = programs.compared()
    assert len(found) == 40
    error, rank = programs.summary(found)
    assert error == pytest.approx(0.1) and rank == 1.0
    assert programs.bands(found) == {"h100": {"half_width": 0.095, "rows": 40}}
    assert "| h100 | 40 | 10.0% | 1.00 | yes |" in programs.section()


def test_ranks_turned_round_correlate_to_minus_one():
    pairs = [programs.Compared(str(i), "h100", i + 1.0, 10.0 - i) for i in range(8)]
    assert programs.rank_correlation(pairs) == pytest.approx(-1)
