"""Floating-point formats: every code, every rounding decision."""

from fractions import Fraction

import numpy as np
import pytest

from warpfive.numerics import BF16, E2M1, E4M3, E5M2, E8M0, FP16

FORMATS = (FP16, BF16, E5M2, E4M3, E2M1, E8M0)


@pytest.fixture(params=FORMATS, ids=lambda form: form.name)
def form(request):
    return request.param


def test_fp16_is_numpys_half():
    codes = np.arange(65536, dtype=np.uint16)
    np.testing.assert_array_equal(FP16.decode(codes), codes.view(np.float16).astype(np.float32))


def test_bf16_is_the_upper_half_of_float32():
    codes = np.arange(65536, dtype=np.uint32)
    np.testing.assert_array_equal(BF16.decode(codes), (codes << 16).view(np.float32))


def test_every_number_encodes_to_its_own_code(form):
    codes = np.arange(2**form.bits)
    numbers = form.values
    kept = ~np.isnan(numbers)
    np.testing.assert_array_equal(form.encode(numbers)[kept], codes[kept])


def test_limits_are_the_published_ones():
    limits = {form.name: (form.largest, form.smallest) for form in FORMATS}
    assert limits == {
        "fp16": (65504.0, 2.0**-24),
        "bf16": (float.fromhex("0x1.fep127"), 2.0**-133),
        "fp8-e5m2": (57344.0, 2.0**-16),
        "fp8-e4m3": (448.0, 2.0**-9),
        "fp4-e2m1": (6.0, 0.5),
        "e8m0": (2.0**127, 2.0**-127),
    }
    assert [float(x) for x in E2M1.values[:8]] == [0, 0.5, 1, 1.5, 2, 3, 4, 6]


def test_midpoints_go_to_the_even_code_and_their_neighbours_to_the_nearest(form):
    grid = form.magnitudes
    codes = np.arange(len(grid) - 1)
    middle = grid[:-1] + (grid[1:] - grid[:-1]) / 2
    even = np.where(codes % 2 == 0, codes, codes + 1)
    np.testing.assert_array_equal(form.encode(middle), even)
    np.testing.assert_array_equal(form.encode(np.nextafter(middle, 0)), codes)
    np.testing.assert_array_equal(form.encode(np.nextafter(middle, np.inf)), codes + 1)


def test_signs_mirror(form):
    if form.signed:
        numbers = form.magnitudes
        sign = 1 << (form.bits - 1)
        np.testing.assert_array_equal(form.encode(-numbers), form.encode(numbers) | sign)


def test_fp16_encodes_every_float32_exponent_as_numpy_does():
    rng = np.random.default_rng(4)
    numbers = rng.integers(0, 2**32, 200_000, dtype=np.uint32).view(np.float32)
    near = rng.uniform(-70000, 70000, 200_000).astype(np.float32)
    small = rng.uniform(-1e-6, 1e-6, 200_000).astype(np.float32)
    numbers = np.concatenate([numbers[~np.isnan(numbers)], near, small])
    with np.errstate(over="ignore"):
        expected = numbers.astype(np.float16).view(np.uint16)
    np.testing.assert_array_equal(FP16.encode(numbers), expected)


def test_nearest_is_nearest_in_rational_arithmetic():
    rng = np.random.default_rng(6)
    grid = [Fraction(float(x)) for x in E4M3.magnitudes]
    for number in rng.uniform(0, 448, 300):
        code = int(E4M3.encode(number))
        best = min(abs(value - Fraction(number)) for value in grid)
        assert abs(grid[code] - Fraction(number)) == best


def test_overflow_saturates_or_becomes_infinite():
    assert E4M3.decode(E4M3.encode([1e9, -np.inf])).tolist() == [448.0, -448.0]
    assert E5M2.decode(E5M2.encode([61439.0, 61440.0])).tolist() == [57344.0, np.inf]
    assert E5M2.decode(E5M2.encode([1e9, np.inf], saturate=True)).tolist() == [57344.0] * 2
    assert np.isposinf(FP16.decode(FP16.encode(65520.0)))
    assert FP16.decode(FP16.encode(65519.99)) == 65504.0


def test_nan_has_its_code():
    assert int(E4M3.encode(np.nan)) == 0x7F
    assert int(E5M2.encode(np.nan)) == 0x7E
    assert int(FP16.encode(np.nan)) == 0x7E00
    assert int(BF16.encode(np.nan)) == 0x7FC0
    assert int(E8M0.encode(np.nan)) == 0xFF
    assert int(E2M1.encode(np.nan)) == 0
