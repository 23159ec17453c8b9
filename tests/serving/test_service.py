"""The server's clock: what clients see is what the simulation of the same requests says."""

import asyncio
import selectors
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("fastapi")
pytest.importorskip("prometheus_client")

from tests.fleet.stub import plain_cost  # noqa: E402
from warpfive.engine import EngineConfig  # noqa: E402
from warpfive.errors import InputError  # noqa: E402
from warpfive.fleet import make_trace, simulate_plain  # noqa: E402
from warpfive.serving import Service, TwinExecutor  # noqa: E402

CONFIG = EngineConfig(kv_blocks=64, max_seqs=8, max_tokens=64)
COST = plain_cost(decode_ms=10, seat_us=300, token_us=100)


class Idle(selectors.SelectSelector):
    """Moves the clock on where another selector would wait."""

    now = 0.0

    def select(self, timeout=None):
        self.now += max(0.0, timeout or 0.0)
        return super().select(0)


def run(work):
    """Runs a coroutine on a loop whose time passes only while it waits."""
    idle = Idle()
    loop = asyncio.SelectorEventLoop(idle)
    loop.time = lambda: idle.now
    try:
        return loop.run_until_complete(work)
    finally:
        loop.close()


async def served(service, trace):
    """First and last token's times of every request of a trace."""
    loop = asyncio.get_running_loop()
    times = np.zeros((len(trace), 2))

    async def client(number):
        await asyncio.sleep(trace.arrival_ps[number] / 1e12)
        prompt = list(range(number * 1000, number * 1000 + int(trace.prompt[number])))
        seen = [loop.time() async for _ in service.generate(prompt, int(trace.output[number]))]
        assert len(seen) == trace.output[number]
        times[number] = seen[0], seen[-1]

    task = asyncio.create_task(service.run())
    await asyncio.gather(*(client(number) for number in range(len(trace))))
    task.cancel()
    return times


@pytest.mark.parametrize("seed", range(4))
def test_tokens_come_when_the_simulation_says(seed):
    draw = np.random.default_rng(seed)
    count = 40
    trace = make_trace(
        np.cumsum(draw.exponential(0.02, count)), draw.integers(2, 120, count),
        draw.integers(1, 40, count),
    )  # fmt: skip
    # a preempted sequence would find its own blocks again, which lengths alone cannot tell
    config = replace(CONFIG, kv_blocks=24, prefix_cache=False)
    outcome = simulate_plain(trace, config, COST)
    times = run(served(Service(config, TwinExecutor(COST, 100)), trace))
    assert outcome.preemptions.sum() > 0  # the memory is short indeed
    np.testing.assert_allclose(times[:, 0], outcome.first_ps / 1e12, atol=1e-6)
    np.testing.assert_allclose(times[:, 1], outcome.finish_ps / 1e12, atol=1e-6)


def test_a_faster_clock_and_time_before_the_queue():
    trace = make_trace([0.0], [20], [5])
    plain = run(served(Service(CONFIG, TwinExecutor(COST, 100)), trace))
    quick = run(served(Service(CONFIG, TwinExecutor(COST, 100), front_s=0.5, speed=10), trace))
    np.testing.assert_allclose(quick, (plain + 0.5) / 10)


def test_a_client_that_leaves_gives_its_seat_up():
    async def leave():
        service = Service(CONFIG, TwinExecutor(COST, 100))
        task = asyncio.create_task(service.run())
        tokens = service.generate(list(range(20)), 30)
        await anext(tokens)
        await tokens.aclose()
        scheduler = service.engine.scheduler
        assert not scheduler.busy and scheduler.pool.available == CONFIG.kv_blocks
        scheduler.check_integrity()
        again = [token async for token in service.generate(list(range(20)), 30)]
        task.cancel()
        return service, again

    service, again = run(leave())
    assert len(again) == 30 and (service.aborted, service.finished) == (1, 1)


def test_what_cannot_be_served_is_refused():
    async def ask():
        return await anext(Service(CONFIG, TwinExecutor(COST, 100)).generate([1] * 1000, 25))

    with pytest.raises(InputError) as caught:
        run(ask())
    assert str(caught.value) == (
        "request 1: 1000 prompt and 25 output tokens exceed the 1024 this engine holds; shorten it "
        "or add KV memory"
    )


def test_the_same_request_has_the_same_answer_in_any_company():
    async def answers(others):
        service = Service(CONFIG, TwinExecutor(COST, 1000))
        task = asyncio.create_task(service.run())

        async def ask(prompt):
            return [token async for token in service.generate(prompt, 12)]

        found = await asyncio.gather(*(ask([each] * 30) for each in [7, *others]))
        task.cancel()
        return found

    alone, among = run(answers([])), run(answers([8, 9, 10]))
    assert alone[0] == among[0] != among[1]
