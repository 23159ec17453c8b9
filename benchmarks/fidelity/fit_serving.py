"""Fit engine profiles and chip efficiencies on the fitting half of the serving rows.

    nice python -m benchmarks.fidelity.fit_serving [CHECKPOINT.json]

Writes ``warpfive/catalog/engines.json`` and ``warpfive/perf/efficiency.json``; run ``fit_bands``
and ``report`` after it. Everything starts from the constants in this file and from the chips'
kernels, so the same rows and the same model always give the same constants. With a checkpoint every
part is stored as it is done, and a second call goes on behind the last. One process, two minutes
on a quiet core. How firmly parameters are held was chosen by ``cross_validate``.
"""

import json
import math
import sys
import time
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import ClassVar

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
from warpfive.perf.ledger import ledger
from warpfive.perf.serve import Followed
from warpfive.perf.solve import fit_logs

ROOT = Path(warpfive.__file__).parent
HABITS: Mapping[str, Mapping[str, object]] = {
    "vllm": {"small_chunk_tokens": 2048, "small_slots": 256},
    "vllm-ascend": {
        "chunk_tokens": 2048, "slots": 256, "launch_s": 6e-4, "moe_launch_s": 6e-4,
    },
    "trtllm": {"reserve": 1.0},
    "sglang": {"mixed": False, "lockstep": 1.0, "memory_rule": "sglang"},
    "sglang-npu": {"mixed": False, "lockstep": 1.0},
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
lockstep, so its share starts at 1. ``transformers`` launches kernels one by one, keeps its KV cache
by copying it every step, and computes experts in a loop over all of them (eleven launches each in
``Qwen3MoeSparseMoeBlock`` of 4.51).
"""
VERSION_HABITS: Mapping[str, Mapping[str, object]] = {
    "sglang-wide-ep": {"dispatch": "alltoall", "overlap": 0.5, "chunk_tokens": 16384},
    "vllm-ascend-0.20.2rc1": {
        "launch_s": 2.9e-4, "moe_launch_s": 2.9e-4, "prefill_moe_s": 5.8e-3,
        "chunk_tokens": 8192, "slots": 12,
    },
}  # fmt: skip
"""What is known of one version beside its family.

SGLang's experts over many nodes are exchanged by DeepEP behind a second batch. vllm-ascend replays
captured pieces of a step and launches attention between them. Its documentation (tutorial
Hy3-preview, July 2026) has another model on the node and in the layout of its Kimi-K2 runs, 80
layers, one draft a step: 30.1 ms a token and 0.48 s to the first token of a prompt of 1,024. At 1.7
tokens a step that is 51 ms, 0.58 a layer with the draft's, and 5.8 ms a layer of the prompt. Limits
are those that its tutorial Kimi-K2-Thinking starts the server with.
"""
START = {
    "step_s": 2e-3, "sequence_s": 1e-5, "layer_s": 1.2e-5, "passes": 12.0,
    "moe_s": 1e-5, "request_s": 1e-2,
    "prefill_s": 2e-3, "prefill_layer_s": 1e-4, "prefill_moe_s": 1e-4, "late_steps": 0.5,
    "intake_s": 1e-3, "moe_scale": 1.0, "moe_prefill_scale": 1.3,
    "comm_scale": 1.0, "prefill_scale": 1.0, "attention_scale": 1.0, "gemm_scale": 1.0,
    "token_s": 1e-6, "stream_s": 2e-5, "lockstep": 0.1, "start_scale": 0.8,
}  # fmt: skip
EAGER = {
    "step_s": 0.6, "launch_s": 0.1, "quantised_s": 0.1, "context_scale": 0.1,
    "packed_context_scale": 0.1, "attention_scale": 5.0, "gemm_scale": 5.0, "prefill_scale": 2.0,
}  # fmt: skip
"""Parameters of an engine that launches kernels one by one, and how firmly they are held."""
FURTHER = {"vllm-ascend": {"launch_s": 0.1, "moe_launch_s": 0.1}}
"""Parameters that only one family has, beside those of ``STIFFNESS``."""
GROUPED = ("vllm", "sglang", "trtllm")
"""Families that enough groups measured for leaving out each in turn."""
FAMILY_PULL, LOOSE_PULL, VERSION_PULL = 3.0, 0.2, 30.0
"""How firmly a family of many groups is held to ``START``, and a version to its family.

All multiply ``STIFFNESS``; the second is a family's in ``LOOSE``. A version is mostly measured with
one model, and what is peculiar to that model does not carry to others: only in ``OF_STEPS`` is it
held no firmer than a family.
"""
OF_STEPS = ("step_s", "sequence_s", "layer_s", "passes", "moe_s", "start_scale")
"""What a version's own code costs in every step, whatever the model."""
LOOSE = (
    "prefill_s", "prefill_layer_s", "prefill_moe_s", "moe_prefill_scale",
    "request_s", "late_steps", "intake_s", "stream_s", "lockstep", "token_s",
)  # fmt: skip
"""What an engine's host, its front end and its clients cost: no kernel tells of it.

``prefill_scale`` is not among them: how fast a prompt's operators run is for kernels to tell.
"""
STIFFNESS = {
    "step_s": 0.6, "sequence_s": 0.6, "layer_s": 0.6, "passes": 0.5,
    "moe_s": 0.2, "request_s": 0.6,
    "prefill_s": 6.0, "prefill_layer_s": 1.0, "prefill_moe_s": 0.6, "late_steps": 0.6,
    "intake_s": 1.0, "moe_scale": 10.0,
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
    "prefill_moe_s",
    "late_steps",
    "request_s",
    "intake_s",
    "stream_s",
    "lockstep",
)
"""All that rows of models with experts may set of a version; the rest stays the family's.

Such rows cannot tell an engine's general costs of a step from those of its experts.
"""
OF_EXPERTS = (
    "moe_s", "moe_scale", "moe_prefill_scale", "moe_launch_s", "prefill_moe_s", "expert_s",
)  # fmt: skip
"""Parameters that say nothing of dense models."""
SILICON = {"a100": "a100", "h20": "h20", "gb200": "blackwell", "b200": "blackwell"}
"""Chips with efficiencies that no kernel measurements give, but serving rows do."""
CHIP_PARAMETERS = {
    "h20": ("stream_4bit",),
    "blackwell": (
        "gemm_8bit",
        "stream",
        "grouped",
        "grouped_stream",
        "attention_stream",
        "gqa_decode",
        "attention",
    ),  # fmt: skip
    "a100": ("gemm", "stream", "grouped", "grouped_stream", "attention_stream", "attention"),
}
LIMITS = {
    "step_s": (1e-4, 3e-2), "sequence_s": (5e-7, 5e-4), "layer_s": (1e-6, 3e-4),
    "passes": (3.0, 100.0),
    "moe_s": (1e-6, 4e-4), "request_s": (1e-3, 0.2), "prefill_s": (1e-4, 2e-2),
    "prefill_layer_s": (1e-5, 1e-3), "prefill_moe_s": (1e-6, 4e-3), "late_steps": (0.02, 4.0),
    "moe_launch_s": (1e-5, 3e-3),
    "token_s": (1e-8, 2e-5), "stream_s": (1e-6, 1e-4), "lockstep": (0.02, 1.0),
    "start_scale": (0.25, 1.5), "launch_s": (1e-5, 3e-3), "quantised_s": (1e-5, 1e-3),
    "stream_4bit": (0.1, 0.95), "context_scale": (1.0, 300.0),
    "packed_context_scale": (1.0, 300.0),
    "intake_s": (1e-5, 2e-2), "moe_scale": (0.7, 2.5), "moe_prefill_scale": (0.7, 4.0),
    "comm_scale": (0.4, 2.0), "prefill_scale": (0.7, 2.2), "attention_scale": (0.7, 1.8),
    "gemm_scale": (0.8, 1.6), "stream": (0.4, 0.95), "grouped_stream": (0.3, 0.95),
    "attention_stream": (0.4, 0.97), "allreduce_s": (2e-6, 3e-5), "gemm": (0.4, 0.95),
    "gemm_8bit": (0.4, 0.95), "grouped": (0.25, 0.95), "attention": (0.2, 0.95),
    "gqa_decode": (0.1, 0.95),
}  # fmt: skip
TURNS = 2
"""Times every family is fitted, each time from where the last left it."""
ALONE = 4
"""Users up to whom the spread of their prompts' lengths does not matter."""
SETTINGS_A_GROUP = 10
QUEUES_A_GROUP = 4
"""Settings of a group where everything is queued at once: they take longest to follow."""


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
            **START, **HABITS[own], **self.families.get(own, {}), **VERSION_HABITS.get(name, {}),
            **self.versions.get(name, {}),
        }  # fmt: skip
        return EngineProfile(name=name, **values)  # type: ignore[arg-type]

    def fit(self, spec: ChipSpec) -> Efficiency:
        """Efficiencies of a chip under these constants: its kernels' where nothing is fitted."""
        name = SILICON.get(spec.name, "")
        unknown = {key: getattr(Efficiency(), key) for key in CHIP_PARAMETERS.get(name, ())}
        return replace(efficiency(spec), **{**unknown, **self.chips.get(name, {})})


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
    """Leave out what tells nothing of the constants.

    That is repeated rates of one run, queues of prompts whose lengths are not known, and users for
    whom the KV cache has no room: what an engine then does (drop a request's cache, compute it
    again) is not followed.
    """
    if case.requests > 3000 or (case.spread < 0 and case.concurrency > ALONE):
        return False
    if case.requests > case.concurrency and _crowded(case):
        return False
    repeated = case.quantity in ("total_rate", "request_rate")
    return not (repeated and case.source.startswith(("GPUStack", "SGLang")))


