"""What an operator costs the host, on the chip and on CPU PyTorch, in one run.

    python -m benchmarks.torch.dispatch [--results FOLDER] [--rounds N]

Tensors are small, so a call is nearly all dispatch. On the chip a call returns once its kernel is
launched, as on a GPU; the goal is under 15 us. The sides alternate and the best round counts.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

GOAL_US = 15.0
CALLS = 500

Case = Callable[[Any, Any], Any]


def cases() -> dict[str, Case]:
    """Functions of a vector of 16 and a matrix of 4 x 4."""
    import torch
    from torch.nn import functional

    return {
        "view": lambda x, m: x.view(4, 4),
        "empty_like": lambda x, m: torch.empty_like(x),
        "add": lambda x, m: x + x,
        "mul by a number": lambda x, m: x * 2.0,
        "silu": lambda x, m: functional.silu(x),
        "compare": lambda x, m: x > 0,
        "where": lambda x, m: torch.where(m > 0, m, 0.0),
        "sum": lambda x, m: x.sum(),
        "copy of a transpose": lambda x, m: m.t().contiguous(),
        "cat": lambda x, m: torch.cat([m, m]),
        "index by a tensor": lambda x, m: m[x[:2].long()],
        "mm": lambda x, m: m @ m,
        "linear": lambda x, m: functional.linear(m, m),
        "softmax": lambda x, m: m.softmax(1),
        "layer_norm": lambda x, m: functional.layer_norm(m, (4,)),
    }


def microseconds(function: Case, x: Any, m: Any) -> float:
    start = time.perf_counter()
    for _ in range(CALLS):
        function(x, m)
    return (time.perf_counter() - start) / CALLS * 1e6


def measure(rounds: int) -> dict[str, tuple[float, float]]:
    """Best microseconds a call, on the CPU and on the chip, by case."""
    import torch

    x, m = torch.ones(16), torch.ones(4, 4)
    sides = ((x, m), (x.cuda(), m.cuda()))
    best: dict[str, tuple[float, float]] = {}
    with torch.inference_mode():
        for name, function in cases().items():
            found = [float("inf"), float("inf")]
            for _ in range(rounds):
                for place, (vector, matrix) in enumerate(sides):
                    function(vector, matrix)
                    torch.cuda.synchronize()
                    found[place] = min(found[place], microseconds(function, vector, matrix))
            torch.cuda.synchronize()
            best[name] = (found[0], found[1])
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, help="folder for torch-dispatch.txt")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    from warpfive.torch_backend import activate

    activate()
    best = measure(options.rounds)
    lines = [f"{'microseconds a call':24} {'CPU':>8} {'chip':>8}"]
    lines += [f"{name:24} {cpu:8.2f} {chip:8.2f}" for name, (cpu, chip) in best.items()]
    under = sum(chip < GOAL_US for _, chip in best.values())
    lines.append(f"{under} of {len(best)} under {GOAL_US:g} us on the chip")
    text = "\n".join(lines) + "\n"
    print(text, end="")
    if options.results:
        (options.results / "torch-dispatch.txt").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
