"""The one-instance serving model against hand counts."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warpfive.catalog import chip, engine_profile, model
from warpfive.perf import Layout, StepModel
from warpfive.perf.fast import follow_fast
from warpfive.perf.load import Load
from warpfive.perf.replica import follow_plain
from warpfive.perf.serve import serve_load
from warpfive.perf.table import StepTable

ENGINE = replace(engine_profile("vllm"), intake_s=0.0, late_steps=0.0)


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


def test_tails_are_those_of_the_requests():
    one = table()
    load = Load(input_tokens=1000, output_tokens=50, concurrency=8, requests=8)
    served = serve_load(one, load, 1e6)
    firsts = [value for value, _ in served.ordered("ttft")]
    assert len(firsts) == 8 and firsts == sorted(firsts)
    assert served.tail("ttft", 1.0) == pytest.approx(firsts[-1])
    assert served.tail("ttft", 0.5) == pytest.approx(firsts[3])
    assert sum(firsts) / 8 == pytest.approx(served.ttft_s)
    assert served.tail("tpot", 0.99) >= served.tail("tpot", 0.5)


def test_equal_requests_drift_apart_unless_the_engine_keeps_them_in_lockstep():
    load = Load(input_tokens=2000, output_tokens=300, concurrency=24)
    apart = serve_load(table(replace(ENGINE, lockstep=0.0)), load, 1e6)
    together = serve_load(table(replace(ENGINE, lockstep=1.0)), load, 1e6)
    assert together.ttft_s > 2 * apart.ttft_s
    burst = serve_load(table(), replace(load, requests=24), 1e6)
    assert together.ttft_s == pytest.approx(burst.ttft_s, rel=0.1)


def test_requests_that_wait_for_memory_keep_no_lockstep():
    load = Load(input_tokens=1000, output_tokens=300, concurrency=32)
    apart = serve_load(table(replace(ENGINE, lockstep=0.0)), load, 12_000)
    together = serve_load(table(replace(ENGINE, lockstep=1.0)), load, 12_000)
    assert together.ttft_s == apart.ttft_s


def test_a_slow_front_end_caps_the_rate_and_shows_in_the_first_token():
    """64 users cannot get more than the front end delivers, however fast the chip is."""
    load = Load(input_tokens=100, output_tokens=500, concurrency=64)
    fast = serve_load(table(replace(ENGINE, stream_s=0.0)), load, 1e6)
    slow = serve_load(table(replace(ENGINE, stream_s=2e-3)), load, 1e6)
    assert slow.output_rate <= 1 / 2e-3 < fast.output_rate
    assert slow.ttft_s > 10 * fast.ttft_s
    assert slow.tpot_s == fast.tpot_s


def test_a_prompt_is_computed_by_one_data_parallel_group():
    """Two prompts on two groups take as long as one; a lone one is not shared out."""
    one, two = table(name="qwen3-30b-a3b"), table(name="qwen3-30b-a3b", dp=2)
    alone, pair = two.prefill(3000, 0.0, 1), two.prefill(6000, 0.0, 2)
    assert alone < pair < 1.5 * alone
    dense = table(), table(dp=2)
    assert dense[1].prefill(3000, 0.0, 1) == pytest.approx(dense[0].prefill(3000, 0.0, 1), rel=0.02)
    assert one.prefill(6000, 0.0, 2) > pair
    assert two.prefill(6000, 0.0, 2, 6000) > pair


def test_the_group_with_most_requests_waits_first():
    """Room for two requests in all is room for one in each of two groups."""
    two = table(dp=2)
    load = Load(input_tokens=1000, output_tokens=500, concurrency=4, requests=4)
    roomy, tight = serve_load(two, load, 8000), serve_load(two, load, 2900)
    assert tight.ttft_s > 5 * roomy.ttft_s
    alike = serve_load(two, replace_requests(load, 2), 2900)
    assert alike.ttft_s < 2 * roomy.ttft_s


def replace_requests(load: Load, count: int) -> Load:
    return replace(load, concurrency=count, requests=count)


def test_a_token_gap_in_the_middle_has_no_prompt_in_it():
    load = Load(input_tokens=4000, output_tokens=200, concurrency=16)
    served = serve_load(table(), load, 1e6)
    assert served.itl_s < served.tpot_s
    batch = round(served.batch)
    assert served.itl_s == pytest.approx(table().step.decode(batch, batch * 4100), rel=0.1)


def test_planned_ahead_steps_delay_the_first_token_and_the_last():
    load = Load(input_tokens=1000, output_tokens=100, concurrency=4)
    prompt, late = (serve_load(table(replace(ENGINE, late_steps=n)), load, 1e6) for n in (0.0, 3.0))
    assert late.ttft_s - prompt.ttft_s == pytest.approx(3 * prompt.itl_s)
    assert late.latency_s - prompt.latency_s == pytest.approx(3 * prompt.itl_s)
    assert late.tpot_s == prompt.tpot_s


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


LOOPS = {
    "mixed": (table(), Load(input_tokens=3000, output_tokens=70, concurrency=24), 1e6, None),
    "prefill first": (
        table(replace(ENGINE, mixed=False, intake_s=2e-3)),
        Load(input_tokens=900, output_tokens=150, concurrency=40, spread=0.6), 1e6, None,
    ),
    "little room": (table(), Load(input_tokens=999, output_tokens=300, concurrency=30), 9e3, None),
    "a queue": (
        table(), Load(input_tokens=50, output_tokens=3, concurrency=90, requests=90, spread=-1),
        1e6, None,
    ),
    "groups of experts": (
        table(name="qwen3-30b-a3b", dp=4, ep=4),
        Load(input_tokens=5000, output_tokens=40, concurrency=23, spread=0.3), 2e5, None,
    ),
    "prompts apart": (
        table(), Load(input_tokens=2000, output_tokens=90, concurrency=12), 1e6, table(tp=2),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LOOPS)
@pytest.mark.parametrize("settled", [False, True])
def test_the_compiled_loop_does_what_the_plain_one_does(name, settled):
    one, load, room, prefill = LOOPS[name]
    fast, plain = (
        follow(one, load, room, 20, prefill, settled=settled, first_only=not settled)
        for follow in (follow_fast, follow_plain)
    )
    for key in ("now", "decode_seconds", "decode_weight", "plain_steps", "plain_seconds"):
        assert getattr(fast, key) == pytest.approx(getattr(plain, key), rel=1e-9), key
    assert fast.crowded == plain.crowded and fast.waves[0].done
    for ours, theirs in zip(fast.waves, plain.waves, strict=True):
        assert (ours.done, ours.measured) == (theirs.done, theirs.measured)
        assert ours.firsts == pytest.approx(theirs.firsts, rel=1e-9)
        assert ours.paces == pytest.approx(theirs.paces, rel=1e-9)
        for key in ("ttft", "tpot", "latency", "out", "into"):
            assert getattr(ours, key) == pytest.approx(getattr(theirs, key), rel=1e-9), key
