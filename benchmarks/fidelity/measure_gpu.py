"""Measure CUDA programs on the GPU of this machine, with its own nvcc.

python -m benchmarks.fidelity.measure_gpu [--hecbench CHECKOUT] [--programs 60]

builds our examples and HeCBench's self-checking programs with ``nvcc -cudart shared``, runs each
with ``kernel_timer.cpp`` preloaded, and adds a row for every kernel and shape to
``programs_measured.csv``: total time of its launches by cudaEvents, with GPU, driver, toolkit and
date. ``python -m benchmarks.fidelity.programs`` then predicts the same kernels. A checkout is
``git clone https://github.com/zjin-lcf/HeCBench``.
"""

import argparse
import csv
import datetime
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[1] / "examples"
LIST = HERE.parent / "data" / "hecbench_selfcheck.csv"
MEASURED = HERE / "programs_measured.csv"
FIELDS = (
    "program", "args", "kernel", "grid", "block", "launches", "total_us", "median_us", "gpu",
    "driver", "toolkit", "date",
)  # fmt: skip
TIMEOUT_S = 300


@dataclass(frozen=True, slots=True)
class Program:
    """Something to build and run."""

    name: str
    source: Path
    """A .cu file, or a folder with a Makefile."""
    args: tuple[str, ...] = ()


def programs(hecbench: Path | None, most: int) -> list[Program]:
    """Our examples, then HeCBench's programs that check themselves at small sizes."""
    found = [Program(path.stem, path) for path in sorted(EXAMPLES.glob("*.cu"))]
    if hecbench is None:
        return found
    with LIST.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            folder = hecbench / "src" / f"{row['name']}-cuda"
            if row["tier"] == "A" and (folder / "Makefile").exists():
                found.append(Program(row["name"], folder, tuple(row["args"].split())))
    return found[:most]


def run(words: list[str], **more) -> subprocess.CompletedProcess[str]:
    """A command's output; it may fail."""
    return subprocess.run(
        words, capture_output=True, text=True, check=False, timeout=TIMEOUT_S, **more
    )


def build(program: Program, nvcc: str, arch: str, folder: Path) -> Path | None:
    """The program's executable, or None where it does not build."""
    if program.source.suffix == ".cu":
        target = folder / program.name
        flags = ["-O3", f"-arch={arch}", "-std=c++17", "-cudart", "shared"]
        done = run([nvcc, *flags, str(program.source), "-o", str(target)])
        return target if done.returncode == 0 else None
    here = folder / program.source.name
    shutil.copytree(program.source, here)
    flags = [f"CC={nvcc}", f"ARCH={arch}", "EXTRA_CFLAGS=-cudart shared"]
    if run(["make", *flags], cwd=here).returncode:
        return None
    made = [path for path in here.iterdir() if path.is_file() and os.access(path, os.X_OK)]
    return next((path for path in made if path.suffix == "" or path.name == "main"), None)


def kernel_times(program: Program, binary: Path, timer: Path) -> list[dict[str, str]]:
    """A row for each kernel and shape; none where the program fails."""
    times = binary.with_suffix(".times")
    environment = os.environ | {"LD_PRELOAD": str(timer), "KERNEL_TIMES": str(times)}
    done = run([str(binary), *program.args], cwd=binary.parent, env=environment)
    if done.returncode or not times.exists():
        return []
    with times.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def machine(nvcc: str) -> dict[str, str]:
    """GPU, driver and toolkit of this machine."""
    asked = run(["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"])
    gpu, _, driver = asked.stdout.splitlines()[0].partition(", ")
    release = re.search(r"release ([\d.]+)", run([nvcc, "--version"]).stdout)
    date = datetime.datetime.now(datetime.UTC).date().isoformat()
    return {
        "gpu": gpu, "driver": driver, "toolkit": release[1] if release else "", "date": date,
    }  # fmt: skip


def measured(found: list[Program], nvcc: str, arch: str, timer: Path) -> Iterator[dict[str, str]]:
    """Rows of all programs; says on stderr which fail."""
    for program in found:
        with tempfile.TemporaryDirectory(prefix="measure-") as name:
            binary = build(program, nvcc, arch, Path(name))
            rows = kernel_times(program, binary, timer) if binary else []
            print(f"{program.name}: {len(rows)} kernels", file=sys.stderr)
            for row in rows:
                yield {"program": program.name, "args": " ".join(program.args)} | row


def build_timer(folder: Path) -> Path:
    """The library that times launches."""
    target = folder / "kernel_timer.so"
    compiler = os.environ.get("CXX", "g++").split()
    words = [*compiler, "-O2", "-std=c++17", "-shared", "-fPIC", str(HERE / "kernel_timer.cpp")]
    done = run([*words, "-o", str(target), "-ldl"])
    if done.returncode:
        sys.exit(f"kernel_timer.cpp does not build: {done.stderr.strip()[-400:]}")
    return target


def main() -> None:
    """Measure and write the rows; rows of the same GPU from before are replaced."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--hecbench", type=Path)
    parser.add_argument("--programs", type=int, default=60)
    parser.add_argument("--nvcc", default="nvcc")
    parser.add_argument("--arch", default="native")
    options = parser.parse_args()
    if not shutil.which("nvidia-smi") or not shutil.which(options.nvcc):
        sys.exit("measure_gpu needs an NVIDIA GPU with nvidia-smi and nvcc on PATH")
    about = machine(options.nvcc)
    with tempfile.TemporaryDirectory(prefix="timer-") as folder:
        timer = build_timer(Path(folder))
        found = programs(options.hecbench, options.programs)
        rows = [row | about for row in measured(found, options.nvcc, options.arch, timer)]
    write(rows, about["gpu"])
    print(f"{len({row['program'] for row in rows})} programs, {len(rows)} kernels in {MEASURED}")


def write(rows: list[dict[str, str]], gpu: str) -> None:
    """Adds the rows to the file, instead of the GPU's earlier ones."""
    kept = []
    if MEASURED.exists():
        with MEASURED.open(encoding="utf-8", newline="") as file:
            kept = [row for row in csv.DictReader(file) if row["gpu"] != gpu]
    with MEASURED.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows([*kept, *rows])


if __name__ == "__main__":
    main()
