"""A small serving model: one engine instance under a closed loop or a burst of requests.

It follows continuous batching step by step where prompts are involved and sums decode stretches
in closed form. It stands beside the request-level simulation of the fleet: enough for one
configuration's averages, in milliseconds.
"""

import random
from bisect import bisect_left
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import accumulate

from warpfive.perf.kernels import join
from warpfive.perf.table import StepTable


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Requests offered to one instance."""

    input_tokens: float
    output_tokens: float
    concurrency: int
    """Requests in flight at once; the next is sent when one ends."""
    requests: int = 0
    """Requests in all; 0 for ten rounds of the concurrency."""
    spread: float = 0.0
    """Lengths are uniform in mean x (1 +- spread); exponential where it is negative."""
    seed: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """Averages over the requests; times in seconds, rates per second."""

    ttft_s: float
    """Sending of a request to its first token."""
    tpot_s: float
    """Time between a request's later tokens."""
    latency_s: float
    seconds: float
    output_rate: float
    total_rate: float
    request_rate: float
    batch: float
    """Mean number of sequences a decode step held."""
    samples: Mapping[str, Sequence[tuple[float, float]]] = field(default_factory=dict, repr=False)
    """``ttft`` and ``tpot`` of single requests with their weights, in order."""

    def tail(self, kind: str, share: float) -> float:
        """Seconds that this share of the requests' ``ttft`` or ``tpot`` stays within."""
        ordered = self.samples[kind]
        mean = sum(value * weight for value, weight in ordered)
        reached = list(accumulate(weight for _, weight in ordered))
        if not mean:
            return 0.0
        index = bisect_left(reached, share * reached[-1] - 1e-12)
        return ordered[index][0] * getattr(self, f"{kind}_s") / mean


FOLLOWED = 3
"""Rounds of a closed loop that are followed."""
DELIVERY_SHARPNESS = 6.0
"""How sharply the front end's delivery of tokens and the engine take turns as the bound."""


class _Wave:
    """Sums over some requests."""

    __slots__ = ("done", "firsts", "into", "latency", "measured", "out", "paces", "tpot", "ttft")

    def __init__(self) -> None:
        self.firsts: list[float] = []
        self.paces: list[float] = []
        self.done = self.measured = 0
        self.ttft = self.tpot = self.latency = self.out = self.into = 0.0


class _Request:
    __slots__ = ("sent", "ready", "prompt", "wanted", "left", "first", "kept", "wave")

    def __init__(self, sent: float, ready: float, prompt: float, wanted: int, wave: int) -> None:
        self.wave = wave
        self.sent = sent
        self.ready = ready
        self.prompt = prompt
        self.wanted = wanted
        self.left = prompt
        self.first = 0.0
        self.kept = 0.0


