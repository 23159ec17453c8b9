"""Norms, softmax, rotary positions, embeddings and their like, against NumPy in float64."""

import ctypes

import numpy as np
import pytest

from tests.kernels.rig import blank, close, put
from warpfive.errors import InputError, UnsupportedError
from warpfive.kernels import DType, call

RNG = np.random.default_rng(6)
REALS = (DType.F32, DType.BF16, DType.F16)
F = ctypes.c_double
each_type = pytest.mark.parametrize("dtype", REALS)


def normal(*shape, dtype=DType.F32):
    return put(RNG.standard_normal(shape), dtype)


def ints(*numbers):
    return [ctypes.c_int64(number) for number in numbers]


@each_type
@pytest.mark.parametrize("cols", [1, 31, 64, 257])
def test_rms_norm(dtype, cols):
    x, w, r = normal(5, cols, dtype=dtype), normal(cols, dtype=dtype), normal(5, cols, dtype=dtype)
    y = blank((5, cols), dtype)
    want = x.values / np.sqrt((x.values**2).mean(1, keepdims=True) + 1e-6)
    sizes = (*ints(5, cols, cols, cols), F(1e-6))
    call("rms_norm", y.ptr, x.ptr, w.ptr, None, dtype, *sizes, F(0), None)
    close(y.get(), want * w.values, dtype, np.abs(want) + 0.1)
    call("rms_norm", y.ptr, x.ptr, w.ptr, r.ptr, dtype, *sizes, F(1), None)
    summed = r.get()
    close(summed, x.values + r.values, dtype, 2.0)
    want = summed / np.sqrt((summed**2).mean(1, keepdims=True) + 1e-6) * (1 + w.values)
    close(y.get(), want, dtype, np.abs(want) + 0.1)


@each_type
def test_layer_norm(dtype):
    x, w, b = normal(4, 100, dtype=dtype), normal(70, dtype=dtype), normal(70, dtype=dtype)
    y, mean, rstd = blank((4, 70), dtype), blank((4,)), blank((4,))
    call("layer_norm", y.ptr, x.ptr, w.ptr, b.ptr, mean.ptr, rstd.ptr, dtype, *ints(4, 70, 70, 100),
         F(1e-5), None)  # fmt: skip
    part = x.values[:, :70]
    m, r = part.mean(1), 1 / np.sqrt(part.var(1) + 1e-5)
    close(y.get(), (part - m[:, None]) * r[:, None] * w.values + b.values, dtype, 4.0)
    close(mean.get(), m, DType.F32, 1.0)
    close(rstd.get(), r, DType.F32)


@each_type
def test_group_and_batch_norm(dtype):
    x, w, b = normal(2, 6, 5, 7, dtype=dtype), normal(6, dtype=dtype), normal(6, dtype=dtype)
    y, mean, rstd = blank(x.values.shape, dtype), blank((4,)), blank((4,))
    call("group_norm", y.ptr, x.ptr, w.ptr, b.ptr, mean.ptr, rstd.ptr, dtype, *ints(2, 6, 35, 2),
         F(1e-5), None)  # fmt: skip
    groups = x.values.reshape(4, -1)
    m, r = groups.mean(1, keepdims=True), 1 / np.sqrt(groups.var(1, keepdims=True) + 1e-5)
    shape = (1, 6, 1, 1)
    want = ((groups - m) * r).reshape(x.values.shape) * w.values.reshape(shape)
    close(y.get(), want + b.values.reshape(shape), dtype, 4.0)
    mean, var = blank((6,)), blank((6,))
    call("batch_statistics", mean.ptr, var.ptr, x.ptr, dtype, *ints(2, 6, 35), None)
    close(mean.get(), x.values.mean((0, 2, 3)), DType.F32, 1.0)
    close(var.get(), x.values.var((0, 2, 3)), DType.F32)
    scale, shift = normal(6), normal(6)
    call("batch_norm", y.ptr, x.ptr, mean.ptr, var.ptr, scale.ptr, shift.ptr, 1, dtype,
         *ints(2, 6, 35), F(1e-5), None)  # fmt: skip
    m, v, s, h = (t.get().reshape(shape) for t in (mean, var, scale, shift))
    close(y.get(), (x.values - m) / np.sqrt(v + 1e-5) * s + h, dtype, 5.0)


@each_type
@pytest.mark.parametrize("shape", [(3, 50, 1), (2, 9, 40), (1, 1, 1), (2, 300, 1)])
def test_softmax(dtype, shape):
    x, y = normal(*shape, dtype=dtype), blank(shape, dtype)
    e = np.exp(x.values - x.values.max(1, keepdims=True))
    for log in (0, 1):
        call("softmax", y.ptr, x.ptr, dtype, *ints(*shape), log, None)
        want = e / e.sum(1, keepdims=True)
        close(y.get(), np.log(want) if log else want, dtype, 8.0 if log else 1.0)