def _crowded(case: Case) -> bool:
    step = Predictor().table(case, case.layout).step
    longest = case.input_tokens + case.output_tokens
    try:
        return ledger(step).kv_tokens < case.concurrency * longest
    except InputError:
        return True


def _thinned(cases: list[Case]) -> list[Case]:
    settings: OrderedDict[object, list[Case]] = OrderedDict()
    for case in cases:
        settings.setdefault(case.setting, []).append(case)
    names = list(settings)
    queued = sum(case.requests >= case.concurrency for case in cases) > len(cases) / 2
    count = min(QUEUES_A_GROUP if queued else SETTINGS_A_GROUP, len(names))
    gap = (len(names) - 1) / max(1, count - 1)
    return [case for i in range(count) for case in settings[names[round(i * gap)]]]


FRONT_END = {"request_s": 0.0, "late_steps": 0.0, "stream_s": 0.0, "lockstep": 0.0}
"""Parameters that a load is followed without."""


class Trial(Predictor):
    """Predictions under trial constants; loads that were followed before are not followed again."""

    known: ClassVar[dict[tuple[object, ...], Followed]] = {}

    def followed(self, case: Case) -> Followed:
        """The case's load, by the constants that bear on it: most trials change few."""
        profile = replace(self.profile_of(case.engine), **FRONT_END)  # type: ignore[arg-type]
        if not model(case.model).is_moe:
            profile = replace(profile, **dict.fromkeys(OF_EXPERTS, 0.0))  # type: ignore[arg-type]
        if case.layout.chips == 1:
            profile = replace(profile, comm_scale=1.0)
        key = (case.setting, profile, self.fit_of(chip(case.chip)))
        if key not in self.known:
            self.known[key] = super().followed(case)
        return self.known[key]


