"""Faults: CUDA's code, one exact line, and the process lives."""

from pathlib import Path

import pytest

from warpfive.chip.device import Fault

pytestmark = pytest.mark.usefixtures("engine")


def line_of(text: str) -> int:
    """Number of the first line of the kernels' source that holds ``text``."""
    lines = (Path(__file__).parent / "kernels.cu").read_text().splitlines()
    return next(i for i, line in enumerate(lines, 1) if text in line)


def test_a_wild_store_names_thread_and_line(bench, capfd):
    done = bench.run("store_at", (3, 128), 0x10, 70)
    line = line_of("if (threadIdx.x == thread) *p = 1")
    assert done.fault == Fault.ILLEGAL_ADDRESS
    where = "illegal address 0x10: kernel store_at, block (0,0,0), thread (70,0,0)"
    assert done.message.startswith(where)
    assert done.message.endswith(f"kernels.cu:{line}")
    assert capfd.readouterr().err == f"warpfive: {done.message}\n"


def test_freed_memory_is_gone(bench):
    address, _ = bench.array(1024)  # a page of its own: smaller arrays share theirs
    assert bench.run("store_at", (1, 32), address, 3).fault == Fault.NONE
    bench.device.free(address)
    done = bench.run("store_at", (1, 32), address, 3)
    assert done.fault == Fault.ILLEGAL_ADDRESS
    assert f"illegal address {address:#x}" in done.message and "thread (3,0,0)" in done.message


def test_freed_big_memory_is_gone(bench):
    address = bench.device.alloc(64 << 20)
    bench.device.free(address)
    assert bench.run("store_at", (1, 32), address, 0).fault == Fault.ILLEGAL_ADDRESS


def test_a_misaligned_store(bench):
    address, _ = bench.array(2)
    done = bench.run("store_at", (1, 32), address + 2, 5)
    assert done.fault == Fault.MISALIGNED_ADDRESS
    assert f"misaligned address {address + 2:#x}" in done.message


def test_a_non_canonical_address(bench):
    done = bench.run("store_at", (1, 32), 1 << 60, 9)
    assert done.fault == Fault.ILLEGAL_ADDRESS
    assert "0x1000000000000000" in done.message and "thread (9,0,0)" in done.message


def test_a_trap(bench):
    out, _ = bench.array(64)
    done = bench.run("half_waits", (1, 64), out)
    assert done.fault == Fault.LAUNCH_FAILURE
    assert done.message.startswith("trap: kernel half_waits, block (0,0,0), thread (0,0,0)")


def test_an_illegal_instruction(bench):
    out, _ = bench.array(64)
    done = bench.run("no_instruction", (1, 64), out)
    assert done.fault == Fault.ILLEGAL_INSTRUCTION
    assert done.message.startswith("illegal instruction: kernel no_instruction, block (0,0,0)")


def test_endless_recursion_overflows_the_stack(bench):
    out, _ = bench.array(32)
    done = bench.run("recurse", (1, 32), out, 1 << 30)
    assert done.fault == Fault.STACK_OVERFLOW, done.message
    assert "kernel recurse" in done.message


@pytest.mark.parametrize("kernel", ["forever", "forever_counting"])
@pytest.mark.usefixtures("limited")
def test_endless_kernels_end_at_the_limit(bench, kernel):
    flag, _ = bench.array(1)
    done = bench.run(kernel, (4, 64), flag)
    assert done.fault == Fault.LAUNCH_TIMEOUT
    assert done.message == f"stopped at --kernel-timeout: kernel {kernel}"
    assert 0.4 < done.host_s < 2


def test_the_chip_works_on_after_a_fault(bench):
    out, view = bench.array(64)
    assert bench.run("store_at", (1, 32), 8, 0).fault == Fault.ILLEGAL_ADDRESS
    assert bench.run("split", (1, 64), out).fault == Fault.NONE
    assert view[3] == 12 and view[20] == -20


def test_shapes_outside_the_chips_limits(bench):
    out, _ = bench.array(1)
    run = bench.run
    assert run("split", (1, 1025), out).fault == Fault.INVALID_CONFIGURATION
    assert run("split", (1, (1, 1, 65)), out).fault == Fault.INVALID_CONFIGURATION
    assert run("split", ((1, 65536), 1), out).fault == Fault.INVALID_CONFIGURATION
    assert run("split", (0, 32), out).fault == Fault.INVALID_CONFIGURATION
    assert run("split", (1, 32), out, shared_bytes=229 << 10).fault == Fault.INVALID_VALUE
    assert run("split", (129, 1024), out, cooperative=True).fault == Fault.COOPERATIVE_TOO_LARGE
