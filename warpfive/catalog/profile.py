"""Engine profiles: what a serving engine's version costs beside the chip."""

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

from warpfive.catalog.chip import ChipSpec
from warpfive.catalog.names import nearest
from warpfive.errors import InputError

PROFILES = Path(__file__).parent / "engines.json"
LOCKSTEP = 0.1
"""``lockstep`` where nothing else is known."""
MIXING_LOCKSTEP = 0.035
"""``lockstep`` of engines that put prompts and decodes in one step.

Between those that the fitting half's rows give vLLM (0.06) and TensorRT-LLM (0.02).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineProfile:
    """Costs and habits of one engine version; times in seconds, scales as multiples of 1."""

    name: str
    step_s: float = 2.0e-3
    """Host time of one decode step that the chip does not hide."""
    sequence_s: float = 10e-6
    """Host time each sequence of the batch adds to a step."""
    layer_s: float = 12e-6
    """Small kernels and gaps of one layer on one step."""
    passes: float = 12.0
    """Times that a layer's small kernels go over its activations."""
    moe_s: float = 0.0
    """Routing, sorting and gaps of one layer of experts on one step."""
    launch_s: float = 0.0
    """Host time to launch one layer of a decode step, which overlaps with the chip's work.

    0 where steps are captured graphs.
    """
    quantised_s: float = 0.0
    """Host time that a product with 8-bit weights launches beyond a 16-bit one."""
    expert_s: float = 0.0
    """Host time of each expert of a layer, where a loop computes them one after the other."""
    context_scale: float = 1.0
    """Time of decode attention over the context, beside ``attention_scale``.

    Far above 1 where the KV cache is copied in every step.
    """
    packed_context_scale: float = 0.0
    """``context_scale`` with int4 and int8 checkpoints; 0: no other."""
    moe_launch_s: float = 0.0
    """The same for the further kernels of a layer of experts."""
    start_scale: float = 1.0
    """Fixed times of kernels and collectives against those measured one by one."""
    intake_s: float = 1e-3
    """Time the front end takes for each request, one after the other."""
    request_s: float = 10e-3
    """Time of a request outside the steps: parsing, tokenising, queueing, streaming."""
    prefill_s: float = 2e-3
    """Host time of one prefill step that the chip does not hide."""
    prefill_layer_s: float = 1e-4
    """Host time to launch one layer of a prefill step; it overlaps with the chip's work."""
    prefill_moe_s: float = 0.0
    """The same for the further kernels of a layer of experts."""
    late_steps: float = 0.0
    """Decode steps a request waits on its way in and out, where the engine plans ahead."""
    token_s: float = 0.0
    """Host time each prompt token costs."""
    stream_s: float = 0.0
    """Time the front end takes to deliver one output token, one after the other."""
    gemm_scale: float = 1.0
    """Time of matrix products against the chip's fitted kernels."""
    attention_scale: float = 1.0
    moe_scale: float = 1.0
    moe_prefill_scale: float = 1.0
    """Further time of a prefill step of a model with experts: gathering, sorting, padding."""
    comm_scale: float = 1.0
    prefill_scale: float = 1.0
    """Time of a whole prefill step against its operators."""
    chunk_tokens: int = 8192
    """Prompt tokens one step takes at most."""
    mixed: bool = True
    """Whether prefill and decode share a step; if not, prefill goes first."""
    slots: int = 1024
    """Sequences in flight at most."""
    small_chunk_tokens: int = 0
    """``chunk_tokens`` on chips with less than 70 GiB and on A100; 0: no other."""
    small_slots: int = 0
    reserve: float = 0.5
    """Share of its output a request must find room for when it is admitted."""
    lockstep: float = LOCKSTEP
    """Share of equal requests of a closed loop that stay together as they were first sent."""
    memory_fraction: float = 0.9
    """Share of device memory the engine takes."""
    memory_rule: str = ""
    """``sglang``: the engine itself chooses what it leaves free, see ``perf/ledger.py``."""
    dispatch: str = "allgather"
    """How experts on other chips are reached: ``allgather`` or ``alltoall``."""
    overlap: float = 0.0
    """Share of expert exchange hidden behind computing (two-batch overlap)."""
    corrections: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """What is left of the errors at the settings a calibration measured, by ``ttft``, ``tpot``."""
    fitted: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """Where the numbers come from: rows, groups, date."""

    def mixing(self) -> "EngineProfile":
        """The profile of a server told to put prompts and decodes in one step."""
        return self if self.mixed else replace(self, mixed=True, lockstep=MIXING_LOCKSTEP)

    def on(self, chip: ChipSpec) -> "EngineProfile":
        """The profile with the limits that the engine itself chooses on this chip.

        The rule is vLLM's (``EngineArgs.get_batch_defaults``).
        """
        small = chip.memory.capacity_bytes < 70 * 2**30 or "a100" in chip.name
        if not small or not self.small_chunk_tokens:
            return self
        return replace(
            self, chunk_tokens=self.small_chunk_tokens, slots=self.small_slots or self.slots,
            small_chunk_tokens=0,
        )  # fmt: skip