def errors(cases: Iterable[Case], constants: Constants) -> list[float]:
    """Log errors; 0 where the configuration cannot run."""
    trial = Trial(constants.profile, constants.fit)
    found = []
    for case in cases:
        try:
            found.append(math.log(trial(case) / case.value))
        except InputError:
            found.append(0.0)
    return found


def weights(cases: Iterable[Case]) -> list[float]:
    """A group of rows weighs as the root of its size."""
    found = list(cases)
    sizes = Counter(case.group for case in found)
    return [1 / math.sqrt(sizes[case.group]) for case in found]


def _rounded(values: Mapping[str, float]) -> dict[str, float]:
    return {key: float(f"{value:.4g}") for key, value in values.items()}


def family_pull(name: str) -> dict[str, float]:
    """How firmly a family's parameters are held to where they start."""
    if name == "transformers":
        return dict(EAGER)
    if name not in GROUPED:
        return {**STIFFNESS, **FURTHER.get(name, {})}
    return {
        key: value * (LOOSE_PULL if key in LOOSE else FAMILY_PULL)
        for key, value in STIFFNESS.items()
    }


def version_pull() -> dict[str, float]:
    """How firmly a version's parameters are held to its family's."""
    return {
        key: value * (1.0 if key in OF_STEPS else VERSION_PULL) for key, value in STIFFNESS.items()
    }


