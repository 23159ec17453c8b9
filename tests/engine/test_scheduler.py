"""Scheduler: hand-computed cases."""

import pytest

from warpfive.engine import Engine, EngineConfig, FixedExecutor, Request, Scheduler, State
from warpfive.errors import InputError


def config(**changes) -> EngineConfig:
    values = dict(kv_blocks=64, block_tokens=4, max_seqs=4, max_tokens=16, watermark=0.0)
    return EngineConfig(**{**values, **changes})


def request(number: int, prompt: int = 8, output: int = 4, **changes) -> Request:
    return Request(id=number, prompt_tokens=prompt, max_output=output, **changes)


def run(scheduler: Scheduler) -> list[list[tuple]]:
    """Every step as (request, start, count) triples, until nothing is left."""
    steps = []
    while scheduler.busy:
        batch = scheduler.schedule()
        scheduler.check_integrity()
        assert batch, "work is left but nothing runs"
        steps.append([(part.sequence.request.id, part.start, part.count) for part in batch.slices])
        scheduler.update(batch, [0] * len(batch.slices))
        scheduler.check_integrity()
    return steps


def test_a_long_prompt_is_split_and_mixed_with_decodes():
    scheduler = Scheduler(config())
    scheduler.add(request(1, prompt=6, output=3))
    scheduler.add(request(2, prompt=20, output=1))
    assert run(scheduler) == [
        [(1, 0, 6), (2, 0, 10)],
        [(1, 6, 1), (2, 10, 10)],
        [(1, 7, 1)],
    ]


def test_without_chunks_prompts_go_first_and_decodes_wait():
    scheduler = Scheduler(config(chunked_prefill=False, max_tokens=10))
    scheduler.add(request(1, prompt=6, output=2))
    scheduler.add(request(2, prompt=6, output=1))
    assert run(scheduler) == [[(1, 0, 6)], [(2, 0, 6)], [(1, 6, 1)]]


def test_without_chunks_a_prompt_above_the_budget_runs_alone():
    scheduler = Scheduler(config(chunked_prefill=False, max_tokens=4))
    scheduler.add(request(1, prompt=9, output=1))
    assert run(scheduler) == [[(1, 0, 9)]]


def test_static_batching_admits_a_group_at_a_time():
    scheduler = Scheduler(config(batching="static", max_seqs=2))
    for number, output in ((1, 1), (2, 2), (3, 1)):
        scheduler.add(request(number, prompt=4, output=output))
    assert run(scheduler) == [[(1, 0, 4), (2, 0, 4)], [(2, 4, 1)], [(3, 0, 4)]]


def test_growth_preempts_the_sequence_served_last():
    scheduler = Scheduler(config(kv_blocks=4))
    first = scheduler.add(request(1, prompt=8, output=5))
    second = scheduler.add(request(2, prompt=7, output=5))
    run(scheduler)
    assert (first.preemptions, second.preemptions) == (0, 1)
    assert len(first.outputs) == len(second.outputs) == 5


def test_a_better_priority_displaces_a_running_sequence():
    scheduler = Scheduler(config(max_seqs=1))
    low = scheduler.add(request(1, output=3, priority=1))
    scheduler.update(scheduler.schedule(), [0])
    high = scheduler.add(request(2, output=1, priority=0))
    batch = scheduler.schedule()
    assert [part.sequence for part in batch.slices] == [high]
    assert batch.preempted == [low] and low.state is State.WAITING


def test_equal_priority_displaces_nobody():
    scheduler = Scheduler(config(max_seqs=1))
    first = scheduler.add(request(1, output=3))
    scheduler.update(scheduler.schedule(), [0])
    scheduler.add(request(2, output=1))
    assert [part.sequence for part in scheduler.schedule().slices] == [first]


