"""Separate prefill and decode pools: by hand, and fast against plain."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warpfive.engine import EngineConfig
from warpfive.errors import InputError
from warpfive.fleet import Pool, Transfer, make_trace, simulate_plain, simulate_split

from .stub import MS, plain_cost

CONFIG = EngineConfig(kv_blocks=200, block_tokens=4, max_seqs=8, max_tokens=64)


def pools(prefills=1, decodes=1):
    fast = plain_cost(decode_ms=1, token_us=1000)
    slow = plain_cost(decode_ms=10, token_us=9000)
    return (
        Pool(config=CONFIG, cost=fast, replicas=prefills),
        Pool(config=CONFIG, cost=slow, replicas=decodes),
    )


def test_one_request_by_hand():
    transfer = Transfer(token_bytes=100, bandwidth=1e5, latency_s=0.5e-3)
    outcome = simulate_split(make_trace([0.0], [20], [4]), *pools(), transfer)
    # 20 tokens at 1 ms and 1 ms of step; 2000 bytes at 100 kB/s; then three steps of 10 ms
    assert outcome.first_ps.tolist() == [21 * MS + 20 * MS + MS // 2]
    assert outcome.finish_ps.tolist() == [outcome.first_ps[0] + 30 * MS]


def test_links_carry_one_cache_after_another():
    transfer = Transfer(token_bytes=1000, bandwidth=1e5, latency_s=0.0)
    outcome = simulate_split(make_trace([0.0, 0.0], [10, 10], [1, 1]), *pools(), transfer)
    # both prompts end at 21 ms; each cache takes 100 ms of the one link
    assert outcome.first_ps.tolist() == [121 * MS, 221 * MS]
    assert outcome.finish_ps.tolist() == outcome.first_ps.tolist()


def test_overlap_hides_part_of_the_transfer():
    transfer = Transfer(token_bytes=1000, bandwidth=1e5, latency_s=0.0, overlap=0.75)
    outcome = simulate_split(make_trace([0.0], [10], [1]), *pools(), transfer)
    assert outcome.first_ps.tolist() == [11 * MS + 25 * MS]


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 200), st.integers(1, 60), st.integers(1, 20)), min_size=1,
        max_size=20,
    ),
    counts=st.tuples(st.integers(1, 3), st.integers(1, 3)),
)  # fmt: skip
def test_fast_and_plain_pools_agree(rows, counts):
    columns = np.array(rows)
    trace = make_trace(columns[:, 0] * 1e-3, columns[:, 1], columns[:, 2])
    transfer = Transfer(token_bytes=100, bandwidth=1e5)
    fast = simulate_split(trace, *pools(*counts), transfer)
    plain = simulate_split(trace, *pools(*counts), transfer, run=simulate_plain)
    assert fast.first_ps.tolist() == plain.first_ps.tolist()
    assert fast.finish_ps.tolist() == plain.finish_ps.tolist()
    assert (fast.finish_ps >= fast.first_ps).all() and (fast.first_ps > fast.arrival_ps).all()


def test_impossible_transfers_are_refused():
    with pytest.raises(InputError) as error:
        Transfer(token_bytes=1, bandwidth=0)
    assert str(error.value) == (
        "transfer at 0 B/s with overlap 0: the rate must be above 0 and the overlap at least 0 "
        "and below 1"
    )
