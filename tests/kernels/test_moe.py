"""Mixtures of experts, whole, and quantisation, against NumPy."""

import ctypes

import numpy as np
import pytest

from tests.kernels.rig import blank, close, gemm, matrix, put
from warpfive.errors import InputError
from warpfive.kernels import DType, call
from warpfive.numerics import E4M3, E5M2, unpack4

RNG = np.random.default_rng(11)


def ints(*numbers):
    return [ctypes.c_int64(number) for number in numbers]


def gate(scores, top_k, after, renormalise):
    tokens, experts = scores.values.shape
    weights = blank((tokens, top_k))
    chosen = put(np.zeros((tokens, top_k)), DType.I32)
    call("moe_gate", weights.ptr, chosen.ptr, scores.ptr, scores.dtype,
         *ints(tokens, experts, top_k), after, renormalise, None)  # fmt: skip
    return weights, chosen


@pytest.mark.parametrize(("after", "renormalise"), [(0, 0), (0, 1), (1, 0)])
def test_gate(after, renormalise):
    scores = put(RNG.standard_normal((9, 60)), DType.BF16)
    weights, chosen = gate(scores, 4, after, renormalise)
    want = np.argsort(-scores.values, axis=1, kind="stable")[:, :4]
    assert (chosen.get() == want).all()
    e = np.exp(scores.values)
    picked = np.take_along_axis(e, want, 1)
    total = (picked if after or renormalise else e).sum(1, keepdims=True)
    close(weights.get(), picked / total, DType.F32, 1.0)


def test_a_layer_of_experts():
    tokens, experts, top_k, dim, hidden = 21, 8, 2, 64, 48
    x, scores = (put(RNG.standard_normal(s)) for s in ((tokens, dim), (tokens, experts)))
    w = put(RNG.standard_normal((experts, hidden, dim)))
    weights, chosen = gate(scores, top_k, 0, 1)
    copies = tokens * top_k
    offsets, source, room = (put(np.zeros(n), DType.I32) for n in (experts + 1, copies, copies))
    call("moe_sort", offsets.ptr, source.ptr, chosen.ptr, *ints(tokens, top_k, experts), None)
    want_source = np.argsort(chosen.get().ravel(), kind="stable")
    assert (source.get() == want_source).all()
    rows, made, y = blank((copies, dim)), blank((copies, hidden)), blank((tokens, hidden))
    call("moe_gather", rows.ptr, x.ptr, source.ptr, DType.F32, *ints(tokens, top_k, dim), None)
    gemm(matrix(rows), matrix(w, turned=True), matrix(made), copies, hidden, dim,
         offsets=offsets.ptr, groups=experts)  # fmt: skip
    call("moe_combine", y.ptr, made.ptr, source.ptr, weights.ptr, room.ptr, DType.F32,
         *ints(tokens, top_k, hidden), None)  # fmt: skip
    want = np.einsum("tk,tkhd,td->th", weights.get(), w.values[chosen.get()], x.values)
    close(y.get(), want, DType.F32, 60.0)


@pytest.mark.parametrize("group", [0, 32, 50])
@pytest.mark.parametrize("code", [DType.I8, DType.I4, DType.F8E4M3, DType.F8E5M2])
def test_quantise_and_back(code, group):
    x = put(RNG.standard_normal((5, 100)) * 3, DType.BF16)
    each = group or 100
    groups = -(-100 // each)
    codes = put(np.zeros((5, 50 if code == DType.I4 else 100)), DType.U8)
    scales, back = blank((5, groups)), blank((5, 100))
    call("quantise", codes.ptr, code, scales.ptr, x.ptr, DType.BF16, *ints(5, 100, group), None)
    parts = np.split(x.values, range(each, 100, each), 1)
    most = np.stack([np.abs(part).max(1) for part in parts], 1)
    top = {DType.I8: 127, DType.I4: 7, DType.F8E4M3: 448, DType.F8E5M2: 57344}[code]
    close(scales.get(), most / top, DType.F32)
    by = np.repeat(scales.get(), each, 1)[:, :100]
    raw = codes.array.get()
    scaled = (x.values.astype(np.float32) / by.astype(np.float32)).astype(float)
    if code in (DType.I8, DType.I4):
        stored = raw.view(np.int8) if code == DType.I8 else unpack4(raw)
        want = np.rint(scaled)
    else:
        form = E4M3 if code == DType.F8E4M3 else E5M2
        stored, want = form.decode(raw), form.decode(form.encode(np.clip(scaled, -top, top)))
    assert (stored == want).all()
    call("dequantise", back.ptr, DType.F32, codes.ptr, code, scales.ptr, *ints(5, 100, group), None)
    close(back.get(), stored * by, DType.F32)


def test_what_is_refused():
    with pytest.raises(InputError) as told:
        call("moe_gate", None, None, None, DType.F32, *ints(1, 4, 5), 0, 0, None)
    assert str(told.value) == (
        "moe_gate: 5 of 4 experts; of at most 1024, at least one and no more than there are"
    )
