"""HeCBench through our nvcc: what compiles, runs and verifies itself.

    python benchmarks/hecbench.py CHECKOUT [--tier A] [--only vadd,scan] [--results DIR]

Every program is built by its own Makefile, unmodified, in a copy outside the checkout, and run with
the arguments of ``data/hecbench_selfcheck.csv``. It is *verified* if it exits with 0, prints its
self-check's word for success (unless it speaks of failures only) and none for failure. Where the
program's OpenMP twin is known to pass on a host, the twin is built with g++ and run on the same
arguments, for a ratio of host times.
"""

import argparse
import csv
import os
import re
import resource
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields
from pathlib import Path

LIST = Path(__file__).parent / "data" / "hecbench_selfcheck.csv"
PASSED = re.compile(r"\b(PASS(ED)?|SUCCESS(FUL(LY)?)?|CORRECT|OK|VERIFIED)\b|\bmatch", re.I)
FAILED = re.compile(r"\b(FAIL(ED|URE|S)?|INCORRECT|MISMATCH(ES)?|WRONG)\b", re.I)
NO_FAILURES = re.compile(
    r"\b(0|no) (fail\w*|mismatch\w*|errors?)\b"
    r"|\b(failures|errors|mismatches|incorrect matches)\s*[:=]\s*0\b",
    re.I,
)
SILENT = re.compile(r"prints|mismatch|verification failed|fail$|number of", re.I)
BUILD_TIMEOUT_S = 300


@dataclass(frozen=True, slots=True)
class Program:
    """A row of the list."""

    name: str
    args: str
    tier: str
    twin: bool  # its OpenMP twin passes on a host
    silent: bool  # it speaks of failures only: no word is success
    make: tuple[str, ...] = ()  # variables of its Makefile that switch its self-check on


@dataclass(slots=True)
class Outcome:
    """A row of the results."""

    name: str
    tier: str
    compiled: bool = False
    ran: bool = False
    verified: bool = False
    build_s: float = 0.0
    host_s: float = 0.0
    twin_s: float = 0.0
    ratio: float = 0.0  # host_s / twin_s; 0 where there is no twin's time
    cause: str = ""


def read_list(tier: str | None, only: list[str]) -> list[Program]:
    with open(LIST, newline="") as file:
        rows = [
            Program(
                r["name"], r["args"], r["tier"], r["omp_twin_on_host_gxx"] == "pass-1thread",
                bool(SILENT.match(r["selfcheck_marker"])), tuple(r["make"].split()),
            )  # fmt: skip
            for r in csv.DictReader(file)
        ]
    return [r for r in rows if (not tier or r.tier == tier) and (not only or r.name in only)]


def run(words: list[str], folder: Path, timeout_s: float, environment: dict[str, str]):
    """Status (None: out of time) and output of a command, and the seconds it took."""
    start_s = time.monotonic()
    child = subprocess.Popen(
        words, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    try:
        said, _ = child.communicate(timeout=timeout_s)
        status = child.returncode
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, 9)
        said, _ = child.communicate()
        status = None
    return status, said.decode(errors="replace"), time.monotonic() - start_s


class Bench:
    """One run over the list."""

    def __init__(self, checkout: Path, work: Path, timeout_s: float, twins: bool) -> None:
        self.source = checkout / "src"
        self.work = work
        self.timeout_s = timeout_s
        self.twins = twins
        self.environment = self.with_nvcc()

    @staticmethod
    def with_nvcc() -> dict[str, str]:
        """The environment with our nvcc on PATH."""
        from warpfive.cli.env import toolkit

        root = toolkit()
        path = f"{root / 'bin'}:{os.environ['PATH']}"
        return os.environ | {"PATH": path, "CUDA_HOME": str(root), "CUDA_PATH": str(root)}

    def copy(self, name: str) -> Path | None:
        """A fresh copy of a program's folder, with links to the others beside it."""
        target = self.work / name
        if not (self.source / name).is_dir():
            return None
        if target.is_symlink():
            target.unlink()
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(self.source / name, target, symlinks=True)
        return target

    def link_siblings(self) -> None:
        """Programs read data and headers of their neighbours by ``../NAME``."""
        self.work.mkdir(parents=True, exist_ok=True)
        for path in self.source.iterdir():
            here = self.work / path.name
            if not here.exists() and not here.is_symlink():
                here.symlink_to(path)

    def outcome(self, program: Program) -> Outcome:
        result = Outcome(program.name, program.tier)
        folder = self.copy(f"{program.name}-cuda")
        if folder is None or not (folder / "Makefile").exists():
            result.cause = "no Makefile in the checkout"
            return result
        status, said, result.build_s = run(
            ["make", "CC=nvcc", "ARCH=sm_80", *program.make],
            folder,
            BUILD_TIMEOUT_S,
            self.environment,
        )
        binary = self.binary(folder)
        if status != 0 or binary is None:
            result.cause = "build: " + first_error(said, status)
            return result
        result.compiled = True
        self.judge(program, folder, binary, result)
        if self.twins and program.twin and result.verified:
            self.time_twin(program, result)
        return result

    @staticmethod
    def binary(folder: Path) -> Path | None:
        """The program that the Makefile's ``run`` starts, else the one it names."""
        named = re.search(r"^program\s*[:?]?=\s*(\S+)", (folder / "Makefile").read_text(), re.M)
        for name in ([named[1]] if named else []) + ["main", "bin/main"]:
            if os.access(folder / name, os.X_OK):
                return folder / name
        return None

    def judge(self, program: Program, folder: Path, binary: Path, result: Outcome) -> None:
        words = [str(binary), *program.args.split()]
        status, said, result.host_s = run(words, folder, self.timeout_s, self.environment)
        (folder / "output.txt").write_text(said)
        if status is None:
            result.cause = f"run: longer than {self.timeout_s:g} s"
            return
        result.ran = status == 0
        fault = re.search(r"warpfive: .*", said)
        if status < 0:
            result.cause = f"run: signal {-status}"
        elif fault:
            result.cause = "run: " + fault[0][:160]
        elif status:
            result.cause = f"run: exit status {status}: {last_line(said)}"
        plain = NO_FAILURES.sub("", said)
        if result.ran and FAILED.search(plain):
            result.cause = result.cause or "check: " + FAILED.search(plain)[0]
        elif result.ran and not (PASSED.search(said) or program.silent):
            result.cause = result.cause or "check: no word of success"
        result.verified = result.ran and not result.cause

    def time_twin(self, program: Program, result: Outcome) -> None:
        """Builds and runs the OpenMP twin on all cores."""
        copied = self.copy(f"{program.name}-omp")
        if copied is None:
            return
        sources = [str(p) for p in sorted(copied.glob("*.c*")) if p.suffix in (".cpp", ".c")]
        words = ["g++", "-O3", "-march=native", "-fopenmp", "-std=c++17", "-w", *sources]
        status, _, _ = run([*words, "-o", "twin", "-lm"], copied, BUILD_TIMEOUT_S, self.environment)
        if status != 0:
            return
        words = [str(copied / "twin"), *program.args.split()]
        status, said, twin_s = run(words, copied, self.timeout_s, self.environment)
        if status == 0 and PASSED.search(said):
            result.twin_s, result.ratio = twin_s, result.host_s / twin_s


