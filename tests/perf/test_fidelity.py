"""The fidelity page says what the shipped constants do."""

import csv
import json
import math

import pytest

from benchmarks.fidelity import fit_serving, report
from benchmarks.fidelity.fit_kernels import STORED, constants, fit_chip
from benchmarks.fidelity.kernel_rows import kernel_cases
from warpfive.catalog import engine_profile
from warpfive.perf import SHIPPED, Case, Predictor, held_out, read_case, read_rows

SAMPLE = 60
"""Stored predictions that are made again."""


@pytest.fixture(scope="module")
def cases() -> dict[str, Case]:
    read = (read_case(row) for row in read_rows(SHIPPED))
    return {case.id: case for case in read if isinstance(case, Case)}


def test_the_page_is_rendered_from_the_stored_predictions():
    assert report.PAGE.read_text(encoding="utf-8") == report.render()


def test_stored_predictions_are_what_the_model_says(cases):
    with report.PREDICTIONS.open(encoding="utf-8", newline="") as file:
        stored = [(row["id"], float(row["predicted"])) for row in csv.DictReader(file)]
    predictor = Predictor()
    for name, predicted in stored[:: max(1, len(stored) // SAMPLE)]:
        if cases[name].requests < 500:
            assert predictor(cases[name]) == pytest.approx(predicted, rel=1e-4), name


def test_the_split_keeps_groups_whole(cases):
    sides: dict[str, set[bool]] = {}
    for case in cases.values():
        sides.setdefault(case.group, set()).add(held_out(case))
    assert all(len(side) == 1 for side in sides.values())
    assert 0.3 < sum(side == {True} for side in sides.values()) / len(sides) < 0.7


@pytest.mark.parametrize("name", ["h20", "h800", "h100", "h200"])
def test_kernels_hold_their_goal_on_shapes_never_fitted(name):
    fit = constants(name)
    errors = sorted(
        abs(math.expm1(case.error(fit)))
        for case in kernel_cases()
        if case.held_out and case.chip == name
    )
    assert len(errors) > 150 and errors[len(errors) // 2] < 0.15


def test_the_stored_constants_are_those_that_the_fitted_half_gives():
    assert fit_chip("h200", kernel_cases()) == pytest.approx(
        json.loads(STORED.read_text(encoding="utf-8"))["h200"], rel=1e-3
    )


def test_the_stored_profiles_are_those_that_the_fitting_half_gives():
    """The quickest family, from where the fit starts, as often as it is fitted."""
    cases = [case for case in fit_serving.fitting_cases() if case.engine == "deepseek"]
    constants = fit_serving.Constants()
    for _ in range(fit_serving.TURNS):
        values = fit_serving.fit_family("deepseek", cases, constants)
        constants.families = {"deepseek": values}
    stored = engine_profile("deepseek")
    assert values == {key: getattr(stored, key) for key in values}
