"""Integers with a scale, packing, and microscaling blocks."""

import numpy as np
import pytest

from warpfive.errors import InputError
from warpfive.numerics import E4M3, INT4, INT8, MXFP4, pack4, quantize, unpack4


def test_codes_round_to_even_and_saturate():
    numbers = [0.5, 1.5, -0.5, 127.5, 1e9, -1e9, np.nan]
    assert INT8.encode(numbers).tolist() == [0, 2, 0, 127, 127, -128, 0]
    assert INT4.encode([7.4, 8, -9]).tolist() == [7, 7, -8]


def test_every_code_returns():
    for form in (INT8, INT4):
        codes = np.arange(form.low, form.high + 1)
        for scale in (1.0, 0.37, 1e-3):
            np.testing.assert_array_equal(form.encode(form.decode(codes, scale), scale), codes)


def test_scale_takes_the_largest_to_the_largest_code():
    rows = np.array([[1.0, -2.54], [0.0, 0.0]])
    np.testing.assert_allclose(INT8.scale_for(rows, axis=1), [[0.02], [1.0]])
    assert INT8.encode(rows, INT8.scale_for(rows, axis=1)).tolist() == [[50, -127], [0, 0]]


def test_packing_returns_every_pair():
    codes = np.array([(a, b) for a in range(-8, 8) for b in range(-8, 8)])
    packed = pack4(codes)
    assert packed.shape == (256, 1) and len(np.unique(packed)) == 256
    np.testing.assert_array_equal(unpack4(packed), codes)
    np.testing.assert_array_equal(unpack4(packed, signed=False), codes & 15)
    assert pack4([1, 2]).tolist() == [0x21]


def test_an_odd_axis_is_refused():
    with pytest.raises(InputError) as caught:
        pack4([1, 2, 3])
    assert str(caught.value) == (
        "an axis of 3 4-bit codes does not fill whole bytes; pad it to an even length"
    )


def test_a_block_shares_the_power_of_two_of_its_largest():
    block = np.zeros(32)
    block[:4] = [12.0, -6.0, 1.0, 0.3]
    codes, scales = MXFP4.encode(block)
    assert scales.tolist() == [128]  # 12 = 6 * 2^1
    assert MXFP4.decode(codes, scales)[:4].tolist() == [12.0, -6.0, 1.0, 0.0]
    assert MXFP4.bits_per_number == 4.25


def test_blocks_of_element_values_return_exactly():
    rng = np.random.default_rng(2)
    codes = rng.integers(0, 16, (50, 64), dtype=np.uint8)
    codes[:, ::32] = 7  # every block has the largest number
    codes[codes == 8] = 0
    scales = rng.integers(10, 240, (50, 2), dtype=np.uint8)
    again, same = MXFP4.encode(MXFP4.decode(codes, scales).astype(np.float64))
    np.testing.assert_array_equal(again, codes)
    np.testing.assert_array_equal(same, scales)


def test_blocks_of_zeros_and_of_infinities():
    codes, scales = MXFP4.encode(np.zeros(32))
    assert not codes.any() and scales.tolist() == [0]
    numbers = np.ones(64)
    numbers[3] = np.inf
    result = MXFP4.decode(*MXFP4.encode(numbers))
    assert np.isnan(result[:32]).all() and (result[32:] == 1).all()


def test_a_ragged_axis_is_refused():
    with pytest.raises(InputError, match="pad its last axis"):
        MXFP4.encode(np.zeros(33))


def test_quantize_takes_any_format():
    assert quantize(E4M3, [0.3, 1000.0]).tolist() == [0.3125, 448.0]
    assert quantize(INT8, [127.0, 0.4]).tolist() == [127.0, 0.0]
    assert quantize(MXFP4, np.full(32, 3.0)).tolist() == [3.0] * 32
