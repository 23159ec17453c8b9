"""Random numbers against published vectors, chosen tokens against their distribution."""

import ctypes

import numpy as np
import pytest

from tests.kernels.rig import put
from warpfive.errors import InputError
from warpfive.kernels import DType, SampleArgs, call

RNG = np.random.default_rng(10)
ALL = 2**64 - 1


@pytest.mark.parametrize(
    ("seed", "offset", "subsequence", "want"),
    [  # the known answers that come with Random123
        (0, 0, 0, "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        (ALL, ALL, ALL, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        (0x299F31D0A4093822, 0x85A308D3243F6A88, 0x0370734413198A2E,
         "d16cfe09 94fdcceb 5001e420 24126ea1"),
    ],
)  # fmt: skip
def test_philox(seed, offset, subsequence, want):
    out = put(np.zeros(6), DType.I32)
    numbers = [ctypes.c_uint64(n) for n in (seed, offset, subsequence)]
    call("philox", out.ptr, ctypes.c_int64(4), *numbers, None)
    got = out.array.get().view(np.uint32)
    assert " ".join(f"{word:08x}" for word in got[:4]) == want and (got[4:] == 0).all()


def sample(logits, rows=1, dtype=DType.F32, **more):
    on = put(np.broadcast_to(logits, (rows, np.shape(logits)[-1])), dtype)
    tokens, logprobs = put(np.zeros(rows), DType.I64), put(np.zeros(rows))
    fields = {"temperature": 1.0, "top_p": 1.0, "seed": 5} | more
    args = SampleArgs(logits=on.ptr, type=dtype, rows=rows, vocabulary=on.values.shape[1],
                      stride=on.values.shape[1], tokens=tokens.ptr, logprobs=logprobs.ptr,
                      **fields)  # fmt: skip
    call("sample", args, None)
    return tokens.get(), logprobs.get()


def shares(logits, keep):
    weight = np.where(keep, np.exp(logits - logits.max()), 0)
    return weight / weight.sum()


@pytest.mark.parametrize("top_k", [0, 5])
@pytest.mark.parametrize("top_p", [1.0, 0.7])
@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_shares_follow_the_cuts(top_k, top_p, temperature):
    logits = RNG.standard_normal(40).astype(np.float32) * 2
    scaled = logits.astype(float) / temperature
    order = np.argsort(-scaled)
    keep = np.zeros(40, bool)
    keep[order[: top_k or 40]] = True
    mass = np.cumsum(shares(scaled, keep)[order])
    keep[order[np.searchsorted(mass, top_p) + 1 :]] = False
    want = shares(scaled, keep)
    rows = 4000
    got, logprobs = sample(logits, rows, temperature=temperature, top_k=top_k, top_p=top_p)
    count = np.bincount(got, minlength=40)
    assert (count[~keep] == 0).all()
    off = (count / rows - want) / np.sqrt(want * (1 - want) / rows + 1 / rows**2)
    assert np.abs(off[keep]).max() < 5
    full = np.log(shares(scaled, np.ones(40, bool)))
    assert np.abs(logprobs - full[got]).max() < 1e-4


def test_temperature_zero_takes_the_largest():
    logits = RNG.standard_normal((3, 1000))
    logits[1, [4, 800]] = 30
    got, _ = sample(logits, 3, DType.BF16, temperature=0)
    assert got[1] == 4 and got[0] == put(logits[0], DType.BF16).values.argmax()


def test_one_seed_one_answer_and_parameters_by_row():
    logits = RNG.standard_normal(500)
    first, _ = sample(logits, 20, offset=7)
    again, _ = sample(logits, 20, offset=7)
    later, _ = sample(logits, 20, offset=8)
    assert (first == again).all() and (later[:-1] == first[1:]).all() and len(set(first)) > 5
    cold = put([0.0, 1.0], DType.F32)
    got, _ = sample(logits, 2, temperatures=cold.ptr)
    assert got[0] == logits.argmax()


def test_what_is_refused():
    with pytest.raises(InputError, match="temperature 1, top_p 0, top_k 0; temperature and top_k"):
        sample(np.zeros(4), top_p=0.0)
