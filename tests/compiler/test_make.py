"""A Makefile project written for nvcc, built with the driver under that name."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import warpfive

MAKEFILE = """\
NVCC = nvcc
NVCCFLAGS = -O2 -std=c++14 -arch=sm_60 -Xcompiler -Wall,-fPIC -Iinclude -MMD -MP
OBJECTS = main.o kernels.o util.o

libproject.so: $(OBJECTS)
	$(NVCC) -shared $(NVCCFLAGS) $^ -o $@ -lm -lcudart
%.o: src/%.cu
	$(NVCC) $(NVCCFLAGS) -c -o $@ $<
%.o: src/%.cpp
	$(NVCC) $(NVCCFLAGS) -x c++ -c -o $@ $<
-include $(OBJECTS:.o=.d)
"""

FILES = {
    "Makefile": MAKEFILE,
    "include/kernels.h": "#pragma once\nvoid scale(float*, float, int);\nint blocks(int);\n",
    "src/kernels.cu": """\
#include "kernels.h"
__global__ void kernel(float* p, float by, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) p[i] *= by;
}
void scale(float* p, float by, int n) { kernel<<<blocks(n), 256>>>(p, by, n); }
""",
    "src/main.cu": """\
#include <cuda.h>
#include <stdio.h>
#include "kernels.h"
int main() {
  float* p;
  cudaMalloc((void**)&p, 4000);
  scale(p, 2, 1000);
  printf("%s\\n", cudaGetErrorString(cudaDeviceSynchronize()));
}
""",
    "src/util.cpp": '#include "kernels.h"\nint blocks(int n) { return (n + 255) / 256; }\n',
}


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_builds_a_project_and_only_what_has_changed(tmp_path):
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    shim = tmp_path / "bin" / "nvcc"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\nexec {sys.executable} -m warpfive.compiler "$@"\n')
    shim.chmod(0o755)
    package = str(Path(warpfive.__file__).parents[1])
    environment = os.environ | {
        "PATH": f"{shim.parent}:{os.environ['PATH']}",
        "PYTHONPATH": package,
    }

    def make() -> str:
        done = subprocess.run(
            ["make"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        return done.stdout

    assert make().count("nvcc") == 4
    assert (tmp_path / "libproject.so").exists()
    os.utime(tmp_path / "include" / "kernels.h")
    assert make().count("-c -o") == 3
