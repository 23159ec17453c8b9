"""The plain simulation: the serving scheduler itself, one iteration at a time.

Events at one instant happen in this order: steps end, requests arrive, steps start.
"""

import heapq
from collections.abc import Sequence as Items

import numpy as np

from warpfive.engine import (
    Batch,
    EngineConfig,
    Request,
    Scheduler,
    Sequence,
    State,
    StepResult,
)
from warpfive.errors import InputError
from warpfive.fleet.cost import StepCost
from warpfive.fleet.failure import Failure
from warpfive.fleet.result import Outcome, ReplicaStats
from warpfive.fleet.router import router
from warpfive.fleet.trace import PS, Trace


class SimulatedExecutor:
    """Computes nothing and says how long it would have taken."""

    def __init__(self, cost: StepCost) -> None:
        self.cost = cost
        self.last_ps = 0

    def execute(self, batch: Batch) -> StepResult:
        """Time of the batch, and its tokens."""
        self.last_ps = self.cost.step_ps((part.start, part.count) for part in batch.slices)
        return StepResult(tokens=self.tokens(batch), elapsed_s=self.last_ps / PS)

    def tokens(self, batch: Batch) -> list[int]:
        """One id for each slice: 0."""
        return [0] * len(batch.slices)

    def release(self, sequence: Sequence) -> None:
        """Nothing is kept."""


class Replica:
    """One engine on simulated time."""

    def __init__(self, config: EngineConfig, cost: StepCost) -> None:
        self.scheduler = Scheduler(config)
        self.executor = SimulatedExecutor(cost)
        self.batch: Batch | None = None
        self.tokens: list[int] = []
        self.outstanding = 0
        self.outstanding_tokens = 0
        self.down = False
        self.steps = self.busy_ps = self.computed = self.preemptions = 0

    def cached_tokens(self, request: Request) -> int:
        """Prompt tokens in the prefix cache."""
        config = self.scheduler.config
        if not config.prefix_cache:
            return 0
        most = (request.prompt_tokens - 1) // config.block_tokens
        return config.block_tokens * len(self.scheduler.pool.cache.match(request.hashes[:most]))

    def add(self, request: Request) -> Sequence:
        """Take a request."""
        self.outstanding += 1
        self.outstanding_tokens += request.prompt_tokens
        return self.scheduler.add(request)

    def start(self) -> int | None:
        """Start a step; picoseconds it takes, or None where nothing is to do."""
        if self.batch is not None or self.down or not self.scheduler.busy:
            return None
        self.batch = self.scheduler.schedule()
        if not self.batch:
            raise AssertionError("work is left that cannot run")
        self.tokens = self.executor.execute(self.batch).tokens
        self.steps += 1
        self.busy_ps += self.executor.last_ps
        self.computed += self.batch.tokens
        self.preemptions += len(self.batch.preempted)
        return self.executor.last_ps

    def finish(self) -> tuple[list[Sequence], list[Sequence]]:
        """End the step; sequences that had their first token, and those that finished."""
        batch, self.batch = self.batch, None
        assert batch is not None, "no step is under way"
        fresh = [part.sequence for part in batch.slices if not part.sequence.outputs]
        finished = self.scheduler.update(batch, self.tokens)
        for sequence in finished:
            self.outstanding -= 1
            self.outstanding_tokens -= sequence.request.prompt_tokens
        return [item for item in fresh if item.outputs], finished

    def fail(self) -> list[Sequence]:
        """Lose everything; the sequences that have to start over elsewhere."""
        lost = [*self.scheduler.running, *self.scheduler.waiting]
        self.batch = None
        self.scheduler = Scheduler(self.scheduler.config)
        self.outstanding = self.outstanding_tokens = 0
        self.down = True
        return lost

    def stats(self) -> ReplicaStats:
        """Counts so far."""
        return ReplicaStats(
            steps=self.steps, busy_s=self.busy_ps / PS, peak_blocks=self.scheduler.pool.peak,
            tokens=self.computed, preemptions=self.preemptions,
        )  # fmt: skip