def fit_family(name: str, cases: list[Case], constants: Constants) -> dict[str, float]:
    """Constants of an engine family over all its versions, from where they are."""
    stiffness = family_pull(name)
    known = {**START, **HABITS[name]}
    prior = {key: float(known[key]) for key in stiffness}  # type: ignore[arg-type]

    def residuals(trial: dict[str, float]) -> list[float]:
        return errors(cases, Constants({name: trial}, {}, constants.chips))

    return _rounded(
        fit_logs(
            residuals, prior, pull=stiffness, limits=LIMITS, rounds=4, uses=2,
            weights=weights(cases), begin=constants.families.get(name),
        )
    )  # fmt: skip


def free_keys(cases: Iterable[Case]) -> tuple[str, ...]:
    """Parameters that a version's rows may set."""
    return EXPERT_PARAMETERS if all(model(case.model).is_moe for case in cases) else tuple(START)


def fit_version(name: str, cases: list[Case], constants: Constants) -> dict[str, float]:
    """Constants of one version, pulled towards its family's."""
    profile = constants.profile(name)
    keys = free_keys(cases)
    prior = {key: max(getattr(profile, key), LIMITS[key][0]) for key in keys}

    def residuals(trial: dict[str, float]) -> list[float]:
        return errors(cases, Constants(constants.families, {name: trial}, constants.chips))

    return _rounded(
        fit_logs(
            residuals, prior, pull=version_pull(), limits=LIMITS, rounds=4, uses=4,
            weights=weights(cases),
        )
    )  # fmt: skip


def fit_chip(name: str, cases: list[Case], constants: Constants) -> dict[str, float]:
    """Efficiencies of one chip over all engines, pulled towards its kernels'."""
    start = constants.fit(chip(next(key for key, cores in SILICON.items() if cores == name)))
    prior = {key: getattr(start, key) for key in CHIP_PARAMETERS[name]}
    families = constants.families

    def residuals(trial: dict[str, float]) -> list[float]:
        return errors(cases, Constants(families, {}, {**constants.chips, name: trial}))

    return _rounded(
        fit_logs(
            residuals, prior, pull=0.3, limits=LIMITS, rounds=4, uses=2, weights=weights(cases)
        )
    )


class Progress:
    """What has been fitted, stored part by part."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.parts: dict[str, dict[str, float]] = {}
        if path and path.exists():
            self.parts = json.loads(path.read_text(encoding="utf-8"))

    def do(self, part: str, fit: Callable[[], dict[str, float]]) -> dict[str, float]:
        """The part's constants, fitted unless they are stored."""
        if part not in self.parts:
            started = time.monotonic()
            self.parts[part] = fit()
            Trial.known.clear()
            print(f"{part}: {time.monotonic() - started:.0f} s {self.parts[part]}", flush=True)
            if self.path:
                self.path.write_text(json.dumps(self.parts, indent=1), encoding="utf-8")
        return self.parts[part]


def fit_all(cases: list[Case], progress: Progress) -> Constants:
    """Chips and families in turn, then versions."""
    constants = Constants()
    families, versions, chips = (defaultdict(list) for _ in range(3))
    for case in cases:
        families[family(case.engine)].append(case)
        if family(case.engine) != case.engine and family(case.engine) != "transformers":
            versions[case.engine].append(case)
        if case.chip in SILICON and _tells(case):
            chips[SILICON[case.chip]].append(case)
    for turn in range(TURNS):
        constants.families = {
            name: progress.do(f"{turn} {name}", partial(fit_family, name, found, constants))
            for name, found in families.items()
        }
        if turn + 1 < TURNS:
            constants.chips = {
                name: progress.do(f"{turn} {name}", partial(fit_chip, name, found, constants))
                for name, found in chips.items()
            }
    constants.versions = {
        name: progress.do(name, partial(fit_version, name, found, constants))
        for name, found in versions.items()
    }
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
    for name in sorted({*VERSION_HABITS, *(case.engine for case in cases)} - set(engines)):
        own = family(name)
        values = {
            **HABITS[own], **constants.families.get(own, {}), **VERSION_HABITS.get(name, {}),
            **constants.versions.get(name, {}),
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
    constants = fit_all(cases, Progress(Path(sys.argv[1]) if len(sys.argv) > 1 else None))
    write_engines(constants, cases)
    write_chips(constants)


if __name__ == "__main__":
    main()
