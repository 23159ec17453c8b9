"""Fit engine profiles and chip efficiencies on the fitting half of the serving rows.

    python -m benchmarks.fidelity.fit_serving           # everything
    python -m benchmarks.fidelity.fit_serving '{"chips": {...}, "families": {...}}'   # go on from

Writes ``warpfive/catalog/engines.json`` and ``warpfive/perf/efficiency.json``; run
``fit_bands`` after it. Takes about a quarter of an hour on two cores.
"""

import json
import math
import sys
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from multiprocessing import Pool
from pathlib import Path

import warpfive
from warpfive.catalog import ChipSpec, EngineProfile, chip, model
from warpfive.errors import InputError
from warpfive.perf import (
    SHIPPED,
    Case,
    Efficiency,
    Predictor,
    efficiency,
    held_out,
    read_case,
    read_rows,
)
from warpfive.perf.solve import fit_logs

ROOT = Path(warpfive.__file__).parent
HABITS: Mapping[str, Mapping[str, object]] = {
    "vllm": {"small_chunk_tokens": 2048, "small_slots": 256},
    "vllm-ascend": {"chunk_tokens": 2048, "slots": 256}, "trtllm": {"reserve": 1.0},
    "sglang": {"mixed": False, "lockstep": 1.0}, "sglang-npu": {"mixed": False, "lockstep": 1.0},
    "transformers": {
        "step_s": 1e-3, "layer_s": 1e-5, "launch_s": 6e-4, "quantised_s": 1e-4, "expert_s": 1e-4,
        "context_scale": 20.0, "packed_context_scale": 5.0, "lockstep": 1.0,
    },
    "deepseek": {
        "mixed": False, "lockstep": 1.0, "dispatch": "alltoall", "chunk_tokens": 16384,
        "overlap": 0.5,
    },
    "cloudmatrix": {
        "mixed": False, "lockstep": 1.0, "dispatch": "alltoall", "chunk_tokens": 16384,
        "overlap": 0.5,
    },
}  # fmt: skip
"""What is known of an engine family without fitting.

An engine that computes every waiting prompt before it decodes again keeps equal requests in
lockstep by construction; only a version's own rows may say otherwise. ``transformers`` launches
kernels one by one, keeps its KV cache by copying it every step, and computes experts in a loop over
all of them (eleven launches each in ``Qwen3MoeSparseMoeBlock`` of 4.51).
"""
START = {
    "step_s": 2e-3, "sequence_s": 1e-5, "layer_s": 1.2e-5, "moe_s": 1e-5, "request_s": 1e-2,
    "prefill_s": 2e-3, "prefill_layer_s": 1e-4,
    "intake_s": 1e-3, "moe_scale": 1.0, "moe_prefill_scale": 1.3,
    "comm_scale": 1.0, "prefill_scale": 1.0, "attention_scale": 1.0, "gemm_scale": 1.0,
    "token_s": 1e-6, "stream_s": 2e-5, "lockstep": 0.1, "start_scale": 0.8,
}  # fmt: skip
EAGER = {
    "step_s": 0.6, "launch_s": 0.1, "quantised_s": 0.1, "context_scale": 0.1,
    "packed_context_scale": 0.1, "attention_scale": 5.0, "gemm_scale": 5.0, "prefill_scale": 2.0,
}  # fmt: skip
"""Parameters of engines that launch kernels one by one, and how firmly they are held."""
STIFFNESS = {
    "step_s": 0.6, "sequence_s": 0.6, "layer_s": 0.6, "moe_s": 0.2, "request_s": 0.6,
    "prefill_s": 6.0, "prefill_layer_s": 1.0, "intake_s": 1.0, "moe_scale": 10.0,
    "moe_prefill_scale": 2.0, "comm_scale": 10.0, "prefill_scale": 20.0, "attention_scale": 20.0,
    "gemm_scale": 20.0, "token_s": 1.0, "stream_s": 0.5,
    "lockstep": 1.0, "start_scale": 2.0,
}  # fmt: skip
"""How firmly a parameter is held to where it starts: groups are few, so firmly."""
EXPERT_PARAMETERS = (
    "moe_s",
    "moe_scale",
    "moe_prefill_scale",
    "comm_scale",
    "request_s",
    "intake_s",
    "stream_s",
    "lockstep",
)
"""All that rows of models with experts may set of a version; the rest stays the family's.

Such rows cannot tell an engine's general costs of a step from those of its experts.
"""
SILICON = {"a100": "a100", "h20": "h20"}
"""Chips with efficiencies that no kernel measurements give, but serving rows do."""
CHIP_PARAMETERS = {
    "h20": ("stream_4bit",),
    "a100": ("gemm", "stream", "grouped", "grouped_stream", "attention_stream", "attention"),
}
LIMITS = {
    "step_s": (1e-4, 3e-2), "sequence_s": (5e-7, 5e-4), "layer_s": (1e-6, 3e-4),
    "moe_s": (1e-6, 4e-4), "request_s": (1e-3, 0.2), "prefill_s": (1e-4, 2e-2),
    "prefill_layer_s": (1e-5, 1e-3),
    "token_s": (1e-8, 2e-5), "stream_s": (1e-6, 1e-4), "lockstep": (0.02, 1.0),
    "start_scale": (0.25, 1.5), "launch_s": (1e-5, 3e-3), "quantised_s": (1e-5, 1e-3),
    "stream_4bit": (0.1, 0.95), "context_scale": (1.0, 300.0),
    "packed_context_scale": (1.0, 300.0),
    "intake_s": (1e-5, 2e-2), "moe_scale": (0.7, 2.5), "moe_prefill_scale": (0.7, 4.0),
    "comm_scale": (0.4, 2.0), "prefill_scale": (0.7, 2.2), "attention_scale": (0.7, 1.8),
    "gemm_scale": (0.8, 1.6), "stream": (0.4, 0.95), "grouped_stream": (0.3, 0.95),
    "attention_stream": (0.4, 0.97), "allreduce_s": (2e-6, 3e-5), "gemm": (0.4, 0.95),
    "gemm_8bit": (0.4, 0.95), "grouped": (0.25, 0.95), "attention": (0.2, 0.95),
}  # fmt: skip
TURNS = 3
"""Times every family is fitted, each time pulled towards where the last left it."""
SETTINGS_A_GROUP = 20
BURSTS_A_GROUP = 3


