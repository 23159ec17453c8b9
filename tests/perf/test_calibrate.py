"""Fitting finds back what made the numbers."""

from dataclasses import replace

import pytest

from warpfive.catalog import engine_profile
from warpfive.errors import InputError
from warpfive.perf import Layout
from warpfive.perf.calibrate import calibrate_engine
from warpfive.perf.predict import Predictor
from warpfive.perf.rows import Case
from warpfive.perf.solve import fit_logs, solve_linear


def cases(profile) -> list[Case]:
    predictor = Predictor(profile_of=lambda name: profile)
    made = []
    for flying in (1, 8, 32):
        for quantity, metric in (("ttft_s", "ttft_mean"), ("tpot_s", "tpot_mean")):
            case = Case(
                id="x", tier="", chip="h20", model="qwen3-8b", engine="vllm", layout=Layout(),
                input_tokens=1000, output_tokens=60, concurrency=flying, metric=metric,
                quantity=quantity, value=1.0,
            )  # fmt: skip
            made.append(replace(case, value=predictor(case)))
    return made


def test_a_profile_twice_as_slow_is_recovered():
    base = engine_profile("vllm")
    truth = replace(base, step_s=8e-3, prefill_scale=1.5, request_s=0.05)
    result = calibrate_engine(cases(truth), base, rounds=6)
    assert max(result.after.values()) < 0.03 < max(result.before.values())


def test_two_engines_in_one_file_are_refused():
    rows = cases(engine_profile("vllm"))
    rows[0] = replace(rows[0], engine="sglang")
    with pytest.raises(InputError, match="one engine version, but the rows name sglang, vllm"):
        calibrate_engine(rows)


def test_too_few_rows_are_refused():
    with pytest.raises(InputError, match="needs at least 3 rows"):
        calibrate_engine(cases(engine_profile("vllm"))[:2])


def test_the_solver_on_a_known_problem():
    found = fit_logs(
        lambda v: [v["a"] * 0 + _log(v["a"] / 3), _log(v["b"] / v["a"] / 2)],
        {"a": 1.0, "b": 1.0}, pull=1e-6, rounds=20,
    )  # fmt: skip
    assert found["a"] == pytest.approx(3, rel=1e-2)
    assert found["b"] == pytest.approx(6, rel=1e-2)
    assert solve_linear([[0.0, 2.0], [1.0, 1.0]], [4.0, 3.0]) == pytest.approx([1.0, 2.0])


def _log(value: float) -> float:
    import math

    return math.log(value)
