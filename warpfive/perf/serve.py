"""A small serving model: one engine instance under a closed loop or a burst of requests.

It follows continuous batching step by step where prompts are involved and sums decode stretches
in closed form. It stands beside the request-level simulation of the fleet: enough for one
configuration's averages, in milliseconds.
"""

import random
from collections import deque
from dataclasses import dataclass
from heapq import heappop, heappush

from warpfive.perf.table import StepTable


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Requests offered to one instance."""

    input_tokens: float
    output_tokens: float
    concurrency: int
    """Requests in flight at once; the next is sent when one ends."""
    requests: int = 0
    """Requests in all; 0 for ten rounds of the concurrency.

    Of a closed loop only the first rounds are followed; later ones repeat the last of them.
    """
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


FOLLOWED = 3
"""Rounds of a closed loop that are followed."""


class _Wave:
    """Sums over the first round's requests, which start together, or over the later ones."""

    __slots__ = ("done", "into", "latency", "measured", "out", "tpot", "ttft")

    def __init__(self) -> None:
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

    def __init__(self, table: StepTable, load: Load, capacity: float, slots: int) -> None:
        self.table, self.load = table, load
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
        nominal = load.requests or 10 * load.concurrency
        self.to_send = min(nominal, FOLLOWED * load.concurrency + 20)
        self.waves = (_Wave(), _Wave())
        self.sent = 0
        self.decode_seconds = self.decode_weight = 0.0
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
        tokens = max(1, round(self.load.output_tokens * self.draw()))
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
                return
            request.kept = need
            self.used += need
            self.filling.append(self.waiting.popleft())

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
        self.waves[request.wave].ttft += self.now - request.sent + self.engine.request_s
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
            wave.tpot += (self.now - request.first) / (request.wanted - 1)
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
        self, table: StepTable, load: Load, capacity: float, slots: int, prefill: StepTable
    ) -> None:
        super().__init__(table, load, capacity, slots)
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

    With ``prefill`` the prompts are computed on a second instance and their KV cache is moved.
    """
    instance = (
        _Apart(table, load, capacity, slots, prefill)
        if prefill
        else _Instance(table, load, capacity, slots)
    )
    for _ in range(min(load.concurrency, instance.to_send)):
        instance.send()
    while instance.busy():
        instance.admit()
        if instance.filling:
            instance.prefill_step()
        else:
            instance.decode()
    return _averages(instance)


def _averages(instance: _Instance) -> Served:
    load = instance.load
    nominal = load.requests or 10 * load.concurrency
    first, later = instance.waves
    early = min(1.0, load.concurrency / nominal) if later.done else 1.0

    def mean(field: str, count: str = "done") -> float:
        one = getattr(first, field) / max(1, getattr(first, count))
        two = getattr(later, field) / max(1, getattr(later, count))
        return early * one + (1 - early) * two

    latency, out, into = mean("latency"), mean("out"), mean("into")
    if later.done:
        requests_per_second = min(load.concurrency, nominal) / latency
    else:
        requests_per_second = first.done / max(instance.now, 1e-12)
    return Served(
        ttft_s=mean("ttft"),
        tpot_s=mean("tpot", "measured"),
        latency_s=latency,
        seconds=nominal / requests_per_second,
        output_rate=out * requests_per_second,
        total_rate=(out + into) * requests_per_second,
        request_rate=requests_per_second,
        batch=instance.decode_weight / max(instance.decode_seconds, 1e-12),
    )
