"""The Python API: kernels on NumPy and device arrays, modules, streams, events, errors."""

import ctypes
import subprocess
import sys

import numpy as np
import pytest

from warpfive import cuda
from warpfive.errors import CompileError, InputError

CODE = r"""
struct Pair { int a; double b; };
__device__ int offset = 5;
template <class T> __global__ void scale(T *x, T by, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) x[i] *= by;
}
template __global__ void scale<float>(float *, float, int);
template __global__ void scale<double>(double *, double, int);
extern "C" __global__ void add(const int *a, const int *b, int *out) {
  out[threadIdx.x] = a[threadIdx.x] + b[threadIdx.x] + offset;
}
extern "C" __global__ void pair(Pair p, double *out) { *out = p.a + p.b; }
extern "C" __global__ void spill(int *out) {
  extern __shared__ int room[];
  room[threadIdx.x] = threadIdx.x;
  __syncthreads();
  out[threadIdx.x] = room[blockDim.x - 1 - threadIdx.x];
}
extern "C" __global__ void wild() { *(volatile int *)8 = 1; }
"""


@pytest.fixture(scope="module")
def module() -> cuda.RawModule:
    return cuda.RawModule(code=CODE)


def test_five_lines() -> None:
    kernel = cuda.RawKernel("__global__ void twice(float *x) { x[threadIdx.x] *= 2; }", "twice")
    x = np.arange(4, dtype=np.float32)
    kernel((1,), (4,), (x,))
    assert x.tolist() == [0, 2, 4, 6]


def test_module_knows_its_kernels(module: cuda.RawModule) -> None:
    assert set(module.names) == {"scale<float>", "scale<double>", "add", "pair", "spill", "wild"}
    with pytest.raises(InputError, match="no kernel 'nothing'; it has add, pair, scale<double>"):
        module.get_function("nothing")


def test_launches_are_counted(module: cuda.RawModule) -> None:
    kernel = cuda.RawKernel("__global__ void nothing() {}", "nothing")
    before = cuda.launches()
    for _ in range(3):
        kernel(1, 1)
    cuda.Stream.null.synchronize()
    assert cuda.launches() == before + 3


def test_template_instances_and_scalars(module: cuda.RawModule) -> None:
    single, double = np.ones(100, np.float32), np.ones(100)
    module.get_function("scale<float>")(1, 128, (single, 2.5, 100))
    module.get_function("scale<double>")(1, 128, (double, np.float64(0.1), np.int32(99)))
    assert single.tolist() == [2.5] * 100
    assert double.tolist() == [0.1] * 99 + [1.0]


def test_instances_are_made_by_name_expressions() -> None:
    code = """
    namespace a { template <class T, int N> __global__ void grow(T *x) { x[threadIdx.x] += N; } }
    """
    names = ["a::grow<float, 3>", "a::grow<unsigned, sizeof(double)>"]
    module = cuda.RawModule(code=code, name_expressions=names)
    single, whole = np.ones(32, np.float32), np.ones(32, np.uint32)
    module.get_function(names[0])(1, 32, (single,))
    module.get_function(names[1])(1, 32, (whole,))
    assert single.tolist() == [4.0] * 32 and whole.tolist() == [9] * 32
    with pytest.raises(CompileError, match="program.cu does not compile:"):
        cuda.RawModule(code=code, name_expressions=["a::grow<float>"])


def test_device_arrays_stay_on_the_device(module: cuda.RawModule) -> None:
    a, b = cuda.asarray(np.arange(8, dtype=np.int32)), cuda.asarray(np.full(8, 10, np.int32))
    out = cuda.zeros(8, np.int32)
    module.get_function("add")(1, 8, (a, b, out))
    assert out.get().tolist() == [15 + i for i in range(8)]
    assert out.__cuda_array_interface__["data"] == (out.ptr, False)


def test_read_only_arrays_are_not_written_back(module: cuda.RawModule) -> None:
    a = np.arange(4, dtype=np.int32)
    a.flags.writeable = False
    out = np.zeros(4, np.int32)
    module.get_function("add")(1, 4, (a, a, out))
    assert out.tolist() == [5, 7, 9, 11]


