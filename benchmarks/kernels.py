"""Library kernels on the chip beside CPU PyTorch, on one core, in one run.

``python -m benchmarks.kernels [--only WORD] [--write]``: each pair runs in turns; what counts is
the least CPU time of either. ``--write`` keeps the table in benchmarks/results/kernels.csv and .md.
"""

import argparse
import csv
import ctypes
import os
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "WARPFIVE_THREADS"):
    os.environ[name] = "1"

import numpy as np  # noqa: E402
import torch  # noqa: E402

from warpfive import cuda  # noqa: E402
from warpfive.kernels import AttentionArgs, DType, GemmArgs, Matrix, Window, call  # noqa: E402

RESULTS = Path(__file__).parent / "results"
TORCH = {DType.F32: torch.float32, DType.BF16: torch.bfloat16}
BYTES = {DType.F32: 4, DType.BF16: 2}
Work = Callable[[], object]


@dataclass
class Pair:
    """One piece of work, ours and theirs; `flops` and `bytes_` are what it needs at least."""

    name: str
    ours: Work
    theirs: Work
    flops: float
    bytes_: float


class Place:
    """A device array of random contents with a CPU tensor of the same shape."""

    def __init__(self, *shape: int, dtype: DType) -> None:
        self.cpu = torch.rand(*shape).to(TORCH[dtype])
        raw = self.cpu.view(torch.uint8 if dtype == DType.F32 else torch.int16).numpy()
        self.array = cuda.asarray(np.ascontiguousarray(raw))
        self.ptr = ctypes.c_void_p(self.array.ptr)


def wide(*numbers: int) -> list[ctypes.c_int64]:
    return [ctypes.c_int64(number) for number in numbers]


def product(m: int, n: int, k: int, dtype: DType, turned: bool) -> Pair:
    """y = x w^T, as linear layers have it, or y = x w."""
    x, y = Place(m, k, dtype=dtype), Place(m, n, dtype=dtype)
    w = Place(n, k, dtype=dtype) if turned else Place(k, n, dtype=dtype)
    b = Matrix(w.ptr, dtype, 1, k, 0) if turned else Matrix(w.ptr, dtype, n, 1, 0)
    args = GemmArgs(
        m=m, n=n, k=k, batch=1, alpha=1, a=Matrix(x.ptr, dtype, k, 1, 0), b=b,
        d=Matrix(y.ptr, dtype, n, 1, 0),
    )  # fmt: skip
    theirs = (lambda: torch.nn.functional.linear(x.cpu, w.cpu)) if turned else (
        lambda: x.cpu @ w.cpu)  # fmt: skip
    name = f"{'linear' if turned else 'matmul'} {m}x{n}x{k} {dtype.name.lower()}"
    held = (args, x, w, y)
    return Pair(name, lambda: call("gemm", held[0], None), theirs, 2.0 * m * n * k,
                BYTES[dtype] * (m * k + n * k + m * n))  # fmt: skip


def attention(queries: int, keys: int, heads: int, kv_heads: int, size: int, dtype: DType) -> Pair:
    """Causal, the last query at the last key."""
    q, out = (Place(1, heads, queries, size, dtype=dtype) for _ in "qo")
    k, v = (Place(1, kv_heads, keys, size, dtype=dtype) for _ in "kv")
    args = AttentionArgs(
        q=q.ptr, k=k.ptr, v=v.ptr, out=out.ptr, type=dtype, batch=1, heads=heads,
        kv_heads=kv_heads, queries=queries, keys=keys, head_size=size, scale=size**-0.5, causal=2,
        q_b=0, q_h=queries * size, q_s=size, o_b=0, o_h=queries * size, o_s=size,
        k_b=0, k_h=keys * size, k_s=size, v_b=0, v_h=keys * size, v_s=size,
    )  # fmt: skip

    def theirs() -> torch.Tensor:
        return torch.nn.functional.scaled_dot_product_attention(
            q.cpu, k.cpu, v.cpu, is_causal=queries > 1, enable_gqa=True
        )

    held = (args, q, k, v, out)
    seen = queries * keys - queries * (queries - 1) / 2
    name = f"attention {queries} of {keys}, {heads}/{kv_heads} heads of {size} {dtype.name.lower()}"
    return Pair(name, lambda: call("attention", held[0], None), theirs, 4.0 * seen * heads * size,
                BYTES[dtype] * 2 * (kv_heads * keys + heads * queries) * size)  # fmt: skip