class Fleet:
    """Replicas, the requests on their way, and the clock."""

    def __init__(self, trace: Trace, replicas: Items[Replica], routing: str) -> None:
        count = len(trace)
        self.trace = trace
        self.replicas = replicas
        self.route = router(routing)
        self.arrival_ps = trace.arrival_ps.copy()
        self.first_ps = np.zeros(count, dtype=np.int64)
        self.finish_ps = np.zeros(count, dtype=np.int64)
        self.hits = np.zeros(count, dtype=np.int32)
        self.lost = np.zeros(count, dtype=np.int32)
        self.where = np.zeros(count, dtype=np.int32)
        self.events: list[tuple[int, int, int, int]] = []
        self.followers: dict[int, int] = {}
        self.generation = [0] * len(replicas)

    def push(self, at: int, kind: int, what: int, tag: int = 0) -> None:
        """Note an event; kinds at one instant are handled in ascending order."""
        heapq.heappush(self.events, (at, kind, what, tag))

    def run(self) -> None:
        """Handle events until none is left."""
        while self.events:
            now = self.events[0][0]
            while self.events and self.events[0][0] == now:
                _, kind, what, tag = heapq.heappop(self.events)
                HANDLERS[kind](self, now, what, tag)
            for place, replica in enumerate(self.replicas):
                spent = replica.start()
                if spent is not None:
                    self.push(now + spent, STEP_END, place, self.generation[place])

    def step_end(self, now: int, place: int, tag: int) -> None:
        """A replica's step is over; ``tag`` tells steps that a failure cut short."""
        if tag != self.generation[place]:
            return
        first, finished = self.replicas[place].finish()
        for sequence in first:
            number = int(sequence.request.id)
            self.first_ps[number] = self.first_ps[number] or now
        for sequence in finished:
            number = int(sequence.request.id)
            self.finish_ps[number] = now
            self.hits[number] = sequence.cached_tokens
            self.lost[number] += sequence.preemptions
            self.follow(now, place)

    def follow(self, now: int, place: int) -> None:
        """Closed loop: the client whose request finished sends its next one."""
        number = self.followers.get(place, len(self.trace))
        if number < len(self.trace):
            self.arrival_ps[number] = now
            self.send(number, place)
            self.followers[place] = number + len(self.replicas)

    def arrive(self, now: int, number: int, tag: int) -> None:
        """A request reaches the front door, or comes back from a failed replica."""
        request = _request(self.trace, number, self.arrival_ps[number])
        up = [place for place, replica in enumerate(self.replicas) if not replica.down]
        if not up:
            self.push(self.next_repair(), ARRIVE, number)
            return
        chosen = self.route(request, number, [self.replicas[place] for place in up])
        self.send(number, up[chosen])

    def send(self, number: int, place: int) -> None:
        """Give a request to a replica."""
        self.where[number] = place
        self.replicas[place].add(_request(self.trace, number, self.arrival_ps[number]))

    def fail(self, now: int, place: int, tag: int) -> None:
        """A replica stops; what it held starts over elsewhere."""
        self.generation[place] += 1
        for sequence in self.replicas[place].fail():
            number = int(sequence.request.id)
            self.lost[number] += sequence.preemptions + (sequence.state is State.RUNNING)
            self.push(now, ARRIVE, number)

    def repair(self, now: int, place: int, tag: int) -> None:
        """A replica is back, empty."""
        self.replicas[place].down = False

    def next_repair(self) -> int:
        """When the next replica comes back."""
        times = [at for at, kind, _, _ in self.events if kind == REPAIR]
        if not times:
            raise InputError("every replica has failed and none comes back; shorten a failure")
        return min(times)


STEP_END, REPAIR, FAIL, ARRIVE = range(4)
HANDLERS = {
    STEP_END: Fleet.step_end, REPAIR: Fleet.repair, FAIL: Fleet.fail, ARRIVE: Fleet.arrive,
}  # fmt: skip


def _request(trace: Trace, number: int, arrival_ps: int) -> Request:
    return Request(
        id=number,
        prompt_tokens=int(trace.prompt[number]),
        max_output=int(trace.output[number]),
        hashes=trace.hash[trace.hash_at[number] : trace.hash_at[number + 1]].tolist(),
        priority=int(trace.priority[number]),
        arrival_s=arrival_ps / PS,
        ready_tokens=int(trace.ready[number]),
    )


def simulate_plain(
    trace: Trace,
    config: EngineConfig,
    cost: StepCost,
    *,
    replicas: int = 1,
    routing: str = "round_robin",
    clients: int = 0,
    failures: Items[Failure] = (),
) -> Outcome:
    """Simulate a trace by running the serving scheduler itself.

    ``clients`` above 0 closes the loop: so many clients a replica, each sending its next request
    when its last has finished; arrival times are then ignored.
    """
    fleet = Fleet(trace, [Replica(config, cost) for _ in range(replicas)], routing)
    if clients:
        _close_loop(fleet, clients)
    else:
        for number, at in enumerate(trace.arrival_ps.tolist()):
            fleet.push(at, ARRIVE, number)
    for failure in failures:
        fleet.push(round(failure.at_s * PS), FAIL, failure.replica)
        fleet.push(round((failure.at_s + failure.for_s) * PS), REPAIR, failure.replica)
    fleet.run()
    return Outcome(
        trace=trace, arrival_ps=fleet.arrival_ps, first_ps=fleet.first_ps,
        finish_ps=fleet.finish_ps, hit_tokens=fleet.hits, preemptions=fleet.lost,
        replica=fleet.where, replicas=tuple(item.stats() for item in fleet.replicas),
    )  # fmt: skip


def _close_loop(fleet: Fleet, clients: int) -> None:
    count = len(fleet.replicas)
    for place in range(count):
        mine = range(place, len(fleet.trace), count)
        for number in mine[:clients]:
            fleet.arrival_ps[number] = 0
            fleet.send(number, place)
        fleet.followers[place] = mine[clients] if len(mine) > clients else len(fleet.trace)
    fleet.push(0, STEP_END, 0, -1)  # nothing ends; the clock starts
