"""What the library's kernels would take on a chip, beside that chip's roofline.

``python -m benchmarks.chip_time [--chip NAME] [--only WORD] [--write]``. Each case runs once in a
process of its own, counted; the time is the timing model's (docs/timing.md), launches included.
The roofline of a case is the larger of its operations over the peak rate of its type and its least
traffic over the memory's streaming rate. ``--write`` keeps the table in benchmarks/results.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
BYTES = {"f32": 4, "bf16": 2}
RATES = {"f32": "fp32", "bf16": "bf16"}


@dataclass(frozen=True)
class Product:
    """y = x w^T; x is (m, k), w (n, k)."""

    m: int
    n: int
    k: int
    dtype: str

    @property
    def name(self) -> str:
        return f"linear {self.m}x{self.n}x{self.k} {self.dtype}"

    @property
    def operations(self) -> float:
        return 2.0 * self.m * self.n * self.k

    @property
    def traffic(self) -> float:
        return BYTES[self.dtype] * float(self.m * self.k + self.n * self.k + self.m * self.n)

    def run(self) -> None:
        from warpfive.kernels import DType, GemmArgs, Matrix, call

        dtype = DType[self.dtype.upper()]
        x, w, y = (room(size, self.dtype) for size in (
            self.m * self.k, self.n * self.k, self.m * self.n))  # fmt: skip
        call("gemm", GemmArgs(
            m=self.m, n=self.n, k=self.k, batch=1, alpha=1, a=Matrix(x.ptr, dtype, self.k, 1, 0),
            b=Matrix(w.ptr, dtype, 1, self.k, 0), d=Matrix(y.ptr, dtype, self.n, 1, 0),
        ), None)  # fmt: skip


@dataclass(frozen=True)
class Attention:
    """Causal, the last query at the last key."""

    queries: int
    keys: int
    heads: int
    kv_heads: int
    size: int
    dtype: str

    @property
    def name(self) -> str:
        heads = f"{self.heads}/{self.kv_heads} heads of {self.size}"
        return f"attention {self.queries} of {self.keys}, {heads} {self.dtype}"

    @property
    def operations(self) -> float:
        seen = self.queries * self.keys - self.queries * (self.queries - 1) / 2
        return 4.0 * seen * self.heads * self.size

    @property
    def traffic(self) -> float:
        rows = 2 * (self.kv_heads * self.keys + self.heads * self.queries)
        return BYTES[self.dtype] * float(rows * self.size)

    def run(self) -> None:
        from warpfive.kernels import AttentionArgs, DType, call

        s, t, d = self.queries, self.keys, self.size
        q, out = (room(self.heads * s * d, self.dtype) for _ in "qo")
        k, v = (room(self.kv_heads * t * d, self.dtype) for _ in "kv")
        call("attention", AttentionArgs(
            q=q.ptr, k=k.ptr, v=v.ptr, out=out.ptr, type=DType[self.dtype.upper()], batch=1,
            heads=self.heads, kv_heads=self.kv_heads, queries=s, keys=t, head_size=d,
            scale=d**-0.5, causal=2, q_b=0, q_h=s * d, q_s=d, o_b=0, o_h=s * d, o_s=d, k_b=0,
            k_h=t * d, k_s=d, v_b=0, v_h=t * d, v_s=d,
        ), None)  # fmt: skip


def room(count: int, dtype: str):  # noqa: ANN201 - imported late
    """An array of the device, kept until the process ends."""
    import numpy as np

    from warpfive import cuda

    array = cuda.zeros((count * BYTES[dtype],), np.uint8)
    KEPT.append(array)
    return array


KEPT: list[object] = []
CASES: tuple[Product | Attention, ...] = (
    *(Product(m, n, k, dtype) for dtype in BYTES for m in (1, 16, 512)
      for n, k in ((3072, 1024), (1024, 3072))),
    *(Product(1, 32768, 1024, dtype) for dtype in BYTES),
    *(Product(2048, 2048, 2048, dtype) for dtype in BYTES),
    *(Attention(*shape, 16, 8, 128, dtype) for dtype in BYTES
      for shape in ((1, 129), (1, 4096), (512, 512))),
)  # fmt: skip


def row(case: Product | Attention, place: int, chip_name: str) -> dict[str, object]:
    """Predicted and least microseconds, the bound of the longest kernel, and how near they are."""
    from warpfive.catalog import chip
    from warpfive.perf import Counters, counts_of, kernel_time

    spec = chip(chip_name)
    with tempfile.TemporaryDirectory() as folder:
        records = Path(folder) / "records"
        subprocess.run(
            [sys.executable, "-m", "benchmarks.chip_time", "--case", str(place)], check=True,
            env={**os.environ, "WARPFIVE_REPORT": str(records)},
        )  # fmt: skip
        lines = records.read_text().splitlines()
    counted = [Counters.from_json(json.loads(line)) for line in lines]
    times = [(kernel_time(counts_of(one), spec), one.launches) for one in counted]
    total = sum(time.total_s * launches for time, launches in times)
    memory = spec.memory.effective_bandwidth or 0.9 * spec.memory.bandwidth
    least = max(case.operations / spec.rate(RATES[case.dtype]), case.traffic / memory)
    longest = max(times, key=lambda each: each[0].total_s)[0]
    return {
        "kernel": case.name, "predicted_us": round(total * 1e6, 1),
        "roofline_us": round(least * 1e6, 1), "bound": longest.bound,
        "of_roofline": round(least / total, 2),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chip", default="zhenwu-810e")
    parser.add_argument("--only", default="", help="cases whose name holds this")
    parser.add_argument("--write", action="store_true", help="keep the table in benchmarks/results")
    parser.add_argument("--case", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.case is not None:
        from warpfive import cuda

        CASES[options.case].run()
        cuda.Stream.null.synchronize()
        return
    lines = [
        f"Predicted on {options.chip}, launches of 1.5 µs included; roofline: operations at the "
        "type's peak or least traffic at the streaming rate, whichever takes longer.",
        "", "| kernel | predicted µs | roofline µs | bound | of roofline |",
        "|---|---|---|---|---|",
    ]  # fmt: skip
    for place, case in enumerate(CASES):
        if options.only in case.name:
            cells = row(case, place, options.chip).values()
            lines.append("| " + " | ".join(map(str, cells)) + " |")
            print(lines[-1], flush=True)
    if options.write:
        (RESULTS / "chip-time.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
