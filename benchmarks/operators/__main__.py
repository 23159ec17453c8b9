"""Runs PyTorch's operator database on the chip.

    python -m benchmarks.operators [--dtypes float32,bfloat16] [--only add,nn.functional.*]
        [--samples N] [--jobs N] [--minutes M] [--results FOLDER]

Operators are judged in processes of their own: one that ends its process counts as failed.
"""

from __future__ import annotations

import argparse
import csv
import ctypes
import datetime
import fnmatch
import json
import os
import platform
import re
import select
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

DTYPES = "float32,float16,bfloat16,int64,bool"
LIMIT_S = 600  # for one operator in one type, compilation of its kernels included
FIELDS = ["name", "dtype", "passed", "wrong", "unsupported", "failed", "causes"]
COLUMNS = [*FIELDS[:2], "first", *FIELDS[2:]]  # of operators.csv; first: samples judged, 0: all


def end_with_parent() -> None:
    """Linux ends this process when the thread that started it ends, by whatever means."""
    set_parent_death_signal = 1  # PR_SET_PDEATHSIG of prctl(2)
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)


def work() -> None:
    """The child: an operator a line on stdin, its tally a line on stdout."""
    end_with_parent()
    import torch

    from benchmarks.operators.judge import judge_operator
    from warpfive.torch_backend import activate

    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what operators print must not mix with the answers
    activate()
    torch.set_num_threads(1)
    from torch.testing._internal.common_methods_invocations import op_db

    for line in sys.stdin:
        number, dtype, limit = json.loads(line)
        tally = judge_operator(op_db[number], getattr(torch, dtype), limit)
        answers.write(json.dumps({name: getattr(tally, name) for name in FIELDS}) + "\n")
        answers.flush()


class Worker:
    """A child process with one task at a time."""

    def __init__(self) -> None:
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.operators", "--work"], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def run(self, task: tuple[int, str, int], name: str) -> dict[str, Any]:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(task) + "\n")
        self.process.stdin.flush()
        ready, _, _ = select.select([self.process.stdout], [], [], LIMIT_S)
        line = self.process.stdout.readline() if ready else ""
        if line:
            return json.loads(line)
        cause = "the process ended" if ready else f"longer than {LIMIT_S} s"
        self.stop()
        self.start()
        return {"name": name, "dtype": task[1], "passed": 0, "wrong": 0, "unsupported": 0,
                "failed": 1, "causes": {cause: 1}}  # fmt: skip

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


def tasks(only: list[str], dtypes: list[str], limit: int) -> Iterator[tuple[tuple, str]]:
    import torch
    from torch.testing._internal.common_methods_invocations import op_db

    from benchmarks.operators.judge import full_name

    for number, info in enumerate(op_db):
        name = full_name(info)
        if only and not any(fnmatch.fnmatch(name, pattern) for pattern in only):
            continue
        for dtype in dtypes:
            if getattr(torch, dtype) in info.dtypes:
                yield (number, dtype, limit), name


def measure(options: argparse.Namespace, keep: Callable[[dict], None]) -> list[dict[str, Any]]:
    """Rows of all operators asked for; ``keep`` is given each as soon as it is judged."""
    from concurrent.futures import ThreadPoolExecutor
    from concurrent.futures import wait as wait_for
    from queue import SimpleQueue

    from rich.progress import Progress

    dtypes = options.dtypes.split(",")
    todo = list(tasks(options.only.split(",") if options.only else [], dtypes, options.samples))
    idle: SimpleQueue[Worker] = SimpleQueue()
    workers = [Worker() for _ in range(options.jobs)]
    for worker in workers:
        idle.put(worker)

    rows: list[dict[str, Any]] = []

    def judge(one: tuple[tuple, str]) -> None:
        worker = idle.get()
        try:
            row = worker.run(*one) | {"first": options.samples}
            rows.append(row)
            keep(row)
            if row["causes"]:
                print(row["dtype"], row["name"], causes_text(row), sep="  ", flush=True)
        finally:
            idle.put(worker)
            progress.advance(bar)

    try:
        with Progress(disable=not sys.stderr.isatty()) as progress:
            bar = progress.add_task("operators", total=len(todo))
            with ThreadPoolExecutor(options.jobs) as pool:
                done = [pool.submit(judge, one) for one in todo]
                wait_for(done, options.minutes * 60 or None)
                pool.shutdown(wait=False, cancel_futures=True)
                return sorted(rows, key=lambda row: (row["dtype"], row["name"]))
    finally:
        for worker in workers:
            worker.stop()


