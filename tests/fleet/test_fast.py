"""The fast simulation gives the plain one's numbers, whatever the workload."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warpfive.engine import EngineConfig
from warpfive.errors import InputError
from warpfive.fleet import ROUTERS, make_trace, simulate, simulate_plain

from .stub import plain_cost

requests = st.lists(
    st.tuples(
        st.integers(0, 300),  # arrival, ms
        st.integers(1, 40),  # prompt
        st.integers(1, 30),  # output
        st.integers(0, 2),  # priority
        st.integers(0, 5),  # which family of prefixes
        st.integers(0, 10),  # blocks shared with the family
    ),
    min_size=1,
    max_size=25,
)
engines = st.fixed_dictionaries({
    "kv_blocks": st.integers(18, 60), "block_tokens": st.just(4), "max_seqs": st.integers(1, 8),
    "max_tokens": st.integers(8, 64), "chunked_prefill": st.booleans(),
    "prefix_cache": st.booleans(), "batching": st.sampled_from(["continuous", "static"]),
    "policy": st.sampled_from(["fcfs", "shortest"]), "watermark": st.sampled_from([0.0, 0.1]),
})  # fmt: skip


def trace_of(rows):
    """Requests whose first blocks are their family's and whose others are their own."""
    hashes = [
        [100 * row[4] + j if j < row[5] else 10_000 + 100 * number + j for j in range(10)]
        for number, row in enumerate(rows)
    ]
    columns = list(zip(*rows, strict=True))
    return make_trace(
        np.array(columns[0]) * 1e-3, columns[1], columns[2], priority=columns[3], hashes=hashes,
        hash_tokens=4,
    )  # fmt: skip


def same(fast, plain):
    for column in ("arrival_ps", "first_ps", "finish_ps", "hit_tokens", "preemptions", "replica"):
        assert getattr(fast, column).tolist() == getattr(plain, column).tolist(), column
    assert fast.replicas == plain.replicas


@settings(max_examples=150, deadline=None)
@given(
    rows=requests,
    engine=engines,
    routing=st.sampled_from(list(ROUTERS)),
    replicas=st.integers(1, 3),
    clients=st.sampled_from([0, 0, 1, 4]),
    context_ps=st.sampled_from([0, 1_234_567]),
)
def test_fast_equals_plain_to_the_picosecond(rows, engine, routing, replicas, clients, context_ps):
    trace, config = trace_of(rows), EngineConfig(**engine)
    cost = plain_cost(context_ps=context_ps, pair_fs=777_777_777, seat_us=3, tokens=32)
    options = dict(replicas=replicas, routing=routing, clients=clients)
    same(simulate(trace, config, cost, **options), simulate_plain(trace, config, cost, **options))


def test_long_decodes_under_memory_pressure_agree():
    rng = np.random.default_rng(5)
    trace = make_trace(rng.exponential(0.05, 60).cumsum(), rng.integers(1, 60, 60),
                       rng.integers(1, 400, 60))  # fmt: skip
    config = EngineConfig(kv_blocks=120, block_tokens=4, max_seqs=12, max_tokens=64)
    cost = plain_cost(context_ps=50_000, seat_us=7)
    fast, plain = simulate(trace, config, cost), simulate_plain(trace, config, cost)
    same(fast, plain)
    assert fast.preemptions.sum() > 0


def test_a_request_that_cannot_fit_is_refused():
    trace = make_trace([0.0], [300], [10])
    with pytest.raises(InputError) as error:
        simulate(trace, EngineConfig(kv_blocks=10), plain_cost())
    assert str(error.value) == (
        "request 0: 300 prompt and 10 output tokens exceed the 160 this engine holds; shorten it "
        "or add KV memory"
    )


def test_unknown_routing_names_the_known():
    with pytest.raises(InputError) as error:
        simulate(make_trace([0], [1], [1]), EngineConfig(kv_blocks=9), plain_cost(), routing="best")
    assert str(error.value) == (
        "routing 'best': unknown; known: round_robin, least_loaded, prefix_aware"
    )
