"""Described workloads: lengths, arrivals, prefixes, conversations."""

import numpy as np
import pytest

from warpfive.errors import InputError
from warpfive.fleet import NAMED, Workload, make_trace, parse_workload


def test_fixed_lengths_and_rate():
    trace = parse_workload("input=4096,output=1024").trace(2000, rate=5.0)
    assert set(trace.prompt.tolist()) == {4096} and set(trace.output.tolist()) == {1024}
    assert trace.rate == pytest.approx(5.0, rel=0.1)


def test_lognormal_and_uniform_have_their_means():
    trace = parse_workload("input=1155~0.9,output=200-400").trace(20_000, rate=1.0)
    assert trace.prompt.mean() == pytest.approx(1155, rel=0.03)
    assert trace.output.min() == 200 and trace.output.max() == 400


@pytest.mark.parametrize(("kind", "cv"), [("poisson", 1.0), ("gamma", 2.5), ("even", 0.0)])
def test_arrivals_vary_as_they_say(kind, cv):
    workload = parse_workload(f"input=10,output=10,arrival={kind},cv={cv or 1}")
    gaps = np.diff(workload.trace(40_000, rate=8.0).arrival_ps)
    assert gaps.std() / gaps.mean() == pytest.approx(cv, abs=0.06)
    assert 1e12 / gaps.mean() == pytest.approx(8.0, rel=0.03)


def test_bursts_vary_more_than_poisson():
    gaps = np.diff(parse_workload("input=9,output=9,arrival=burst").trace(9000, 8.0).arrival_ps)
    assert gaps.std() / gaps.mean() > 1.15


def test_a_conversation_repeats_what_was_said():
    workload = parse_workload("input=64,output=64,prefix=128x2,turns=3,think=1")
    trace = workload.trace(300, rate=2.0)
    assert set(trace.prompt.tolist()) == {192, 320, 448}
    assert len(trace) == 300
    by_length = {n: np.flatnonzero(trace.prompt == n) for n in (192, 320)}
    first = {tuple(blocks(trace, row)) for row in by_length[192]}
    second = {tuple(blocks(trace, row)[:3]) for row in by_length[320]}
    assert len(second & first) > 90
    assert len({row[:2] for row in first}) == 2, "two groups share a prefix each"


def blocks(trace, row):
    return trace.hash[trace.hash_at[row] : trace.hash_at[row + 1]].tolist()


def test_named_workloads_can_be_drawn():
    for workload in NAMED.values():
        assert isinstance(workload, Workload) and len(workload.trace(50, rate=1.0)) == 50


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("input=9", "workload 'input=9': must give input= and output= tokens"),
        (
            "input=9,output=9,colour=red",
            "workload 'input=9,output=9,colour=red': 'colour=red' is no key=value of input, "
            "output, arrival, cv, prefix, turns, think",
        ),
        (
            "input=x,output=9",
            "input=x: must be tokens such as 4096, mean~cv such as 1155~0.9, or low-high such as "
            "200-400",
        ),
        (
            "input=9,output=9,arrival=magic",
            "arrival=magic: unknown; known: poisson, gamma, burst, even, together",
        ),
        ("input=9,output=9,cv=big", "cv=big: is not a number"),
        (
            "chatter",
            "workload 'chatter': unknown; known: chat, code, talk, reason, document, agent, a "
            "description such as input=4096,output=1024, or a trace file",
        ),
    ],
)
def test_bad_descriptions_are_refused(text, message):
    with pytest.raises(InputError) as error:
        parse_workload(text)
    assert str(error.value) == message


def test_a_trace_longer_than_the_clock_is_refused():
    with pytest.raises(InputError) as error:
        make_trace([0.0, 200 * 86_400.0], [1, 1], [1, 1], name="long.csv")
    assert str(error.value) == (
        "long.csv: spans 200 days; the clock holds 100, simulate a part of it"
    )


def test_a_repeated_trace_keeps_its_pace_and_shares_nothing():
    trace = make_trace([0, 1, 2], [8, 8, 8], [1, 1, 1], hashes=[[1, 2]] * 3, hash_tokens=4)
    twice = trace.repeated(5)
    assert len(twice) == 6 and twice.rate == pytest.approx(trace.rate)
    assert twice.hash.tolist() == [0, 1] * 3 + [2, 3] * 3
    assert twice.hash_at.tolist() == [0, 2, 4, 6, 8, 10, 12]
