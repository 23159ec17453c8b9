"""The device math library, built for the host, against mpmath and NumPy."""

import math
import re
import struct
from pathlib import Path

import numpy as np
import pytest

import warpfive
from warpfive.compiler import accuracy, compile_device, library, toolchain
from warpfive.compiler.accuracy import FUNCTIONS, evaluate, measure
from warpfive.compiler.selects import integer_selects
from warpfive.isa import read_image

KINDS = (np.float32, np.float64)
PAGE = Path(warpfive.__file__).parents[1] / "docs" / "math.md"
INF, NAN = math.inf, math.nan


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
@pytest.mark.parametrize("kind", KINDS)
def test_error_is_within_the_documented_bound(function, kind):
    found = measure(function, kind, 15, seed=7)
    assert found.ulp <= function.bound(kind), f"{function.name}{found.at}: {found.ulp} ulp"


def test_the_page_lists_every_function_and_holds_on_a_small_sample():
    text = PAGE.read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", text, re.M))
    assert list(rows) == [function.name for function in FUNCTIONS]
    for function in FUNCTIONS[:10]:
        measured, bound, _, double_bound = map(int, rows[function.name].split(" | "))
        assert (bound, double_bound) == (function.float_ulp, function.double_ulp)
        assert measure(function, np.float32, 10, seed=3).ulp <= measured


SPECIAL = {
    "acos": [(1, 0), (1.5, NAN), (NAN, NAN)],
    "acosh": [(1, 0), (0.5, NAN), (INF, INF), (-INF, NAN)],
    "asin": [(-0.0, -0.0), (2, NAN)],
    "asinh": [(-0.0, -0.0), (-INF, -INF)],
    "atan": [(-0.0, -0.0), (INF, math.pi / 2)],
    "atanh": [(1, INF), (-1, -INF), (2, NAN), (-0.0, -0.0)],
    "cbrt": [(-0.0, -0.0), (-INF, -INF), (27, 3)],
    "cos": [(INF, NAN), (0, 1)],
    "cosh": [(-INF, INF), (0, 1)],
    "cospi": [(0.5, 0.0), (1e30, 1), (INF, NAN)],
    "cyl_bessel_i0": [(0, 1), (-INF, INF)],
    "cyl_bessel_i1": [(-0.0, -0.0), (-INF, -INF)],
    "erf": [(INF, 1), (-INF, -1), (-0.0, -0.0)],
    "erfc": [(INF, 0), (-INF, 2)],
    "erfcinv": [(0, INF), (2, -INF), (1, 0), (2.5, NAN)],
    "erfcx": [(INF, 0), (-INF, INF)],
    "erfinv": [(1, INF), (-1, -INF), (-0.0, -0.0), (1.5, NAN)],
    "exp": [(INF, INF), (-INF, 0), (NAN, NAN), (0, 1)],
    "exp10": [(INF, INF), (-INF, 0), (2, 100)],
    "exp2": [(INF, INF), (-INF, 0), (-3, 0.125)],
    "expm1": [(-0.0, -0.0), (-INF, -1), (INF, INF)],
    "j0": [(0, 1), (INF, 0)],
    "lgamma": [(1, 0), (2, 0), (0, INF), (-1, INF), (-INF, INF)],
    "log": [(0, -INF), (-0.0, -INF), (-1, NAN), (INF, INF), (1, 0), (NAN, NAN)],
    "log10": [(0, -INF), (1000, 3)],
    "log1p": [(-0.0, -0.0), (-1, -INF), (-2, NAN), (INF, INF)],
    "log2": [(0, -INF), (0.125, -3)],
    "normcdf": [(-INF, 0), (INF, 1), (0, 0.5)],
    "normcdfinv": [(0, -INF), (1, INF), (0.5, 0), (2, NAN)],
    "rcbrt": [(INF, 0), (0, INF), (-0.0, -INF)],
    "sin": [(-0.0, -0.0), (INF, NAN)],
    "sinh": [(-0.0, -0.0), (-INF, -INF)],
    "sinpi": [(-0.0, -0.0), (3, 0), (-3, -0.0), (0.5, 1)],
    "tan": [(-0.0, -0.0), (INF, NAN)],
    "tanh": [(-0.0, -0.0), (-INF, -1)],
    "tgamma": [(0, INF), (-0.0, -INF), (-1, NAN), (5, 24)],
    "y0": [(0, -INF), (-1, NAN)],
    "ceil": [(-0.5, -0.0), (INF, INF)],
    "floor": [(-0.0, -0.0), (-0.5, -1)],
    "round": [(0.5, 1), (-0.5, -1), (2.5, 3), (0.49999997, 0)],
    "rint": [(0.5, 0), (2.5, 2), (-0.2, -0.0)],
    "trunc": [(-0.7, -0.0), (-INF, -INF)],
    "logb": [(0, -INF), (8, 3), (-INF, INF)],
}


def same(got: float, expected: float, kind: type) -> bool:
    value = kind(expected)
    zero = value == 0 and np.signbit(value) != np.signbit(got)
    return bool(np.array_equal(kind(got), value, equal_nan=True)) and not zero


