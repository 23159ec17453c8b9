"""The highest rate at which a group of replicas holds its limits, by simulation."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from warpfive.catalog import ModelSpec
from warpfive.errors import InputError
from warpfive.fleet.assess import Pick
from warpfive.fleet.demand import Demand, sample
from warpfive.fleet.fast import simulate
from warpfive.fleet.instance import BLOCK_TOKENS, Instance, Setup
from warpfive.fleet.result import Outcome, summarise
from warpfive.fleet.slo import Slo, reached
from warpfive.fleet.split import Pool, Transfer, simulate_split
from warpfive.fleet.trace import Trace
from warpfive.fleet.workload import Workload

ROUNDS = 4
"""Bisections once the rate is bracketed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolPlan:
    """Equal replicas of one setup."""

    role: str
    """``serve``, ``prefill`` or ``decode``."""
    setup: Setup
    replicas: int
    max_seqs: int
    max_tokens: int


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


def _limits(instance: Instance, pool: PoolPlan, need: Demand):
    """Engine limits of a pool, within what its step times are known for."""
    seqs = min(pool.max_seqs, len(instance.cost.decode_ps) - 1)
    return instance.config(seqs, pool.max_tokens, need.hash_tokens or BLOCK_TOKENS)


def runner(
    model: ModelSpec, need: Demand, group: Group
) -> tuple[Callable[[Trace], Outcome], float]:
    """A function that simulates the group on a trace, and its front-end time."""
    made = [Instance(model, pool.setup, need.context) for pool in group.pools]
    pools = [
        Pool(
            config=_limits(instance, pool, need), cost=instance.cost, replicas=pool.replicas,
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
    rates = [
        item.setup.chip.network.bandwidth * item.step.fit.network * item.chips
        for item in (head, tail)
    ]
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
    return min(16_000, max(1000, 6 * seats))


def capacity(
    model: ModelSpec,
    need: Demand,
    group: Group,
    workload: Workload | Trace,
    slo: Slo,
    guess: float,
) -> Capacity:
    """Bracket the rate from ``guess`` and bisect it, on the same requests throughout."""
    try:
        run, front_s = runner(model, need, group)
    except InputError:
        raise AssertionError("a finalist was assessed but cannot be built") from None
    base = sample(workload, guess, _requests(group))
    fixed = isinstance(workload, Trace) or workload.turns == 1
    tried: list[Measured] = []

    def holds(rate: float) -> bool:
        trace = base.at_rate(rate) if fixed else sample(workload, rate, len(base))
        tried.append(_measure(run, front_s, trace, slo, rate))
        return all(ratio <= 1 for ratio in slo.ratios(tried[-1].reached).values())

    low, high = _bracket(holds, guess)
    for _ in range(ROUNDS if low else 0):
        middle = math.sqrt(low * high)
        if holds(middle):
            low = middle
        else:
            high = middle
    closest = min(tried, key=lambda item: max(slo.ratios(item.reached).values()))
    return Capacity(rate=low, closest=closest, simulations=len(tried))


def _bracket(holds: Callable[[float], bool], guess: float) -> tuple[float, float]:
    """A rate that holds (0 where none does) and one that does not."""
    low = high = guess
    if holds(guess):
        for _ in range(8):
            high = low * 1.3
            if not holds(high):
                break
            low = high
        return low, high
    for _ in range(7):
        low = high / 1.5
        if holds(low):
            return low, high
        high = low
    return 0.0, high
