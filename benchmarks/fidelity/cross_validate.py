"""Errors of groups of the fitting half that were left out of the fit, each in turn.

    python -m benchmarks.fidelity.cross_validate

Chooses nothing by itself: it tells what ``FAMILY_PULL``, ``LOOSE_PULL``, ``VERSION_PULL`` and the
weights of ``fit_serving`` are worth, without a look at the held-out half. Fits are repeated on the
log errors made linear in the logarithms of the parameters, at the shipped constants: a fit without
one group then takes milliseconds.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from benchmarks.fidelity import fit_serving as fit
from warpfive.catalog import engine_profile
from warpfive.catalog.profile import closest
from warpfive.errors import InputError
from warpfive.perf import Case, Predictor, kind_of

NAMES = tuple(fit.STIFFNESS)
SCALE = 0.15
"""Log errors beyond this count linearly, as in ``fit_logs``."""
MOVED = 0.1
"""Step of the numeric derivatives, in logarithms."""
ROUNDS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Cases of an engine family with their log errors and what moves them."""

    name: str
    cases: Sequence[Case]
    errors: np.ndarray
    slopes: np.ndarray
    """(cases, parameters): change of the log error with the parameter's logarithm."""
    start: np.ndarray
    """Logarithm of where the fit starts over the shipped value."""


def linear(name: str, cases: Iterable[Case]) -> Family:
    """The family's errors about its shipped constants; cases that cannot run are dropped."""
    shipped = engine_profile(name)
    at = {key: float(getattr(shipped, key)) for key in NAMES}
    found = [case for case in cases if _error(case, fit.Trial(lambda _: shipped)) is not None]
    errors = _errors(name, found, at)
    slopes = []
    for key in NAMES:
        moved = {**at, key: at[key] * math.exp(MOVED)}
        slopes.append((_errors(name, found, moved) - errors) / MOVED)
    fit.Trial.known.clear()
    start = {**fit.START, **fit.HABITS[name]}
    return Family(
        name=name, cases=found, errors=errors, slopes=np.array(slopes).T,
        start=np.array([math.log(float(start[key]) / at[key]) for key in NAMES]),  # type: ignore[arg-type]
    )  # fmt: skip


def _error(case: Case, predictor: Predictor) -> float | None:
    try:
        return math.log(predictor(case) / case.value)
    except InputError:
        return None


def _errors(name: str, cases: Iterable[Case], values: Mapping[str, float]) -> np.ndarray:
    profile = fit.Constants({name: dict(values)}, {}, {}).profile(name)
    trial = fit.Trial(lambda _: profile)
    return np.array([_error(case, trial) or 0.0 for case in cases])


def left_out(family: Family) -> list[tuple[Case, float]]:
    """Every case with its log error under a fit without its group."""
    groups = np.array([case.group for case in family.cases])
    found: list[tuple[Case, float]] = []
    for group in sorted(set(groups)):
        rest, own = groups != group, np.flatnonzero(groups == group)
        values = _fitted(family, rest, family.cases[own[0]].engine)
        errors = family.errors[own] + family.slopes[own] @ values
        found += [(family.cases[i], float(e)) for i, e in zip(own, errors, strict=True)]
    return found


def _fitted(family: Family, rows: np.ndarray, engine: str) -> np.ndarray:
    """Parameters for an engine version, from these rows alone."""
    pull = _pull(fit.family_pull(family.name))
    whole = _solve(family, rows, family.start, pull, np.arange(len(NAMES)))
    versions = np.array([case.engine for case in family.cases])
    known = sorted(set(versions[rows]) - {family.name})
    version = engine if engine in known else closest(engine, (family.name, *known))
    if version in ("", family.name):
        return whole
    mine = rows & (versions == version)
    keys = fit.free_keys(case for case, taken in zip(family.cases, mine, strict=True) if taken)
    free = np.array([NAMES.index(key) for key in keys])
    return _solve(family, mine, whole, _pull(fit.version_pull()), free)


def _pull(values: Mapping[str, float]) -> np.ndarray:
    return np.array([values[key] for key in NAMES])


def _solve(
    family: Family, rows: np.ndarray, prior: np.ndarray, pull: np.ndarray, free: np.ndarray
) -> np.ndarray:
    """What ``fit_logs`` minimises, for linear errors, over the ``free`` parameters."""
    slopes, errors = family.slopes[rows], family.errors[rows]
    weights = np.array(fit.weights(c for c, taken in zip(family.cases, rows, strict=True) if taken))
    values, held = prior.copy(), pull[free] * SCALE**2 / len(free)
    for _ in range(ROUNDS):
        left = errors + slopes @ values
        share = weights / weights.sum() / np.sqrt(1 + (left / SCALE) ** 2)
        mine = slopes[:, free]
        matrix = mine.T @ (share[:, None] * mine) + np.diag(held)
        right = mine.T @ (share * left) + held * (values - prior)[free]
        values[free] -= np.clip(np.linalg.solve(matrix, right), -1, 1)
    return values


def main() -> None:
    """Print the medians of every group left out, and over all of H100 and H200."""
    by_family: dict[str, list[Case]] = defaultdict(list)
    for case in fit.fitting_cases():
        by_family[fit.family(case.engine)].append(case)
    whole: dict[str, list[float]] = defaultdict(list)
    for name in fit.GROUPED:
        groups: dict[tuple[str, str], list[float]] = defaultdict(list)
        for case, error in left_out(linear(name, by_family[name])):
            groups[case.group, kind_of(case)].append(math.expm1(error))
            if case.chip in ("h100", "h200"):
                whole[kind_of(case)].append(abs(math.expm1(error)))
        for (group, kind), found in sorted(groups.items()):
            off = median(map(abs, found))
            print(f"{group:44} {kind:9} {len(found):3} {off:6.1%} bias {median(found):+.1%}")
    for kind, found in sorted(whole.items()):
        print(f"{'h100 and h200':44} {kind:9} {len(found):3} {median(found):6.1%}")


if __name__ == "__main__":
    main()
