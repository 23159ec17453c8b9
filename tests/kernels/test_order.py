"""Sorting, the largest few, and running sums, against NumPy."""

import ctypes

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.kernels.rig import blank, close, put
from warpfive.errors import InputError, UnsupportedError
from warpfive.kernels import DType, call

RNG = np.random.default_rng(9)
REALS = (DType.F32, DType.F64, DType.F16, DType.BF16)
WHOLE = (DType.I8, DType.U8, DType.I16, DType.I32, DType.I64)
QUICK = {"deadline": None, "phases": [Phase.explicit, Phase.reuse, Phase.generate]}


def ints(*numbers):
    return [ctypes.c_int64(number) for number in numbers]


def some(dtype, rows, cols):
    if dtype in REALS:
        x = np.round(RNG.standard_normal((rows, cols)) * 8) / 8  # with ties
        return put(x, dtype)
    span = np.iinfo(np.dtype(dtype.name.replace("I", "int").replace("U", "uint").lower()))
    return put(RNG.integers(max(span.min, -(2**40)), min(span.max, 2**40), (rows, cols)), dtype)


@settings(max_examples=30, **QUICK)
@given(st.sampled_from(REALS + WHOLE), st.integers(1, 4), st.integers(1, 400), st.booleans())
def test_sort_is_stable(dtype, rows, cols, descending):
    x = some(dtype, rows, cols)
    y, places = blank((rows, cols), dtype), put(np.zeros((rows, cols)), DType.I64)
    call("sort", y.ptr, places.ptr, x.ptr, dtype, *ints(rows, cols), int(descending), None)
    key = -x.values.astype(object) if descending else x.values.astype(object)
    want = np.argsort(key, axis=1, kind="stable")
    assert (places.get() == want).all()
    assert (y.get() == np.take_along_axis(x.values, want, 1)).all()


def test_a_long_row_with_nan_and_infinities():
    row = RNG.standard_normal(30_000).astype(np.float32)
    row[[5, 77]], row[9], row[10], row[11:13] = np.nan, np.inf, -np.inf, [0.0, -0.0]
    x, y, places = put(row), blank((30_000,)), put(np.zeros(30_000), DType.I64)
    call("sort", y.ptr, places.ptr, x.ptr, DType.F32, *ints(1, 30_000), 0, None)
    assert (places.get() == np.argsort(row, kind="stable")).all()
    call("sort", y.ptr, places.ptr, x.ptr, DType.F32, *ints(1, 30_000), 1, None)
    assert places.get()[:3].tolist() == [5, 77, 9] and np.isnan(y.get()[:2]).all()


@pytest.mark.parametrize("largest", [0, 1])
def test_topk(largest):
    x = some(DType.BF16, 3, 200)
    y, places = blank((3, 7), DType.BF16), put(np.zeros((3, 7)), DType.I64)
    call("topk", y.ptr, places.ptr, x.ptr, DType.BF16, *ints(3, 200, 7), largest, None)
    want = np.argsort(-x.values if largest else x.values, axis=1, kind="stable")[:, :7]
    assert (places.get() == want).all()
    with pytest.raises(InputError, match="topk: k is 201; 0 to the row's 200"):
        call("topk", y.ptr, None, x.ptr, DType.BF16, *ints(3, 200, 201), largest, None)


@settings(max_examples=30, **QUICK)
@given(st.sampled_from([*REALS, DType.I32, DType.I64]), st.integers(0, 3),
       st.sampled_from([(3, 100, 1), (2, 7, 40), (1, 1, 1), (2, 33, 3)]))  # fmt: skip
def test_scan(dtype, op, shape):
    x = RNG.uniform(0.5, 1.5, shape) if dtype in REALS else RNG.integers(-3, 4, shape)
    x, y = put(x, dtype), blank(shape, dtype)
    call("scan", y.ptr, x.ptr, dtype, op, *ints(*shape), None)
    runs = (np.cumsum, np.cumprod, np.maximum.accumulate, np.minimum.accumulate)
    want = runs[op](x.values, axis=1)
    if dtype in REALS:
        close(y.get(), want, dtype, np.abs(want) * 2)
    else:
        assert (y.get() == want.astype(y.get().dtype)).all()


def test_what_is_refused():
    with pytest.raises(UnsupportedError) as told:
        call("scan", None, None, DType.I8, 0, *ints(1, 1, 1), None)
    assert str(told.value) == "scan: no kernel for int8; convert to int64 or float32"
