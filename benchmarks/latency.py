"""How long a user waits: first and second run of a small program, one kernel from Python, a launch.

    python -m benchmarks.latency [--repeats 5] [--results DIR]

Every first run is of a program that no cache has seen; libraries and headers are built before.
Wall time and, beside it, the processor time that it took; the best of the repeats.
"""

import argparse
import os
import platform
import re
import resource
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

STREAMS = Path(__file__).parents[1] / "tests/runtime/programs/streams.cu"
PROGRAM = r"""
#include <cstdio>
__global__ void NAME(float *p) { p[threadIdx.x] = sqrtf(p[threadIdx.x]) + 1; }
int main() {
  float *p, h[64] = {};
  cudaMalloc(&p, sizeof h);
  cudaMemcpy(p, h, sizeof h, cudaMemcpyHostToDevice);
  NAME<<<1, 64>>>(p);
  cudaMemcpy(h, p, sizeof h, cudaMemcpyDeviceToHost);
  printf("%g\n", h[5]);
}
"""
KERNEL = r"""
extern "C" __global__ void NAME(const float *a, const float *b, float *c, long n) {
  for (long i = blockIdx.x * (long)blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x)
    c[i] = a[i] + b[i] * tanhf(a[i]);
}
"""
GOALS = {
    "first run of a small program": "2 s",
    "second run": "0.6 s",
    "one kernel from Python: compiled and loaded": "0.25 s",
    "a launch": "20 us",
}


def spent() -> float:
    """Seconds of processor time of this process and of its children that have ended."""
    uses = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(use.ru_utime + use.ru_stime for use in uses)


def timed(work) -> tuple[float, float]:
    """Wall and processor seconds of a call."""
    start_s, start_cpu_s = time.perf_counter(), spent()
    work()
    return time.perf_counter() - start_s, spent() - start_cpu_s


def fresh(text: str) -> tuple[str, str]:
    """A name that was never used, and the text with it."""
    name = f"k{uuid.uuid4().hex[:12]}"
    return name, text.replace("NAME", name)


def program_runs(folder: Path) -> dict[str, tuple[float, float]]:
    path = folder / "small.cu"
    path.write_text(fresh(PROGRAM)[1])
    words = [sys.executable, "-m", "warpfive", "run", str(path)]

    def run() -> None:
        assert subprocess.run(words, capture_output=True, text=True, check=True).stdout == "1\n"

    return {"first run of a small program": timed(run), "second run": timed(run)}


def python_kernel() -> dict[str, tuple[float, float]]:
    import numpy as np

    from warpfive.cuda import RawModule

    name, code = fresh(KERNEL)
    made = []
    build = timed(lambda: made.append(RawModule(code=code).get_function(name)))
    x, y = np.ones(1024, np.float32), np.zeros(1024, np.float32)
    first = timed(lambda: made[0]((4,), (256,), (x, x, y, np.int64(1024))))
    return {
        "one kernel from Python: compiled and loaded": build,
        "its first launch, translation included": first,
    }


def launch(folder: Path) -> dict[str, tuple[float, float]]:
    program = folder / "streams"
    if not program.exists():
        words = [sys.executable, "-m", "warpfive", "cc", str(STREAMS), "-o", str(program)]
        subprocess.run(words, check=True)
    said = subprocess.run([program], capture_output=True, text=True, check=True).stdout
    found = re.search(r"launch: ([0-9.]+) us", said)
    assert found, said
    return {"a launch": (float(found[1]) * 1e-6, 0.0)}


def seconds(value: float) -> str:
    return f"{value * 1e6:.1f} us" if value < 1e-3 else f"{value:.3f} s"


def table(best: dict[str, tuple[float, float]], repeats: int) -> str:
    lines = [f"{'':46} {'wall':>9} {'processor':>10}  goal"]
    for name, (wall, cpu) in best.items():
        used = seconds(cpu) if cpu else ""
        lines.append(f"{name:46} {seconds(wall):>9} {used:>10}  {GOALS.get(name, '')}")
    cores, load = os.cpu_count(), os.getloadavg()[0]
    lines.append(f"best of {repeats}; {platform.machine()}, {cores} cores, load average {load:.1f}")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--results", type=Path, help="a folder for latency.txt")
    options = parser.parse_args()
    subprocess.run([sys.executable, "-m", "warpfive", "build"], check=True)
    best: dict[str, tuple[float, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(options.repeats):
            found = program_runs(Path(folder)) | python_kernel() | launch(Path(folder))
            best = {name: min(one, best.get(name, one)) for name, one in found.items()}
    text = table(best, options.repeats)
    print(text, end="")
    if options.results:
        options.results.mkdir(parents=True, exist_ok=True)
        (options.results / "latency.txt").write_text(text)


if __name__ == "__main__":
    main()
