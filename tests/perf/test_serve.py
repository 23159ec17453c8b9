"""The one-instance serving model against hand counts."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warpfive.catalog import chip, engine_profile, model
from warpfive.perf import Layout, StepModel
from warpfive.perf.serve import Load, serve_load
from warpfive.perf.table import StepTable

ENGINE = replace(engine_profile("vllm"), intake_s=0.0, extra=0)


def table(engine=ENGINE, name="qwen3-8b", **layout) -> StepTable:
    return StepTable(StepModel(chip("h20"), model(name), Layout(**layout), engine))


def test_one_request_alone_is_prefill_and_a_stretch():
    one = table()
    served = serve_load(
        one, Load(input_tokens=1000, output_tokens=101, concurrency=1, requests=1), 1e6
    )
    prefill = one.prefill(1000, 0.0)
    decode = one.step.decode_stretch(1, 1001, 100)
    assert served.ttft_s == pytest.approx(prefill + ENGINE.request_s)
    assert served.tpot_s == pytest.approx(decode / 100)
    assert served.output_rate == pytest.approx(101 / (prefill + decode))


def test_the_table_agrees_with_the_step_model():
    one = table()
    for batch in (1, 4, 5, 48, 100):
        exact = one.step.decode(batch, batch * 700)
        base, slope = one.line(batch)
        assert base + slope * batch * 700 == pytest.approx(exact, rel=0.03)
    assert one.prefill(2048, 0.0) == pytest.approx(one.step.prefill(2048), rel=1e-9)


def test_a_separate_prefill_instance_keeps_decode_undisturbed():
    one = table()
    load = Load(input_tokens=4000, output_tokens=400, concurrency=16)
    together, apart = serve_load(one, load, 1e6), serve_load(one, load, 1e6, prefill=one)
    assert apart.tpot_s < together.tpot_s


def test_a_small_cache_makes_requests_wait():
    one = table()
    load = Load(input_tokens=1000, output_tokens=1000, concurrency=32)
    assert serve_load(one, load, 12_000).ttft_s > 5 * serve_load(one, load, 1e6).ttft_s


def test_prefill_first_engines_decode_larger_batches():
    load = Load(input_tokens=2000, output_tokens=200, concurrency=32)
    mixed = serve_load(table(), load, 1e6)
    first = serve_load(table(replace(ENGINE, mixed=False)), load, 1e6)
    assert first.batch > mixed.batch
    assert first.tpot_s < mixed.tpot_s


@settings(max_examples=25, deadline=None)
@given(
    prompt=st.integers(1, 5000), output=st.integers(1, 300), flying=st.integers(1, 24),
    spread=st.sampled_from([0.0, 0.2, -1.0]), mixed=st.booleans(),
)  # fmt: skip
def test_rates_and_latencies_agree(prompt, output, flying, spread, mixed):
    """Little's law ties concurrency, rate and latency together."""
    load = Load(input_tokens=prompt, output_tokens=output, concurrency=flying, spread=spread)
    served = serve_load(table(replace(ENGINE, mixed=mixed)), load, 1e7)
    assert served.request_rate * served.latency_s == pytest.approx(flying, rel=1e-6)
    assert served.ttft_s <= served.latency_s
    assert served.tpot_s >= 0
    assert served.output_rate <= served.total_rate
