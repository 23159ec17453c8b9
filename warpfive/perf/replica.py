"""One replica followed step by step: who waits, who is in prefill, who decodes.

Steps with prompts in them are followed one by one, decode stretches are summed in closed form. This
is the plain loop, the judge of the compiled one (``fast.py``) that predictions use. It stands
beside the request-level simulation of the fleet: enough for the averages of one configuration.
"""

import random
from collections import deque
from collections.abc import Sequence
from functools import lru_cache
from heapq import heappop, heappush
from typing import Protocol

from warpfive.perf.load import Load
from warpfive.perf.table import StepTable

FOLLOWED = 3
"""Rounds of a closed loop that are followed."""


def requests_in_all(load: Load) -> int:
    """Requests of a load, where it does not say: ten rounds."""
    return load.requests or 10 * load.concurrency


@lru_cache(maxsize=512)
def lengths(load: Load, settled: bool) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """Prompt and output tokens of every request that is followed, in order.

    ``settled`` starts at a moment when the running requests are anywhere in their output.
    """
    draws = random.Random(load.seed)
    prompts, outputs = [], []
    rounds = FOLLOWED if settled else 2
    for index in range(min(requests_in_all(load), rounds * load.concurrency + 20)):
        prompts.append(max(1.0, round(load.input_tokens * _draw(load.spread, draws))))
        wanted = load.output_tokens * _draw(load.spread, draws)
        if settled and index < load.concurrency:
            wanted *= draws.random()
        outputs.append(max(1, round(wanted)))
    return tuple(prompts), tuple(outputs)


def _draw(spread: float, draws: random.Random) -> float:
    """A length against its mean."""
    if spread < 0:
        return draws.expovariate(1.0)
    return 1 + draws.uniform(-spread, spread) if spread else 1.0


class Account(Protocol):
    """What following a load leaves, by either loop."""

    waves: "Sequence[Wave]"
    """The first round's requests, and the later ones."""
    now: float
    decode_seconds: float
    decode_weight: float
    plain_seconds: float
    plain_steps: float
    crowded: bool
    """Whether a request ever had to wait for a slot or for KV cache."""


class Wave:
    """Sums over some requests."""

    __slots__ = ("done", "firsts", "into", "latency", "measured", "out", "paces", "tpot", "ttft")

    def __init__(self) -> None:
        self.firsts: list[float] = []
        self.paces: list[float] = []
        self.done = self.measured = 0
        self.ttft = self.tpot = self.latency = self.out = self.into = 0.0


class Sent:
    """One request: what it asks for, and when things happened to it."""

    __slots__ = (
        "sent", "ready", "prompt", "wanted", "left", "first", "kept", "wave", "group", "index",
    )  # fmt: skip

    def __init__(
        self, sent: float, ready: float, prompt: float, wanted: int, wave: int, index: int
    ) -> None:
        self.wave = wave
        self.index = index
        self.sent = sent
        self.ready = ready
        self.prompt = prompt
        self.wanted = wanted
        self.left = prompt
        self.first = 0.0
        self.kept = 0.0
        self.group = 0


