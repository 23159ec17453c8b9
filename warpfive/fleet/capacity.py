"""The highest rate at which a group of replicas holds its limits, by simulation."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from warpfive.catalog import ModelSpec
from warpfive.fleet.assess import Pick
from warpfive.fleet.demand import Demand, sample
from warpfive.fleet.fast import simulate
from warpfive.fleet.instance import BLOCK_TOKENS, Instance, Setup
from warpfive.fleet.result import Outcome, summarise
from warpfive.fleet.slo import Slo, reached
from warpfive.fleet.split import Pool, Transfer, simulate_split
from warpfive.fleet.trace import LONGEST_S, Trace
from warpfive.fleet.workload import Workload
from warpfive.perf import efficiency

CLOSE = 1.015
"""Ratio of a rate that fails to one that holds at which the search ends."""
SUSTAINED = 0.7
"""Rate served over the run, its end included, against the rate offered; less is a backlog."""
REACH = 1e4
"""How far from the guess the search goes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolPlan:
    """Equal replicas of one setup."""

    role: str
    """``serve``, ``prefill`` or ``decode``."""
    setup: Setup
    replicas: int
    max_seqs: int
    max_tokens: int
    limits: Mapping[str, Any] = field(default_factory=dict)
    """Further fields of the engine's configuration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The pools that serve requests together: one, or a prefill and a decode pool."""

    pools: tuple[PoolPlan, ...]
    routing: str = "least_loaded"

    @classmethod
    def serving(cls, pick: Pick) -> "Group":
        """One instance that does everything."""
        return cls(pools=(_pool("serve", pick, 1),))

    @classmethod
    def split(cls, head: Pick, tail: Pick) -> tuple["Group", float]:
        """The smallest prefill and decode pools that keep pace, and their rate."""
        ratio = tail.rate / head.rate
        if ratio >= 1:
            heads, tails = min(8, max(1, math.floor(ratio + 0.3))), 1
        else:
            heads, tails = 1, min(8, max(1, math.floor(1 / ratio + 0.3)))
        group = cls(pools=(_pool("prefill", head, heads), _pool("decode", tail, tails)))
        return group, min(heads * head.rate, tails * tail.rate)

    @property
    def chips(self) -> int:
        """Chips of the group."""
        return sum(pool.replicas * pool.setup.layout.chips for pool in self.pools)

    @property
    def usd_per_h(self) -> float | None:
        """Rent of its chips; None where a price is not known."""
        total = 0.0
        for pool in self.pools:
            price = pool.setup.chip.rental_usd_per_h
            if price is None:
                return None
            total += price * pool.replicas * pool.setup.layout.chips
        return total

    @property
    def label(self) -> str:
        """Short name for tables."""
        if len(self.pools) == 1:
            return self.pools[0].setup.label
        return " + ".join(f"{pool.replicas}x {pool.role} {pool.setup.label}" for pool in self.pools)

    def times(self, count: int) -> "Group":
        """``count`` such groups as one."""
        pools = tuple(replace(pool, replicas=pool.replicas * count) for pool in self.pools)
        return replace(self, pools=pools)


def _pool(role: str, pick: Pick, replicas: int) -> PoolPlan:
    seqs = 256 if role == "prefill" else _seats(pick.batch)
    return PoolPlan(
        role=role, setup=pick.setup, replicas=replicas, max_seqs=seqs,
        max_tokens=max(pick.chunk, seqs),
    )  # fmt: skip


