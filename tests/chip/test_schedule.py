"""Blocks and warps run to their end whatever they wait for."""

import numpy as np
import pytest

from warpfive.chip.device import Fault

pytestmark = pytest.mark.usefixtures("engine", "patient")


def test_every_block_and_thread_runs_once(bench):
    out, view = bench.array(3 * 5 * 2 * 7 * 3 * 2)
    done = bench.run("where_am_i", ((3, 5, 2), (7, 3, 2)), out)
    block, thread = np.divmod(np.arange(view.size), 42)
    assert done.fault == Fault.NONE and done.blocks == 30
    assert (view == block * 10000 + thread).all()


def test_big_grids_of_small_blocks(bench):
    out, view = bench.array(100_000)
    assert bench.run("fill", (100_000 // 32, 32), out, 100_000, 5).fault == Fault.NONE
    assert (view == 5 + 1 + np.arange(100_000) % 4).all()


@pytest.mark.parametrize("threads", [32, 64, 256, 1024])
def test_barriers_in_loops(bench, threads):
    source, data = bench.array(8 * threads)
    out, sums = bench.array(8)
    data[:] = np.arange(8 * threads)
    done = bench.run("block_sum", (8, threads), source, out, 5, shared_bytes=threads * 4)
    assert done.fault == Fault.NONE
    assert (sums == data.reshape(8, threads).sum(axis=1)).all()


def test_exited_threads_count_as_arrived(bench):
    out, view = bench.array(500)
    assert bench.run("early_exit", (1, 500), out).fault == Fault.NONE
    threads = np.arange(500)
    left = (threads % 3 != 1) & (threads // 32 != 2)
    odd = int((left & (threads % 2 == 1)).sum())
    either = 2000 * bool(left[400])
    assert (view == np.where(left, odd + either, 0)).all()


def test_lanes_warps_and_blocks_take_a_lock(bench):
    total, view = bench.array(1)
    assert bench.run("lane_locks", (4, 64), total, 2).fault == Fault.NONE
    assert view[0] == 4 * 64 * 2


def test_warps_wait_for_later_warps(bench):
    turn, view = bench.array(1)
    assert bench.run("warp_chain", (1, 512), turn).fault == Fault.NONE
    assert view[0] == 16


@pytest.mark.parametrize("last_first", [0, 1])
def test_blocks_wait_for_one_another(bench, last_first):
    turn, view = bench.array(1)
    assert bench.run("block_chain", (40, 64), turn, last_first).fault == Fault.NONE
    assert view[0] == 40


def test_a_grid_barrier_made_of_atomics(bench):
    arrived, _ = bench.array(1)
    out, view = bench.array(24)
    assert bench.run("own_grid_barrier", (24, 64), arrived, out, 3).fault == Fault.NONE
    assert (view == 24 * 3).all()


def test_cooperative_grids_step_together(bench):
    cells, _ = bench.array(20 * 96)
    out, view = bench.array(20 * 96)
    done = bench.run("grid_steps", (20, 96), cells, out, 4, cooperative=True)
    assert done.fault == Fault.NONE
    assert (view == (np.arange(20 * 96) + 37 * 4) % (20 * 96)).all()


def test_recursion_uses_each_lanes_stack(bench):
    out, view = bench.array(64, fill=7)
    assert bench.run("recurse", (1, 64), out, 6).fault == Fault.NONE
    assert (view % 7 == 0).all() and view[0] == 7 + sum(range(7))


def test_named_barriers_hand_over_between_halves(bench):
    out, view = bench.array(64)
    assert bench.run("hand_over", (3, 128), out, 3).fault == Fault.NONE
    assert (view == 3 * (63 - np.arange(64)) * 10 + 3).all()


def test_barriers_of_a_part_of_the_block(bench):
    out, view = bench.array(64)
    assert bench.run("halves", (1, 64), out).fault == Fault.NONE
    threads = np.arange(64)
    assert (view == (threads ^ 31) + threads // 32 * 5).all()


def test_barriers_that_cannot_open_are_an_error(bench):
    out, _ = bench.array(96)
    done = bench.run("never_meet", (1, 96), out)
    assert done.fault == Fault.LAUNCH_FAILURE
    assert done.message.startswith("barriers that can never open")
