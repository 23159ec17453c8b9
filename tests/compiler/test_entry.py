"""Kernel entries, executed: every kind of parameter arrives as the launch gave it."""

from pathlib import Path

import pytest

from warpfive.compiler import DeviceOptions, compile_device
from warpfive.isa import read_image
from warpfive.isa.reference import Launch, Segments, Slot, run_grid

PRELUDE = Path(__file__).parent / "prelude.cuh"
IMAGE, ARGS, OUT, SHARED, STACK = 0x100000, 0x200000, 0x300000, 0x400000, 0x500000

TYPES = """
struct Two { float x, y; };
struct Mixed { int a; float b; };
struct Late { struct {} nothing; float f; };
struct Wide { long a; double b; };
struct Pair { long a, b; };
struct Bytes { char c[3]; };
struct Half { _Float16 h; short s; };
struct Four { float v[4]; } __attribute__((aligned(16)));
struct Base { float f; };
struct Derived : Base { double d; };
struct Copied { Copied(const Copied&); int v[3]; };
struct Large { int v[40]; };
struct Bits { int a : 5; float b; };
struct Pointer { int* p; };
union Either { float f; long n; };
enum class Kind : short { a };
"""

# parameter, the value's bytes in the argument block, what the kernel stores of it
PARAMETERS = [
    ("bool p", b"\x01", "put(p)"),
    ("char p", b"\xf1", "put(p)"),
    ("short p", b"\x34\x92", "put(p)"),
    ("unsigned p", b"\x01\x02\x03\xf4", "put(p)"),
    ("long p", bytes(range(200, 208)), "put(p)"),
    ("__int128 p", bytes(range(100, 116)), "put(p)"),
    ("_Float16 p", b"\x00\x3c", "put(p)"),
    ("__bf16 p", b"\x80\x3f", "put(p)"),
    ("float p", b"\x00\x00\xc0\x3f", "put(p)"),
    ("double p", bytes(range(40, 48)), "put(p)"),
    ("Kind p", b"\x07\x01", "put(p)"),
    ("Two p", bytes(range(10, 18)), "put(p.x); put(p.y)"),
    ("Mixed p", bytes(range(20, 28)), "put(p.a); put(p.b)"),
    ("Late p", bytes(4) + bytes(range(1, 5)), "put(0); put(p.f)"),
    ("Wide p", bytes(range(60, 76)), "put(p.a); put(p.b)"),
    ("Pair p", bytes(range(60, 76)), "put(p.a); put(p.b)"),
    ("Bytes p", b"abc", "put(p.c[0]); put(p.c[1]); put(p.c[2])"),
    ("Half p", b"\x00\x3c\x11\x12", "put(p.h); put(p.s)"),
    ("Four p", bytes(range(80, 96)), "for (float f : p.v) put(f)"),
    ("Derived p", b"\x01\x02\x03\x04\0\0\0\0" + bytes(range(30, 38)), "put(p.f); put(0); put(p.d)"),
    ("Copied const& p", bytes(8), "put(&p)"),
    ("Copied p", bytes(range(12)), "for (int n : p.v) put(n)"),
    ("Large p", bytes(range(160)), "for (int n : p.v) put(n)"),
    ("Bits p", b"\x09\0\0\0" + bytes(range(50, 54)), "put((int)p.a); put(p.b)"),
    ("Pointer p", bytes(range(8)), "put(p.p)"),
    ("Either p", bytes(range(8)), "put(p.n)"),
    ("float (&p)[4]", bytes(range(16, 24)), "put(&p)"),
    ("void (*p)(int)", bytes(range(8)), "put(p)"),
]
SOURCE = """
__device__ char* out;
template <class T> __device__ void put(T v) {
  __builtin_memcpy(out, &v, sizeof v);
  out += sizeof v;
}
extern "C" __global__ void k(char first, double a, double b, double c, double d, double e, %s,
                             double f, double g, double h, double i, int last) {
  put(first);
  %s;
  put(last);
}
"""


def launch(source: Path, value: bytes) -> tuple[bytes, bytes]:
    """What the kernel stored, and what it was given: first, value, last."""
    options = DeviceOptions(prelude=False, flags=("-include", str(PRELUDE), "-w"))
    image = read_image(compile_device(source, options))
    kernel = image.kernels["k"]
    args = bytearray(kernel.args_bytes)
    given = [b"\x5a", *[bytes(8)] * 5, value, *[bytes(8)] * 4, b"\x11\x22\x33\x44"]
    for (offset, size), data in zip(kernel.params, given, strict=True):
        assert size == len(data)
        args[offset : offset + size] = data
    memory = Segments()
    code = memory.add(IMAGE, image.memory)
    for offset, target in image.relative:
        code[offset : offset + 8] = (target + IMAGE).to_bytes(8, "little")
    at = image.variables["out"].address
    code[at : at + 8] = OUT.to_bytes(8, "little")
    memory.add(ARGS, bytes(args))
    out = memory.add(OUT, 256)
    memory.add(SHARED, 64)
    memory.add(STACK, 1024)
    slot = Slot(shared=SHARED, stack=STACK, core=0)
    run_grid(
        Launch(
            entry=IMAGE + kernel.entry, grid=(1, 1, 1), block=(1, 1, 1), slots=(slot,), args=ARGS,
            stack_bytes=1024,
        ),
        memory,
    )  # fmt: skip
    return bytes(out), b"\x5a" + value + b"\x11\x22\x33\x44"


@pytest.mark.parametrize(
    ("parameter", "value", "store"), PARAMETERS, ids=[p[0].replace(" p", "") for p in PARAMETERS]
)
def test_parameters_arrive(tmp_path, parameter, value, store):
    path = tmp_path / "k.cu"
    path.write_text(TYPES + SOURCE % (parameter, store))
    stored, given = launch(path, value)
    assert stored[: len(given)] == given