def test_softmax_of_infinities():
    x = put([[-np.inf, 1, 2], [np.inf, 0, 0], [np.nan, 0, 0], [-np.inf] * 3])
    y = blank((4, 3))
    call("softmax", y.ptr, x.ptr, DType.F32, *ints(4, 3, 1), 0, None)
    got = y.get()
    assert got[0, 0] == 0 and abs(got[0, 2] - 1 / (1 + np.exp(-1))) < 1e-6
    assert np.isnan(got[1:]).any(1).all()


@each_type
@pytest.mark.parametrize("act", [2, 3, 4])
def test_act_and_mul(dtype, act):
    both, y = normal(3, 140, dtype=dtype), blank((3, 70), dtype)
    up = ctypes.c_void_p(both.array.ptr + 70 * both.array.dtype.itemsize)
    call("act_and_mul", y.ptr, both.ptr, up, act, dtype, *ints(3, 70, 70, 140), None)
    g, u = both.values[:, :70], both.values[:, 70:]
    erf = np.vectorize(__import__("math").erf)
    want = {
        2: lambda: 0.5 * g * (1 + erf(g / np.sqrt(2))),
        3: lambda: 0.5 * g * (1 + np.tanh(np.sqrt(2 / np.pi) * (g + 0.044715 * g**3))),
        4: lambda: g / (1 + np.exp(-g)),
    }[act]()
    close(y.get(), want * u, dtype, np.abs(g * u) + 0.01)


@each_type
@pytest.mark.parametrize("interleaved", [0, 1])
def test_rope(dtype, interleaved):
    tokens, heads, size, rotary = 4, 3, 48, 32
    x = normal(tokens, heads, size, dtype=dtype)
    angles = RNG.uniform(0, 6, (10, rotary // 2))
    cos, sin, at = put(np.cos(angles)), put(np.sin(angles)), put([3, 0, 9, 9], DType.I64)
    call("rope", x.ptr, cos.ptr, sin.ptr, at.ptr, dtype,
         *ints(tokens, heads, size, rotary, heads * size, size), interleaved, None)  # fmt: skip
    turned = x.values[..., :rotary]
    first = turned[..., ::2] if interleaved else turned[..., : rotary // 2]
    second = turned[..., 1::2] if interleaved else turned[..., rotary // 2 :]
    c, s = (t.values[[3, 0, 9, 9]][:, None] for t in (cos, sin))
    want = x.values.copy()
    a, b = first * c - second * s, second * c + first * s
    want[..., :rotary] = np.stack([a, b], -1).reshape(turned.shape) if interleaved else \
        np.concatenate([a, b], -1)  # fmt: skip
    close(x.get(), want, dtype, 3.0)


@each_type
def test_embedding_and_bags(dtype):
    table, ids = normal(20, 37, dtype=dtype), np.array([3, 19, 0, 3, 7])
    y, on = blank((5, 37), dtype), put(ids, DType.I64)
    call("embedding", y.ptr, table.ptr, on.ptr, dtype, *ints(5, 37, 20), None)
    assert (y.get() == table.values[ids]).all()
    starts, weights = put([0, 2, 2], DType.I64), normal(5, dtype=dtype)
    y = blank((3, 37), dtype)
    rows = table.values[ids]
    for mode, want in enumerate((rows[2:].sum(0), rows[2:].mean(0), rows[2:].max(0))):
        call("embedding_bag", y.ptr, table.ptr, on.ptr, starts.ptr, None, mode, dtype,
             *ints(3, 5, 37, 20, -1), None)  # fmt: skip
        close(y.get()[2], want, dtype, 4.0)
        assert (y.get()[1] == 0).all()
    call("embedding_bag", y.ptr, table.ptr, on.ptr, starts.ptr, weights.ptr, 0, dtype,
         *ints(3, 5, 37, 20, 3), None)  # fmt: skip
    close(y.get()[0], rows[1] * weights.values[1], dtype, 4.0)


def test_argmax_takes_the_first_and_nan():
    x = RNG.standard_normal((4, 1000))
    x[1, [70, 900]] = 9
    x[2, 500] = np.nan
    on, place = put(x), put([0] * 4, DType.I64)
    call("argmax", place.ptr, on.ptr, DType.F32, *ints(4, 1000, 1000), None)
    assert place.get().tolist() == [x[0].argmax(), 70, 500, x[3].argmax()]


def test_what_is_refused():
    x = put([1.0], DType.F64)
    with pytest.raises(UnsupportedError) as told:
        call("softmax", x.ptr, x.ptr, DType.F64, *ints(1, 1, 1), 0, None)
    assert str(told.value) == (
        "softmax: no kernel for float64; float32, float16 and bfloat16 have one"
    )
    with pytest.raises(InputError, match="6 channels do not part into 4 groups"):
        call("group_norm", None, None, None, None, None, None, DType.F32, *ints(2, 6, 35, 4),
             F(1e-5), None)  # fmt: skip
