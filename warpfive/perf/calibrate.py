"""Fit an engine profile to a handful of measurements."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from warpfive.catalog import EngineProfile, engine_profile
from warpfive.errors import InputError
from warpfive.perf.correct import fit_errors, place
from warpfive.perf.predict import Predictor, load_of
from warpfive.perf.rows import Case
from warpfive.perf.solve import fit_logs
from warpfive.perf.validate import kind_of

STIFFNESS: Mapping[str, float] = {
    "step_s": 0.3, "sequence_s": 0.3, "layer_s": 0.3, "passes": 1.0,
    "moe_s": 0.3, "request_s": 0.1,
    "prefill_s": 1.0, "prefill_layer_s": 0.3, "prefill_moe_s": 0.3, "late_steps": 0.3,
    "intake_s": 0.3, "token_s": 0.3, "stream_s": 0.3,
    "lockstep": 0.3, "start_scale": 1.0, "moe_scale": 2.0,
    "comm_scale": 1.0, "moe_prefill_scale": 1.0, "prefill_scale": 1.0, "attention_scale": 2.0,
    "gemm_scale": 2.0,
}  # fmt: skip
"""Fitted parameter -> how firmly it is held to the profile it starts from."""

LIMITS: Mapping[str, tuple[float, float]] = {
    "step_s": (1e-4, 3e-2), "sequence_s": (5e-7, 5e-4), "layer_s": (1e-6, 3e-4),
    "passes": (3.0, 100.0),
    "moe_s": (1e-6, 4e-4), "request_s": (1e-3, 0.4), "prefill_s": (1e-4, 0.1),
    "prefill_layer_s": (1e-5, 2e-3), "prefill_moe_s": (1e-6, 4e-3), "late_steps": (0.02, 6.0),
    "token_s": (1e-8, 1e-4), "stream_s": (1e-6, 2e-4),
    "lockstep": (0.02, 1.0), "start_scale": (0.25, 2.0),
    "intake_s": (1e-5, 3e-2), "moe_scale": (0.5, 3.0), "comm_scale": (0.3, 3.0),
    "moe_prefill_scale": (0.5, 5.0), "prefill_scale": (0.4, 3.0),
    "attention_scale": (0.4, 3.0), "gemm_scale": (0.5, 2.5),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """A fitted profile and its errors on the rows it was fitted to."""

    profile: EngineProfile
    rows: int
    before: Mapping[str, float]
    """Quantity -> median absolute error with the profile it started from."""
    after: Mapping[str, float]


def calibrate_engine(
    cases: Sequence[Case], base: EngineProfile | None = None, rounds: int = 10
) -> Calibration:
    """Fit the profile of the cases' engine; a few settings of latency and throughput suffice."""
    if len(cases) < 3:
        raise InputError(
            f"calibrate needs at least 3 rows that can be predicted, not {len(cases)}; "
            "give TTFT and TPOT at two or more concurrencies"
        )
    engines = sorted({case.engine for case in cases})
    if len(engines) > 1:
        raise InputError(
            f"calibrate fits one engine version, but the rows name {', '.join(engines)}; "
            "split the file"
        )
    start = base or engine_profile(engines[0])
    prior = {
        key: min(max(getattr(start, key), LIMITS[key][0]), LIMITS[key][1]) for key in STIFFNESS
    }
    values = fit_logs(
        lambda trial: _errors(cases, replace(start, **trial)), prior,
        pull=STIFFNESS, limits=LIMITS, rounds=rounds, uses=2,
    )  # fmt: skip
    rounded = {key: float(f"{value:.4g}") for key, value in values.items()}
    fitted = {"rows": len(cases), "from": start.name}
    profile = replace(start, **rounded, fitted=fitted, corrections={})
    profile = replace(profile, corrections=_corrections(cases, profile))
    return Calibration(
        profile=profile,
        rows=len(cases),
        before=medians(cases, start),
        after=medians(cases, profile),
    )


def _corrections(cases: Sequence[Case], profile: EngineProfile) -> dict[str, object]:
    """What the profile's parameters leave of the errors of TTFT and TPOT."""
    found: dict[str, tuple[list[list[float]], list[float]]] = {}
    for case, error in zip(cases, _errors(cases, profile), strict=True):
        kind = kind_of(case)
        if kind in ("ttft", "tpot"):
            places, errors = found.setdefault(kind, ([], []))
            places.append(place(load_of(case), case.layout.chips))
            errors.append(error)
    return {kind: fit_errors(*pair) for kind, pair in found.items()}


def _errors(cases: Sequence[Case], profile: EngineProfile) -> list[float]:
    predictor = Predictor(profile_of=lambda name: profile)
    return [math.log(predictor(case) / case.value) for case in cases]


def medians(cases: Sequence[Case], profile: EngineProfile) -> dict[str, float]:
    """Quantity -> median absolute relative error under a profile."""
    found: dict[str, list[float]] = {}
    for case, error in zip(cases, _errors(cases, profile), strict=True):
        found.setdefault(case.quantity, []).append(abs(math.expm1(error)))
    return {name: sorted(values)[len(values) // 2] for name, values in found.items()}
