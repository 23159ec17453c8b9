"""A project written for nvcc: `eval "$(warpfive env)"`, `make`, `./app`."""

import os
import subprocess
import sys
from pathlib import Path

MAKEFILE = """
NVCC = nvcc
FLAGS = -O3 -std=c++17 -arch=sm_80 -Xcompiler -Wall --use_fast_math
app: main.o kernel.o
\t$(NVCC) $(FLAGS) $^ -o $@ -lcudart
%.o: %.cu
\t$(NVCC) $(FLAGS) -dc $< -o $@
"""
KERNEL = """
#include "kernel.h"
__device__ int twice(int x) { return 2 * x; }
"""
MAIN = r"""
#include <cstdio>
#include "kernel.h"
__global__ void fill(int *out) { out[threadIdx.x] = twice(threadIdx.x); }
int main() {
  int *out;
  cudaMallocManaged(&out, 128);
  fill<<<1, 32>>>(out);
  if (cudaDeviceSynchronize() != cudaSuccess) return 1;
  printf("%d\n", out[31]);
  return 0;
}
"""


def test_separate_compilation_with_make(tmp_path: Path) -> None:
    for name, text in [
        ("Makefile", MAKEFILE),
        ("kernel.h", "extern __device__ int twice(int);\n"),
        ("kernel.cu", KERNEL),
        ("main.cu", MAIN),
    ]:
        (tmp_path / name).write_text(text)
    script = f'eval "$({sys.executable} -m warpfive env)" && make -s && ./app'
    done = subprocess.run(
        ["sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=200,
        check=False, env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "62\n"), done.stderr
