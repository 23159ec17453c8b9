"""The math library as kernels use it: compiled for the chip and run by the reference.

The host build of the same source is held against mpmath; here the machine code must give the
very same bits.
"""

import struct

import numpy as np
import pytest

from warpfive.compiler import DeviceOptions, compile_device
from warpfive.compiler.accuracy import FUNCTIONS, evaluate, samples
from warpfive.isa import Image, read_image
from warpfive.isa.reference import Launch, Segments, Slot, run_grid

CODE, ARGS, X, Y, Z, R, STACK, SHARED = (0x100000 * n for n in range(1, 9))
STACK_BYTES = 1024
LANES = 16

HEAD = """
template <class T> __device__ void put(void *r, T value) { ((T *)r)[threadIdx.x] = value; }
#define X ((const T *)x)[threadIdx.x]
#define Y ((const T *)y)[threadIdx.x]
#define Z ((const T *)z)[threadIdx.x]
"""


def kernel(name: str, kind: str, cases: list[str]) -> str:
    """A kernel that computes one of many expressions, all lanes the same one."""
    body = "\n".join(f"case {n}: put(r, {case}); break;" for n, case in enumerate(cases))
    return (
        f'extern "C" __global__ void {name}(int n, void *r, const void *x, const void *y, '
        f"const void *z) {{ using T = {kind}; switch (n) {{ {body} }} }}\n"
    )


def launch(image: Image, name: str, number: int, columns: list[np.ndarray]) -> bytearray:
    """Runs one warp; the bytes of the result array."""
    memory = Segments()
    code = bytearray(image.memory)
    for offset, value in image.relative:
        struct.pack_into("<Q", code, offset, (value + CODE) & (2**64 - 1))
    memory.add(CODE, bytes(code))
    entry = image.kernels[name]
    block = bytearray(max(entry.args_bytes, 8))
    for (offset, size), value in zip(entry.params, (number, R, X, Y, Z), strict=True):
        block[offset : offset + size] = value.to_bytes(8, "little")[:size]
    memory.add(ARGS, bytes(block))
    for place, column in zip((X, Y, Z), columns, strict=False):
        memory.add(place, column.tobytes())
    result = memory.add(R, bytes(8 * LANES))
    memory.add(STACK, STACK_BYTES * 1024)
    memory.add(SHARED, 64)
    run_grid(
        Launch(
            entry=CODE + entry.entry, grid=(1, 1, 1), block=(LANES, 1, 1), args=ARGS,
            slots=(Slot(shared=SHARED, stack=STACK, core=0),), stack_bytes=STACK_BYTES,
        ),
        memory,
    )  # fmt: skip
    return result


ONE = [function for function in FUNCTIONS if function.arguments == 1]
TWO = [function for function in FUNCTIONS if function.arguments == 2]


def calls(kind: str) -> list[str]:
    suffix = "f" if kind == "float" else ""
    one = [f"{function.name}{suffix}(X)" for function in ONE]
    return one + [f"{function.name}{suffix}(X, Y)" for function in TWO]


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    source = tmp_path_factory.mktemp("math") / "math.cu"
    text = HEAD + kernel("floats", "float", calls("float")) + kernel(
        "doubles", "double", calls("double")
    )  # fmt: skip
    source.write_text(text + kernel("small", "float", [case for case, _ in SMALL]))
    return read_image(compile_device(source, DeviceOptions(flags=("-I.",))))


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_kernels_compute_the_bits_of_the_host_build(image, kind):
    name = "floats" if kind is np.float32 else "doubles"
    for number, function in enumerate(ONE + TWO):
        columns = [c[:: len(c) // LANES][:LANES] for c in samples(function, kind, LANES, seed=11)]
        got = np.frombuffer(bytes(launch(image, name, number, columns)), kind)[:LANES]
        np.testing.assert_array_equal(got, evaluate(function.name, columns), function.name)


SMALL = [
    ("__fadd_rz(X, 1.1754e-8f)", lambda x: np.where(x < 0, np.nextafter(x, 0, dtype="f4"), x)),
    ("__fadd_ru(X, 1.1754e-12f)", lambda x: np.nextafter(x, np.inf, dtype="f4")),
    ("__fadd_rd(X, -1.1754e-12f)", lambda x: np.nextafter(x, -np.inf, dtype="f4")),
    ("__fmaf_rn(X, Y, 1.0f)", lambda x: (x.astype("f8") * x + 1).astype("f4")),
    ("(float)__float2int_rn(X)", np.rint),
    ("(float)__float2int_rz(X)", np.trunc),
    ("(float)__float2int_ru(X)", np.ceil),
    ("(float)__float2int_rd(X)", np.floor),
    ("(float)__float2int_rn(X * NAN)", lambda x: np.zeros_like(x)),
    ("(float)__float2int_rz(X * 1e30f)", lambda x: np.where(x < 0, -(2.0**31), 2.0**31)),
    ("(float)__float2uint_rn(X)", lambda x: np.maximum(np.rint(x), 0)),
    ("__int2float_rn(__float_as_int(X) >> 23)", lambda x: (x.view("i4") >> 23).astype("f4")),
    ("(float)__double2hiint(X)", lambda x: (x.astype("f8").view("i8") >> 32).astype("f4")),
    ("(float)__hiloint2double(__double2hiint(X), __double2loint(X))", lambda x: x),
    ("(float)__mulhi((int)X, 1 << 30)", lambda x: np.floor(np.trunc(x) / 4)),
    ("(float)__mul24((int)X, 3)", lambda x: np.trunc(x) * 3),
    ("__saturatef(X)", lambda x: np.clip(x, 0, 1)),
    ("fminf(X, NAN)", lambda x: x),
    ("(float)pow(X, 2)", lambda x: (x.astype("f8") ** 2).astype("f4")),
    ("(float)abs((int)X)", lambda x: np.abs(np.trunc(x))),
    ("std::floor(X)", np.floor),
    ("roundf(X)", lambda x: np.trunc(x + np.copysign(0.5, x))),
    ("(float)lrintf(X)", np.rint),
    ("(float)isnan(X)", lambda x: np.zeros_like(x)),
    ("modff(X, &((float *)r)[threadIdx.x])", lambda x: x - np.trunc(x)),
    ("ldexpf(X, 4)", lambda x: x * 16),
    ("(float)ilogbf(X)", lambda x: np.floor(np.log2(np.abs(x)))),
    ("fmaxf(X, Y)", lambda x: x),
]


def test_small_functions_and_intrinsics(image):
    x = np.linspace(-9.7, 9.9, LANES).astype(np.float32)
    for number, (case, expected) in enumerate(SMALL):
        got = np.frombuffer(bytes(launch(image, "small", number, [x, x, x])), np.float32)[:LANES]
        np.testing.assert_array_equal(got, expected(x).astype(np.float32), case)


def test_fast_math_takes_the_special_function_unit(tmp_path):
    source = tmp_path / "fast.cu"
    source.write_text(
        'extern "C" __global__ void k(float *x) { float s, c; sincosf(x[1], &s, &c);'
        "x[0] = expf(x[2]) + logf(x[3]) + powf(x[4], x[5]) + s + c + tanf(x[6]) + rsqrtf(x[7]); }"
    )
    exact = read_image(compile_device(source, DeviceOptions()))
    fast = read_image(compile_device(source, DeviceOptions(fast_math=True)))
    assert len(fast.text[1]) * 5 < len(exact.text[1])
