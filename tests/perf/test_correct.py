"""Errors left at measured settings are carried to near ones and fade far away."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warpfive.catalog import engine_profile
from warpfive.perf.correct import LARGEST, corrected, fit_errors, log_error, place
from warpfive.perf.load import Load, Served

LOAD = Load(input_tokens=1000, output_tokens=100, concurrency=16)
SERVED = Served(
    ttft_s=0.2, tpot_s=0.02, latency_s=0.2 + 99 * 0.02, seconds=10.0, output_rate=700.0,
    total_rate=7000.0, request_rate=7.0, batch=15.0,
)  # fmt: skip


def test_a_profile_without_corrections_changes_nothing():
    assert corrected(SERVED, engine_profile("vllm"), LOAD, 1) is SERVED


def test_a_measured_setting_gets_nearly_its_own_error_and_a_far_one_none():
    here = place(LOAD, 1)
    fitted = fit_errors([here], [0.2])
    assert log_error(fitted, here) == pytest.approx(0.2, rel=0.1)
    assert abs(log_error(fitted, place(replace(LOAD, input_tokens=10**9), 4096))) < 1e-6


def test_latency_and_rates_follow_the_corrected_times():
    fitted = fit_errors([place(LOAD, 1)], [0.3])
    engine = replace(engine_profile("vllm"), corrections={"tpot": fitted})
    found = corrected(SERVED, engine, LOAD, 1)
    assert found.ttft_s == SERVED.ttft_s and found.tpot_s < SERVED.tpot_s
    assert found.latency_s == pytest.approx(found.ttft_s + 99 * found.tpot_s)
    assert found.request_rate * found.latency_s == pytest.approx(
        SERVED.request_rate * SERVED.latency_s
    )


@given(errors=st.lists(st.floats(-3, 3), min_size=1, max_size=6), flying=st.integers(1, 512))
def test_odd_rows_move_a_prediction_only_so_far(errors, flying):
    places = [place(replace(LOAD, concurrency=4**i), 1) for i in range(len(errors))]
    where = place(replace(LOAD, concurrency=flying), 1)
    assert abs(log_error(fit_errors(places, errors), where)) < 2.5 * LARGEST
