"""The engine on the clock: requests come in, steps take their time, tokens go out."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import NoReturn

from warpfive.engine import (
    Engine,
    EngineConfig,
    Executor,
    Request,
    Sequence,
    State,
    block_hashes,
)


@dataclass(slots=True, eq=False)
class Stream:
    """The way of one request's tokens to its client."""

    sequence: Sequence
    tokens: asyncio.Queue[int | None] = field(default_factory=asyncio.Queue)
    """Ids in order; ``None`` ends the output."""


class Service:
    """One replica behind the API.

    Steps begin as soon as work is there and end when the time the executor names has passed on the
    event loop's clock; what arrives in between waits for the next step, as in the simulation.
    ``front_s`` is a request's time outside the queue; ``speed`` runs the clock faster.
    """

    def __init__(
        self, config: EngineConfig, executor: Executor, front_s: float = 0.0, speed: float = 1.0
    ) -> None:
        self.engine = Engine(config, executor)
        self.config = config
        self.front_s, self.speed = front_s, speed
        self.steps = self.finished = self.aborted = self.prompt_tokens = self.output_tokens = 0
        self.late_s = 0.0
        """How far the host is behind the chip's clock."""
        self._streams: dict[Sequence, Stream] = {}
        self._arrived = asyncio.Event()
        self._count = 0

    async def run(self) -> None:
        """Serve until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            due = loop.time()
            while self.engine.busy:
                # yields at least once, so that what arrived at this instant is seen
                due = await self._step(due)

    async def _step(self, begun: float) -> float:
        """One iteration, until its end; when that was due."""
        loop = asyncio.get_running_loop()
        batch, result = self.engine.begin() or _stuck()
        due = begun + result.elapsed_s / self.speed
        self.late_s = max(0.0, loop.time() - due)
        await asyncio.sleep(due - loop.time())
        fresh = [
            (part.sequence, token)
            for part, token in zip(batch.slices, result.tokens, strict=True)
            if part.samples and part.sequence.state is State.RUNNING
        ]
        finished = self.engine.finish(batch, result).finished
        self.steps += 1
        for sequence, token in fresh:
            self._give(sequence, token)
        for sequence in finished:
            self._end(sequence)
        return due

    async def generate(self, prompt: list[int], max_output: int) -> AsyncIterator[int]:
        """Token ids of one request's answer; leaving early gives the request up.

        Raises :class:`InputError` where the request could never be served.
        """
        await asyncio.sleep(self.front_s / self.speed)
        stream = self._submit(prompt, max_output)
        try:
            while (token := await stream.tokens.get()) is not None:
                yield token
        finally:
            if self._streams.pop(stream.sequence, None):
                self.engine.abort(stream.sequence)
                self.aborted += 1

    def _submit(self, prompt: list[int], max_output: int) -> Stream:
        self._count += 1
        sequence = self.engine.submit(
            Request(
                id=self._count, prompt_tokens=len(prompt), max_output=max_output, tokens=prompt,
                hashes=block_hashes(prompt, self.config.block_tokens),
            )
        )  # fmt: skip
        self.prompt_tokens += len(prompt)
        stream = self._streams[sequence] = Stream(sequence)
        self._arrived.set()
        return stream

    def _give(self, sequence: Sequence, token: int) -> None:
        self.output_tokens += 1
        if stream := self._streams.get(sequence):
            stream.tokens.put_nowait(token)

    def _end(self, sequence: Sequence) -> None:
        self.finished += 1
        if stream := self._streams.pop(sequence, None):
            stream.tokens.put_nowait(None)


def _stuck() -> NoReturn:
    raise AssertionError("work is left that cannot run")
