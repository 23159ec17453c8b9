"""Scheduler: properties under any interleaving of arrivals, steps and aborts."""

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from warpfive.engine import Batch, Engine, EngineConfig, Request, Sequence, State, StepResult


class HashingExecutor:
    """A toy model: each token is a hash of every token before it, read through the KV blocks.

    A block wrongly shared, lost or overwritten changes the text.
    """

    def __init__(self, block_tokens: int) -> None:
        self.block_tokens = block_tokens
        self.memory: dict[tuple[int, int], int] = {}
        self.live: set[int] = set()

    def execute(self, batch: Batch) -> StepResult:
        return StepResult(tokens=[self._run(part) for part in batch.slices], elapsed_s=0.01)

    def _run(self, part) -> int:
        sequence = part.sequence
        ids = sequence.token_ids()
        for place in range(part.start, part.start + part.count):
            self.memory[self._slot(sequence, place)] = ids[place]
        seen = tuple(
            self.memory[self._slot(sequence, place)] for place in range(part.start + part.count)
        )
        return model(seen)

    def _slot(self, sequence: Sequence, place: int) -> tuple[int, int]:
        return sequence.blocks[place // self.block_tokens], place % self.block_tokens

    def release(self, sequence: Sequence) -> None:
        pass


def model(tokens: tuple[int, ...]) -> int:
    return hash(tokens) % 7


def alone(request: Request) -> list[int]:
    """The output the request has without any engine."""
    tokens = list(request.tokens)
    while len(tokens) < request.prompt_tokens + request.max_output:
        tokens.append(model(tuple(tokens)))
    return tokens[request.prompt_tokens :]


class EngineMachine(RuleBasedStateMachine):
    @initialize(
        blocks=st.integers(6, 20),
        seqs=st.integers(1, 5),
        tokens=st.integers(5, 24),
        chunked=st.booleans(),
        cache=st.booleans(),
        batching=st.sampled_from(["continuous", "static"]),
        policy=st.sampled_from(["fcfs", "shortest"]),
    )
    def build(self, blocks, seqs, tokens, chunked, cache, batching, policy):
        self.config = EngineConfig(
            kv_blocks=blocks, block_tokens=4, max_seqs=seqs, max_tokens=tokens,
            chunked_prefill=chunked, prefix_cache=cache, batching=batching, policy=policy,
            watermark=0.1,
        )  # fmt: skip
        self.engine = Engine(self.config, HashingExecutor(4))
        self.sequences: list[Sequence] = []

    @rule(
        prompt=st.lists(st.integers(0, 1), min_size=1, max_size=16),
        output=st.integers(1, 8),
        priority=st.integers(0, 1),
    )
    def submit(self, prompt, output, priority):
        request = Request(
            id=len(self.sequences), prompt_tokens=len(prompt), tokens=prompt, max_output=output,
            priority=priority, arrival_s=float(len(self.sequences)),
        )  # fmt: skip
        self.sequences.append(self.engine.submit(request))

    @precondition(lambda self: self.engine.busy)
    @rule()
    def step(self):
        before = self.engine.scheduler.waiting
        step = self.engine.step()
        assert step is not None, "work is left but nothing ran"
        assert step.batch.tokens <= max(
            self.config.max_tokens,
            0 if self.config.chunked_prefill else max(part.count for part in step.batch.slices),
        )
        if self.config.batching == "continuous":
            self.check_order(before)

    def check_order(self, before):
        """Nobody who waits was overtaken by an equal or worse place in the order."""
        waiting = self.engine.scheduler.waiting
        admitted = [item for item in before if item.state is not State.WAITING]
        for late in admitted:
            for early in waiting:
                fair = early.key > late.key or early not in before
                assert fair, "a sequence was overtaken"

    @precondition(lambda self: any(s.state is State.RUNNING for s in self.sequences))
    @rule(data=st.data())
    def abort(self, data):
        self.engine.abort(data.draw(st.sampled_from(self.sequences)))

    @invariant()
    def consistent(self):
        if hasattr(self, "engine"):
            self.engine.scheduler.check_integrity()

    def teardown(self):
        """Everything finishes, with the text it would have had alone, and all memory is back."""
        if not hasattr(self, "engine"):
            return
        for _ in range(10_000):
            if not self.engine.busy:
                break
            self.engine.step()
        assert not self.engine.busy, "a sequence starves"
        for sequence in self.sequences:
            if sequence.state is State.FINISHED:
                assert sequence.outputs == alone(sequence.request)
        pool = self.engine.scheduler.pool
        assert pool.available == pool.capacity


TestEngineMachine = EngineMachine.TestCase
TestEngineMachine.settings = settings(max_examples=120, stateful_step_count=30, deadline=None)


@settings(max_examples=60, deadline=None)
@given(
    prompts=st.lists(st.lists(st.integers(0, 1), min_size=1, max_size=20), min_size=1, max_size=8),
    blocks=st.integers(8, 16),
)
def test_prefix_cache_never_changes_an_output(prompts, blocks):
    texts = []
    for cache in (False, True):
        config = EngineConfig(
            kv_blocks=blocks, block_tokens=4, max_seqs=3, max_tokens=12, prefix_cache=cache
        )
        engine = Engine(config, HashingExecutor(4))
        sequences = [
            engine.submit(Request(id=i, prompt_tokens=len(ids), tokens=ids, max_output=6))
            for i, ids in enumerate(prompts)
        ]
        while engine.busy:
            engine.step()
        texts.append([sequence.outputs for sequence in sequences])
    assert texts[0] == texts[1]
