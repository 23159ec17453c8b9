"""What counting costs: kernels run with and without it, in turn.

    python -m benchmarks.counting [--results FOLDER] [--only NAME,NAME]

Each kernel of benchmarks/translate is launched as often as fills about a third of a second, and
again with WARPFIVE_REPORT at the default sampling and with WARPFIVE_EXACT. A ratio is CPU seconds
of all launches with counting / without, the best of ROUNDS runs each. `once` is a single launch.
"""

from __future__ import annotations

import argparse
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.translate.__main__ import HERE, NAMES

ROUNDS = 3
SPENT_S = 0.3
MODES = {"plain": {}, "default": {"WARPFIVE_REPORT": ""}, "exact": {"WARPFIVE_EXACT": "1"}}


def seconds(program: Path, name: str, runs: int, folder: Path, mode: str) -> float:
    """CPU seconds of so many launches."""
    environment = dict(os.environ)
    if mode != "plain":
        environment["WARPFIVE_REPORT"] = str(folder / "report.jsonl")
    if mode == "exact":
        environment["WARPFIVE_EXACT"] = "1"
    done = subprocess.run([str(program), name, str(runs)], capture_output=True, text=True,
                          check=False, env=environment)
    if done.returncode:
        raise SystemExit(f"{name}: {done.stdout}{done.stderr}")
    return float(done.stdout.split()[0])


def measure(program: Path, name: str, folder: Path) -> tuple[int, dict[str, float]]:
    """Launches, and seconds by mode."""
    for mode in MODES:
        seconds(program, name, 1, folder, mode)  # translates
    once = min(seconds(program, name, 3, folder, "plain") for _ in range(2)) / 3
    runs = max(1, min(5000, round(SPENT_S / max(once, 1e-6))))
    best = dict.fromkeys([*MODES, "once", "once counted"], math.inf)
    for _ in range(ROUNDS):
        for mode in ("plain", "default"):
            best[mode] = min(best[mode], seconds(program, name, runs, folder, mode))
        best["once"] = min(best["once"], seconds(program, name, 1, folder, "plain"))
        best["once counted"] = min(best["once counted"],
                                   seconds(program, name, 1, folder, "default"))
    exact_runs = max(1, runs // 200)
    best["exact"] = seconds(program, name, exact_runs, folder, "exact") * runs / exact_runs
    return runs, best


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.counting")
    parser.add_argument("--only", default="")
    parser.add_argument("--results", type=Path)
    options = parser.parse_args()
    names = options.only.split(",") if options.only else [*NAMES, "tilegemm"]
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        program = folder / "kernels"
        subprocess.run([sys.executable, "-m", "warpfive", "cc", "-O3", str(HERE / "kernels.cu"),
                        "-o", str(program)], check=True)
        for kernel in names:
            runs, best = measure(program, kernel, folder)
            ratios = [best["default"] / best["plain"], best["once counted"] / best["once"],
                      best["exact"] / best["plain"]]
            rows.append((kernel, runs, *ratios))
            print(f"{kernel:13s} {runs:5d} launches  default {ratios[0]:5.2f}x  "
                  f"once {ratios[1]:5.2f}x  exact {ratios[2]:6.2f}x", flush=True)
    summary = ", ".join(
        f"{label} {math.exp(sum(math.log(row[i]) for row in rows) / len(rows)):.2f}x "
        f"(worst {max(row[i] for row in rows):.2f}x)"
        for i, label in ((2, "default"), (3, "once"), (4, "exact")))
    print("geometric mean:", summary)
    if options.results:
        write(options.results, rows, summary)


def write(folder: Path, rows: list, summary: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["kernel,launches,default_ratio,once_ratio,exact_ratio",
             *(f"{k},{n},{a:.3f},{b:.3f},{c:.3f}" for k, n, a, b, c in rows)]
    (folder / "counting.csv").write_text("\n".join(lines) + "\n")
    (folder / "counting.txt").write_text(
        f"{os.cpu_count()} cores; rounds: {ROUNDS}; {time.strftime('%Y-%m-%d')}; "
        f"geometric mean: {summary}\n")


if __name__ == "__main__":
    main()
