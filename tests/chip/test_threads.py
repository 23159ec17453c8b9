"""Several host threads use the chip at once."""

import threading

import numpy as np

from warpfive.chip.device import Fault


def test_launches_from_many_threads_do_not_meet(bench):
    wrong: list[str] = []

    def work(seed: int) -> None:
        source, data = bench.array(6 * 64)
        out, sums = bench.array(6)
        for turn in range(40):
            data[:] = np.arange(384) * seed + turn
            done = bench.run("block_sum", (6, 64), source, out, 2, shared_bytes=256)
            if done.fault or (sums != data.reshape(6, 64).sum(1)).any():
                wrong.append(f"{seed} {turn} {done}")
        bench.device.free(source)
        bench.device.free(out)

    run_threads(work, 6)
    assert not wrong


def test_a_fault_stops_its_own_launch_only(bench):
    outcomes: list[tuple[int, Fault]] = []

    def work(number: int) -> None:
        out, view = bench.array(50_000)
        for _ in range(10):
            if number % 2:
                done = bench.run("store_at", (64, 64), 0x20, 5)
            else:
                done = bench.run("fill", (50_000 // 64 + 1, 64), out, 50_000, number)
                assert (view == number + 1 + np.arange(50_000) % 4).all()
            outcomes.append((number % 2, done.fault))

    run_threads(work, 4)
    assert set(outcomes) == {(0, Fault.NONE), (1, Fault.ILLEGAL_ADDRESS)}
    assert len(outcomes) == 40


def run_threads(work, count: int) -> None:
    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
