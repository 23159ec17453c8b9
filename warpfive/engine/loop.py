"""The engine: schedule a batch, execute it, account for it, once per iteration."""

from dataclasses import dataclass, field

from warpfive.engine.batch import Batch
from warpfive.engine.config import EngineConfig
from warpfive.engine.executor import Executor, StepResult
from warpfive.engine.request import Request, Sequence, State
from warpfive.engine.scheduler import Scheduler


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One iteration: what ran, what came out, who finished."""

    batch: Batch
    result: StepResult
    finished: list[Sequence] = field(default_factory=list)


class Engine:
    """One replica's serving loop.

    >>> from warpfive.engine import EngineConfig, FixedExecutor, Request
    >>> engine = Engine(EngineConfig(kv_blocks=64), FixedExecutor())
    >>> sequence = engine.submit(Request(id=1, prompt_tokens=20, max_output=3))
    >>> while engine.busy:
    ...     step = engine.step()
    >>> sequence.outputs
    [0, 0, 0]
    """

    def __init__(self, config: EngineConfig, executor: Executor) -> None:
        self.scheduler = Scheduler(config)
        self.executor = executor

    @property
    def busy(self) -> bool:
        """Whether any request is unfinished."""
        return self.scheduler.busy

    def submit(self, request: Request) -> Sequence:
        """Queue a request for the next step."""
        return self.scheduler.add(request)

    def abort(self, sequence: Sequence) -> None:
        """Give up a request; harmless once it has ended."""
        if sequence.state in (State.WAITING, State.RUNNING):
            self.scheduler.abort(sequence)
            self.executor.release(sequence)

    def step(self) -> Step | None:
        """Run one iteration, or return None when nothing waits."""
        begun = self.begin()
        return begun and self.finish(*begun)

    def begin(self) -> tuple[Batch, StepResult] | None:
        """Form a batch and compute it; its tokens count once it is given to :meth:`finish`.

        Requests may be submitted and aborted in between.
        """
        batch = self.scheduler.schedule()
        for sequence in batch.preempted:
            self.executor.release(sequence)
        return (batch, self.executor.execute(batch)) if batch else None

    def finish(self, batch: Batch, result: StepResult) -> Step:
        """Account for a computed batch."""
        finished = self.scheduler.update(batch, result.tokens)
        for sequence in finished:
            self.executor.release(sequence)
        return Step(batch=batch, result=result, finished=finished)