def test_shortest_policy_serves_short_prompts_first():
    scheduler = Scheduler(config(max_seqs=1, policy="shortest"))
    scheduler.add(request(1, prompt=12, output=1))
    scheduler.add(request(2, prompt=4, output=1))
    assert run(scheduler) == [[(2, 0, 4)], [(1, 0, 12)]]


def test_a_repeated_prefix_is_computed_once():
    scheduler = Scheduler(config(max_tokens=20))
    tokens = list(range(10))
    scheduler.add(request(1, prompt=10, output=1, tokens=tokens))
    scheduler.add(request(2, prompt=10, output=1, tokens=tokens))
    scheduler.update(scheduler.schedule(), [7, 7])
    third = scheduler.add(request(3, prompt=10, output=1, tokens=[*range(8), 50, 51]))
    assert run(scheduler) == [[(3, 8, 2)]]
    assert third.cached_tokens == 8


def test_a_whole_cached_prompt_leaves_one_block_to_compute():
    scheduler = Scheduler(config())
    for number in (1, 2):
        scheduler.add(request(number, prompt=8, output=1, tokens=list(range(8))))
        steps = run(scheduler)
    assert steps == [[(2, 4, 4)]]


def test_the_next_turn_finds_the_blocks_of_the_answer():
    scheduler = Scheduler(config())
    first = scheduler.add(request(1, prompt=4, output=5, tokens=[1, 2, 3, 4]))
    run(scheduler)
    turn = [1, 2, 3, 4, *first.outputs, 9, 9]
    second = scheduler.add(request(2, prompt=len(turn), output=1, tokens=turn))
    run(scheduler)
    assert second.cached_tokens == 8


def test_a_stop_token_ends_the_output():
    engine = Engine(config(), FixedExecutor(token=5))
    sequence = engine.submit(request(1, output=9, stop=frozenset({5})))
    while engine.busy:
        engine.step()
    assert sequence.outputs == [5] and sequence.state is State.FINISHED


def test_ready_tokens_are_not_computed_again():
    scheduler = Scheduler(config())
    scheduler.add(request(1, prompt=9, output=2, ready_tokens=8))
    assert run(scheduler) == [[(1, 8, 1)], [(1, 9, 1)]]


@pytest.mark.parametrize("after_first_step", [False, True])
def test_abort_frees_everything(after_first_step):
    engine = Engine(config(), FixedExecutor())
    sequence = engine.submit(request(1))
    if after_first_step:
        engine.step()
    engine.abort(sequence)
    engine.abort(sequence)
    assert sequence.state is State.ABORTED and not engine.busy and engine.step() is None
    assert engine.executor.released == [sequence]
    assert engine.scheduler.pool.available == 64


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kv_blocks": 0}, "kv_blocks = 0: must be at least 1"),
        (
            {"max_tokens": 2},
            "max_tokens = 2: must be at least max_seqs = 4, so that every running sequence can "
            "decode in each step",
        ),
        ({"batching": "magic"}, "batching 'magic': unknown; known: continuous, static"),
        ({"policy": "best"}, "policy 'best': unknown; known: fcfs, shortest"),
        ({"watermark": 1.0}, "watermark = 1.0: must be at least 0 and below 1"),
    ],
)
def test_contradictory_configurations_are_refused(changes, message):
    with pytest.raises(InputError) as error:
        config(**changes)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"prompt": 300},
            "request 1: 300 prompt and 4 output tokens exceed the 256 this engine holds; shorten "
            "it or add KV memory",
        ),
        (
            {"output": 0},
            "request 1: 8 prompt and 0 output tokens; both must be at least 1",
        ),
        ({"tokens": [1]}, "request 1: 1 token ids but prompt_tokens = 8"),
        (
            {"ready_tokens": 8},
            "request 1: ready_tokens = 8 of 8 prompt tokens; at least one must be left to compute",
        ),
    ],
)
def test_impossible_requests_are_refused(changes, message):
    with pytest.raises(InputError) as error:
        Scheduler(config()).add(request(1, **changes))
    assert str(error.value) == message
