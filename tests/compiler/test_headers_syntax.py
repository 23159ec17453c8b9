"""Every header compiles by itself where it may be included: C, C++, both sides of CUDA."""

import subprocess
from pathlib import Path

import pytest

from warpfive.compiler import DeviceOptions, compile_device, toolchain
from warpfive.compiler.device import clang_arguments
from warpfive.compiler.host import arguments
from warpfive.compiler.options import Options
from warpfive.isa import read_image

HEADERS = sorted(
    str(path.relative_to(toolchain.INCLUDE))
    for path in toolchain.INCLUDE.rglob("*.h*")
    if not path.name.startswith("wf_")
)
C_HEADERS = ("cuda.h", "cuda_runtime_api.h", "cuda_runtime.h", "cuComplex.h", "vector_functions.h",
             "library_types.h", "nvToolsExt.h", "omp.h", "cuda_profiler_api.h")  # fmt: skip

PROGRAM = """
#include <algorithm>
#include <array>
#include <complex>
#include <functional>
#include <string>
#include <tuple>
#include <vector>
struct Point { float x, y; };
__constant__ float table[16];
__device__ int counter;
__device__ __managed__ double shared_total;
template <class T, class F> __global__ void __launch_bounds__(256, 2)
apply(T* data, int n, F f, const __grid_constant__ Point p) {
  extern __shared__ char room[];
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  std::array<int, 3> three{1, 2, 3};
  auto both = std::make_pair(i, std::get<1>(std::make_tuple(1, 2.0f)));
  if (i < n) data[i] = f(data[i]) + p.x + three[i % 3] + both.second + table[i % 16];
  std::swap(room[0], room[1]);
  if (isfinite(p.y) && std::isnan(p.x) && i == warpSize) printf("%d %f\\n", i, p.x);
  dim3 block = blockIdx;
  uint3 thread = threadIdx;
  counter = block.x + thread.y + std::min(3, i) + max(2u, 3) + (int)clock64();
}
int main() {
  float* data;
  cudaMalloc(&data, 1024);
  cudaMallocManaged(&data, 1024);
  const float factor = 2;
  apply<<<dim3(2, 2), 64, 16, cudaStreamPerThread>>>(
      data, 10, [=] __device__(float v) { return v * factor; }, Point{1, 2});
  float host[16];
  cudaMemcpyToSymbol(table, host, sizeof host);
  void* address;
  cudaGetSymbolAddress(&address, counter);
  auto kernel = apply<int, float (*)(float)>;
  int blocks, size;
  cudaOccupancyMaxPotentialBlockSize(&blocks, &size, kernel);
  cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, 1 << 16);
  cudaFuncAttributes attributes;
  cudaFuncGetAttributes(&attributes, kernel);
  cudaLaunchConfig_t config = {};
  cudaThreadSynchronize();
  shared_total = max(1.0f, 2.0) + min(3u, 4);
  std::string text = std::string("a") + "b";
  return (int)text.size() + (int)shared_total;
}
"""


def check(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[:4000]


def plain(path: Path, language: str) -> None:
    check([str(toolchain.zig()), language, "-c", "-Wall", "-Wextra", "-Werror", "-I",
           str(toolchain.INCLUDE), str(path), "-o", str(path.with_suffix(".o"))])  # fmt: skip


def cuda(path: Path, side: str, standard: str = "c++17") -> None:
    if side == "device":
        words = clang_arguments(str(path), DeviceOptions(flags=(f"-std={standard}",)))
    else:
        words = arguments(str(path), "cuda", Options(standard=standard))
    check([str(toolchain.zig()), "clang", "-cc1", "-fsyntax-only", *words])


def test_c_sees_the_api(tmp_path):
    path = tmp_path / "all.c"
    path.write_text("".join(f'#include "{name}"\n' for name in C_HEADERS) + "int main(void) {}\n")
    plain(path, "cc")


def test_plain_cxx_sees_every_header(tmp_path):
    path = tmp_path / "all.cpp"
    path.write_text("".join(f'#include "{name}"\n' for name in HEADERS) + "int main() {}\n")
    plain(path, "c++")


@pytest.mark.parametrize("name", ["cuda_runtime.h", "cuda_fp16.h", "cuda_fp8.h", "cuComplex.h"])
def test_plain_cxx_sees_a_header_alone(tmp_path, name):
    path = tmp_path / "one.cpp"
    path.write_text(f'#include "{name}"\nint main() {{ dim3 d(1, 2); return (int)d.z - 1; }}\n')
    plain(path, "c++")


@pytest.mark.parametrize("side", ["device", "host"])
@pytest.mark.parametrize("backwards", [False, True])
def test_cuda_sees_every_header(tmp_path, side, backwards):
    names = HEADERS[::-1] if backwards else HEADERS
    path = tmp_path / "all.cu"
    path.write_text("".join(f'#include "{name}"\n' for name in names) + "int main() {}\n")
    cuda(path, side)


@pytest.mark.parametrize("side", ["device", "host"])
@pytest.mark.parametrize("standard", ["c++14", "c++17", "c++20"])
def test_a_program_of_many_features(tmp_path, side, standard):
    path = tmp_path / "program.cu"
    path.write_text(PROGRAM)
    cuda(path, side, standard)


def test_the_names_of_narrow_floats_are_there():
    image = read_image(compile_device(Path(__file__).parent / "half_names.cu"))
    assert len(image.kernels) == 1