def conv(ins: int, outs: int, side: int, kernel: int, stride: int, groups: int) -> Pair:
    padding, dtype = kernel // 2, DType.F32
    out = (side + 2 * padding - kernel) // stride + 1
    x, w = Place(1, ins, side, side, dtype=dtype), Place(
        outs, ins // groups, kernel, kernel, dtype=dtype)  # fmt: skip
    y = Place(1, outs, out, out, dtype=dtype)
    three = ctypes.c_int64 * 3
    spec = Window(1, ins, outs, groups, three(1, side, side), three(1, out, out),
                  three(1, kernel, kernel), three(1, stride, stride), three(0, padding, padding),
                  three(1, 1, 1), 0)  # fmt: skip

    def ours() -> None:
        call("conv", y.ptr, x.ptr, w.ptr, None, dtype, 0, spec, None)

    def theirs() -> torch.Tensor:
        return torch.nn.functional.conv2d(x.cpu, w.cpu, None, stride, padding, 1, groups)

    flops = 2.0 * outs * out * out * (ins // groups) * kernel * kernel
    name = f"conv {ins}>{outs} {side}x{side} k{kernel} s{stride} g{groups} f32"
    moved = 4.0 * (ins * side * side + outs * out * out + w.cpu.numel())
    return Pair(name, ours, theirs, flops, moved)


def row_work(rows: int, cols: int, dtype: DType) -> Iterator[Pair]:
    x, y, w = (Place(*shape, dtype=dtype) for shape in ((rows, cols), (rows, cols), (cols,)))
    moved, tail = 2.0 * BYTES[dtype] * rows * cols, f"{rows}x{cols} {dtype.name.lower()}"
    eps, zero = ctypes.c_double(1e-6), ctypes.c_double(0)
    yield Pair(
        f"rms_norm {tail}",
        lambda: call("rms_norm", y.ptr, x.ptr, w.ptr, None, dtype, *wide(rows, cols, cols, cols),
                     eps, zero, None),
        lambda: torch.nn.functional.rms_norm(x.cpu, (cols,), w.cpu, 1e-6), 4.0 * rows * cols, moved,
    )  # fmt: skip
    yield Pair(
        f"layer_norm {tail}",
        lambda: call("layer_norm", y.ptr, x.ptr, w.ptr, w.ptr, None, None, dtype,
                     *wide(rows, cols, cols, cols), eps, None),
        lambda: torch.nn.functional.layer_norm(x.cpu, (cols,), w.cpu, w.cpu), 8.0 * rows * cols,
        moved,
    )  # fmt: skip
    yield Pair(
        f"softmax {tail}",
        lambda: call("softmax", y.ptr, x.ptr, dtype, *wide(rows, cols, 1), 0, None),
        lambda: torch.softmax(x.cpu, -1), 5.0 * rows * cols, moved,
    )  # fmt: skip


def order_work(rows: int, cols: int) -> Iterator[Pair]:
    dtype = DType.F32
    x, y = Place(rows, cols, dtype=dtype), Place(rows, cols, dtype=dtype)
    places = Place(rows, 2 * cols, dtype=dtype)  # as long as int64 places
    sizes, moved = wide(rows, cols), 4.0 * rows * cols
    yield Pair(f"sort {rows}x{cols} f32",
               lambda: call("sort", y.ptr, places.ptr, x.ptr, dtype, *sizes, 0, None),
               lambda: torch.sort(x.cpu, -1), 0, moved)  # fmt: skip
    yield Pair(f"topk 50 of {rows}x{cols} f32",
               lambda: call("topk", y.ptr, places.ptr, x.ptr, dtype, *sizes, *wide(50), 1, None),
               lambda: torch.topk(x.cpu, 50), 0, moved)  # fmt: skip
    yield Pair(f"cumsum {rows}x{cols} f32",
               lambda: call("scan", y.ptr, x.ptr, dtype, 0, *sizes, *wide(1), None),
               lambda: torch.cumsum(x.cpu, -1), 0, 2 * moved)  # fmt: skip


def pairs() -> Iterator[Callable[[], list[Pair]]]:
    """Makers, so that only what runs takes memory."""
    for dtype in (DType.F32, DType.BF16):
        for side in (512, 1024, 2048):
            yield lambda s=side, d=dtype: [product(s, s, s, d, False), product(s, s, s, d, True)]
        for m in (1, 4, 16, 32, 128):
            yield lambda m=m, d=dtype: [product(m, 3072, 1024, d, True)]
        yield lambda d=dtype: [product(1, 32768, 1024, d, True)]
        for queries, keys in ((1, 1024), (512, 512), (1024, 1024)):
            yield lambda q=queries, k=keys, d=dtype: [attention(q, k, 16, 8, 128, d)]
        yield lambda d=dtype: list(row_work(512, 1024, d))
    for shape in ((64, 64, 56, 3, 1, 1), (256, 256, 14, 3, 1, 1), (3, 64, 224, 7, 2, 1),
                  (256, 64, 56, 1, 1, 1), (144, 144, 56, 3, 1, 144)):  # fmt: skip
        yield lambda s=shape: [conv(*s)]
    yield lambda: list(order_work(16, 32768))


def least(work: Work, least_s: float, rounds: int) -> float:
    """CPU seconds of the quickest of some rounds, each long enough for the clock."""
    times = max(1, round(2e-3 / least_s))
    best = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        for _ in range(times):
            work()
        cuda.Stream.null.synchronize()
        best = min(best, (time.process_time() - start) / times)
    return best


def measure(pair: Pair) -> dict[str, object]:
    """Both sides in turns; `ratio` above 1: ours is quicker."""
    ours = theirs = float("inf")
    for one in (pair.ours, pair.theirs):
        one()
    cuda.Stream.null.synchronize()
    first = least(pair.ours, 1, 1), least(pair.theirs, 1, 1)
    for _ in range(4):
        ours = min(ours, least(pair.ours, first[0], 2))
        theirs = min(theirs, least(pair.theirs, first[1], 2))
    return {
        "kernel": pair.name, "ours_us": round(ours * 1e6, 1), "torch_us": round(theirs * 1e6, 1),
        "ours_gflops": round(pair.flops / ours / 1e9, 1),
        "ours_gbytes_s": round(pair.bytes_ / ours / 1e9, 1), "ratio": round(theirs / ours, 2),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="run kernels whose name holds this")
    parser.add_argument("--write", action="store_true", help="keep the table in benchmarks/results")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    for make in pairs():
        for pair in make():
            if options.only in pair.name:
                rows.append(measure(pair))
                print(*(f"{value!s:>12}" for value in reversed(rows[-1].values())), flush=True)
    if options.write and rows:
        write(rows)


def write(rows: list[dict[str, object]]) -> None:
    with open(RESULTS / "kernels.csv", "w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    lines = [
        f"One core, CPU time, {platform.machine()}; PyTorch {torch.__version__}. A ratio above 1: "
        "the chip's kernel is quicker than CPU PyTorch's.",
        "", "| kernel | chip µs | PyTorch µs | chip GFLOP/s | chip GB/s | ratio |",
        "|---|---|---|---|---|---|",
    ]  # fmt: skip
    lines += ["| " + " | ".join(str(value) for value in row.values()) + " |" for row in rows]
    (RESULTS / "kernels.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
