"""Predict the programs that were measured on GPUs, and compare.

python -m benchmarks.fidelity.programs [--hecbench CHECKOUT]

runs each program of ``programs_measured.csv`` here, times its kernels on the catalog's chip of that
name, writes ``programs_predicted.csv`` and the bands that predictions print
(``warpfive/perf/kernel_bands.json``). `section` is the part of docs/fidelity.md about it.
"""

import argparse
import csv
import json
import math
import subprocess
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from benchmarks.fidelity.measure_gpu import EXAMPLES, MEASURED
from warpfive.catalog import chip_names

HERE = Path(__file__).parent
PREDICTED = HERE / "programs_predicted.csv"
BANDS = HERE.parents[1] / "warpfive" / "perf" / "kernel_bands.json"
GOAL_ERROR, GOAL_RANK, LEAST_PROGRAMS = 0.25, 0.9, 40
OWED = """\
No GPU was at hand: these figures are owed. On a machine with an NVIDIA GPU and its nvcc,
`python -m benchmarks.fidelity.measure_gpu --hecbench CHECKOUT` measures our examples and HeCBench's
self-checking programs with cudaEvents, and `python -m benchmarks.fidelity.programs --hecbench
CHECKOUT` predicts the same and writes the comparison here (goal: 40 programs, median error 25 %,
rank correlation 0.9). Until then every prediction of a counted kernel says `no ground truth`.
"""


@dataclass(frozen=True, slots=True)
class Compared:
    """A program's kernels on one GPU, in microseconds."""

    program: str
    chip: str
    measured_us: float
    predicted_us: float

    @property
    def error(self) -> float:
        """Logarithm of predicted over measured."""
        return math.log(self.predicted_us / self.measured_us)


def chip_of(gpu: str) -> str | None:
    """The catalog's chip that ``nvidia-smi`` calls so: ``NVIDIA H100 80GB HBM3`` is h100."""
    words = gpu.lower().replace("-", " ").split()
    if "pcie" in words and "h100" in words:
        return "h100-pcie"
    return next((word for word in words if word in chip_names()), None)


def read(path: Path) -> list[dict[str, str]]:
    """Rows of a file that may not exist."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def predict(name: str, args: str, chips: list[str], source: Path) -> list[dict[str, str]]:
    """Predicted kernel time of one program on each chip."""
    with tempfile.TemporaryDirectory(prefix="predict-") as folder:
        target = Path(folder) / "out.json"
        words = ["run", str(source), "-O3", "--json", str(target), "--chip", chips[0]]
        done = subprocess.run(
            [sys.executable, "-m", "warpfive", *words, "--vs", ",".join(chips[1:]), "--",
             *args.split()],
            capture_output=True, text=True, check=False, timeout=1200, cwd=folder,
        )  # fmt: skip
        if done.returncode or not target.exists():
            print(f"{name}: did not run: {done.stderr.strip()[-200:]}", file=sys.stderr)
            return []
        found = json.loads(target.read_text(encoding="utf-8"))["chips"]
    return [
        {
            "program": name, "args": args, "chip": one["chip"],
            "total_us": f"{one['total_s'] * 1e6:.6g}",
        }
        for one in found
    ]  # fmt: skip


def source_of(name: str, hecbench: Path | None) -> Path | None:
    """What ``warpfive run`` is given: our example, or HeCBench's program built by its Makefile."""
    own = EXAMPLES / f"{name}.cu"
    if own.exists():
        return own
    return None if hecbench is None else built(hecbench / "src" / f"{name}-cuda")


def built(folder: Path) -> Path | None:
    """HeCBench's program, built with our nvcc in its folder."""
    from benchmarks.hecbench import Bench

    done = subprocess.run(
        ["make", "CC=nvcc", "ARCH=sm_80"], cwd=folder, env=Bench.with_nvcc(), capture_output=True,
        check=False, timeout=600,
    )  # fmt: skip
    return None if done.returncode else next(iter(folder.glob("main")), None)


def compared() -> list[Compared]:
    """Programs measured and predicted."""
    predicted = {
        (row["program"], row["args"], row["chip"]): float(row["total_us"])
        for row in read(PREDICTED)
    }
    totals: dict[tuple[str, str, str], float] = defaultdict(float)
    for row in read(MEASURED):
        name = chip_of(row["gpu"])
        if name:
            totals[row["program"], row["args"], name] += float(row["total_us"])
    return [
        Compared(key[0], key[2], measured, predicted[key])
        for key, measured in sorted(totals.items())
        if key in predicted and measured > 0
    ]


def rank_correlation(pairs: list[Compared]) -> float:
    """Spearman's, of measured and predicted times."""

    def ranks(values: list[float]) -> list[int]:
        order = sorted(range(len(values)), key=values.__getitem__)
        placed = [0] * len(values)
        for rank, at in enumerate(order):
            placed[at] = rank
        return placed

    count = len(pairs)
    if count < 2:
        return 1.0
    first = ranks([one.measured_us for one in pairs])
    second = ranks([one.predicted_us for one in pairs])
    squares = sum((a - b) ** 2 for a, b in zip(first, second, strict=True))
    return 1 - 6 * squares / (count * (count**2 - 1))


def summary(pairs: list[Compared]) -> tuple[float, float]:
    """Median absolute relative error, and the rank correlation."""
    errors = sorted(abs(math.expm1(one.error)) for one in pairs)
    return errors[len(errors) // 2], rank_correlation(pairs)


def bands(pairs: list[Compared]) -> dict[str, dict[str, float]]:
    """The 80% band of each chip."""
    found = {}
    for name in sorted({one.chip for one in pairs}):
        errors = sorted(abs(one.error) for one in pairs if one.chip == name)
        width = errors[min(math.ceil(0.8 * len(errors)), len(errors)) - 1]
        found[name] = {"half_width": round(width, 3), "rows": len(errors)}
    return found


def section() -> str:
    """The part of docs/fidelity.md about counted programs."""
    pairs = compared()
    if not pairs:
        return "## Counted programs\n\n" + OWED
    lines = [
        "| | programs | median error | rank correlation | goal met |",
        "|---|---:|---:|---:|---|",
    ]
    for name in sorted({one.chip for one in pairs}):
        own = [one for one in pairs if one.chip == name]
        error, rank = summary(own)
        met = error <= GOAL_ERROR and rank >= GOAL_RANK and len(own) >= LEAST_PROGRAMS
        lines.append(
            f"| {name} | {len(own)} | {error:.1%} | {rank:.2f} | {'yes' if met else 'no'} |"
        )
    return "## Counted programs\n\n" + "\n".join(lines) + "\n"


def main() -> None:
    """Predict, then write the bands."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--hecbench", type=Path)
    options = parser.parse_args()
    rows = read(MEASURED)
    if not rows:
        sys.exit(f"{MEASURED} has no rows yet: run benchmarks.fidelity.measure_gpu on a GPU first")
    chips = sorted({name for row in rows if (name := chip_of(row["gpu"]))})
    made: list[dict[str, str]] = []
    for name, args in sorted({(row["program"], row["args"]) for row in rows}):
        source = source_of(name, options.hecbench)
        made += predict(name, args, chips, source) if source else []
    with PREDICTED.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ("program", "args", "chip", "total_us"), lineterminator="\n")
        writer.writeheader()
        writer.writerows(made)
    BANDS.write_text(json.dumps(bands(compared()), indent=1) + "\n", encoding="utf-8")
    print(section())


if __name__ == "__main__":
    main()
