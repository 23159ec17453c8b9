"""A small serving model: one instance under a closed loop or a burst of requests."""

from collections.abc import Sequence
from typing import NamedTuple

from warpfive.catalog import EngineProfile
from warpfive.perf.fast import follow_fast
from warpfive.perf.kernels import join
from warpfive.perf.load import Load, Sample, Served
from warpfive.perf.replica import Account, Wave, requests_in_all
from warpfive.perf.table import StepTable

DELIVERY_SHARPNESS = 6.0
"""How sharply the front end's delivery of tokens and the engine take turns as the bound."""


class Followed(NamedTuple):
    """A load followed on one instance, before what the front end adds."""

    load: Load
    start: Account
    """From the start, when all requests come at once."""
    settled: Account | None
    """From a moment when requests have drifted apart; None where all are queued at once."""


def serve_load(
    table: StepTable, load: Load, capacity: float, slots: int = 1 << 30,
    prefill: StepTable | None = None,
) -> Served:  # fmt: skip
    """Averages of a load on one instance with room for ``capacity`` tokens of KV cache.

    With ``prefill`` the prompts are computed on a second instance and their KV cache is moved.
    """
    return averages(follow(table, load, capacity, slots, prefill), table.step.engine)


def follow(
    table: StepTable, load: Load, capacity: float, slots: int = 1 << 30,
    prefill: StepTable | None = None,
) -> Followed:  # fmt: skip
    """A closed loop followed twice, from its start and from a settled moment; a queue once."""
    queued = requests_in_all(load) <= load.concurrency
    instance = (table, load, capacity, slots, prefill)
    start = follow_fast(*instance, settled=False, first_only=not queued)
    settled = None if queued else follow_fast(*instance, settled=True, first_only=False)
    return Followed(load, start, settled)


def averages(found: Followed, engine: EngineProfile) -> Served:
    """What the users of a followed load see, the engine's front end included.

    The start of a closed loop stands for its first round, and for the later ones that stay in
    lockstep; the settled state for the rest.
    """
    if found.settled is None:
        return _queue(found.load, found.start, engine)
    return _loop(found.load, found.start, found.settled, engine)


def _plain_step_s(instance: Account) -> float:
    """Mean seconds of a step without prompts."""
    return instance.plain_seconds / max(instance.plain_steps, 1.0)


def _queue(load: Load, instance: Account, engine: EngineProfile) -> Served:
    """Averages where everything was queued at once."""
    wave = instance.waves[0]
    rate = wave.done / max(instance.now, 1e-12)
    waits = engine.request_s + engine.late_steps * _plain_step_s(instance)
    return _served(load, instance, [(1.0, wave)], rate, waits)


def _loop(load: Load, start: Account, settled: Account, engine: EngineProfile) -> Served:
    """Averages of a closed loop, its rate by Little's law."""
    early = load.concurrency / requests_in_all(load)
    if not load.spread and not start.crowded:
        early += (1 - early) * engine.lockstep
    parts = [(early, start.waves[0]), (1 - early, settled.waves[1])]
    latency = _mean(parts, "latency")
    waits = engine.request_s + engine.late_steps * _plain_step_s(settled)
    delivered = load.concurrency * _mean(parts, "out") * engine.stream_s
    waits = join(DELIVERY_SHARPNESS, latency + waits, delivered) - latency
    return _served(load, settled, parts, load.concurrency / (latency + waits), waits)


def _mean(parts: Sequence[tuple[float, Wave]], name: str, count: str = "done") -> float:
    return sum(share * getattr(wave, name) / max(1, getattr(wave, count)) for share, wave in parts)


def _served(
    load: Load, instance: Account, parts: Sequence[tuple[float, Wave]], rate: float, waits: float
) -> Served:
    """``waits`` are the seconds of a request outside the steps."""
    out, into = _mean(parts, "out"), _mean(parts, "into")
    return Served(
        ttft_s=_mean(parts, "ttft") + waits,
        tpot_s=_mean(parts, "tpot", "measured"),
        latency_s=_mean(parts, "latency") + waits,
        seconds=requests_in_all(load) / rate,
        output_rate=out * rate,
        total_rate=(out + into) * rate,
        request_rate=rate,
        batch=instance.decode_weight / max(instance.decode_seconds, 1e-12),
        itl_s=_plain_step_s(instance),
        samples={"ttft": _samples(parts, "firsts", waits), "tpot": _samples(parts, "paces")},
    )


def _samples(parts: Sequence[tuple[float, Wave]], name: str, more: float = 0.0) -> list[Sample]:
    found = [(share, getattr(wave, name)) for share, wave in parts]
    return [Sample(values, share / len(values), more) for share, values in found if len(values)]
