"""Convolutions and pools against PyTorch in float64."""

import ctypes

import numpy as np
import pytest

from tests.kernels.rig import blank, close, put
from warpfive.errors import InputError
from warpfive.kernels import DType, Window, call

torch = pytest.importorskip("torch")
RNG = np.random.default_rng(8)
REALS = (DType.F32, DType.BF16, DType.F16)
CONVS = (None, torch.nn.functional.conv1d, torch.nn.functional.conv2d, torch.nn.functional.conv3d)


def three(values, missing):
    return (ctypes.c_int64 * 3)(*[missing] * (3 - len(values)), *values)


def window(images, ins, outs, groups, size, kernel, stride, padding, dilation, last=False):
    out = [
        (s + 2 * p - d * (k - 1) - 1) // t + 1
        for s, k, t, p, d in zip(size, kernel, stride, padding, dilation, strict=True)
    ]
    made = Window(
        images, ins, outs, groups, three(size, 1), three(out, 1), three(kernel, 1),
        three(stride, 1), three(padding, 0), three(dilation, 1), int(last),
    )  # fmt: skip
    return made, out


def to_last(x):
    return np.moveaxis(x, 1, -1).copy()


CASES = {
    "plain": (2, 5, 7, 1, (9, 11), (3, 3), (1, 1), (1, 1), (1, 1)),
    "strided": (1, 40, 33, 1, (14, 13), (3, 3), (2, 2), (1, 1), (1, 1)),
    "first": (1, 3, 16, 1, (30, 30), (7, 7), (2, 2), (3, 3), (1, 1)),
    "dilated": (1, 4, 6, 2, (12, 12), (3, 2), (1, 2), (2, 0), (2, 3)),
    "pointwise": (2, 40, 50, 1, (6, 6), (1, 1), (1, 1), (0, 0), (1, 1)),
    "strided pointwise": (1, 8, 9, 1, (7, 7), (1, 1), (2, 2), (0, 0), (1, 1)),
    "depthwise": (2, 35, 35, 35, (8, 9), (3, 3), (1, 1), (1, 1), (1, 1)),
    "multiplied": (1, 6, 12, 6, (8, 9), (3, 3), (2, 1), (1, 1), (1, 1)),
    "line": (2, 6, 8, 2, (50,), (5,), (2,), (2,), (1,)),
    "volume": (1, 3, 5, 1, (4, 5, 6), (2, 3, 3), (1, 1, 2), (0, 1, 1), (1, 1, 1)),
    "deep": (1, 100, 9, 1, (5, 5), (3, 3), (1, 1), (0, 0), (1, 1)),
}


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_conv(case, last, dtype=DType.F32, activation=0):
    images, ins, outs, groups, size, kernel, stride, padding, dilation = CASES[case]
    spec, out = window(*CASES[case], last)
    x = RNG.standard_normal((images, ins, *size))
    w = RNG.standard_normal((outs, ins // groups, *kernel))
    x, w, bias = (put(v, dtype) for v in (x, w, RNG.standard_normal(outs)))
    on_x, on_w = (put(to_last(t.values), dtype) if last else t for t in (x, w))
    y = blank((images, *out, outs) if last else (images, outs, *out), dtype)
    call("conv", y.ptr, on_x.ptr, on_w.ptr, bias.ptr, dtype, activation, spec, None)
    want = CONVS[len(size)](
        *(torch.tensor(t.values) for t in (x, w, bias)), stride, padding, dilation, groups
    ).numpy()
    want = np.maximum(want, 0) if activation else want
    got = np.moveaxis(y.get(), -1, 1) if last else y.get()
    close(got, want, dtype, 3.0 * np.sqrt(w.values[0].size))


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("dtype", REALS[1:])
def test_conv_types(dtype, last):
    test_conv("strided", last, dtype, 1)


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("dtype", REALS)
def test_pools(dtype, last):
    spec, out = window(2, 35, 35, 1, (9, 12), (3, 2), (2, 1), (1, 0), (1, 1), last)
    x = put(RNG.standard_normal((2, 35, 9, 12)), dtype)
    on = put(to_last(x.values), dtype) if last else x
    shape = (2, *out, 35) if last else (2, 35, *out)
    y, places = blank(shape, dtype), put(np.zeros(shape), DType.I64)
    turn = (lambda a: np.moveaxis(a, -1, 1)) if last else (lambda a: a)
    call("max_pool", y.ptr, places.ptr, on.ptr, dtype, spec, None)
    theirs = torch.tensor(x.values)
    want, at = torch.nn.functional.max_pool2d(theirs, (3, 2), (2, 1), (1, 0), return_indices=True)
    assert (turn(y.get()) == want.numpy()).all() and (turn(places.get()) == at.numpy()).all()
    for counted in (False, True):
        call("avg_pool", y.ptr, on.ptr, dtype, int(counted), ctypes.c_int64(0), spec, None)
        want = torch.nn.functional.avg_pool2d(
            theirs, (3, 2), (2, 1), (1, 0), count_include_pad=counted
        )
        close(turn(y.get()), want.numpy(), dtype, 2.0)


def test_what_is_refused():
    spec, _ = window(1, 6, 6, 4, (9,), (3,), (1,), (1,), (1,))
    with pytest.raises(InputError) as told:
        call("conv", None, None, None, None, DType.F32, 0, spec, None)
    assert str(told.value) == "conv: 6 and 6 channels do not part into 4 groups"