@pytest.mark.parametrize("kind", KINDS)
def test_special_values(kind):
    for name, pairs in SPECIAL.items():
        got = evaluate(name, [np.array([x for x, _ in pairs], kind)])
        for (x, expected), value in zip(pairs, got, strict=True):
            assert same(value, expected, kind), f"{name}({x}) = {value}, not {expected}"


@pytest.mark.parametrize("kind", KINDS)
def test_two_argument_functions_at_the_edges(kind):
    edges = [0.0, -0.0, 1, -1, INF, -INF, NAN, 0.5, -0.5, 2, -2, 3, -3, 2.5, 1e-38, -3e38]
    x, y = (column.ravel() for column in np.meshgrid(np.array(edges, kind), np.array(edges, kind)))
    with np.errstate(all="ignore"):
        expected = {
            "pow": np.power(x.astype(np.float64), y).astype(kind),
            "fmod": np.fmod(x, y),
            "nextafter": np.nextafter(x, y),
            "hypot": np.hypot(x, y),
            "atan2": np.arctan2(x, y),
        }
    for name, values in expected.items():
        got = evaluate(name, [x, y])
        with np.errstate(all="ignore"):
            np.testing.assert_array_almost_equal_nulp(
                np.nan_to_num(got, nan=7), np.nan_to_num(values, nan=7), 3
            )
        ordinary = ~np.isnan(values)
        np.testing.assert_array_equal(np.signbit(got[ordinary]), np.signbit(values[ordinary]))


@pytest.mark.parametrize("kind", KINDS)
def test_rounding_and_remainders_are_exact(kind):
    rng = np.random.default_rng(5)
    word = np.uint32 if kind is np.float32 else np.uint64
    raw = rng.integers(0, np.iinfo(word).max, (2, 4000), dtype=word).view(kind)
    near = rng.uniform(-1000, 1000, (2, 4000)).astype(kind)
    x, y = np.concatenate([raw, near], axis=1)
    with np.errstate(all="ignore"):
        for name in ("ceil", "floor", "rint", "trunc"):
            np.testing.assert_array_equal(evaluate(name, [x]), getattr(np, name)(x))
        np.testing.assert_array_equal(evaluate("fmod", [x, y]), np.fmod(x, y))
        np.testing.assert_array_equal(evaluate("nextafter", [x, y]), np.nextafter(x, y))
        got = evaluate("remainder", [x, y])
    for a, b, r in zip(x.tolist(), y.tolist(), got.tolist(), strict=True):
        if math.isfinite(a) and b == b:
            assert r == math.remainder(a, b)


MAY_BRANCH = re.compile(
    r"__wfm_(cos|sin|tan|sincos|fmod|remainder|remquo|norm|erfinv|erfcinv|normcdfinv|ldexp)f?"
)


def test_common_functions_have_no_branches():
    text = library.compile_library(toolchain.LIBRARY / "math.cpp")
    functions = re.findall(r"^define [^\n]*@(\w+)\([^\n]*\{\n(.*?)^}", text, re.M | re.S)
    branchy = {name for name, body in functions if re.search(r"^  br i1", body, re.M)}
    assert len(functions) > 100
    assert not {name for name in branchy if not MAY_BRANCH.fullmatch(name)}


def test_selects_of_floats_are_made_on_their_bits():
    text = integer_selects("  %r = select nnan i1 %c, float %a, float 1.000000e+00, !dbg !7\n")
    assert text == (
        "  %wf.select.r.a = bitcast float %a to i32\n"
        "  %wf.select.r.b = bitcast float 1.000000e+00 to i32\n"
        "  %wf.select.r = select i1 %c, i32 %wf.select.r.a, i32 %wf.select.r.b, !dbg !7\n"
        "  %r = bitcast i32 %wf.select.r to float\n"
    )
    other = "  %r = select i1 %c, i32 1, i32 2\n"
    assert integer_selects(other) == other


def test_user_code_selects_without_branches(tmp_path):
    source = tmp_path / "select.cu"
    source.write_text(
        "__device__ double d;"
        'extern "C" __global__ void k(float *x) { float v = *x; v = v > 0 ? v * 0.5f : v + 1;'
        "v = v > 1 ? 1 : v; d = d < v ? d : 2; *x = v < -1 ? -1 : v; }"
    )
    address, code = read_image(compile_device(source)).text
    words = struct.unpack(f"<{len(code) // 4}I", code)
    assert not [word for word in words if word & 0x7F == 0x63]  # no conditional branch


def test_every_library_function_is_defined():
    import llvmlite.binding as llvm

    module = llvm.parse_bitcode(library.libraries()[0].read_bytes())
    missing = [f.name for f in module.functions if f.is_declaration]
    assert not [name for name in missing if not name.startswith("llvm.")]
    header = (toolchain.INCLUDE / "wf_math.h").read_text()
    assert accuracy.FUNCTIONS and "__wfm_" in header
