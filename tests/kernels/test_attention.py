"""Attention against NumPy in float64."""

import ctypes

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.kernels.rig import Tensor, blank, close, put
from warpfive.errors import UnsupportedError
from warpfive.kernels import AttentionArgs, DType, call

RNG = np.random.default_rng(7)
LOOSE = {DType.F32: 1.0, DType.BF16: 1.0, DType.F16: 2.0}


def normal(*shape, dtype=DType.F32):
    return put(RNG.standard_normal(shape), dtype)


def judge(q, k, v, scale, seen=None, bias=None):
    """One head: q [queries, size], k and v [keys, size], seen [queries, keys]."""
    s = q @ k.T * scale + (0 if bias is None else bias)
    s = np.where(seen, s, -np.inf) if seen is not None else s
    top = s.max(1, initial=-np.inf, keepdims=True)
    e = np.exp(s - np.where(np.isinf(top), 0, top))
    total = e.sum(1, keepdims=True)
    return np.divide(e @ v, total, out=np.zeros((len(q), v.shape[1])), where=total > 0)


def seen_of(queries, keys, causal, window, length):
    i, j = np.arange(queries)[:, None], np.arange(keys)[None]
    seen = np.broadcast_to(j < length, (queries, keys))
    shift = 0 if causal == 1 else length - queries
    if causal:
        seen = seen & (j <= i + shift)
    return seen & (j > i + shift - window) if window else seen


def attend(q: Tensor, k: Tensor, v: Tensor, **more):
    """Tensors [batch, positions, heads, size]."""
    (b, s, h, d), (_, t, hk, _) = q.values.shape, k.values.shape
    out = blank(q.values.shape, q.dtype)
    fields = {
        "q": q.ptr, "k": k.ptr, "v": v.ptr, "out": out.ptr, "type": q.dtype, "batch": b, "heads": h,
        "kv_heads": hk, "queries": s, "keys": t, "head_size": d, "scale": d**-0.5,
    }  # fmt: skip
    for name, shape in (("q", (s, h)), ("o", (s, h)), ("k", (t, hk)), ("v", (t, hk))):
        fields |= {f"{name}_b": shape[0] * shape[1] * d, f"{name}_s": shape[1] * d, f"{name}_h": d}
    call("attention", AttentionArgs(**(fields | more)), None)
    return out.get()


def check(b, s, t, h, hk, d, dtype, causal=0, window=0, lengths=None):
    q, k, v = normal(b, s, h, d, dtype=dtype), *(normal(b, t, hk, d, dtype=dtype) for _ in "kv")
    on = put(lengths, DType.I32) if lengths else None
    got = attend(q, k, v, causal=causal, window=window, key_lengths=on.ptr if on else None)
    for i in range(b):
        length = lengths[i] if lengths else t
        seen = seen_of(s, t, causal, window, length)
        for j in range(h):
            one = j // (h // hk)
            want = judge(q.values[i, :, j], k.values[i, :, one], v.values[i, :, one], d**-0.5, seen)
            close(got[i, :, j], want, dtype, LOOSE[dtype])


@settings(max_examples=25, deadline=None,
          phases=[Phase.explicit, Phase.reuse, Phase.generate])  # fmt: skip
@given(st.integers(1, 50), st.integers(1, 100), st.sampled_from([(1, 1), (4, 2), (8, 1), (6, 6)]),
       st.sampled_from([64, 80, 96, 128, 256]), st.sampled_from([0, 1, 2]),
       st.sampled_from([0, 0, 7]))  # fmt: skip
def test_many_shapes(queries, keys, heads, size, causal, window):
    check(1, queries, keys, *heads, size, DType.F32, causal, window)


@pytest.mark.parametrize("dtype", [DType.F32, DType.BF16, DType.F16])
@pytest.mark.parametrize("queries", [1, 2, 40])
def test_types_and_lengths(dtype, queries):
    check(2, queries, 70, 4, 2, 64, dtype, 2, 0, [70, 45])


@pytest.mark.parametrize("heads", [(2, 2), (2, 1), (4, 1), (8, 1)])
def test_decoding_over_stretches(heads):
    check(2, 1, 700, *heads, 96, DType.F32, 2, 0, [700, 3])