def test_structures(module: cuda.RawModule) -> None:
    class Pair(ctypes.Structure):
        _fields_ = (("a", ctypes.c_int), ("b", ctypes.c_double))

    out = np.zeros(1)
    module.get_function("pair")(1, 1, (Pair(3, 0.25), out))
    assert out[0] == 3.25


def test_dynamic_shared_memory_and_streams(module: cuda.RawModule) -> None:
    out, stream = cuda.empty(64, np.int32), cuda.Stream(non_blocking=True)
    start, end = cuda.Event(), cuda.Event()
    start.record(stream)
    module.get_function("spill")((1,), (64,), (out,), shared_mem=256, stream=stream)
    end.record(stream)
    end.synchronize()
    assert out.get(stream).tolist() == list(range(63, -1, -1))
    assert start.elapsed_ms(end) > 0 and stream.done


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((1,), "add takes 3 arguments, not 1"),
        ((None, None, "x"), "argument 3 of add is a str; pass an array, a number or a structure"),
        ((np.int32(1), None, None), "argument 1 of add has 8 bytes, but the value has 4"),
    ],
)
def test_bad_arguments(module: cuda.RawModule, arguments: tuple[object, ...], said: str) -> None:
    with pytest.raises(InputError) as caught:
        module.get_function("add")(1, 4, arguments)
    assert str(caught.value) == said


def test_errors_have_cudas_names(module: cuda.RawModule) -> None:
    with pytest.raises(cuda.CudaError, match="cudaErrorInvalidValue: invalid argument"):
        module.get_function("spill")(1, 2000, (cuda.empty(1),))
    with pytest.raises(CompileError, match=r"program.cu:1:\d+: error"):
        cuda.RawKernel("__global__ void f() { x(); }", "f")
    with pytest.raises(cuda.CudaError, match="cudaErrorMemoryAllocation: out of memory"):
        cuda.empty(1 << 45)
    with pytest.raises(cuda.CudaError, match="cudaErrorInvalidDevice"):
        cuda.Device(3)


def test_device() -> None:
    chip = cuda.Device()
    free, total = chip.mem_info
    assert 0 < free <= total == 96 << 30
    assert chip.compute_capability == "80" and chip.properties.multiProcessorCount == 64


STICKS = """
from warpfive import cuda
cuda.RawKernel('extern "C" __global__ void wild() { *(volatile int *)8 = 1; }', "wild")(1, 1, ())
for use in (cuda.Device().synchronize, lambda: cuda.zeros(1)):
    try:
        use()
    except cuda.CudaError as error:
        print(error)
cuda.Device().reset()
print(cuda.zeros(1).get().tolist())
"""


def test_a_fault_sticks_until_the_reset() -> None:
    # In a process of its own: a reset takes everybody's memory.
    done = subprocess.run(
        [sys.executable, "-c", STICKS], capture_output=True, text=True, check=False
    )
    first, second, after = done.stdout.splitlines()
    assert "cudaErrorIllegalAddress" in first and "cudaErrorIllegalAddress" in second
    assert after == "[0.0]"
    assert "wild" in done.stderr


SCAN = r"""
extern "C" __global__ void scan(const long *in, long *out) {
  __shared__ long totals[256];
  totals[threadIdx.x] = in[threadIdx.x];
  for (int reach = 1; reach < blockDim.x; reach *= 2) {
    __syncthreads();
    long before = threadIdx.x >= reach ? totals[threadIdx.x - reach] : 0;
    __syncthreads();
    totals[threadIdx.x] += before;
  }
  out[threadIdx.x] = totals[threadIdx.x];
}"""


@pytest.mark.parametrize("threads", [32, 64, 96, 256])
def test_a_warp_that_leaves_fast_code_between_barriers_is_waited_for(threads):
    # Addresses below totals[0] in lanes that do not load make warp 0 go on in general code.
    values, sums = np.arange(threads, dtype=np.int64) % 7, np.zeros(threads, np.int64)
    cuda.RawKernel(SCAN, "scan")((1,), (threads,), (values, sums))
    assert sums.tolist() == np.cumsum(values).tolist()
