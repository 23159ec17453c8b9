"""PyTorch on the chip beside PyTorch on the CPU, on the same cores, in one run.

    python -m benchmarks.torch [--results FOLDER] [--only NAME,NAME] [--dtypes fp32,bf16]
                               [--layers N] [--rounds N]

Every case runs three ways: eager on the CPU, eager on the chip, compiled on the chip. The ways
alternate (a model too large to be held twice takes its ways one after the other), the best of the
rounds counts, and a ratio is CPU seconds / chip seconds, so 1.0 is CPU PyTorch's speed. Seconds
are host time; weights are random; compiled graphs are not taken from an earlier run's cache.
`--layers` shortens the models.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.torch.models import CASES, Case

GOALS = {"qwen3-decode": 0.5, "qwen3-prefill": 0.5, "bert-base": 0.5, "resnet-50": 0.3}
ENOUGH_S = 40.0
"""Rounds end once they have taken this long, after the second."""


@dataclass
class Row:
    """Seconds of one forward pass, best of the rounds; launches of one pass on the chip."""

    case: str
    dtype: str
    cpu_s: float
    eager_s: float
    compiled_s: float
    eager_launches: int
    compiled_launches: int
    compile_s: float
    difference: float

    @property
    def eager(self) -> float:
        return self.cpu_s / self.eager_s

    @property
    def compiled(self) -> float:
        return self.cpu_s / self.compiled_s


def seconds(step: Callable[[], Any], synchronise: Callable[[], None]) -> float:
    start = time.perf_counter()
    step()
    synchronise()
    return time.perf_counter() - start


def measure(case: Case, dtype: str, layers: int | None, rounds: int) -> Row:
    import torch

    torch._dynamo.reset()
    host = case.build(dtype, layers)
    host_step = case.step(host, "cpu")
    expected = host_step()
    chip = host.to("cuda") if case.movable else case.build(dtype, layers).to("cuda")
    eager_step = case.step(chip, "cuda")
    compiled_step = case.step(chip, "cuda", torch.compile)
    compile_s = seconds(compiled_step, torch.cuda.synchronize)
    ways = {"eager": eager_step, "compiled": compiled_step}
    off, launches = 0.0, {}
    for name, step in ways.items():
        got, launches[name] = launched(step)
        off = max(off, difference(got, expected))
    if case.movable:  # one set of weights: it has to change places
        best = best_of(ways, rounds)
        step = case.step(host.to("cpu"), "cpu")
        step()
        best |= best_of({"cpu": step}, rounds)
    else:
        best = best_of({"cpu": host_step} | ways, rounds)
    return Row(case.name, dtype, best["cpu"], best["eager"], best["compiled"],
               launches["eager"], launches["compiled"], compile_s, off)  # fmt: skip


def best_of(ways: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Seconds of each way in its best round; the ways alternate."""
    import torch

    best, start = dict.fromkeys(ways, math.inf), time.perf_counter()
    for done in range(rounds):
        if done >= 2 and time.perf_counter() - start > ENOUGH_S:
            break
        for name, step in ways.items():
            best[name] = min(best[name], seconds(step, torch.cuda.synchronize))
    return best


def difference(got: Any, expected: Any) -> float:
    """|got - expected| / |expected|"""
    got, expected = got.float().cpu(), expected.float()
    return float((got - expected).norm() / expected.norm())


def launched(step: Callable[[], Any]) -> tuple[Any, int]:
    """What one step gives, and its kernel launches."""
    import torch

    from warpfive.cuda import launches

    before = launches()
    result = step()
    torch.cuda.synchronize()
    return result, launches() - before


def dispatch_us(calls: int = 10_000) -> dict[str, float]:
    """Host time of `a + b` on 16 elements: on the CPU, and on the chip with and without its
    kernel's own time (the queue is emptied only at the end)."""
    import torch

    found = {}
    for device in ("cpu", "cuda"):
        a, b = torch.ones(16, device=device), torch.ones(16, device=device)
        best = math.inf
        with torch.inference_mode():
            for _ in range(3):
                start = time.perf_counter()
                for _ in range(calls):
                    a + b
                if device == "cuda":
                    torch.cuda.synchronize()
                best = min(best, time.perf_counter() - start)
        found[device] = best / calls * 1e6
    return found


def table(rows: list[Row], dispatch: dict[str, float]) -> str:
    lines = [
        f"{'case':<15}{'dtype':<7}{'CPU':>10}{'eager':>10}{'compiled':>10}{'eager':>8}"
        f"{'compiled':>10}{'goal':>6}{'launches':>12}{'compile':>9}{'off by':>9}",
        f"{'':<22}{'ms':>10}{'ms':>10}{'ms':>10}{'x CPU':>8}{'x CPU':>10}{'':>6}"
        f"{'eager/comp.':>12}{'s':>9}",
    ]
    for row in rows:
        goal = GOALS.get(row.case)
        lines.append(
            f"{row.case:<15}{row.dtype:<7}{row.cpu_s * 1e3:10.1f}{row.eager_s * 1e3:10.1f}"
            f"{row.compiled_s * 1e3:10.1f}{row.eager:8.2f}{row.compiled:10.2f}"
            f"{goal if goal else '':>6}{row.eager_launches:>7}/{row.compiled_launches:<4}"
            f"{row.compile_s:9.1f}{row.difference:9.1e}"
        )
    lines.append(
        f"dispatch of a + b, 16 elements: {dispatch['cuda']:.1f} us on the chip "
        f"(goal: under 15), {dispatch['cpu']:.1f} us on the CPU"
    )
    return "\n".join(lines)


def machine() -> str:
    import torch

    name = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            name = line.partition(":")[2].strip()
            break
    cores = len(os.sched_getaffinity(0))
    return f"{name}, {cores} cores, torch {torch.__version__}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.torch")
    parser.add_argument("--results", type=Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--dtypes", default="", help="instead of each case's own")
    parser.add_argument("--layers", type=int)
    parser.add_argument("--rounds", type=int, default=5)
    words = parser.parse_args()
    with tempfile.TemporaryDirectory() as graphs:
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = graphs
        run(words)


def run(words: argparse.Namespace) -> None:
    from warpfive.torch_backend import activate

    activate()
    import torch

    torch.set_num_threads(len(os.sched_getaffinity(0)))
    wanted = words.only.split(",") if words.only else [case.name for case in CASES]
    dispatch = dispatch_us()
    rows: list[Row] = []
    for case in CASES:
        for dtype in words.dtypes.split(",") if words.dtypes else case.dtypes:
            if case.name in wanted:
                rows.append(measure(case, dtype, words.layers, words.rounds))
                print(table(rows[-1:], dispatch).splitlines()[2], flush=True)
                if words.results:
                    keep(words.results, rows, dispatch)
    print(f"{machine()}\n{table(rows, dispatch)}")


def keep(folder: Path, rows: list[Row], dispatch: dict[str, float]) -> None:
    """After every case, so that what is done is kept; rows of cases not in this run stay."""
    folder.mkdir(parents=True, exist_ok=True)
    known = folder / "torch.json"
    before = json.loads(known.read_text())["rows"] if known.exists() else []
    named = {(row.case, row.dtype): row for row in (*(Row(**old) for old in before), *rows)}
    order = [case.name for case in CASES]
    rows = sorted(named.values(), key=lambda row: (order.index(row.case), row.dtype != "fp32"))
    (folder / "torch.txt").write_text(f"{machine()}\n{table(rows, dispatch)}\n")
    record = {"machine": machine(), "dispatch_us": dispatch, "rows": list(map(asdict, rows))}
    (folder / "torch.json").write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
