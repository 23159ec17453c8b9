"""Figures of a run, by hand; conservation; failures; closed loops."""

import numpy as np
import pytest

from warpfive.engine import EngineConfig
from warpfive.errors import InputError
from warpfive.fleet import (
    Failure,
    make_trace,
    parse_slo,
    reached,
    simulate,
    simulate_plain,
    summarise,
)

from .stub import MS, plain_cost

CONFIG = EngineConfig(kv_blocks=100, block_tokens=4, max_seqs=8, max_tokens=64)


def test_two_requests_by_hand():
    # a prompt step takes 10 ms + 1 ms a token, a decode step 10 ms
    cost = plain_cost(decode_ms=10, token_us=1000)
    outcome = simulate(make_trace([0.0, 0.005], [10, 20], [3, 2]), CONFIG, cost)
    # step 1: 10 tokens of the first, 20 ms; step 2: its decode and 20 tokens, 31 ms; step 3: 10 ms
    assert outcome.first_ps.tolist() == [20 * MS, 51 * MS]
    assert outcome.finish_ps.tolist() == [61 * MS, 61 * MS]
    summary = summarise(outcome)
    assert summary.steps == 3
    assert summary.ttft_mean_s == pytest.approx((0.020 + 0.046) / 2)
    assert summary.tpot_mean_s == pytest.approx((0.0205 + 0.010) / 2)
    assert summary.output_rate == pytest.approx(5 / 0.061)
    assert summary.utilisation == pytest.approx(1.0)


def test_no_token_is_lost():
    rng = np.random.default_rng(1)
    trace = make_trace(rng.uniform(0, 3, 80), rng.integers(1, 50, 80), rng.integers(1, 60, 80))
    outcome = simulate(trace, CONFIG, plain_cost())
    computed = sum(stats.tokens for stats in outcome.replicas)
    # every token's KV is computed once, but for the last one's, and again after a preemption
    assert computed >= trace.tokens - len(trace)
    assert (computed == trace.tokens - len(trace)) == (outcome.preemptions.sum() == 0)
    assert (outcome.finish_ps >= outcome.first_ps).all()
    assert all(stats.peak_blocks <= CONFIG.kv_blocks for stats in outcome.replicas)


def test_a_closed_loop_keeps_its_clients_busy():
    trace = make_trace([0.0] * 12, [8] * 12, [5] * 12)
    outcome = simulate(trace, CONFIG, plain_cost(), clients=3)
    assert outcome.arrival_ps.tolist()[:3] == [0, 0, 0]
    assert outcome.arrival_ps.tolist()[3:6] == outcome.finish_ps.tolist()[:3]


def test_prefix_aware_routing_finds_the_replica_that_knows():
    hashes = [[family * 10 + block for block in range(5)] for family in (1, 2)] * 6
    trace = make_trace(np.arange(12) * 0.5, [21] * 12, [2] * 12, hashes=hashes, hash_tokens=4)
    options = dict(replicas=2, routing="prefix_aware")
    outcome = simulate(trace, CONFIG, plain_cost(), **options)
    assert (outcome.hit_tokens[2:] == 20).all()


def test_a_failed_replica_hands_its_requests_over():
    trace = make_trace([0.0, 0.0], [8, 8], [20, 20])
    failures = [Failure(replica=0, at_s=0.05, for_s=10.0)]
    whole = simulate_plain(trace, CONFIG, plain_cost(), replicas=2)
    broken = simulate_plain(trace, CONFIG, plain_cost(), replicas=2, failures=failures)
    assert broken.replica.tolist() == [1, 1]
    assert broken.preemptions.tolist() == [1, 0]
    assert broken.finish_ps[0] > whole.finish_ps[0]


def test_work_waits_for_a_repair_when_everything_failed():
    trace = make_trace([0.1], [8], [2])
    outcome = simulate_plain(
        trace, CONFIG, plain_cost(), failures=[Failure(replica=0, at_s=0.0, for_s=1.0)]
    )
    assert outcome.first_ps[0] > 1000 * MS


def test_a_failure_without_length_is_refused():
    with pytest.raises(InputError) as error:
        Failure(replica=2, at_s=1.0, for_s=0.0)
    assert str(error.value) == (
        "failure of replica 2 at 1.0 s for 0.0 s: it must start at 0 or later and last longer "
        "than 0"
    )


def test_reached_reads_the_share_asked_for():
    outcome = simulate(make_trace(np.arange(100) * 1.0, [8] * 100, [3] * 100), CONFIG, plain_cost())
    found = reached(outcome, parse_slo("ttft=1s,tpot=50ms"), front_s=0.5)
    assert found["tpot"] == pytest.approx(0.010)
    assert found["ttft"] == pytest.approx(0.5 + 0.0108)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ttft=1", "--slo 'ttft=1': must be a number with a unit, such as 50ms or 1s"),
        ("latency=1s", "--slo 'latency=1s': unknown limit; known: ttft, tpot, e2e, p"),
        ("p=95", "--slo 'p=95': must give at least one of ttft, tpot, e2e"),
        ("ttft=0s", "ttft=0s: must be above 0"),
        ("ttft=1s,ttft=2s", "--slo 'ttft=1s,ttft=2s': gives ttft twice; give it once"),
        ("ttft=1s,p=100", "p=100: must be at least 50 and below 100"),
        ("ttft=1s,p=x", "--slo 'p=x': must be a percentage, such as p=95"),
        (
            "ttft=5s,e2e=2s",
            "ttft=5s exceeds e2e=2s: the first token comes before the last; raise e2e or lower "
            "ttft",
        ),
    ],
)
def test_contradictory_limits_are_refused(text, message):
    with pytest.raises(InputError) as error:
        parse_slo(text)
    assert str(error.value) == message
