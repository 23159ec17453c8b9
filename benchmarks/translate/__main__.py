"""Translated kernels beside the same algorithms in C, on the same cores, in one run.

    python -m benchmarks.translate [--results FOLDER] [--only NAME,NAME]

Needs a host C compiler (gcc) for the native side. Every pair is run alternately three times; a
ratio is native seconds / translated seconds, so 1.0 is native speed. Seconds are the processor
time of all threads, so that what else runs on the machine hardly counts. `tilegemm` is compared
with NumPy's float32 matmul, of one thread because its threads spin while they wait.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
NAMES = ["copy", "saxpy", "stencil", "transpose", "matmul", "tiled", "nbody", "mandelbrot",
         "collatz", "reduce", "scan", "histogram", "scatter", "jacobi", "blackscholes"]  # fmt: skip
ROUNDS = 3


def build(folder: Path) -> tuple[Path, Path]:
    translated, native = folder / "kernels", folder / "native"
    subprocess.run([sys.executable, "-m", "warpfive", "cc", "-O3", str(HERE / "kernels.cu"),
                    "-o", str(translated)], check=True)
    subprocess.run(["gcc", "-O3", "-march=native", "-ffast-math", "-fopenmp",
                    str(HERE / "native.c"), "-o", str(native), "-lm"], check=True)
    return translated, native


def timed(program: Path, name: str) -> tuple[float, float]:
    """(seconds, checksum)"""
    environment = {**os.environ, "OMP_WAIT_POLICY": "passive"}
    done = subprocess.run([str(program), name], capture_output=True, text=True, check=False,
                          env=environment)
    if done.returncode:
        raise SystemExit(f"{program.name} {name}: {done.stdout}{done.stderr}")
    seconds, total = done.stdout.split()
    return float(seconds), float(total)


def numpy_matmul() -> tuple[float, float]:
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    import numpy as np

    n = 512
    a = ((np.arange(n * n) % 64) / 64).astype(np.float32).reshape(n, n)
    best = math.inf
    for _ in range(20):
        start = time.process_time()
        c = a @ a
        best = min(best, time.process_time() - start)
    return best, float(c.sum(dtype=np.float64))


def measure(translated: Path, native: Path, name: str) -> tuple[float, float]:
    ours, theirs = math.inf, math.inf
    for _ in range(ROUNDS):
        seconds, total = timed(translated, name)
        other, expected = numpy_matmul() if name == "tilegemm" else timed(native, name)
        if abs(total - expected) > 1e-3 * abs(expected) + 1e-3:
            raise SystemExit(f"{name}: checksum {total}, not {expected}")
        ours, theirs = min(ours, seconds), min(theirs, other)
    return ours, theirs


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.translate")
    parser.add_argument("--only", default="")
    parser.add_argument("--results", type=Path)
    options = parser.parse_args()
    names = options.only.split(",") if options.only else [*NAMES, "tilegemm"]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        translated, native = build(Path(folder))
        for name in names:
            ours, theirs = measure(translated, native, name)
            rows.append((name, ours, theirs, theirs / ours))
            print(f"{name:13s} {1e3 * ours:9.3f} ms  {1e3 * theirs:9.3f} ms  "
                  f"{theirs / ours:5.2f}x", flush=True)
    ratios = [row[3] for row in rows if row[0] != "tilegemm"]
    mean = math.exp(sum(map(math.log, ratios)) / len(ratios)) if ratios else 0
    print(f"geometric mean {mean:.2f}x over {len(ratios)} kernels")
    if options.results:
        write(options.results, rows, mean)


def write(folder: Path, rows: list, mean: float) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["kernel,translated_s,native_s,ratio",
             *(f"{n},{a:.9f},{b:.9f},{r:.3f}" for n, a, b, r in rows)]
    (folder / "translate.csv").write_text("\n".join(lines) + "\n")
    about = (f"machine: {platform.machine()}, {os.cpu_count()} cores; date: "
             f"{time.strftime('%Y-%m-%d')}; geometric mean {mean:.3f} "
             "(tilegemm, against NumPy float32 matmul, left out)\n")
    (folder / "translate.txt").write_text(about)
    chart(folder / "translate.png", rows, mean)


def chart(path: Path, rows: list, mean: float) -> None:
    """One bar a kernel; a log axis, so that twice and half as fast look alike."""
    try:
        from matplotlib import pyplot
    except ImportError:
        print("no chart: pip install 'warpfive[charts]'", file=sys.stderr)
        return
    figure, axes = pyplot.subplots(figsize=(8, 3.6))
    names = [row[0] + ("\n(NumPy)" if row[0] == "tilegemm" else "") for row in rows]
    ratios = [row[3] for row in rows]
    colours = ["#2a7f62" if ratio >= 1 else "#c58b2b" for ratio in ratios]
    axes.bar(names, [ratio - 1 for ratio in ratios], bottom=1, color=colours)
    axes.set_yscale("log", base=2)
    axes.axhline(1, color="black", linewidth=0.8)
    axes.set_ylabel("speed, native C = 1")
    axes.set_title(f"CUDA kernels as translated RISC-V, beside C with gcc -O3 -march=native "
                   f"-ffast-math -fopenmp\n(geometric mean {mean:.2f})", fontsize=9)
    axes.tick_params(axis="x", labelrotation=60, labelsize=8)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
