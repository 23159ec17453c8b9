"""Fit the widths of the 80 % bands on the fitting half of the serving rows.

Errors are those of groups left out of the fit, each in turn, so that a band tells how far
predictions are for what was never measured. The share is raised as conformal prediction asks for so
few groups.

    python -m benchmarks.fidelity.fit_bands

Writes ``warpfive/perf/bands.json`` from the shipped profiles and efficiencies.
"""

import json
import math
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from statistics import median

import warpfive
from benchmarks.fidelity.cross_validate import left_out, linear
from benchmarks.fidelity.fit_serving import GROUPED, family
from warpfive.catalog import engine_profile
from warpfive.errors import InputError
from warpfive.perf import SHIPPED, Case, Predictor, held_out, kind_of, read_case, read_rows

BANDS = Path(warpfive.__file__).parent / "perf" / "bands.json"
BAND_ROWS_A_GROUP = 30
BAND_ROWS = 8
BAND_GROUPS = 4
"""Rows and groups a chip needs for a band of its own; with so many it counts half."""
ELSEWHERE = 1.2
"""Wider for a chip whose kernels were never measured."""


def band_cases() -> list[Case]:
    """All rows of the fitting half that validation predicts, thinned where a group has many."""
    groups: dict[tuple[str, str], list[Case]] = defaultdict(list)
    for row in read_rows(SHIPPED):
        case = read_case(row)
        if isinstance(case, Case) and not held_out(case):
            groups[case.group, kind_of(case)].append(case)
    return [
        case for _, found in sorted(groups.items())
        for case in found[:: max(1, len(found) // BAND_ROWS_A_GROUP)]
    ]  # fmt: skip


Found = list[tuple[Case, float]]
"""Cases of one chip and kind with their absolute log errors."""


def fit_bands(cases: list[Case]) -> dict[str, object]:
    """80 % quantiles of the log errors by chip and kind, and for chips never measured."""
    chips: dict[tuple[str, str], Found] = defaultdict(list)
    for case, error in unseen_errors(cases):
        chips[case.chip, kind_of(case)].append((case, abs(error)))
    kinds = sorted({kind for _, kind in chips})
    usual = {
        kind: group_quantile([item for key in chips if key[1] == kind for item in chips[key]])
        for kind in kinds
    }
    data: dict[str, dict[str, object]] = defaultdict(dict)
    for (name, kind), found in sorted(chips.items()):
        if _enough(found):
            half = _held(group_quantile(found), usual[kind], len({case.group for case, _ in found}))
            data[name][kind] = {"half_width": round(half, 3), "rows": len(found)}
    other = {kind: max(ELSEWHERE * usual[kind], _typical(data, kind)) for kind in kinds}
    return {
        "chips": data,
        "other": {kind: {"half_width": round(width, 3)} for kind, width in other.items()},
    }


def _typical(chips: Mapping[str, Mapping[str, object]], kind: str) -> float:
    """Median width of the chips with a band of their own; 0 where there is none."""
    widths = [known[kind]["half_width"] for known in chips.values() if kind in known]  # type: ignore[index]
    return median(widths) if widths else 0.0


def unseen_errors(cases: list[Case]) -> list[tuple[Case, float]]:
    """Log errors as a group that was never fitted would have them.

    In families of many groups those of a fit without the group; in the others, those under the
    family's profile, as of a version that was never fitted.
    """
    families: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        families[family(case.engine)].append(case)
    found: list[tuple[Case, float]] = []
    for name, own in families.items():
        if name in GROUPED:
            found += left_out(linear(name, own))
            continue
        profile = engine_profile(name)
        predictor = Predictor(lambda _, profile=profile: profile)
        for case in own:
            try:
                found.append((case, math.log(predictor(case) / case.value)))
            except InputError:
                continue
    return found


def _enough(found: Found) -> bool:
    return len(found) >= BAND_ROWS and len({case.group for case, _ in found}) >= BAND_GROUPS


def _held(width: float, usual: float, groups: int) -> float:
    """A chip's own width, drawn towards that of all chips where few groups measured it."""
    share = groups / (groups + BAND_GROUPS)
    return math.exp(share * math.log(width) + (1 - share) * math.log(usual))


def group_quantile(found: Found) -> float:
    """80 % quantile of the errors where a group weighs as the root of its size.

    The share is raised as so few groups call for (conformal prediction).
    """
    sizes = Counter(case.group for case, _ in found)
    total = sum(math.sqrt(size) for size in sizes.values())
    goal = min(0.98, 0.8 * (1 + 1 / len(sizes))) * total
    reached = 0.0
    for case, error in sorted(found, key=lambda item: item[1]):
        reached += 1 / math.sqrt(sizes[case.group])
        if reached >= goal - 1e-9:
            return error
    return max(error for _, error in found)


def main() -> None:
    """Fit and store the bands."""
    data = fit_bands(band_cases())
    BANDS.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