def first_error(said: str, status: int | None) -> str:
    if status is None:
        return f"longer than {BUILD_TIMEOUT_S} s"
    for line in said.splitlines():
        if re.search(r"error|Error|warpfive", line):
            return line.strip()[:200]
    return last_line(said)


def last_line(said: str) -> str:
    lines = said.strip().splitlines()
    return lines[-1].strip()[:120] if lines else "it says nothing"


def write_results(results: list[Outcome], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "hecbench.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Outcome)])
        writer.writeheader()
        for result in results:
            row = asdict(result)
            row |= {k: f"{v:.3f}" for k, v in row.items() if isinstance(v, float)}
            writer.writerow(row)
    (folder / "hecbench.md").write_text(markdown(results))


def markdown(results: list[Outcome]) -> str:
    """The totals by tier, and the causes of failure."""
    lines = ["| tier | programs | compiled | ran | verified |", "|---|---|---|---|---|"]
    for tier in sorted({r.tier for r in results}):
        rows = [r for r in results if r.tier == tier]
        counts = [sum(getattr(r, k) for r in rows) for k in ("compiled", "ran", "verified")]
        share = counts[2] / len(rows)
        lines.append(f"| {tier} | {len(rows)} | {counts[0]} | {counts[1]} | {counts[2]} "
                     f"({share:.0%} of {len(rows)}) |")  # fmt: skip
    ratios = sorted(r.ratio for r in results if r.ratio)
    if ratios:
        lines += ["", f"Host time over the OpenMP twin's, median of {len(ratios)}: "
                      f"{ratios[len(ratios) // 2]:.2f}."]  # fmt: skip
    lines += ["", "| not verified | cause |", "|---|---|"]
    for result in results:
        if not result.verified:
            lines.append(f"| {result.name} | {result.cause.replace('|', '/')} |")
    return "\n".join(lines) + "\n"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkout", type=Path, help="a checkout of HeCBench")
    parser.add_argument("--tier", choices=["A", "B"], help="only this tier of the list")
    parser.add_argument("--only", default="", help="names, separated by commas")
    parser.add_argument("--skip", default="", help="names, separated by commas")
    parser.add_argument("--timeout", type=float, default=60, help="seconds a run may take")
    parser.add_argument("--jobs", type=int, default=1, help="programs at a time")
    parser.add_argument("--work", type=Path, default=Path("/tmp/warpfive-hecbench"))
    parser.add_argument("--results", type=Path, default=Path("hecbench-results"))
    parser.add_argument("--no-twins", action="store_true", help="do not time OpenMP twins")
    return parser.parse_args()


def main() -> int:
    chosen = arguments()
    if not (chosen.checkout / "src").is_dir():
        print(f"hecbench: {chosen.checkout} has no src; give a HeCBench checkout", file=sys.stderr)
        return 2
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    only = [name for name in chosen.only.split(",") if name]
    skip = set(chosen.skip.split(","))
    programs = [p for p in read_list(chosen.tier, only) if p.name not in skip]
    bench = Bench(chosen.checkout.resolve(), chosen.work, chosen.timeout, not chosen.no_twins)
    bench.link_siblings()
    results = []
    with ThreadPoolExecutor(max_workers=chosen.jobs) as pool:
        for result in pool.map(bench.outcome, programs):
            results.append(result)
            state = "verified" if result.verified else result.cause
            print(f"{result.name:24} build {result.build_s:5.1f} s  run {result.host_s:6.2f} s  "
                  f"{state}", flush=True)  # fmt: skip
            write_results(results, chosen.results)
    print(markdown(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
