"""Chip against chip to system against system: what each step of the whole stack wins back.

Both chips climb the same ladder. The value of a rung is the output tokens per second and chip at
the highest rate whose limits hold, times the share of the provisioned traffic that is used. A step
that has a choice (a layout, a ratio of pools) takes the best by simulation; one that does not pay
is left off, its effect shown. Bands come from replaying both ladders under draws of what the model
does not know (``ladder.Doubt``), the same draw for every rung.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from warpfive.catalog import ChipSpec, ModelSpec, engine_profile
from warpfive.errors import InputError
from warpfive.fleet.assess import assess
from warpfive.fleet.capacity import capacity
from warpfive.fleet.demand import Demand, demand
from warpfive.fleet.instance import Instance
from warpfive.fleet.ladder import POOLED_MODELS, Doubt, System, naive_layouts
from warpfive.fleet.plan import article
from warpfive.fleet.slo import Slo
from warpfive.fleet.space import layouts
from warpfive.fleet.sweep import sweep
from warpfive.fleet.trace import Trace
from warpfive.fleet.workload import Workload
from warpfive.perf import Layout, band

STEPS = (
    ("kernels", "kernels and fusion"),
    ("quantisation", "quantisation"),
    ("batching", "batching and chunked prefill"),
    ("prefix cache", "prefix cache"),
    ("layout", "parallel layout"),
    ("experts", "expert placement"),
    ("topology", "topology-aware collectives, overlap"),
    ("split", "disaggregation"),
    ("mixed pools", "heterogeneous pools"),
    ("speculation", "speculative decoding"),
    ("bare metal", "virtualisation overhead removed"),
    ("pooling", "pooling of models"),
)
"""Key and name of each step, in the order they are taken."""
TRIES = 3
"""Layouts of each step that are simulated, best first by the screen."""
MOST_CHIPS = 32
"""Chips of the largest instance."""
SAMPLE = 1500
"""Requests a rung is judged by."""
PAYS = 1.002
"""A step is kept where it multiplies the value by at least this."""
WIDEST = 64.0
"""How far the limits are widened until naive systems can hold them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One step on one chip."""

    key: str
    name: str
    value: float
    """Output tokens per second and chip with every step so far."""
    gain: float
    """Value over the one before; for a step left off, what it would have been."""
    kept: bool
    detail: str
    """What was chosen."""
    low: float = 0.0
    high: float = 0.0
    """80% band of the gain."""
    value_low: float = 0.0
    value_high: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One chip's ladder; the first rung is the naive system."""

    chip: ChipSpec
    rungs: tuple[Rung, ...]
    systems: tuple[System, ...] = field(repr=False, default=())

    @property
    def naive(self) -> Rung:
        """The first rung."""
        return self.rungs[0]

    @property
    def whole(self) -> Rung:
        """The last rung."""
        return self.rungs[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """One side's value over the other's, with its 80% band."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Both ladders and what they say."""

    model: ModelSpec
    own: Side
    other: Side
    workload: str
    slo: Slo
    widened: float
    """Factor by which the limits were widened so that the naive systems can hold them."""
    draws: int
    chip_to_chip: Ratio
    """Naive against naive."""
    whole_to_naive: Ratio
    """Own whole system against the other chip, naive."""
    whole_to_whole: Ratio
    """System against system."""

    @property
    def basis(self) -> str:
        """What the width of the bands rests on."""
        parts = [
            f"{side.chip.name}: {band('output_rate', side.chip.name).basis}"
            for side in (self.own, self.other)
        ]
        return "; ".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """What every rung is judged by."""

    model: ModelSpec
    need: Demand
    trace: Trace
    slo: Slo

    def value(self, system: System, guess: float) -> tuple[float, float]:
        """Output tokens per second and chip, and the group's rate; 0 where it cannot run."""
        try:
            instance = Instance(self.model, system.setup(system.chip, system.layout),
                                self.need.context)  # fmt: skip
            group = system.group(instance.kv_tokens)
            best = capacity(self.model, self.need, group, self.trace, self.slo,
                            max(guess, 1e-3) * group.chips)  # fmt: skip
        except InputError:
            return 0.0, 0.0
        per_chip = best.rate / group.chips
        tokens = per_chip * self.need.output * system.traffic_share
        return tokens, per_chip


def gap(
    model: ModelSpec,
    chip: ChipSpec,
    other: ChipSpec,
    workload: Workload | Trace,
    slo: Slo,
    *,
    engine: str = "",
    draws: int = 16,
    workers: int = 0,
    ray: str = "",
) -> Gap:
    """Climb the ladder on both chips and compare."""
    if model.kind != "decoder":
        raise InputError(
            f"--model {model.name}: the ladder is for models that generate text; "
            f"this one is {article(model.kind)}"
        )
    trace = workload if isinstance(workload, Trace) else workload.trace(SAMPLE, 1.0)
    trace = trace.head(SAMPLE)
    judge = Judge(model=model, need=demand(trace), trace=trace, slo=slo)
    sides = [(chip, other), (other, chip)]
    starts = [_naive(judge, mine, engine) for mine, _ in sides]
    judge, widened = _widen(judge, starts)
    climbs = sweep(partial(_climb, judge), list(zip(starts, sides, strict=True)),
                   workers=workers, ray=ray)  # fmt: skip
    jobs = [(side, seed) for side in range(2) for seed in range(draws)]
    drawn = sweep(partial(_replay, judge, climbs), jobs, workers=workers, ray=ray)
    values = [np.array(drawn[side * draws : (side + 1) * draws]) for side in range(2)]
    own, theirs = (_banded(climb, table) for climb, table in zip(climbs, values, strict=True))
    width = math.hypot(*(band("output_rate", item.name).half_width for item in (chip, other)))
    width *= float(chip != other)
    return Gap(
        model=model, own=own, other=theirs, workload=trace.name, slo=judge.slo, widened=widened,
        draws=draws,
        chip_to_chip=_ratio(own.naive, theirs.naive, values, (0, 0), width),
        whole_to_naive=_ratio(own.whole, theirs.naive, values, (-1, 0), width),
        whole_to_whole=_ratio(own.whole, theirs.whole, values, (-1, -1), width),
    )  # fmt: skip


# -- start --------------------------------------------------------------------------------


def _naive(judge: Judge, chip: ChipSpec, engine: str) -> System:
    """The naive system on a chip, on the first naive layout that fits."""
    refusal = ""
    for layout in naive_layouts(judge.model, chip):
        system = System(
            chip=chip,
            model=judge.model,
            engine=engine_profile(engine),
            longest=judge.need.longest,
            layout=layout,
        )
        try:
            instance = Instance(judge.model, system.setup(chip, layout), judge.need.context)
        except InputError as error:
            refusal = str(error)
            continue
        if instance.kv_tokens >= judge.need.longest:
            return system
        refusal = f"room for {instance.kv_tokens} tokens of KV cache, {judge.need.longest} needed"
    raise InputError(f"{judge.model.name} on {chip.name}: {refusal}")


def _widen(judge: Judge, starts: Sequence[System]) -> tuple[Judge, float]:
    """The limits, widened until both naive systems hold them at some rate."""
    factor = 1.0
    while factor <= WIDEST:
        limits = {f"{name}_s": value * factor for name, value in judge.slo.limits.items()}
        wider = replace(judge, slo=Slo(**limits, share=judge.slo.share))
        if all(wider.value(start, 0.02)[0] > 0 for start in starts):
            return wider, factor
        factor *= 1.5
    raise InputError(
        f"{judge.slo}: a naive system cannot hold even {WIDEST:g} times these limits; "
        "shorten the requests or choose a smaller model"
    )


# -- climbing -----------------------------------------------------------------------------


def _climb(
    judge: Judge, job: tuple[System, tuple[ChipSpec, ChipSpec]]
) -> tuple[list[Rung], list[System]]:
    """Take every step on one chip; rungs and the system at each."""
    system, (_, other) = job
    value, rate = judge.value(system, 0.02)
    rungs = [Rung(key="naive", name="naive", value=value, gain=1.0, kept=True,
                  detail=str(system.layout))]  # fmt: skip
    systems = [system]
    for key, name in STEPS:
        tries = [(item, *judge.value(item, rate)) for item in options(judge, system, key, other)]
        if not tries:
            rungs.append(Rung(key=key, name=name, value=value, gain=1.0, kept=False,
                              detail="does not apply"))  # fmt: skip
            systems.append(system)
            continue
        best, reached, pace = max(tries, key=lambda item: item[1])
        gain = reached / value
        kept = gain >= PAYS
        detail = describe(best, key) if kept else _left_off(best, key, gain)
        if kept:
            system, value, rate = best, reached, pace
        rungs.append(Rung(key=key, name=name, value=value, gain=gain, kept=kept, detail=detail))
        systems.append(system)
    return rungs, systems


def _left_off(best: System, key: str, gain: float) -> str:
    reason = "does not pay" if gain else "does not fit"
    return f"{reason} ({describe(best, key)})"


def options(judge: Judge, system: System, key: str, other: ChipSpec) -> list[System]:
    """The systems a step may lead to."""
    taken = replace(system, on=system.on | {key})
    if key == "layout":
        return _placed(judge, taken, [item for item in _layouts(judge, system) if item.ep == 1])
    if key == "experts":
        spread = [item for item in _layouts(judge, system) if item.ep > 1]
        return _placed(judge, taken, spread)
    if key == "split":
        return _split(judge, taken, system.chip)
    if key == "mixed pools":
        return _split(judge, taken, other) if other.name != system.chip.name else []
    if key == "topology":
        alone = system.layout.chips == 1
        return [] if alone else [taken]
    if key == "pooling":
        return [replace(taken, models=count) for count in POOLED_MODELS]
    return [taken]


def _layouts(judge: Judge, system: System) -> list[Layout]:
    return list(layouts(judge.model, system.chip, MOST_CHIPS))


def _placed(judge: Judge, system: System, choices: Sequence[Layout]) -> list[System]:
    """The system on its best layouts by the screen."""
    scored = []
    for layout in choices:
        pick = assess(judge.model, judge.need, judge.slo, system.setup(system.chip, layout)).serve
        if pick:
            scored.append((pick.rate / layout.chips, layout))
    scored.sort(key=lambda item: -item[0])
    return [replace(system, layout=layout) for _, layout in scored[:TRIES]]


def _split(judge: Judge, system: System, chip: ChipSpec) -> list[System]:
    """The system with a prefill pool on ``chip``, in the ratios that keep pace."""
    decode = assess(judge.model, judge.need, judge.slo, system.setup(system.chip, system.layout))
    if not decode.decode:
        return []
    found = []
    for layout in _prefill_layouts(judge, system, chip):
        prefill = assess(judge.model, judge.need, judge.slo, system.setup(chip, layout)).prefill
        if not prefill:
            continue
        for heads, tails in _ratios(decode.decode.rate / prefill.rate):
            found.append(replace(
                system, prefill_chip=chip, prefill_layout=layout, pools=(heads, tails)
            ))  # fmt: skip
    return found[: 2 * TRIES]


def _prefill_layouts(judge: Judge, system: System, chip: ChipSpec) -> list[Layout]:
    """The decode pool's layout, where the prefill chip can run it, and the best plain one."""
    known = list(layouts(judge.model, chip, MOST_CHIPS))
    same = [item for item in known if item == system.layout]
    scored = []
    for layout in known:
        pick = assess(judge.model, judge.need, judge.slo, system.setup(chip, layout)).prefill
        if pick:
            scored.append((pick.rate / layout.chips, layout))
    scored.sort(key=lambda item: -item[0])
    best = [layout for _, layout in scored[:1] if layout not in same]
    return same + best


def _ratios(ratio: float) -> list[tuple[int, int]]:
    """Pool sizes around a decode instance's pace over a prefill instance's."""
    if ratio >= 1:
        around = {math.floor(ratio), math.ceil(ratio)}
        return [(min(8, max(1, count)), 1) for count in sorted(around)]
    around = {math.floor(1 / ratio), math.ceil(1 / ratio)}
    return [(1, min(8, max(1, count))) for count in sorted(around)]


def describe(system: System, key: str) -> str:
    """What a step chose, in a few words."""
    if key in ("layout", "experts"):
        return str(system.layout)
    if key in ("split", "mixed pools"):
        heads, tails = system.pools
        other = system.prefill_chip or system.chip
        return (
            f"{heads}x {other.name} {system.prefill_layout} prefill, "
            f"{tails}x {system.chip.name} decode"
        )
    if key == "quantisation":
        setup = system.setup(system.chip, system.layout)
        return f"{setup.dtype or system.model.dtype}, kv {setup.kv_dtype}"
    if key == "speculation":
        found = system.speculation()
        return f"{found.drafts} drafts, {found.tokens_per_step:.2f} tokens a step" if found else ""
    return f"{system.models} models" if key == "pooling" else "on"


# -- bands --------------------------------------------------------------------------------


def _replay(
    judge: Judge, climbs: Sequence[tuple[list[Rung], list[System]]], job: tuple[int, int]
) -> list[float]:
    """The values of one side's rungs under one draw; each side's chip has its own draw."""
    side, seed = job
    rungs, systems = climbs[side]
    doubt = Doubt.draw([side, seed])
    values: list[float] = []
    for place, (rung, system) in enumerate(zip(rungs, systems, strict=True)):
        if place and not rung.kept:
            values.append(values[-1])
            continue
        guess = rung.value / judge.need.output / system.traffic_share
        values.append(judge.value(replace(system, doubt=doubt), guess)[0])
    return values


def _banded(climb: tuple[list[Rung], list[System]], table: np.ndarray) -> Side:
    """The rungs with the 10th and 90th percentile of the draws."""
    rungs, systems = climb
    width = band("output_rate", systems[0].chip.name).half_width
    done = []
    for place, rung in enumerate(rungs):
        value = _span(rung.value, table[:, place] if len(table) else table, width)
        gains = np.zeros(0)
        if place and rung.kept and len(table):
            gains = table[:, place] / np.maximum(table[:, place - 1], 1e-12)
        gain = _span(rung.gain, gains, 0.0)
        done.append(replace(
            rung, value_low=value[0], value_high=value[1], low=gain[0], high=gain[1]
        ))  # fmt: skip
    return Side(chip=systems[0].chip, rungs=tuple(done), systems=tuple(systems))


def _span(value: float, drawn: np.ndarray, width: float) -> tuple[float, float]:
    """80% band around a value: the draws' own and an independent one of half-width ``width``."""
    low, high = np.percentile(drawn, (10, 90)) if len(drawn) else (value, value)
    down = math.log(value / min(low, value)) if min(low, value) > 0 else 0.0
    up = math.log(max(high, value) / value) if value > 0 else 0.0
    return value * math.exp(-math.hypot(down, width)), value * math.exp(math.hypot(up, width))


def _ratio(
    own: Rung, other: Rung, values: Sequence[np.ndarray], places: tuple[int, int], width: float
) -> Ratio:
    """One rung over another; ``width`` is the half-width of what the draws do not hold."""
    mine, theirs = places
    value = own.value / other.value
    drawn = np.zeros(0)
    if len(values[0]):
        drawn = values[0][:, mine] / np.maximum(values[1][:, theirs], 1e-12)
    low, high = _span(value, drawn, width)
    return Ratio(value=value, low=low, high=high)