def _seats(batch: int) -> int:
    """Seats of an engine whose mean batch is ``batch``: half as many again, for crowds."""
    return max(4, 2 ** math.ceil(math.log2(1.5 * batch)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One simulated run of a group."""

    rate: float
    """Requests per second offered."""
    served: float
    """Requests per second from the first arrival to the last token."""
    reached: dict[str, float]
    """TTFT, TPOT and latency in seconds at the share the limits name."""
    ttft_mean_s: float
    tpot_mean_s: float
    output_rate: float
    prompt_tokens: float
    """Mean of a request."""
    output_tokens: float
    hit_share: float
    preemptions: int
    utilisation: float
    requests: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """What the search for the highest rate found."""

    rate: float
    """Requests per second; 0 where the limits hold at no rate tried."""
    closest: Measured
    simulations: int


def runner(
    model: ModelSpec, need: Demand, group: Group
) -> tuple[Callable[[Trace], Outcome], float]:
    """A function that simulates the group on a trace, and its front-end time."""
    made = [Instance(model, pool.setup, need.context) for pool in group.pools]
    pools = [
        Pool(
            config=instance.config(
                pool.max_seqs, pool.max_tokens, need.hash_tokens or BLOCK_TOKENS, **pool.limits
            ),
            cost=instance.cost, replicas=pool.replicas,
            routing=_routing(group, pool, need),
        )
        for instance, pool in zip(made, group.pools, strict=True)
    ]  # fmt: skip
    if len(pools) == 1:
        only = pools[0]

        def run(trace: Trace) -> Outcome:
            return simulate(
                trace, only.config, only.cost, replicas=only.replicas, routing=only.routing
            )

        return run, made[0].front_s
    transfer = kv_transfer(made[0], made[1], need.prompt)
    return (lambda trace: simulate_split(trace, pools[0], pools[1], transfer)), made[0].front_s


def _routing(group: Group, pool: PoolPlan, need: Demand) -> str:
    if pool.replicas == 1:
        return "round_robin"
    if need.hash_tokens and pool.role != "decode":
        return "prefix_aware"
    return group.routing


def kv_transfer(head: Instance, tail: Instance, prompt: float) -> Transfer:
    """KV caches over the slower of the two instances' networks."""
    kv = head.step.precision.kv
    size = head.model.kv_bytes(prompt, kv) / prompt
    rates = []
    for item in (head, tail):
        chip = item.setup.chip
        share = (item.setup.fit or efficiency(chip)).network
        rates.append(chip.network.bandwidth * share * item.chips)
    return Transfer(
        token_bytes=size, bandwidth=min(rates), latency_s=head.setup.chip.network.latency_s
    )


def run_group(
    model: ModelSpec, need: Demand, group: Group, workload: Workload | Trace, slo: Slo, rate: float
) -> Measured:
    """Simulate a group at a rate."""
    run, front_s = runner(model, need, group)
    return _measure(run, front_s, sample(workload, rate, _requests(group)), slo, rate)


def _measure(
    run: Callable[[Trace], Outcome], front_s: float, trace: Trace, slo: Slo, rate: float
) -> Measured:
    outcome = run(trace)
    summary = summarise(outcome)
    return Measured(
        rate=rate,
        served=summary.request_rate,
        reached=reached(outcome, slo, front_s),
        ttft_mean_s=summary.ttft_mean_s + front_s,
        tpot_mean_s=summary.tpot_mean_s,
        output_rate=summary.output_rate,
        prompt_tokens=float(trace.prompt.mean()),
        output_tokens=float(trace.output.mean()),
        hit_share=summary.hit_share,
        preemptions=summary.preemptions,
        utilisation=summary.utilisation,
        requests=len(trace),
    )


def _requests(group: Group) -> int:
    """Requests that fill the group's seats several times over."""
    seats = sum(pool.replicas * pool.max_seqs for pool in group.pools if pool.role != "prefill")
    return min(24_000, max(1000, 5 * seats))


def capacity(
    model: ModelSpec,
    need: Demand,
    group: Group,
    workload: Workload | Trace,
    slo: Slo,
    guess: float,
) -> Capacity:
    """Bracket the rate from ``guess`` and bisect it, on the same requests throughout."""
    run, front_s = runner(model, need, group)
    base = sample(workload, guess, _requests(group))
    tried: list[Measured] = []

    def holds(rate: float) -> bool:
        tried.append(_measure(run, front_s, base.at_rate(rate), slo, rate))
        kept = all(ratio <= 1 for ratio in slo.ratios(tried[-1].reached).values())
        return kept and tried[-1].served >= SUSTAINED * rate

    low, high = _bracket(holds, guess, len(base) / (LONGEST_S / 2))
    while low and high / low > CLOSE:
        middle = math.sqrt(low * high)
        if holds(middle):
            low = middle
        else:
            high = middle
    closest = min(tried, key=lambda item: max(slo.ratios(item.reached).values()))
    return Capacity(rate=low, closest=closest, simulations=len(tried))


def _bracket(holds: Callable[[float], bool], guess: float, least: float) -> tuple[float, float]:
    """A rate that holds (0 where none does) and one that does not, in widening steps.

    No rate below ``least`` is tried.
    """
    low = high = guess
    factor = 1.25
    if holds(guess):
        while high < guess * REACH:
            high = low * factor
            if not holds(high):
                return low, high
            low, factor = high, factor**1.5
        return low, low
    least = max(least, guess / REACH)
    while low > least:
        low = max(least, high / factor)
        if holds(low):
            return low, high
        high, factor = low, factor**1.5
    return 0.0, high
