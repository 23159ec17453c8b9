"""Fits that leave a group out, on errors made linear."""

import numpy as np
import pytest

from benchmarks.fidelity import cross_validate as cv
from benchmarks.fidelity import fit_serving
from warpfive.catalog import EngineProfile, engine_profile


@pytest.fixture(scope="module")
def family() -> cv.Family:
    cases = [case for case in fit_serving.fitting_cases() if case.chip == "a100"]
    return cv.linear("vllm", [case for case in cases if case.engine == "vllm"])


def test_slopes_tell_how_errors_move(family):
    shipped = engine_profile("vllm")
    moved = {key: float(getattr(shipped, key)) for key in cv.NAMES}
    moved["attention_scale"] *= np.exp(0.05)
    profile = EngineProfile(name="vllm", **{**fit_serving.HABITS["vllm"], **moved})
    trial = fit_serving.Trial(lambda _: profile)
    column = family.slopes[:, cv.NAMES.index("attention_scale")]
    for case, error, slope in zip(family.cases, family.errors, column, strict=True):
        assert np.log(trial(case) / case.value) == pytest.approx(error + 0.05 * slope, abs=0.01)


def test_every_case_is_judged_once_by_a_fit_without_its_group(family):
    found = cv.left_out(family)
    assert sorted(case.id for case, _ in found) == sorted(case.id for case in family.cases)
    group = family.cases[0].group
    own = [case.group == group for case in family.cases]
    wrong = cv.Family(
        name=family.name, cases=family.cases, slopes=family.slopes, start=family.start,
        errors=np.where(own, family.errors + 0.3, family.errors),
    )  # fmt: skip
    before, after = (
        {case.id: error for case, error in cv.left_out(one) if case.group == group}
        for one in (family, wrong)
    )
    assert all(after[name] == pytest.approx(before[name] + 0.3) for name in before)