@dataclass
class Constants:
    """What has been fitted so far."""

    families: dict[str, dict[str, float]] = field(default_factory=dict)
    versions: dict[str, dict[str, float]] = field(default_factory=dict)
    chips: dict[str, dict[str, float]] = field(default_factory=dict)

    def profile(self, name: str) -> EngineProfile:
        """Profile of an engine version under these constants."""
        own = family(name)
        values = {
            **START, **HABITS[own], **self.families.get(own, {}), **self.versions.get(name, {}),
        }  # fmt: skip
        return EngineProfile(name=name, **values)  # type: ignore[arg-type]

    def fit(self, spec: ChipSpec) -> Efficiency:
        """Efficiencies of a chip under these constants."""
        return replace(efficiency(spec), **self.chips.get(SILICON.get(spec.name, ""), {}))


def family(engine: str) -> str:
    """``vllm`` of ``vllm-0.12.0``."""
    for name in ("vllm-ascend", "sglang-npu"):
        if engine.startswith(name):
            return name
    return engine.split("-")[0]


def fitting_cases() -> list[Case]:
    """A bounded number of settings of every group in the fitting half."""
    groups: dict[str, list[Case]] = defaultdict(list)
    for row in read_rows(SHIPPED):
        case = read_case(row)
        if isinstance(case, Case) and not held_out(case) and _useful(case):
            groups[case.group].append(case)
    return [case for name in sorted(groups) for case in _thinned(groups[name])]


def _useful(case: Case) -> bool:
    """Leave out repeated rates of one run, and runs whose prompt lengths are not known."""
    if case.spread < 0 or (case.requests == 1024 and int(case.id[1:]) % 5):
        return False
    repeated = case.quantity in ("total_rate", "request_rate")
    return not (repeated and case.source.startswith(("GPUStack", "SGLang")))


def _thinned(cases: list[Case]) -> list[Case]:
    settings: OrderedDict[object, list[Case]] = OrderedDict()
    for case in cases:
        settings.setdefault(case.setting, []).append(case)
    names = list(settings)
    most = BURSTS_A_GROUP if cases[0].source.startswith("GPUStack") else SETTINGS_A_GROUP
    count = min(most, len(names))
    return [case for i in range(count) for case in settings[names[int(i * len(names) / count)]]]


def errors(cases: Iterable[Case], constants: Constants) -> list[float]:
    """Log errors; 0 where the configuration cannot run."""
    predictor = Predictor(constants.profile, constants.fit)
    found = []
    for case in cases:
        try:
            found.append(math.log(predictor(case) / case.value))
        except InputError:
            found.append(0.0)
    return found


def _rounded(values: Mapping[str, float]) -> dict[str, float]:
    return {key: float(f"{value:.4g}") for key, value in values.items()}


def fit_family(job: tuple[str, list[Case], Constants]) -> tuple[str, dict[str, float]]:
    """Constants of an engine family over all its versions."""
    name, cases, constants = job
    stiffness = EAGER if "launch_s" in HABITS[name] else STIFFNESS
    known = {**START, **HABITS[name], **constants.families.get(name, {})}
    prior = {
        key: float(known[key]) for key in stiffness if key != "lockstep" or key not in HABITS[name]
    }  # type: ignore[arg-type]

    def residuals(trial: dict[str, float]) -> list[float]:
        families = {**constants.families, name: trial}
        return errors(cases, Constants(families, {}, constants.chips))

    values = fit_logs(residuals, prior, pull=stiffness, limits=LIMITS, rounds=4)
    return name, _rounded(values)