def summary(rows: list[dict[str, Any]]) -> str:
    """The tables of results, as Markdown."""
    titles = ["type", "operators", "of", "all samples pass", "first", "samples", "pass"]
    titles += FIELDS[3:6]
    lines = ["| " + " | ".join(titles) + " |",
             "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|"]  # fmt: skip
    judged = [row for row in rows if total(row)]
    for dtype, first in dict.fromkeys((row["dtype"], row["first"]) for row in judged):
        mine = [row for row in judged if (row["dtype"], row["first"]) == (dtype, first)]
        every = sum(map(total, mine))
        whole = sum(row["passed"] == total(row) for row in mine)
        parts = [sum(row[key] for row in mine) for key in FIELDS[2:6]]
        share = f"{parts[0]:,} ({parts[0] / every:.1%})"
        lines.append(
            f"| {dtype} | {len(mine)} | {in_database(dtype)} | {whole} | {first or 'all'} "
            f"| {every:,} | {share} | "
            + " | ".join(f"{part:,}" for part in parts[1:]) + " |"
        )  # fmt: skip
    causes: dict[str, Counter[str]] = {}
    for row in rows:
        for cause, count in row["causes"].items():
            causes.setdefault(cause, Counter())[row["dtype"]] += count
    lines += ["", "| samples | cause | types |", "|---:|---|---|"]
    for cause, types in sorted(causes.items(), key=lambda each: -each[1].total()):
        lines.append(f"| {types.total():,} | {cause.replace('|', '/')} | {', '.join(types)} |")
    return "\n".join(lines) + "\n"


def in_database(dtype: str) -> int:
    """How many operators the database has in a type."""
    import torch
    from torch.testing._internal.common_methods_invocations import op_db

    return sum(getattr(torch, dtype) in info.dtypes for info in op_db)


def total(row: dict[str, Any]) -> int:
    return sum(row[key] for key in FIELDS[2:6])


def causes_text(row: dict[str, Any]) -> str:
    return "; ".join(f"{count} x {cause}" for cause, count in row["causes"].items())


def causes_of(text: str) -> dict[str, int]:
    """What ``causes_text`` wrote."""
    parts = (part.split(" x ", 1) for part in re.split(r"; (?=\d+ x )", text) if part)
    return {cause: int(count) for count, cause in parts}


def read(file: Path) -> list[dict[str, Any]]:
    """Rows of an earlier run; none where there is no such file."""
    if not file.exists():
        return []
    with open(file, newline="", encoding="utf-8") as lines:
        return [
            {key: int(text) if text.isdigit() else text for key, text in row.items()}
            | {"causes": causes_of(row["causes"])}
            for row in csv.DictReader(lines)
        ]


def write(rows: list[dict[str, Any]], folder: Path) -> None:
    """Both files. Rows of an earlier run stay where this one has none of that operator and type."""
    folder.mkdir(parents=True, exist_ok=True)
    merged = {(row["dtype"], row["name"]): row for row in read(folder / "operators.csv") + rows}
    rows = [merged[key] for key in sorted(merged)]
    with open(folder / "operators.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow(row | {"causes": causes_text(row)})
    today = datetime.date.today().isoformat()
    head = (
        "# PyTorch's operator database on the chip\n\n"
        "Forward samples of every operator of "
        "`torch.testing._internal.common_methods_invocations.op_db` (the `first` so many of each) "
        "against the CPU build of torch 2.13.0; `python -m benchmarks.operators`; "
        f"{platform.machine()}, {today}.\n\n"
    )
    (folder / "operators.md").write_text(head + summary(rows), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.operators")
    parser.add_argument("--dtypes", default=DTYPES)
    parser.add_argument("--only", default="")
    parser.add_argument("--samples", type=int, default=0, help="of an operator; 0: all")
    parser.add_argument("--minutes", type=float, default=0, help="stop then; 0: never")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--results", type=Path)
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work()
        return
    lock = threading.Lock()

    def keep(row: dict[str, Any]) -> None:
        with lock:
            if options.results:
                write([row], options.results)

    print(summary(measure(options, keep)))


if __name__ == "__main__":
    main()
