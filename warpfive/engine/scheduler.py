"""Which tokens of which sequences the next step computes.

One pass over running and waiting sequences in order of service. A running sequence that needs a
block takes it, if need be, from the sequence that would be served last, which then starts over
(preemption by recomputation). A waiting sequence is admitted when a seat and blocks for all its
known tokens are there; a strictly better priority may displace running sequences for it. The first
waiting sequence that does not fit ends admission, so nobody is overtaken within a priority.
"""

import bisect
import heapq
from collections.abc import Callable

from warpfive.engine.batch import Batch, Slice
from warpfive.engine.blocks import BlockPool, blocks_for
from warpfive.engine.config import EngineConfig
from warpfive.engine.policy import policy
from warpfive.engine.prefix import block_hashes
from warpfive.engine.request import Request, Sequence, State
from warpfive.errors import InputError


class Scheduler:
    """Forms batches and keeps the KV blocks of every sequence."""

    def __init__(self, config: EngineConfig) -> None:
        self.config = config
        self.pool = BlockPool(config.kv_blocks)
        self.running: list[Sequence] = []
        """Admitted sequences in order of service."""
        self._waiting: list[tuple[tuple, Sequence]] = []
        self._key = policy(config.policy)
        self._number = 0

    @property
    def waiting(self) -> list[Sequence]:
        """Sequences not admitted, in order of service."""
        return [item for _, item in sorted(self._waiting, key=lambda entry: entry[0])]

    @property
    def busy(self) -> bool:
        """Whether any sequence is unfinished."""
        return bool(self.running or self._waiting)

    def add(self, request: Request) -> Sequence:
        """Queue a request; one that could never be served is refused."""
        _check(request, self.config)
        hashes = list(request.hashes)
        if not hashes and request.tokens is not None:
            hashes = block_hashes(request.tokens, self.config.block_tokens)
        sequence = Sequence(request, self._key(request, self._number), hashes)
        sequence.computed = request.ready_tokens
        self._number += 1
        self._queue(sequence)
        return sequence

    def abort(self, sequence: Sequence) -> None:
        """Drop an unfinished sequence and free its blocks."""
        if sequence.state is State.RUNNING:
            self.running.remove(sequence)
        elif sequence.state is State.WAITING:
            self._waiting = [entry for entry in self._waiting if entry[1] is not sequence]
            heapq.heapify(self._waiting)
        else:
            return
        self._free(sequence)
        sequence.state = State.ABORTED

    def schedule(self) -> Batch:
        """The next step's batch; empty when nothing can run."""
        batch = Batch()
        admit = self.config.batching == "continuous"
        if not admit and not self.running:
            self._admit_group(batch)
        if self.config.chunked_prefill:
            self._pass(batch, admit=admit, serves=_any)
            return batch
        self._pass(batch, admit=admit, serves=_prefills)
        if not batch:
            self._pass(batch, admit=False, serves=_decodes)
        return batch

    def _admit_group(self, batch: Batch) -> None:
        """Admit whoever fits, whatever the step can compute (static batching)."""
        while self._waiting and self._admit(self._waiting[0][1], batch):
            pass

    def _pass(self, batch: Batch, *, admit: bool, serves: Callable[[Sequence], bool]) -> None:
        """Fill the batch in order of service, admitting while ``admit`` holds."""
        budget = self.config.max_tokens
        place = 0
        while budget > 0:
            current = self.running[place] if place < len(self.running) else None
            if admit and self._waiting and (current is None or self._waiting[0][0] < current.key):
                admit = self._admit(self._waiting[0][1], batch) and not batch.preempted
                continue
            if current is None:
                return
            place += 1
            if not serves(current):
                continue
            count = self._count(current, budget, batch)
            if count == 0 or not self._grow(current, count, batch):
                return
            admit = admit and not batch.preempted
            batch.slices.append(Slice(current, current.computed, count))
            budget -= count

    def _count(self, sequence: Sequence, budget: int, batch: Batch) -> int:
        """Tokens of the budget a sequence may take; whole prompts where chunks are off."""
        pending = sequence.pending
        if pending <= budget or self.config.chunked_prefill:
            return min(pending, budget)
        return 0 if batch else pending

    def update(self, batch: Batch, tokens: list[int]) -> list[Sequence]:
        """Account for a computed batch; returns the sequences that finished.

        ``tokens`` holds one id for each slice, ignored where the slice samples nothing.
        """
        finished = []
        for part, token in zip(batch.slices, tokens, strict=True):
            sequence = part.sequence
            if sequence.state is not State.RUNNING:
                continue  # aborted while the step ran
            samples = part.samples
            sequence.computed += part.count
            self._register(sequence, part.start)
            if samples:
                sequence.outputs.append(token)
                if sequence.done:
                    finished.append(sequence)
        for sequence in finished:
            self.running.remove(sequence)
            self._free(sequence)
            sequence.state = State.FINISHED
        return finished

    def check_integrity(self) -> None:
        """Assert every invariant of the queues and blocks."""
        size = self.config.block_tokens
        assert len(self.running) <= self.config.max_seqs
        assert self.running == sorted(self.running, key=lambda item: item.key)
        for sequence in self.running:
            assert sequence.state is State.RUNNING
            assert 0 <= sequence.computed < sequence.total
            assert len(sequence.blocks) >= blocks_for(sequence.computed, size)
        for _, sequence in self._waiting:
            assert sequence.state is State.WAITING and not sequence.blocks
        self.pool.check_integrity(item.blocks for item in self.running)

    def _queue(self, sequence: Sequence) -> None:
        sequence.state = State.WAITING
        heapq.heappush(self._waiting, (sequence.key, sequence))

    def _admit(self, sequence: Sequence, batch: Batch) -> bool:
        """Give a seat and blocks for all known tokens, or leave everything as it is."""
        shared = self._match(sequence)
        if not self._make_room(sequence, shared, batch):
            return False
        heapq.heappop(self._waiting)
        self.pool.share(shared)
        need = blocks_for(sequence.total, self.config.block_tokens) - len(shared)
        sequence.blocks = [*shared, *self.pool.allocate(need)]
        sequence.cached_tokens = len(shared) * self.config.block_tokens
        sequence.computed = max(sequence.computed, sequence.cached_tokens)
        sequence.state = State.RUNNING
        bisect.insort(self.running, sequence, key=lambda item: item.key)
        return True

    def _match(self, sequence: Sequence) -> list[int]:
        """Cached blocks of the sequence's prefix; at least one token is left to compute."""
        if not self.config.prefix_cache:
            return []
        most = (sequence.total - 1) // self.config.block_tokens
        return self.pool.cache.match(sequence.hashes[:most])

    def _make_room(self, sequence: Sequence, shared: list[int], batch: Batch) -> bool:
        """Whether the sequence fits, displacing strictly worse priorities until it does."""
        while not self._fits(sequence, shared):
            if not self.running or self.running[-1].key[0] <= sequence.key[0]:
                return False
            self._preempt(batch)
        return True

    def _fits(self, sequence: Sequence, shared: list[int]) -> bool:
        """Whether a seat is free, and blocks beside the watermark."""
        need = blocks_for(sequence.total, self.config.block_tokens) - len(shared)
        idle = sum(self.pool.cache.is_idle(block) for block in shared)
        slack = self.config.watermark_blocks if self.running else 0
        seat = len(self.running) < self.config.max_seqs
        return seat and self.pool.available - idle >= need + slack

    def _grow(self, sequence: Sequence, count: int, batch: Batch) -> bool:
        """Blocks for ``count`` more tokens; False where the sequence itself had to give way."""
        need = blocks_for(sequence.computed + count, self.config.block_tokens)
        need -= len(sequence.blocks)
        while need > self.pool.available:
            if self._preempt(batch) is sequence:
                return False
        if need > 0:
            sequence.blocks += self.pool.allocate(need)
        return True

    def _preempt(self, batch: Batch) -> Sequence:
        """Take everything from the sequence served last; it starts over from its prompt."""
        sequence = self.running.pop()
        self._free(sequence)
        sequence.computed = 0
        sequence.preemptions += 1
        batch.preempted.append(sequence)
        self._queue(sequence)
        return sequence

    def _free(self, sequence: Sequence) -> None:
        self.pool.release(sequence.blocks)
        sequence.blocks = []

    def _register(self, sequence: Sequence, start: int) -> None:
        """Offer the blocks that the last slice completed to the prefix cache."""
        if not self.config.prefix_cache:
            return
        size = self.config.block_tokens
        if sequence.request.tokens is not None:
            self._extend_hashes(sequence)
        last = min(sequence.computed // size, len(sequence.hashes))
        for index in range(start // size, last):
            self.pool.cache.register(sequence.blocks[index], sequence.hashes[index])

    def _extend_hashes(self, sequence: Sequence) -> None:
        """Hash the blocks that outputs have filled, so that a next turn finds them."""
        size = self.config.block_tokens
        known = len(sequence.hashes)
        if sequence.computed // size > known:
            parent = sequence.hashes[-1] if known else 0
            ids = sequence.token_ids()[known * size : sequence.computed]
            sequence.hashes += block_hashes(ids, size, parent)


def _any(sequence: Sequence) -> bool:
    return True


def _prefills(sequence: Sequence) -> bool:
    return sequence.pending > 1


def _decodes(sequence: Sequence) -> bool:
    return sequence.pending == 1


def _check(request: Request, config: EngineConfig) -> None:
    """Refuse a request that could never be served."""
    name = f"request {request.id}"
    if request.prompt_tokens < 1 or request.max_output < 1:
        raise InputError(
            f"{name}: {request.prompt_tokens} prompt and {request.max_output} output tokens; "
            "both must be at least 1"
        )
    if request.tokens is not None and len(request.tokens) != request.prompt_tokens:
        raise InputError(
            f"{name}: {len(request.tokens)} token ids but prompt_tokens = {request.prompt_tokens}"
        )
    longest = request.prompt_tokens + request.max_output
    if longest > config.longest:
        raise InputError(
            f"{name}: {request.prompt_tokens} prompt and {request.max_output} output tokens exceed "
            f"the {config.longest} this engine holds; shorten it or add KV memory"
        )
    if not 0 <= request.ready_tokens < request.prompt_tokens:
        raise InputError(
            f"{name}: ready_tokens = {request.ready_tokens} of {request.prompt_tokens} prompt "
            "tokens; at least one must be left to compute"
        )
