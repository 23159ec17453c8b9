"""The small floating-point types on the host, exhaustively against NumPy."""

import ctypes
import subprocess

import numpy as np
import pytest

from warpfive.compiler.toolchain import INCLUDE, zig

SOURCE = r"""
#include "cuda_fp8.h"
#include "cuComplex.h"
#define EACH for (int i = 0; i < n; i++)
#define TYPE(name, T, bits, make, from_float, from_double)                                       \
  extern "C" void name##_to_float(const unsigned short *x, float *out, int n) {                  \
    EACH out[i] = (float)make(x[i]);                                                             \
  }                                                                                              \
  extern "C" void name##_from_float(const float *x, unsigned short *out, int n) {                \
    EACH {                                                                                       \
      out[i] = bits(from_float##_rn(x[i]));                                                      \
      out[n + i] = bits(from_float##_rz(x[i]));                                                  \
      out[2 * n + i] = bits(from_float##_rd(x[i]));                                              \
      out[3 * n + i] = bits(from_float##_ru(x[i]));                                              \
    }                                                                                            \
  }                                                                                              \
  extern "C" void name##_from_double(const double *x, unsigned short *out, int n) {              \
    EACH out[i] = bits(from_double(x[i]));                                                       \
  }                                                                                              \
  extern "C" void name##_ops(const unsigned short *x, unsigned short *out, int n) {              \
    EACH {                                                                                       \
      const T a = make(x[i]), b = make(x[n + i]), c = make(x[2 * n + i]);                        \
      const T r[] = {a + b, a - b, a * b, a / b, __hfma(a, b, c), __hmin(a, b)};                 \
      for (int k = 0; k < 6; k++) out[k * n + i] = bits(r[k]);                                   \
      out[6 * n + i] = (a < b) | (a <= b) << 1 | (a == b) << 2 | (a != b) << 3 |                 \
                       __hltu(a, b) << 4 | __hequ(a, b) << 5 | __hne(a, b) << 6;                 \
    }                                                                                            \
  }
TYPE(half, __half, __half_as_ushort, __ushort_as_half, __float2half, __double2half)
TYPE(bfloat, __nv_bfloat16, __bfloat16_as_ushort, __ushort_as_bfloat16, __float2bfloat16,
     __double2bfloat16)
extern "C" void to_integers(const unsigned short *x, long long *out, int n) {
  EACH {
    const half h = __ushort_as_half(x[i]);
    out[i] = __half2int_rn(h);
    out[n + i] = __half2short_rz(h);
    out[2 * n + i] = __half2uint_rd(h);
    out[3 * n + i] = __half2ll_ru(h);
  }
}
extern "C" void from_integers(const long long *x, unsigned short *out, int n) {
  EACH {
    out[i] = __bfloat16_as_ushort(__ll2bfloat16_rn(x[i]));
    out[n + i] = __half_as_ushort(__int2half_rz((int)x[i]));
  }
}
extern "C" void fp8(const double *x, unsigned char *out, float *back, int n) {
  EACH {
    out[i] = __nv_cvt_double_to_fp8(x[i], __NV_NOSAT, __NV_E4M3);
    out[n + i] = __nv_cvt_double_to_fp8(x[i], __NV_SATFINITE, __NV_E5M2);
  }
  for (int i = 0; i < 256; i++) {
    __nv_fp8_e4m3 a;
    __nv_fp8_e5m2 b;
    a.__x = b.__x = (unsigned char)i;
    back[i] = (float)a;
    back[256 + i] = (float)b;
  }
}
extern "C" void complex(const double *x, double *out) {
  const cuDoubleComplex a = make_cuDoubleComplex(x[0], x[1]), b = make_cuDoubleComplex(x[2], x[3]);
  const cuDoubleComplex q = cuCdiv(a, b), p = cuCmul(a, b);
  out[0] = q.x, out[1] = q.y, out[2] = p.x, out[3] = p.y, out[4] = cuCabs(a);
}
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory) -> ctypes.CDLL:
    folder = tmp_path_factory.mktemp("host")
    source, target = folder / "host.cpp", folder / "host.so"
    source.write_text(SOURCE)
    command = [str(zig()), "c++", "-std=c++17", "-O1", "-shared", "-fPIC", "-w"]
    subprocess.run([*command, "-I", str(INCLUDE), str(source), "-o", str(target)], check=True)
    return ctypes.CDLL(str(target))


def call(function, *arrays: np.ndarray, n: int | None = None) -> None:
    pointers = [array.ctypes.data_as(ctypes.c_void_p) for array in arrays]
    function(*pointers, *([] if n is None else [n]))


ALL = np.arange(1 << 16, dtype=np.uint32).astype(np.uint16)


def as_bfloat(bits: np.ndarray) -> np.ndarray:
    return (bits.astype(np.uint32) << 16).view(np.float32)


VALUES = {"half": lambda bits: bits.view(np.float16).astype(np.float32), "bfloat": as_bfloat}


def same(mine: np.ndarray, expected: np.ndarray) -> bool:
    """Equal in value and sign; any NaN equals any NaN."""
    nan = np.isnan(mine) & np.isnan(expected)
    return bool((nan | ((mine == expected) & (np.signbit(mine) == np.signbit(expected)))).all())


@pytest.mark.parametrize("name", VALUES)
def test_every_value_becomes_the_float_it_stands_for(library, name):
    out = np.zeros(1 << 16, np.float32)
    call(library[f"{name}_to_float"], ALL, out, n=1 << 16)
    assert same(out, VALUES[name](ALL))


def neighbours(name: str) -> np.ndarray:
    """Every finite value, the middle to the next one, and floats just beside both."""
    positive = VALUES[name](ALL[: 0x7C00 if name == "half" else 0x7F80])
    with np.errstate(all="ignore"):
        middle = (positive[:-1].astype(np.float64) + positive[1:]) / 2
    base = np.concatenate([positive, middle.astype(np.float32)])
    near = np.concatenate([base, np.nextafter(base, np.float32(0)),
                           np.nextafter(base, np.float32(np.inf))])  # fmt: skip
    special = np.array([np.inf, np.nan, 65504, 65519.996, 65520, 1e6, 3.4e38], np.float32)
    both = np.concatenate([near, special])
    return np.concatenate([both, -both])


@pytest.mark.parametrize("name", VALUES)
def test_rounding_of_floats_in_four_modes(library, name):
    x = neighbours(name)
    out = np.zeros((4, len(x)), np.uint16)
    call(library[f"{name}_from_float"], x, out, n=len(x))
    nearest, zero, down, up = (VALUES[name](row) for row in out)
    with np.errstate(all="ignore"):
        if name == "half":
            assert same(nearest, x.astype(np.float16).astype(np.float32))
        else:
            bits = x.view(np.uint32)
            rounded = as_bfloat(((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype(np.uint16))
            finite = ~np.isnan(x)
            assert same(nearest[finite], rounded[finite])
            assert np.isnan(nearest[~finite]).all()
    ok = ~np.isnan(x)
    step = VALUES[name]
    assert (np.abs(zero[ok]) <= np.abs(x[ok])).all()
    assert (down[ok] <= x[ok]).all()
    assert (up[ok] >= x[ok]).all()
    exact = ok & (nearest == x)
    for row in (zero, down, up):
        assert same(row[exact], x[exact])
    inside = ok & ~exact & np.isfinite(up) & np.isfinite(down)
    up_bits, down_bits = out[3][inside].astype(int), out[2][inside].astype(int)
    apart = np.abs((up_bits & 0x7FFF) - (down_bits & 0x7FFF))
    assert set(apart.tolist()) <= {1}
    assert same(step(out[1][inside]), np.where(x[inside] > 0, down[inside], up[inside]))


@pytest.mark.parametrize("name", VALUES)
def test_doubles_are_rounded_once(library, name):
    mantissa = 11 if name == "half" else 8
    tie = 1 + 2.0**-mantissa
    x = np.array([tie, tie + 2.0**-40, tie - 2.0**-40, tie * 2 + 2.0**-40, -tie - 2.0**-45])
    out = np.zeros(len(x), np.uint16)
    call(library[f"{name}_from_double"], x, out, n=len(x))
    ulp = 2.0 ** (1 - mantissa)
    assert VALUES[name](out).tolist() == [1, 1 + ulp, 1, 2 * (1 + ulp), -1 - ulp]


@pytest.mark.parametrize("name", VALUES)
def test_arithmetic_rounds_once(library, name):
    n = 200_000
    x = np.random.default_rng(5).integers(0, 1 << 16, (3, n)).astype(np.uint16)
    x[:, : n // 2] = x[:, : n // 2] & 0x87FF | (0x3800 if name == "half" else 0x3F00)
    out = np.zeros((7, n), np.uint16)
    call(library[f"{name}_ops"], x, out, n=n)
    with np.errstate(invalid="ignore"):
        a, b, c = (VALUES[name](row).astype(np.float64) for row in x)
    got = [VALUES[name](row) for row in out]

    def rounded(exact: np.ndarray) -> np.ndarray:
        bits = np.zeros(n, np.uint16)
        call(library[f"{name}_from_double"], np.ascontiguousarray(exact), bits, n=n)
        return VALUES[name](bits)

    with np.errstate(all="ignore"):
        for k, exact in enumerate((a + b, a - b, a * b)):  # exact enough in double to round once
            assert same(got[k], rounded(exact))
        assert same(got[3], rounded(a / b))
        exact = a * b + c  # the first half is near one: 53 digits hold the sum exactly
        half = slice(0, n // 2)
        assert same(got[4][half], rounded(exact)[half])
        assert same(got[5] + np.float32(0), np.fmin(a, b).astype(np.float32) + np.float32(0))
        flags = [a < b, a <= b, a == b, a != b, ~(a >= b), ~((a < b) | (a > b)), (a < b) | (a > b)]
    expected = sum(flag.astype(np.uint16) << k for k, flag in enumerate(flags))
    assert (out[6] == expected).all()


def test_halves_to_integers_saturate(library):
    out = np.zeros((4, 1 << 16), np.int64)
    call(library.to_integers, ALL, out, n=1 << 16)
    x = ALL.view(np.float16).astype(np.float64)
    nan = np.isnan(x)
    with np.errstate(all="ignore"):
        wide = np.clip(np.rint(x), -(2.0**31), 2.0**31 - 1)
        short = np.clip(np.trunc(x), -32768, 32767)
        unsigned = np.clip(np.floor(x), 0, 2.0**32 - 1)
    for row, expected in zip(out, (wide, short, unsigned), strict=False):
        assert (row[~nan] == expected[~nan]).all()
        assert (row[nan] == 0).all()
    finite = np.isfinite(x)
    assert (out[3][finite] == np.ceil(x[finite])).all()
    assert (out[3][nan] == -(2**63)).all()


def test_integers_to_small_floats_round_once(library):
    x = np.array([257, 258, 259, -259, (1 << 62) + (1 << 54), (1 << 62) + (1 << 54) + 1,
                  70000, 2049, -2051])  # fmt: skip
    out = np.zeros((2, len(x)), np.uint16)
    call(library.from_integers, x, out, n=len(x))
    near = as_bfloat(out[0]).tolist()
    assert near[:4] == [256, 258, 260, -260]
    assert near[4:6] == [2.0**62, 2.0**62 + 2.0**55]
    assert out[1].view(np.float16)[6:].tolist() == [65504, 2048, -2050]


def fp8_values(exponent: int, mantissa: int) -> np.ndarray:
    """The 128 magnitudes of a format, as if its all-ones exponent were a number, too."""
    codes = np.arange(128)
    field, digits = codes >> mantissa, codes & (1 << mantissa) - 1
    bias = (1 << (exponent - 1)) - 1
    scale = 2.0 ** (np.maximum(field, 1) - bias - mantissa)
    return (digits + (field > 0) * (1 << mantissa)) * scale


def test_fp8_is_nearest_even_and_saturates(library):
    e4m3, e5m2 = fp8_values(4, 3)[:127], fp8_values(5, 2)[:124]
    grid = np.concatenate([e4m3, (e4m3[1:] + e4m3[:-1]) / 2, e5m2, (e5m2[1:] + e5m2[:-1]) / 2])
    x = np.concatenate([grid, grid * 1.0001, grid * 0.9999])
    out, back = np.zeros((2, len(x)), np.uint8), np.zeros((2, 256), np.float32)
    call(library.fp8, x, out, back, n=len(x))
    assert same(back[0][:127], e4m3.astype(np.float32))
    assert np.isnan(back[0][[127, 255]]).all()
    assert same(back[1][128:252], -e5m2.astype(np.float32))
    assert np.isposinf(back[1][0x7C])
    for row, table in zip(out, (e4m3, e5m2), strict=True):
        top = table[-1] + (table[-1] - table[-2]) / 2
        inside = x < top
        distance = np.abs(x[inside, None] - table[None, :])
        best = distance.min(axis=1)
        even = np.where(distance == best[:, None], np.arange(len(table)) % 2, 2).argmin(axis=1)
        assert (row[inside] == even).all()
    assert set(out[0][x > 465]) == {0x7F}
    assert set(out[1][x > 61440]) <= {0x7B}


def test_complex_numbers(library):
    x, out = np.array([3.0, 4.0, 1.0, -2.0]), np.zeros(5)
    call(library.complex, x, out)
    assert out == pytest.approx([-1, 2, 11, -2, 5])