@pytest.mark.parametrize("queries", [3, 33])
@pytest.mark.parametrize("mask", [False, True])
def test_bias_and_mask(queries, mask):
    q, k, v = normal(2, queries, 2, 64), *(normal(2, 40, 2, 64) for _ in "kv")
    plain = RNG.integers(0, 2, (queries, 40)) if mask else RNG.standard_normal((queries, 40))
    if mask:
        plain[-1] = 0
    on = put(plain, DType.U8 if mask else DType.F32)
    got = attend(q, k, v, bias=on.ptr, bias_is_mask=int(mask), bias_q=40)
    for i in range(2):
        for j in range(2):
            want = judge(q.values[i, :, j], k.values[i, :, j], v.values[i, :, j], 0.125,
                         plain > 0 if mask else None, None if mask else on.values)  # fmt: skip
            close(got[i, :, j], want, DType.F32, 1.0)


@pytest.mark.parametrize("queries", [1, 20])
def test_pages(queries):
    size, page, pages = 64, 16, 5
    q = normal(2, queries, 4, size)
    k, v = (normal(12, page, 2, size) for _ in "kv")
    table = np.array([[3, 0, 7, 11, 2], [9, 1, 4, 5, 6]])
    on, lengths = put(table, DType.I32), put([75, 33], DType.I32)
    got = attend(q, k, v, table=on.ptr, page=page, table_stride=pages, keys=pages * page, causal=2,
                 key_lengths=lengths.ptr)  # fmt: skip
    for i, length in enumerate((75, 33)):
        flat_k, flat_v = (x.values[table[i]].reshape(-1, 2, size)[:length] for x in (k, v))
        seen = seen_of(queries, length, 2, 0, length)
        for j in range(4):
            want = judge(q.values[i, :, j], flat_k[:, j // 2], flat_v[:, j // 2], 0.125, seen)
            close(got[i, :, j], want, DType.F32, 1.0)


def test_sequences_end_to_end():
    q, k, v = normal(1, 60, 2, 64), *(normal(1, 70, 2, 64) for _ in "kv")
    q_starts, k_starts = put([0, 5, 5, 60], DType.I32), put([0, 9, 9, 70], DType.I32)
    got = attend(q, k, v, batch=3, queries=55, keys=61, causal=2, query_starts=q_starts.ptr,
                 key_starts=k_starts.ptr)[0]  # fmt: skip
    for a, b, c, d in ((0, 5, 0, 9), (5, 60, 9, 70)):
        seen = seen_of(b - a, d - c, 2, 0, d - c)
        for j in range(2):
            args = (x.values[0, s:e, j] for x, s, e in ((q, a, b), (k, c, d), (v, c, d)))
            close(got[a:b, j], judge(*args, 0.125, seen), DType.F32, 1.0)


@pytest.mark.parametrize("dtype", [DType.F32, DType.F8E4M3, DType.F8E5M2])
def test_cache_writes(dtype):
    k, v = normal(3, 2 * 64), normal(3, 2 * 64)
    caches = [blank((4, 8, 2, 64), dtype, 0) for _ in "kv"]
    slots = put([17, -1, 3], DType.I64)
    numbers = [ctypes.c_int64(n) for n in (3, 2, 64, 128, 128, 8, 8 * 128, 128, 64)]
    call("kv_write", caches[0].ptr, caches[1].ptr, k.ptr, v.ptr, slots.ptr, DType.F32, dtype,
         *numbers, ctypes.c_double(0.5), ctypes.c_double(1), None)  # fmt: skip
    scales = (0.5 if dtype != DType.F32 else 1, 1)
    for cache, source, scale in zip(caches, (k, v), scales, strict=True):
        got = cache.get().reshape(32, 128)
        want = put(source.values / scale, dtype).values
        assert (got[17] == want[0]).all() and (got[3] == want[2]).all()
        assert (np.delete(got, [3, 17], 0) == 0).all()


def test_what_is_refused():
    x = normal(1, 1, 1, 60)
    with pytest.raises(UnsupportedError) as told:
        attend(x, x, x)
    assert str(told.value) == (
        "attention: heads of 60; of a multiple of 8 up to 256, pad to one"
    )


@pytest.mark.parametrize(("dtype", "size"), [(DType.BF16, 64), (DType.F16, 128)])
@pytest.mark.parametrize(("queries", "keys", "causal", "window"), [
    (16, 64, 0, 0), (40, 70, 2, 0), (130, 130, 1, 0), (65, 200, 2, 33),
])  # fmt: skip
def test_tensor_tiles(dtype, size, queries, keys, causal, window):
    check(2, queries, keys, 4, 2, size, dtype, causal, window)


def test_warps_and_blocks_put_their_keys_together():
    check(1, 1, 1500, 4, 2, 128, DType.F32)
    check(1, 2, 300, 2, 1, 64, DType.BF16, 2)
