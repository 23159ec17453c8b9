"""The planner: the cheapest way to serve a workload within its limits.

Three passes. Every setup is screened in closed form at many batch and chunk sizes; the best few go
to the request-level simulation, which finds the highest rate at which the limits hold; the plans
are sized for the rate or the chips asked for and simulated once more.
"""

import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from warpfive.catalog import ChipSpec, ModelSpec
from warpfive.errors import InputError
from warpfive.fleet.assess import Assessed, Pick, assess
from warpfive.fleet.capacity import Group, Measured, capacity, run_group
from warpfive.fleet.demand import Demand, demand
from warpfive.fleet.instance import Setup, chips_per_node, host_w
from warpfive.fleet.slo import Slo, show_seconds
from warpfive.fleet.space import MOST_CHIPS, setups
from warpfive.fleet.sweep import sweep
from warpfive.fleet.trace import Trace
from warpfive.fleet.workload import Workload
from warpfive.perf import Speculation

FINALISTS = 16
PER_CHIP = 3
"""Finalists of each chip, however dear."""
PAIRS = 10
"""Pairs of a prefill and a decode pool that are simulated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What to plan for."""

    model: ModelSpec
    chips: tuple[ChipSpec, ...]
    workload: Workload | Trace
    slo: Slo
    rate: float | None = None
    """Requests per second to serve; None for one replica group at its best."""
    chips_max: int | None = None
    dtypes: tuple[str, ...] = ()
    engine: str = ""
    speculation: Speculation | None = None
    split: bool = True
    """Try separate prefill and decode pools, too."""
    most_chips: int = MOST_CHIPS
    """Chips of the largest instance."""

    def __post_init__(self) -> None:
        if self.rate is not None and self.chips_max is not None:
            raise InputError("--rate and --chips-max: give one of them; the other is the answer")
        if self.rate is not None and self.rate <= 0:
            raise InputError(f"--rate {self.rate:g}: must be above 0 requests per second")
        if self.chips_max is not None and self.chips_max < 1:
            raise InputError(f"--chips-max {self.chips_max}: must be at least 1")
        if not self.chips:
            raise InputError("--chips: name at least one chip")
        if self.model.kind != "decoder":
            raise InputError(
                f"--model {self.model.name}: a plan is for models that generate text; "
                f"this one is {article(self.model.kind)}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One way to serve the workload, simulated."""

    group: Group
    groups: int
    """How many equal groups of pools."""
    rate: float
    """Requests per second it was simulated at."""
    measured: Measured
    ratios: dict[str, float]
    """Each limit's value over its bound."""

    @property
    def holds(self) -> bool:
        """Whether every limit holds."""
        return all(ratio <= 1 for ratio in self.ratios.values())

    @property
    def chips(self) -> int:
        """Chips in all."""
        return self.groups * self.group.chips

    @property
    def nodes(self) -> int:
        """Hosts in all; an instance that fits one host does not straddle two."""
        return sum(_nodes(pool.setup, pool.replicas * self.groups) for pool in self.group.pools)

    @property
    def power_w(self) -> float | None:
        """Rated power of chips and hosts; None where a chip's is not known."""
        total = 0.0
        for pool in self.group.pools:
            chip, count = pool.setup.chip, pool.replicas * self.groups
            if chip.tdp_w is None:
                return None
            total += chip.tdp_w * pool.setup.layout.chips * count
            total += host_w(chip) * _nodes(pool.setup, count)
        return total

    @property
    def usd_per_h(self) -> float | None:
        """Rent of all chips; None where a price is not known."""
        price = self.group.usd_per_h
        return None if price is None else price * self.groups

    @property
    def output_rate(self) -> float:
        """Output tokens per second."""
        return self.rate * self.measured.output_tokens

    @property
    def usd_per_mtoken(self) -> float | None:
        """Rent of a million output tokens."""
        if self.usd_per_h is None:
            return None
        return self.usd_per_h / 3600 / self.output_rate * 1e6

    @property
    def usd_per_mtoken_all(self) -> float | None:
        """Rent of a million tokens, prompts included."""
        if self.usd_per_h is None:
            return None
        tokens = self.rate * (self.measured.output_tokens + self.measured.prompt_tokens)
        return self.usd_per_h / 3600 / tokens * 1e6

    @property
    def cost_key(self) -> tuple:
        """Order from cheap to dear; plans without a price by their chips."""
        usd = self.usd_per_h
        return (usd is None, usd if usd is not None else 0.0, self.chips)


def article(kind: str) -> str:
    """A kind of model with its article."""
    return f"an {kind} model" if kind[0] in "aeiou" else f"a {kind} model"


def _nodes(setup: Setup, replicas: int) -> int:
    size, chips = chips_per_node(setup.chip), setup.layout.chips
    if chips > size:
        return replicas * math.ceil(chips / size)
    return math.ceil(replicas / (size // chips))


@dataclass(frozen=True, slots=True, kw_only=True)
class ParetoPoint:
    """A closed-form operating point that no other beats on both axes."""

    setup: Setup
    batch: int
    chunk: int
    user_rate: float
    """Output tokens per second that one user sees."""
    chip_rate: float
    """Output tokens per second and chip."""
    ttft_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What a search found."""

    ask: Ask
    need: Demand
    plans: list[Plan]
    """Plans that hold every limit, best first."""
    pareto: list[ParetoPoint]
    nearest: Plan | None = None
    """The cheapest plan within limits eased as far as needed, where none holds those asked for."""
    verdict: str = ""
    """Why nothing holds; empty where something does."""
    setups: int = 0
    configurations: int = 0
    simulations: int = 0
    seconds: float = 0.0
    refused: dict[str, int] = field(default_factory=dict)
    """Setups left out, by cause."""


def search(ask: Ask, *, workers: int = 0, ray: str = "") -> Search:
    """Find the cheapest plans."""
    begun = time.perf_counter()
    need = demand(ask.workload)
    tried = setups(
        ask.model, ask.chips, dtypes=ask.dtypes, engine=ask.engine,
        most_chips=min(ask.most_chips, ask.chips_max or ask.most_chips),
        speculation=ask.speculation,
    )  # fmt: skip
    spread = partial(sweep, workers=workers, ray=ray)
    found = spread(partial(assess, ask.model, need, ask.slo), tried)
    groups, pairs = finalists(ask, found)
    jobs = [(ask, need, group, rate) for group, rate in groups]
    measured = spread(_measure, jobs)
    plans = [plan for plan, _ in measured if plan is not None]
    holding = sorted((plan for plan in plans if plan.holds), key=partial(_order, ask))
    again = partial(search, workers=workers, ray=ray)
    nearest, verdict = (None, "") if holding else _explain(ask, need, found, plans, again)
    return Search(
        ask=ask, need=need, plans=holding, pareto=_front(found), nearest=nearest, verdict=verdict,
        setups=len(tried), configurations=sum(item.points for item in found) + pairs,
        simulations=sum(count for _, count in measured),
        seconds=time.perf_counter() - begun,
        refused=dict(Counter(item.refused for item in found if item.refused)),
    )  # fmt: skip


def _order(ask: Ask, plan: Plan) -> tuple:
    if ask.chips_max is not None:
        return (-plan.rate, *plan.cost_key)
    if ask.rate is None:
        usd = plan.usd_per_mtoken
        return (usd is None, usd or 0.0, plan.chips / plan.rate)
    return plan.cost_key


# -- finalists ----------------------------------------------------------------------------


def finalists(ask: Ask, found: Sequence[Assessed]) -> tuple[list[tuple[Group, float]], int]:
    """Groups to simulate with the rate the screen gives them, and how many pairs were weighed."""
    alone = [item.serve for item in found if item.serve]
    chosen = _cheapest(alone, FINALISTS, PER_CHIP)
    groups = [(Group.serving(pick), pick.rate) for pick in chosen]
    if not ask.split:
        return groups, 0
    heads = _cheapest([item.prefill for item in found if item.prefill], 8, 2)
    tails = _cheapest([item.decode for item in found if item.decode], 8, 2)
    pairs = [
        Group.split(head, tail)
        for head in heads
        for tail in tails
        if head.setup.kv_dtype == tail.setup.kv_dtype
    ]
    most = ask.chips_max or math.inf
    pairs = [item for item in pairs if item[0].chips <= most]
    pairs.sort(key=lambda item: _per_request(item[0].usd_per_h, item[0].chips, item[1]))
    return groups + pairs[:PAIRS], len(heads) * len(tails)


def _cheapest(picks: Sequence[Pick], most: int, per_chip: int) -> list[Pick]:
    """The cheapest picks per request, with some of every chip."""
    ranked = sorted(
        picks, key=lambda pick: _per_request(pick.usd_per_h, pick.setup.layout.chips, pick.rate)
    )
    seen: Counter[str] = Counter()
    chosen = []
    for place, pick in enumerate(ranked):
        name = pick.setup.chip.name
        if place < most or seen[name] < per_chip:
            chosen.append(pick)
            seen[name] += 1
    return chosen


def _per_request(usd_per_h: float | None, chips: int, rate: float) -> tuple:
    return (usd_per_h is None, (chips if usd_per_h is None else usd_per_h) / rate)


# -- sizing -------------------------------------------------------------------------------


def _measure(job: tuple[Ask, Demand, Group, float]) -> tuple[Plan | None, int]:
    """Size one group for the request and simulate it; the plan and the simulations it took."""
    ask, need, group, guess = job
    best = capacity(ask.model, need, group, ask.workload, ask.slo, guess)
    if best.rate <= 0:
        nearest = best.closest
        ratios = ask.slo.ratios(nearest.reached)
        plan = Plan(group=group, groups=1, rate=nearest.rate, measured=nearest, ratios=ratios)
        return plan, best.simulations
    groups = _groups(ask, group, best.rate)
    if groups < 1:
        return None, best.simulations
    rate = ask.rate if ask.rate is not None else best.rate * groups
    shown = min(groups, max(1, 16 // sum(pool.replicas for pool in group.pools)))
    measured = run_group(ask.model, need, group.times(shown), ask.workload, ask.slo,
                         rate * shown / groups)  # fmt: skip
    plan = Plan(
        group=group,
        groups=groups,
        rate=rate,
        measured=measured,
        ratios=ask.slo.ratios(measured.reached),
    )
    return plan, best.simulations + 1


def _groups(ask: Ask, group: Group, rate: float) -> int:
    if ask.rate is not None:
        return math.ceil(ask.rate / rate)
    if ask.chips_max is not None:
        return ask.chips_max // group.chips
    return 1


# -- when nothing holds -------------------------------------------------------------------


def _explain(
    ask: Ask,
    need: Demand,
    found: Sequence[Assessed],
    plans: Sequence[Plan],
    again: Callable[[Ask], Search],
) -> tuple[Plan | None, str]:
    """The plan nearest to the limits and a sentence on what failed."""
    near = [item.nearest for item in found if item.nearest]
    if not near:
        cause = Counter(item.refused for item in found).most_common(1)[0][0]
        raise InputError(
            f"{ask.model.name}: no setup can run on {', '.join(c.name for c in ask.chips)}: {cause}"
        )
    tries = [Group.serving(pick) for pick in sorted(near, key=lambda pick: pick.worst)[:4]]
    measured = [
        run_group(ask.model, need, group, ask.workload, ask.slo, 0.05 / max(1, group.chips))
        for group in tries
    ]
    light = [
        Plan(group=group, groups=1, rate=item.rate, measured=item,
             ratios=ask.slo.ratios(item.reached))
        for group, item in zip(tries, measured, strict=True)
    ]  # fmt: skip
    best = min([*light, *plans], key=lambda plan: max(plan.ratios.values()))
    limit = max(best.ratios, key=lambda name: best.ratios[name])
    if best.holds:
        return best, (
            f"{ask.slo}: held only at {best.rate:.3g} requests/s on {best.group.label}; "
            "the rate or the number of chips asked for is out of reach"
        )
    eased = _eased(ask.slo, best.measured.reached)
    sized = again(replace(ask, slo=eased)).plans
    nearest = sized[0] if sized else best
    alone, bound = show_seconds(best.measured.reached[limit]), show_seconds(ask.slo.limits[limit])
    wide = show_seconds(eased.limits[limit]).replace(" ", "")
    return replace(nearest, ratios=ask.slo.ratios(nearest.measured.reached)), (
        f"{limit} {bound} cannot be held at any rate: {best.group.label} comes nearest and needs "
        f"{alone} even when idle; allow {limit}={wide}, as the plan below does, shorten the "
        "requests or name a faster chip"
    )


def _eased(slo: Slo, idle: dict[str, float]) -> Slo:
    """The limits, each wide enough for what an idle instance needs and half as much again."""
    wider = {f"{name}_s": max(bound, 1.5 * idle[name]) for name, bound in slo.limits.items()}
    return Slo(**wider, share=slo.share)


def _front(found: Sequence[Assessed]) -> list[ParetoPoint]:
    """Points that no other beats on tokens per second a user and tokens per second a chip."""
    points = [point for item in found for point in item.front]
    points.sort(key=lambda point: (-point[2], -point[3]))
    front: list[ParetoPoint] = []
    best = -np.inf
    for setup, (batch, chunk, ttft), user, chip in points:
        if chip > best * 1.001:
            best = chip
            front.append(ParetoPoint(
                setup=setup, batch=batch, chunk=chunk, user_rate=user, chip_rate=chip, ttft_s=ttft
            ))  # fmt: skip
    return front


def with_prices(chips: Sequence[ChipSpec], prices: dict[str, float]) -> tuple[ChipSpec, ...]:
    """The chips at the prices given, in USD per hour."""
    unknown = set(prices) - {chip.name for chip in chips}
    if unknown:
        raise InputError(
            f"--price {sorted(unknown)[0]}: is none of the chips asked for: "
            f"{', '.join(chip.name for chip in chips)}"
        )
    return tuple(
        replace(chip, rental_usd_per_h=prices.get(chip.name, chip.rental_usd_per_h))
        for chip in chips
    )