def fit_version(job: tuple[str, list[Case], Constants]) -> tuple[str, dict[str, float]]:
    """Constants of one version, pulled towards its family's."""
    name, cases, constants = job
    profile = constants.profile(name)
    experts_only = all(model(case.model).is_moe for case in cases)
    keys = EXPERT_PARAMETERS if experts_only else tuple(START)
    prior = {key: max(getattr(profile, key), LIMITS[key][0]) for key in keys}

    def residuals(trial: dict[str, float]) -> list[float]:
        return errors(cases, Constants(constants.families, {name: trial}, constants.chips))

    values = fit_logs(residuals, prior, pull=STIFFNESS, limits=LIMITS, rounds=3)
    return name, _rounded(values)


def fit_chip(job: tuple[str, list[Case], Constants]) -> tuple[str, dict[str, float]]:
    """Efficiencies of one chip over all engines, pulled towards its kernels'."""
    name, cases, constants = job
    start = constants.fit(chip(next(key for key, cores in SILICON.items() if cores == name)))
    prior = {key: getattr(start, key) for key in CHIP_PARAMETERS[name]}

    def residuals(trial: dict[str, float]) -> list[float]:
        chips = {**constants.chips, name: trial}
        return errors(cases, Constants(constants.families, constants.versions, chips))

    values = fit_logs(residuals, prior, pull=0.3, limits=LIMITS, rounds=4)
    return name, _rounded(values)


def fit_all(cases: list[Case], rounds: int, constants: Constants) -> Constants:
    """Families and chips in turn, then versions, from where ``constants`` are."""
    families, versions, chips = (defaultdict(list) for _ in range(3))
    for case in cases:
        families[family(case.engine)].append(case)
        if family(case.engine) != case.engine and family(case.engine) != "transformers":
            versions[case.engine].append(case)
        if case.chip in SILICON and _tells(case):
            chips[SILICON[case.chip]].append(case)
    for turn in range(rounds):
        with Pool(2) as pool:
            jobs = [(name, found, constants) for name, found in families.items()]
            jobs.sort(key=lambda job: -len(job[1]))
            constants.families = dict(pool.map(fit_family, jobs, chunksize=1))
            print(json.dumps(constants.families), flush=True)
            if turn + 1 == rounds:
                jobs = [(name, found, constants) for name, found in versions.items()]
                constants.versions = dict(pool.map(fit_version, jobs, chunksize=1))
                print(json.dumps(constants.versions), flush=True)
            else:
                jobs = [
                    (name, found if len(found) < 60 else found[::2], constants)
                    for name, found in chips.items()
                ]  # fmt: skip
                constants.chips |= dict(pool.map(fit_chip, jobs, chunksize=1))
                print(json.dumps(constants.chips), flush=True)
    return constants


def _tells(case: Case) -> bool:
    """Whether a case says anything of the efficiencies that its chip's kernels leave open."""
    return case.dtype == "int4" or CHIP_PARAMETERS[SILICON[case.chip]] != ("stream_4bit",)


def write_engines(constants: Constants, cases: list[Case]) -> None:
    """Store the profiles: one a family, one a version."""
    engines: dict[str, dict[str, object]] = {}
    for name in HABITS:
        values = {**HABITS[name], **constants.families.get(name, {})}
        engines[name] = {
            **values,
            "fitted": _origin(cases, lambda c, n=name: family(c.engine) == n),
        }
    for name in sorted({case.engine for case in cases} - set(engines)):
        own = family(name)
        values = {
            **HABITS[own], **constants.families.get(own, {}), **constants.versions.get(name, {}),
        }  # fmt: skip
        engines[name] = {**values, "fitted": _origin(cases, lambda c, n=name: c.engine == n)}
    data = {
        "default": "vllm",
        "aliases": {"trt-llm": "trtllm", "warpfive": "vllm", "cloudmatrix-infer": "cloudmatrix"},
        "engines": engines,
    }
    path = ROOT / "catalog" / "engines.json"
    path.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


def _origin(cases: list[Case], chosen: object) -> dict[str, object]:
    found = [case for case in cases if chosen(case)]  # type: ignore[operator]
    return {"rows": len(found), "groups": sorted({case.group for case in found})}


def write_chips(constants: Constants) -> None:
    """Store the chips' efficiencies over those of their kernels."""
    path = ROOT / "perf" / "efficiency.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    for name, values in constants.chips.items():
        data["chips"][name] = {**data["chips"].get(name, {}), **values}
    path.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Fit and store everything."""
    cases = fitting_cases()
    known = json.loads(sys.argv[1]) if len(sys.argv) > 1 else {}
    start = Constants(families=known.get("families", {}), chips=known.get("chips", {}))
    constants = fit_all(cases, 1 if known else TURNS, start)
    write_engines(constants, cases)
    write_chips(constants)
    print(json.dumps(asdict(constants), indent=1))


if __name__ == "__main__":
    main()