class Running:
    """State of the loop: who waits, who is in prefill, who decodes."""

    def __init__(
        self, table: StepTable, load: Load, capacity: float, slots: int, *, settled: bool = False
    ) -> None:
        """``settled``: see ``lengths``."""
        self.table, self.load = table, load
        self.engine = table.step.engine
        self.groups = table.step.layout.dp
        self.capacity, self.slots = capacity / self.groups, slots
        self.now = self.open = 0.0
        self.steps = 0.0
        self.waiting: deque[Sent] = deque()
        self.filling: deque[Sent] = deque()
        self.running: list[tuple[float, int, Sent]] = []
        """A heap by end, then by order of sending."""
        self.context = 0.0
        self.used = [0.0] * self.groups
        """Tokens of KV cache that each data-parallel group has promised."""
        self.held = [0] * self.groups
        """Requests of each group."""
        self.prompts, self.outputs = lengths(load, settled)
        self.to_send = len(self.prompts)
        self.waves = (Wave(), Wave())
        self.sent = 0
        self.decode_seconds = self.decode_weight = 0.0
        self.plain_seconds = self.plain_steps = 0.0
        self.crowded = False
        self.per_step = table.step.tokens_per_step

    def busy(self) -> bool:
        """Whether anything is left to do."""
        return bool(self.waiting or self.filling or self.running)

    def send(self) -> None:
        """One more request, if any is left."""
        if self.sent >= self.to_send:
            return
        wave = 0 if self.sent < self.load.concurrency else 1
        prompt, tokens = self.prompts[self.sent], self.outputs[self.sent]
        self.open = max(self.open, self.now) + self.engine.intake_s
        self.waiting.append(Sent(self.now, self.open, prompt, tokens, wave, self.sent))
        self.sent += 1

    def admit(self) -> None:
        """Move waiting requests to prefill while slots and KV cache last."""
        while self.waiting and len(self.running) + self.queued() < self.slots:
            request = self.waiting[0]
            if request.ready > self.now + 1e-9:
                return
            group = self.held.index(min(self.held))
            need = request.prompt + self.engine.reserve * request.wanted
            if self.used[group] + need > self.capacity and self.used[group] > 0:
                self.crowded = True
                return
            request.kept, request.group = need, group
            self.used[group] += need
            self.held[group] += 1
            self.filling.append(self.waiting.popleft())
        self.crowded |= bool(self.waiting)

    def queued(self) -> int:
        """Admitted requests without a first token."""
        return len(self.filling)

    def prefill_step(self) -> None:
        """One step with prompts in it, and the running batch beside them if the engine mixes."""
        batch = len(self.running)
        parts, ended = self._parts()
        taken, count = sum(part for _, part in parts), len(parts)
        context = sum(request.prompt - request.left - part for request, part in parts) / count
        shares = [0.0] * self.groups
        for request, part in parts:
            shares[request.group] += part
        mixed = self.engine.mixed and batch > 0
        if mixed:
            seconds = self.table.mixed(taken, context, count, batch, self.context, max(shares))
        else:
            seconds = self.table.prefill(taken, context, count, max(shares))
        self.now += seconds
        if mixed:
            self.decode_seconds += seconds
            self.decode_weight += seconds * batch
            self.advance(1.0)
        for request in ended:
            self.start(request)

    def _parts(self) -> tuple[list[tuple[Sent, float]], list[Sent]]:
        """Prompt tokens of the next step, in order of arrival; and the prompts they complete."""
        rooms = [float(self.engine.chunk_tokens)] * self.groups
        parts, ended = [], []
        for request in self.filling:
            part = min(request.left, rooms[request.group])
            if part > 0:
                rooms[request.group] -= part
                request.left -= part
                parts.append((request, part))
                if not request.left:
                    ended.append(request)
            if not any(rooms):
                break
        if self.groups == 1:
            for _ in ended:
                self.filling.popleft()
        else:
            self.filling = deque(request for request in self.filling if request.left)
        return parts, ended

    def start(self, request: Sent) -> None:
        """First token of a request whose prompt is done."""
        request.first = self.now
        waited = self.now - request.sent
        self.waves[request.wave].ttft += waited
        self.waves[request.wave].firsts.append(waited)
        if request.wanted <= 1:
            self.finish(request)
            return
        ends = self.steps + (request.wanted - 1) / self.per_step
        heappush(self.running, (ends, request.index, request))
        self.context += request.prompt + 1

    def advance(self, steps: float) -> None:
        """Count decode steps done and end the requests that got their last token."""
        self.context += len(self.running) * steps * self.per_step
        self.steps += steps
        while self.running and self.running[0][0] <= self.steps + 1e-9:
            request = heappop(self.running)[2]
            self.context -= request.prompt + request.wanted
            self.finish(request)

    def finish(self, request: Sent) -> None:
        """Take down a request's times and send the next one."""
        self.used[request.group] -= request.kept
        self.held[request.group] -= 1
        wave = self.waves[request.wave]
        wave.done += 1
        wave.out += request.wanted
        wave.into += request.prompt
        wave.latency += self.now - request.sent
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
        self.plain_seconds += seconds
        self.plain_steps += count
        self.advance(count)


class Apart(Running):
    """Decode instance with its prompts prefilled on another instance, first come, first served."""

    def __init__(
        self, table: StepTable, load: Load, capacity: float, slots: int, prefill: StepTable, *,
        settled: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(table, load, capacity, slots, settled=settled)
        self.prefill_table = prefill
        self.free = [0.0] * prefill.step.layout.dp
        """When each data-parallel group of the prefill instance has done its prompts."""
        self.ready: deque[tuple[float, Sent]] = deque()

    def queued(self) -> int:
        """Prompts on the prefill instance or on their way."""
        return len(self.filling) + len(self.ready)

    def prefill_step(self) -> None:
        """Hand the admitted prompts to the prefill instance."""
        while self.filling:
            request = self.filling.popleft()
            first = self.free.index(min(self.free))
            begin = max(self.free[first], request.sent)
            busy = 1 + sum(free > begin for free in self.free)
            self.free[first] = begin + self.prefill_table.prefill(
                busy * request.prompt, 0.0, busy, request.prompt
            )
            moved = self.free[first] + self.table.step.kv_transfer(request.prompt)
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


def follow_plain(
    table: StepTable, load: Load, capacity: float, slots: int, prefill: StepTable | None = None, *,
    settled: bool, first_only: bool,
) -> Running:  # fmt: skip
    """Follow an instance to the end, or until the first round is over, one step at a time."""
    if prefill:
        instance: Running = Apart(table, load, capacity, slots, prefill, settled=settled)
    else:
        instance = Running(table, load, capacity, slots, settled=settled)
    users = min(load.concurrency, instance.to_send)
    for _ in range(users):
        instance.send()
    first = instance.waves[0]
    while instance.busy() and not (first_only and first.done == users):
        instance.admit()
        if instance.filling:
            instance.prefill_step()
        else:
            instance.decode()
    return instance