class _Instance:
    """State of the loop: who waits, who is in prefill, who decodes."""

    def __init__(
        self, table: StepTable, load: Load, capacity: float, slots: int, *, settled: bool = False
    ) -> None:
        """``settled`` starts at a moment when the running requests are anywhere in their output."""
        self.table, self.load, self.settled = table, load, settled
        self.engine = table.step.engine
        self.capacity, self.slots = capacity, slots
        self.now = self.open = 0.0
        self.steps = 0.0
        self.waiting: deque[_Request] = deque()
        self.filling: deque[_Request] = deque()
        self.running: list[tuple[float, int, _Request]] = []
        self.context = 0.0
        self.used = 0.0
        self.random = random.Random(load.seed)
        rounds = FOLLOWED if settled else 2
        self.to_send = min(_nominal(load), rounds * load.concurrency + 20)
        self.waves = (_Wave(), _Wave())
        self.sent = 0
        self.decode_seconds = self.decode_weight = 0.0
        self.crowded = False
        """Whether a request ever had to wait for a slot or for KV cache."""
        self.per_step = table.step.tokens_per_step

    def busy(self) -> bool:
        """Whether anything is left to do."""
        return bool(self.waiting or self.filling or self.running)

    def send(self) -> None:
        """One more request, if any is left."""
        if self.sent >= self.to_send:
            return
        wave = 0 if self.sent < self.load.concurrency else 1
        prompt = max(1.0, round(self.load.input_tokens * self.draw()))
        wanted = self.load.output_tokens * self.draw()
        if self.settled and not wave:
            wanted *= self.random.random()
        tokens = max(1, round(wanted))
        self.open = max(self.open, self.now) + self.engine.intake_s
        self.waiting.append(_Request(self.now, self.open, prompt, tokens, wave))
        self.sent += 1

    def draw(self) -> float:
        """A length against its mean."""
        spread = self.load.spread
        if spread < 0:
            return self.random.expovariate(1.0)
        return 1 + self.random.uniform(-spread, spread) if spread else 1.0

    def admit(self) -> None:
        """Move waiting requests to prefill while slots and KV cache last."""
        while self.waiting and len(self.running) + self.queued() < self.slots:
            request = self.waiting[0]
            if request.ready > self.now + 1e-9:
                return
            need = request.prompt + self.engine.reserve * request.wanted
            if self.used + need > self.capacity and self.used > 0:
                self.crowded = True
                return
            request.kept = need
            self.used += need
            self.filling.append(self.waiting.popleft())
        self.crowded |= bool(self.waiting)

    def queued(self) -> int:
        """Admitted requests without a first token."""
        return len(self.filling)

    def prefill_step(self) -> None:
        """One step with prompts in it, and the running batch beside them if the engine mixes."""
        room = float(self.engine.chunk_tokens * self.table.step.layout.dp)
        batch = len(self.running)
        taken, ended, context = 0.0, [], 0.0
        count = 0
        while self.filling and room > 0:
            request = self.filling[0]
            part = min(request.left, room)
            context += request.prompt - request.left
            request.left -= part
            room -= part
            taken += part
            count += 1
            if request.left > 0:
                break
            ended.append(self.filling.popleft())
        mixed = self.engine.mixed and batch > 0
        if mixed:
            seconds = self.table.mixed(taken, context / count, count, batch, self.context)
        else:
            seconds = self.table.prefill(taken, context / count, count)
        self.now += seconds
        if mixed:
            self.decode_seconds += seconds
            self.decode_weight += seconds * batch
            self.advance(1.0)
        for request in ended:
            self.start(request)

    def start(self, request: _Request) -> None:
        """First token of a request whose prompt is done."""
        request.first = self.now
        waited = self.now - request.sent + self.engine.request_s
        self.waves[request.wave].ttft += waited
        self.waves[request.wave].firsts.append(waited)
        if request.wanted <= 1:
            self.finish(request)
            return
        ends = self.steps + (request.wanted - 1) / self.per_step
        heappush(self.running, (ends, id(request), request))
        self.context += request.prompt + 1

    def advance(self, steps: float) -> None:
        """Count decode steps done and end the requests that got their last token."""
        self.context += len(self.running) * steps * self.per_step
        self.steps += steps
        while self.running and self.running[0][0] <= self.steps + 1e-9:
            request = heappop(self.running)[2]
            self.context -= request.prompt + request.wanted
            self.finish(request)

    def finish(self, request: _Request) -> None:
        """Take down a request's times and send the next one."""
        self.used -= request.kept
        wave = self.waves[request.wave]
        wave.done += 1
        wave.out += request.wanted
        wave.into += request.prompt
        wave.latency += self.now - request.sent + self.engine.request_s
        if request.wanted > 1:
            pace = (self.now - request.first) / (request.wanted - 1)
            wave.tpot += pace
            wave.paces.append(pace)
            wave.measured += 1
        self.send()

    def decode(self) -> None:
        """Decode until the next request ends or gets through the intake."""
        if not self.running:
            self.now = max(self.now, self.waiting[0].ready)
            return
        left = max(1.0, self.running[0][0] - self.steps)
        if self.waiting and self.waiting[0].ready > self.now:
            base, slope = self.table.line(len(self.running))
            wait = self.waiting[0].ready - self.now
            left = min(left, wait // (base + slope * self.context) + 1)
        self.stretch(left)

    def stretch(self, count: float) -> None:
        """``count`` decode steps of the running batch."""
        batch = len(self.running)
        base, slope = self.table.line(batch)
        grown = self.per_step * batch * count * (count - 1) / 2
        seconds = count * base + slope * (count * self.context + grown)
        self.now += seconds
        self.decode_seconds += seconds
        self.decode_weight += seconds * batch
        self.advance(count)


class _Apart(_Instance):
    """Decode instance with its prompts prefilled on another instance, first come, first served."""

    def __init__(
        self, table: StepTable, load: Load, capacity: float, slots: int, prefill: StepTable, *,
        settled: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(table, load, capacity, slots, settled=settled)
        self.prefill_table = prefill
        self.free = 0.0
        self.ready: deque[tuple[float, _Request]] = deque()

    def queued(self) -> int:
        """Prompts on the prefill instance or on their way."""
        return len(self.filling) + len(self.ready)

    def prefill_step(self) -> None:
        """Hand the admitted prompts to the prefill instance."""
        while self.filling:
            request = self.filling.popleft()
            begin = max(self.free, request.sent)
            self.free = begin + self.prefill_table.prefill(request.prompt, 0.0)
            moved = self.free + self.table.step.kv_transfer(request.prompt)
            self.ready.append((moved, request))

    def decode(self) -> None:
        """Decode until a request ends or the next prompt arrives."""
        if not self.running:
            following = self.ready[0][0] if self.ready else self.waiting[0].ready
            self.now = max(self.now, following)
        elif self.ready:
            base, slope = self.table.line(len(self.running))
            wait = self.ready[0][0] - self.now
            steps = max(1.0, wait // (base + slope * self.context) + 1)
            left = max(1.0, self.running[0][0] - self.steps)
            self.stretch(min(steps, left))
        else:
            super().decode()
        while self.ready and self.ready[0][0] <= self.now:
            self.start(self.ready.popleft()[1])

    def busy(self) -> bool:
        """Whether anything is left to do."""
        return bool(self.ready) or super().busy()


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
    if _nominal(load) <= load.concurrency:
        return _queue(burst)
    later = _run(_instance(table, load, capacity, slots, prefill, settled=True))
    return _loop(load, burst, later)


def _nominal(load: Load) -> int:
    return load.requests or 10 * load.concurrency


def _instance(
    table: StepTable, load: Load, capacity: float, slots: int, prefill: StepTable | None, *,
    settled: bool,
) -> _Instance:  # fmt: skip
    if prefill:
        return _Apart(table, load, capacity, slots, prefill, settled=settled)
    return _Instance(table, load, capacity, slots, settled=settled)


def _run(instance: _Instance) -> _Instance:
    for _ in range(min(instance.load.concurrency, instance.to_send)):
        instance.send()
    while instance.busy():
        instance.admit()
        if instance.filling:
            instance.prefill_step()
        else:
            instance.decode()
    return instance


def _queue(instance: _Instance) -> Served:
    """Averages where everything was queued at once."""
    wave = instance.waves[0]
    return _served(instance, [(1.0, wave)], wave.done / max(instance.now, 1e-12))


def _loop(load: Load, burst: _Instance, later: _Instance) -> Served:
    """Averages of a closed loop, its rate by Little's law."""
    early = load.concurrency / _nominal(load)
    if not load.spread and not burst.crowded:
        early += (1 - early) * later.engine.lockstep
    parts = [(early, burst.waves[0]), (1 - early, later.waves[1])]
    latency = _mean(parts, "latency")
    delivered = load.concurrency * _mean(parts, "out") * later.engine.stream_s
    held_up = join(DELIVERY_SHARPNESS, latency, delivered) - latency
    return _served(later, parts, load.concurrency / (latency + held_up), held_up)


def _mean(parts: Sequence[tuple[float, _Wave]], name: str, count: str = "done") -> float:
    return sum(share * getattr(wave, name) / max(1, getattr(wave, count)) for share, wave in parts)


def _served(
    instance: _Instance, parts: Sequence[tuple[float, _Wave]], rate: float, held_up: float = 0.0
) -> Served:
    """``held_up`` are the seconds a request's tokens wait in the front end."""
    out, into = _mean(parts, "out"), _mean(parts, "into")
    return Served(
        ttft_s=_mean(parts, "ttft") + held_up,
        tpot_s=_mean(parts, "tpot", "measured"),
        latency_s=_mean(parts, "latency") + held_up,
        seconds=_nominal(instance.load) / rate,
        output_rate=out * rate,
        total_rate=(out + into) * rate,
        request_rate=rate,
        batch=instance.decode_weight / max(instance.decode_seconds, 1e-12),
        samples={"ttft": _samples(parts, "firsts"), "tpot": _samples(parts, "paces")},
    )


def _samples(parts: Sequence[tuple[float, _Wave]], name: str) -> list[tuple[float, float]]:
    return sorted(
        (value, share / len(getattr(wave, name)))
        for share, wave in parts
        for value in getattr(wave, name)
    )