@functools.cache
def _data() -> dict[str, Any]:
    return json.loads(PROFILES.read_text(encoding="utf-8"))


def engine_names() -> tuple[str, ...]:
    """Names of the engine profiles shipped."""
    return tuple(_data()["engines"])


def engine_profile(name: str = "") -> EngineProfile:
    """The profile of an engine version, or of the nearest fitted one.

    ``sglang-0.5.9``, ``sglang-0.5`` and ``sglang`` all resolve; a path ending in ``.json`` reads a
    profile that ``warpfive calibrate`` wrote.
    """
    if name.endswith(".json"):
        return _profile_file(Path(name))
    data = _data()
    key = (name or data["default"]).lower().replace(" ", "-").replace("tensorrt-llm", "trtllm")
    key = data["aliases"].get(key, key)
    known = data["engines"]
    if key not in known:
        key = closest(key, tuple(known))
    if not key:
        raise InputError(f"unknown engine {name!r}; {nearest(name, list(known))}")
    return profile_from(known[key], key)


def closest(key: str, known: tuple[str, ...]) -> str:
    """Same engine, longest common version prefix, nearest number; else the family's own profile."""
    family = key.split("-")[0]
    versions = [other for other in known if other.split("-")[0] == family]
    if not versions:
        return ""
    if "-" not in key:
        return family if family in versions else versions[-1]
    shared = [(_common(key, other), -_apart(key, other), other) for other in versions]
    best = max(shared)
    return best[2] if best[0] > len(family) + 1 else (family if family in versions else best[2])


def _apart(key: str, other: str) -> float:
    """How far two numbers lie apart; the newest is nearest where ``key`` leaves it open."""
    one, two = (re.findall(r"\d+", name) for name in (key, other))
    if other.startswith(key):
        one = [*one, *["999"] * (len(two) - len(one))]
    pairs = zip_longest(one, two, fillvalue="0")
    return abs(sum((int(a) - int(b)) / 1000**place for place, (a, b) in enumerate(pairs)))


def _common(left: str, right: str) -> int:
    count = 0
    for one, other in zip(left, right, strict=False):
        if one != other:
            break
        count += 1
    return count


def profile_from(raw: Mapping[str, Any], name: str) -> EngineProfile:
    """A profile from its stored keys; unknown keys are refused."""
    known = {item.name for item in fields(EngineProfile)}
    for key in raw:
        if key not in known:
            raise InputError(
                f"engine profile {name}: unknown key {key!r}; {nearest(key, sorted(known))}"
            )
    return replace(EngineProfile(name=name), **raw)


def _profile_file(path: Path) -> EngineProfile:
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise InputError(f"{path}: not JSON: {error}") from None
    return profile_from(raw, raw.get("name", path.stem))
