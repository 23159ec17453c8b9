"""Matrix products against NumPy in float64."""

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.kernels.rig import blank, close, gemm, matrix, put
from warpfive.errors import InputError, UnsupportedError
from warpfive.kernels import DType, Matrix
from warpfive.numerics import pack4

RNG = np.random.default_rng(5)
REALS = (DType.F32, DType.BF16, DType.F16)


def check(m, n, k, a_type, b_type, d_type, turn_a=False, turn_b=False, turn_d=False):
    a = put(RNG.standard_normal((k, m) if turn_a else (m, k)), a_type)
    b = put(RNG.standard_normal((n, k) if turn_b else (k, n)), b_type)
    d = blank((n, m) if turn_d else (m, n), d_type)
    gemm(matrix(a, turned=turn_a), matrix(b, turned=turn_b), matrix(d, turned=turn_d), m, n, k)
    left, right = (x.values.T if t else x.values for x, t in ((a, turn_a), (b, turn_b)))
    got = d.get().T if turn_d else d.get()
    close(got, left @ right, d_type, np.abs(left) @ np.abs(right))


SIZES = st.one_of(st.integers(1, 70), st.sampled_from([1, 8, 31, 32, 33, 127, 256, 300]))


@settings(max_examples=40, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(SIZES, SIZES, SIZES, st.sampled_from([*REALS, DType.F64]),
       st.booleans(), st.booleans(), st.booleans())  # fmt: skip
def test_sizes_and_layouts(m, n, k, dtype, turn_a, turn_b, turn_d):
    check(m, n, k, dtype, dtype, dtype, turn_a, turn_b, turn_d)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("types", [(DType.F32, DType.F8E4M3), (DType.F16, DType.F8E5M2),
                                   (DType.F8E4M3, DType.F8E4M3)])  # fmt: skip
@pytest.mark.parametrize("m", [3, 40])
def test_mixed_types(types, turned, m):
    check(m, 65, 130, *types, DType.F32, turn_b=turned)


@pytest.mark.parametrize("k", [0, 1, 255, 256, 257, 600])
def test_depths(k):
    check(9, 34, k, DType.F32, DType.F32, DType.BF16)
    check(9, 34, k, DType.F32, DType.F32, DType.F32, turn_a=True, turn_b=True)


@pytest.mark.parametrize(("m", "k"), [(5, 700), (40, 64)])
def test_int8_is_exact(m, k):
    a = put(RNG.integers(-128, 128, (m, k)), DType.I8)
    b = put(RNG.integers(-128, 128, (50, k)), DType.I8)
    d = blank((m, 50), DType.I32)
    gemm(matrix(a), matrix(b, turned=True), matrix(d), m, 50, k)
    assert (d.get() == a.values.astype(np.int64) @ b.values.T.astype(np.int64)).all()


@pytest.mark.parametrize("m", [2, 33])
@pytest.mark.parametrize("kind", [DType.I8, DType.I4, DType.U4])
@pytest.mark.parametrize("group", [0, 32, 64, 24])
def test_quantised_weights(kind, group, m):
    n, k = 37, 192
    low, high = {DType.I8: (-128, 128), DType.I4: (-8, 8), DType.U4: (0, 16)}[kind]
    codes = RNG.integers(low, high, (n, k))
    packed = put(codes, DType.I8) if kind == DType.I8 else put(pack4(codes), DType.U8)
    groups = 1 if not group else k // group
    scale = put(RNG.uniform(0.5, 2, (n, groups)), DType.BF16)
    zero = put(RNG.integers(0, 4, (n, groups)).astype(float), DType.BF16)
    a, d = put(RNG.standard_normal((m, k)), DType.BF16), blank((m, n), DType.F32)
    b = Matrix(packed.array.ptr, kind, 1, k, 0)
    gemm(matrix(a), b, matrix(d), m, n, k, b_scale=scale.ptr, b_zero=zero.ptr,
         b_scale_type=DType.BF16, group=group)  # fmt: skip
    width = group or k
    weights = (codes - np.repeat(zero.values, width, 1)) * np.repeat(scale.values, width, 1)
    close(d.get(), a.values @ weights.T, DType.F32, np.abs(a.values) @ np.abs(weights.T))


@pytest.mark.parametrize("m", [4, 40])
def test_epilogue(m):
    n, k = 50, 60
    a, b, c, r = (put(RNG.standard_normal(s)) for s in ((m, k), (k, n), (m, n), (m, n)))
    bias, tall = put(RNG.standard_normal(n)), put(RNG.standard_normal(m))
    d = blank((m, n))
    gemm(matrix(a), matrix(b), matrix(d), m, n, k, alpha=0.5, beta=2.0, c=matrix(c), activation=4,
         bias=bias.ptr, residual=matrix(r))  # fmt: skip
    x = 0.5 * a.values @ b.values + 2 * c.values + bias.values
    close(d.get(), x / (1 + np.exp(-x)) + r.values, DType.F32, 10.0)
    gemm(matrix(a), matrix(b), matrix(d), m, n, k, bias=tall.ptr, bias_of_rows=1, activation=1)
    close(d.get(), np.maximum(a.values @ b.values + tall.values[:, None], 0), DType.F32, 10.0)


def test_batches_and_broadcast():
    a, b = put(RNG.standard_normal((6, 20, 30))), put(RNG.standard_normal((30, 40)))
    d = blank((6, 20, 40))
    gemm(matrix(a), matrix(b), matrix(d), 20, 40, 30, batch=6)
    close(d.get(), a.values @ b.values, DType.F32, 10.0)


@pytest.mark.parametrize("counts", [[3, 0, 70, 1, 0, 26], [0, 0, 5, 0, 0, 0], [1, 1, 1, 0, 2, 1]])
def test_groups(counts):
    n, k, m = 40, 48, sum(counts)
    offsets = put(np.cumsum([0, *counts]), DType.I32)
    a, b = (put(RNG.standard_normal(s), DType.BF16) for s in ((m, k), (6, n, k)))
    d = blank((m, n))
    gemm(matrix(a), matrix(b, turned=True), matrix(d), m, n, k, offsets=offsets.ptr, groups=6)
    expert = np.repeat(np.arange(6), counts)
    want = np.einsum("mk,mnk->mn", a.values, b.values[expert])
    close(d.get(), want, DType.F32, 10.0)


def test_padded_rows_stay_as_they_are():
    whole = blank((10, 64))
    a, b = put(np.ones((10, 5))), put(np.ones((5, 40)))
    gemm(matrix(a), matrix(b), Matrix(whole.array.ptr, DType.F32, 64, 1, 0), 10, 40, 5)
    assert (whole.get()[:, :40] == 5).all() and (whole.get()[:, 40:] == 77).all()


def test_nan_and_infinity_pass_through():
    a = np.ones((2, 4))
    a[0, 1], a[1, 2] = np.nan, np.inf
    a, b, d = put(a), put(np.ones((4, 33))), blank((2, 33))
    gemm(matrix(a), matrix(b), matrix(d), 2, 33, 4, activation=1)
    assert np.isnan(d.get()[0]).all() and (d.get()[1] == np.inf).all()


def test_what_is_refused():
    x, half = put(np.ones((2, 2)), DType.F64), put(np.ones((2, 2)), DType.F16)
    with pytest.raises(UnsupportedError) as told:
        gemm(matrix(x), matrix(half), matrix(x), 2, 2, 2)
    assert str(told.value) == (
        "gemm: no kernel for float64 x float16; a float goes with its own type or with float8, "
        "int8 or int4 weights, float8 with float8, int8 with int8"
    )
    with pytest.raises(InputError, match="a size is negative: m -1"):
        gemm(matrix(x), matrix(x), matrix(x), -1, 2, 2)
    with pytest.raises(UnsupportedError, match="float16 x float16 does not make int32"):
        gemm(matrix(half), matrix(half), Matrix(half.array.ptr, DType.I32, 2, 1, 0), 2, 2, 2)


@pytest.mark.parametrize("m", [1, 3])
@pytest.mark.parametrize("n", [127, 128, 300])
def test_few_rows_where_b_lies_by_rows(m, n):
    check(m, n, 100, DType.BF16, DType.BF16, DType.BF16)


@pytest.mark.parametrize("dtype", [DType.BF16, DType.F16])
@pytest.mark.parametrize("layout", [(False, False), (True, False), (False, True), (True, True)])
def test_tiles_and_the_edges_that_overlap(dtype, layout):
    check(64, 64, 32, dtype, dtype, DType.F32, *layout)
    check(100, 70, 48, dtype, dtype, dtype, *layout)


@pytest.mark.parametrize(("m", "n", "k"), [(16, 64, 1024), (64, 128, 2048), (130, 200, 64),
                                           (300, 1000, 48)])  # fmt: skip
@pytest.mark.parametrize("turned", [False, True])
def test_tiles_alone_side_by_side_and_in_slices(m, n, k, turned):
    check(m, n, k, DType.BF16, DType.BF16, DType.BF16, turn_b=turned)


@pytest.mark.parametrize(("m", "n", "k"), [(1, 9000, 130), (1, 40, 4096), (3, 70, 1000)])
@pytest.mark.parametrize("dtype", [DType.F32, DType.BF16])
def test_few_rows_in_slices_and_in_large_grids(m, n, k, dtype):
    check(m, n, k, dtype, dtype, dtype, turn_b=True)
