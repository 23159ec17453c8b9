"""A small serving model: one instance under a closed loop or a burst of requests."""

from collections.abc import Sequence

from warpfive.perf.kernels import join
from warpfive.perf.load import Load, Served
from warpfive.perf.replica import Apart, Running, Wave, requests_in_all
from warpfive.perf.table import StepTable

DELIVERY_SHARPNESS = 6.0
"""How sharply the front end's delivery of tokens and the engine take turns as the bound."""


def serve_load(
    table: StepTable, load: Load, capacity: float, slots: int = 1 << 30,
    prefill: StepTable | None = None,
) -> Served:  # fmt: skip
    """Averages of a load on one instance with room for ``capacity`` tokens of KV cache.

    A closed loop is followed twice: from its start, when all requests come at once, and from a
    moment when they have drifted apart. The first stands for the first round and for the later
    ones that stay in lockstep. With ``prefill`` the prompts are computed on a second instance
    and their KV cache is moved.
    """
    burst = _run(_instance(table, load, capacity, slots, prefill, settled=False))
    if requests_in_all(load) <= load.concurrency:
        return _queue(burst)
    later = _run(_instance(table, load, capacity, slots, prefill, settled=True))
    return _loop(load, burst, later)


def _instance(
    table: StepTable, load: Load, capacity: float, slots: int, prefill: StepTable | None, *,
    settled: bool,
) -> Running:  # fmt: skip
    if prefill:
        return Apart(table, load, capacity, slots, prefill, settled=settled)
    return Running(table, load, capacity, slots, settled=settled)


def _run(instance: Running) -> Running:
    for _ in range(min(instance.load.concurrency, instance.to_send)):
        instance.send()
    while instance.busy():
        instance.admit()
        if instance.filling:
            instance.prefill_step()
        else:
            instance.decode()
    return instance


def _queue(instance: Running) -> Served:
    """Averages where everything was queued at once."""
    wave = instance.waves[0]
    return _served(instance, [(1.0, wave)], wave.done / max(instance.now, 1e-12))


def _loop(load: Load, burst: Running, later: Running) -> Served:
    """Averages of a closed loop, its rate by Little's law."""
    early = load.concurrency / requests_in_all(load)
    if not load.spread and not burst.crowded:
        early += (1 - early) * later.engine.lockstep
    parts = [(early, burst.waves[0]), (1 - early, later.waves[1])]
    latency = _mean(parts, "latency")
    delivered = load.concurrency * _mean(parts, "out") * later.engine.stream_s
    held_up = join(DELIVERY_SHARPNESS, latency, delivered) - latency
    return _served(later, parts, load.concurrency / (latency + held_up), held_up)


def _mean(parts: Sequence[tuple[float, Wave]], name: str, count: str = "done") -> float:
    return sum(share * getattr(wave, name) / max(1, getattr(wave, count)) for share, wave in parts)


def _served(
    instance: Running, parts: Sequence[tuple[float, Wave]], rate: float, held_up: float = 0.0
) -> Served:
    """``held_up`` are the seconds a request's tokens wait in the front end."""
    out, into = _mean(parts, "out"), _mean(parts, "into")
    return Served(
        ttft_s=_mean(parts, "ttft") + held_up,
        tpot_s=_mean(parts, "tpot", "measured"),
        latency_s=_mean(parts, "latency") + held_up,
        seconds=requests_in_all(instance.load) / rate,
        output_rate=out * rate,
        total_rate=(out + into) * rate,
        request_rate=rate,
        batch=instance.decode_weight / max(instance.decode_seconds, 1e-12),
        samples={"ttft": _samples(parts, "firsts"), "tpot": _samples(parts, "paces")},
    )


def _samples(parts: Sequence[tuple[float, Wave]], name: str) -> list[tuple[float, float]]:
    return sorted(
        (value, share / len(getattr(wave, name)))
        for share, wave in parts
        for value in getattr(wave, name)
    )
