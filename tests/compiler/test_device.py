"""CUDA source to kernel image: parameters, shared memory, variables, relocations."""

from pathlib import Path

import pytest

from warpfive.compiler import DeviceOptions, compile_device
from warpfive.isa import Image, read_image

HERE = Path(__file__).parent
PRELUDE = DeviceOptions(prelude=False, flags=("-include", str(HERE / "prelude.cuh")))


def build(folder: Path, source: str) -> Image:
    path = folder / "test.cu"
    path.write_text(source)
    return read_image(compile_device(path, PRELUDE))


def test_scalars_are_eight_bytes_apart_and_structures_sixteen(tmp_path):
    image = build(
        tmp_path,
        """struct Pair { float x, y; }; struct Wide { long a, b, c; }; struct Odd { char c[3]; };
           enum class E : short { a };
           extern "C" __global__
           void k(int* p, bool b, Wide w, char c, Pair q, Odd o, E e, float f) {
             *p = w.c + q.y + o.c[1] + f; }""",
    )
    kernel = image.kernels["k"]
    assert kernel.params == (
        (0, 8), (8, 1), (16, 24), (40, 1), (48, 8), (56, 3), (64, 2), (72, 4),
    )  # fmt: skip
    assert kernel.args_bytes == 80


@pytest.mark.parametrize(
    ("declaration", "size", "offset"),
    [
        ("struct T { int a; float b; };", 8, 8),
        ("struct T { float a; double b; };", 16, 16),
        ("struct T { struct {} e; float b; };", 8, 8),
        ("struct T { double v[2]; };", 16, 16),
        ("struct T { int* p; };", 8, 8),
        ("struct T { int* p; T(const T&); };", 8, 8),
        ("struct T { int *p, *q; };", 16, 16),
        ("struct alignas(16) T { float v[4]; };", 16, 16),
        ("struct T { T(const T&); int v[5]; };", 20, 16),
        ("struct T { int v[300]; };", 1200, 16),
        ("struct T { virtual void f(); int v; };", 16, 16),
        ("union T { float f; int i; };", 4, 8),
        ("typedef __int128 T;", 16, 16),
        ("typedef float T __attribute__((ext_vector_type(4)));", 16, 16),
        ("typedef _Complex float T;", 8, 8),
        ("typedef decltype(nullptr) T;", 8, 8),
        ("struct S { void f(); }; typedef void (S::*T)();", 16, 16),
        ("struct T { int a : 3; float b; };", 8, 8),
    ],
)
def test_a_parameter_of_any_type_has_its_size(tmp_path, declaration, size, offset):
    image = build(tmp_path, declaration + 'extern "C" __global__ void k(char c, T t, int n) {}')
    end = -(-(offset + size) // 8) * 8
    assert image.kernels["k"].params == ((0, 1), (offset, size), (end, 4))


def test_each_kernel_has_only_the_shared_memory_it_uses(tmp_path):
    image = build(
        tmp_path,
        """template <int N> __device__ float f(float* p) { __shared__ float s[N];
             s[tid()] = p[tid()]; __syncthreads(); return s[tid() ^ 1]; }
           extern "C" __global__ void a(float* p) { *p = f<64>(p); }
           extern "C" __global__ void b(float* p) { *p = f<128>(p); }
           extern "C" __global__ void c(float* p) { *p = f<64>(p) + f<128>(p); }""",
    )
    assert [image.kernels[name].shared_bytes for name in "abc"] == [256, 512, 768]


def test_dynamic_shared_memory_follows_the_static_part(tmp_path):
    image = build(
        tmp_path,
        """extern __shared__ float d[]; extern __shared__ int e[];
           extern "C" __global__ void a(float* p) { __shared__ float s[3]; s[tid()] = *p;
             e[1] = 1; __syncthreads(); *p = d[1] + s[1]; }
           extern "C" __global__ void b(float* p) { *p = d[tid()]; }""",
    )
    assert image.kernels["a"].shared_bytes == 16
    assert image.kernels["b"].shared_bytes == 0


def test_variables_are_listed_with_their_kind_and_value(tmp_path):
    image = build(
        tmp_path,
        """__constant__ float c[4] = {1, 2}; __device__ int d = 7; __device__ double big[100];
           __managed__ int m = 5; __device__ int* pointer = &d; __constant__ int unused = 3;
           extern "C" __global__ void k(float* p) { *p = c[tid()] + d + m + *pointer + big[1]; }""",
    )
    kinds = {name: (v.kind, v.size) for name, v in image.variables.items()}
    assert kinds == {
        "c": ("constant", 16), "d": ("device", 4), "big": ("device", 800), "m": ("managed", 4),
        "pointer": ("device", 8), "unused": ("constant", 4),
    }  # fmt: skip
    at = image.variables["d"].address
    assert image.memory[at : at + 4] == b"\x07\0\0\0"
    assert (image.variables["pointer"].address, at) in image.relative
    managed = image.variables["m"]
    assert (managed.slot, managed.address) in image.relative
    assert image.memory[managed.address] == 5


def test_launch_bounds_and_stack_are_in_the_record(tmp_path):
    image = build(
        tmp_path,
        """__device__ __noinline__ int deep(int n) { int v[50]; v[n] = n;
             asm volatile("" : : "r"(v) : "memory"); return v[n / 2]; }
           __device__ __noinline__ int again(int n) {
             return n < 2 ? n : again(n - 1) * again(n / 2); }
           extern "C" __global__ void __launch_bounds__(64 * 2, 3) a(int* p) { *p = deep(*p); }
           extern "C" __global__ void b(int* p) { *p = again(*p); }""",
    )
    assert image.kernels["a"].max_threads == 128
    assert 200 < image.kernels["a"].stack_bytes < 300
    assert image.kernels["b"].stack_bytes == 0


def test_functions_and_tables_of_pointers_are_relocated(tmp_path):
    image = build(
        tmp_path,
        """struct Base { __device__ virtual int f(int n) { return n; } };
           struct Derived : Base { __device__ int f(int n) override { return n * 3; } };
           __device__ __noinline__ int call(Base* b, int n) { return b->f(n); }
           extern "C" __global__ void k(int* p) { Derived d; Base b;
             *p = call(*p ? &d : &b, *p); }""",
    )
    start, code = image.text
    functions = {s.address for s in image.symbols if s.is_function}
    targets = {value for _, value in image.relative}
    assert targets and targets <= functions
    assert all(start <= value < start + len(code) for value in targets)


def test_what_no_kernel_reaches_is_left_out(tmp_path):
    image = build(
        tmp_path,
        """__device__ int idle(int n) { return n * 17; }
           extern "C" __global__ void k(int* p) { *p = 1; }""",
    )
    assert [symbol.name for symbol in image.symbols] == ["k"]


def test_switches_have_no_jump_tables(tmp_path):
    cases = " ".join(f"case {n}: p[{n}] = {n * n % 7}; break;" for n in range(12))
    image = build(tmp_path, f'extern "C" __global__ void k(int* p) {{ switch (*p) {{ {cases} }} }}')
    assert not image.relative


def test_the_sign_of_a_bfloat16_can_be_copied(tmp_path):
    build(
        tmp_path,
        """extern "C" __global__ void k(const __bf16* a, float* f, double* d) {
             const float x = (float)*a;
             *f = __builtin_copysignf(x * x, x) + __builtin_copysignf(2.0f, (float)a[1]);
             *d = __builtin_copysign((double)*f, (double)x); }""",
    )
