"""The runtime API, as CUDA programs see it: one program a topic, each checking itself."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from warpfive.cli import main

PROGRAMS = Path(__file__).parent / "programs"
Built = Callable[..., Path]


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Compiles a program once a session."""
    folder = tmp_path_factory.mktemp("programs")

    def build(name: str, *flags: str) -> Path:
        out = folder / f"{name}{''.join(flags)}"
        if not out.exists():
            assert main(["cc", str(PROGRAMS / f"{name}.cu"), *flags, "-o", str(out)]) == 0
        return out

    return build


def run(words: list[str | Path], **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, timeout=60, check=False,
        env=os.environ | environment,
    )  # fmt: skip


PROGRAM_NAMES = ["memory", "launches", "streams", "cooperative", "textures"]


@pytest.mark.parametrize("name", PROGRAM_NAMES)
def test_program_checks_itself(built: Built, name: str) -> None:
    done = run([built(name)])
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "ok"), done.stdout + done.stderr


def test_per_thread_default_streams(built: Built) -> None:
    done = run([built("per_thread", "--default-stream=per-thread")])
    assert (done.returncode, done.stdout) == (0, "ok\n"), done.stdout + done.stderr


def test_a_launch_costs_microseconds(built: Built) -> None:
    found = re.search(r"launch: ([0-9.]+) us", run([built("streams")]).stdout)
    assert found and float(found[1]) < 200  # 20 on an idle machine


def test_driver_api(built: Built) -> None:
    done = run([built("driver"), built("scale", "-cubin")])
    assert (done.returncode, done.stdout) == (0, "ok\n"), done.stdout + done.stderr


def test_printf_formats_and_order(built: Built) -> None:
    done = run([built("printing")])
    assert done.stdout.splitlines() == [
        "-42|  -42|-42  |-0042|-42|ff|0XFF|10",
        "4000000000 -5000000000 -6 7 44 4464",
        "1.500000 3.14  1.235e+04 1e-05 1E+20|0x1p+0",
        "ok literal [  device] [device  ] [de] 100%",
        "    42|2.718",
        "no arguments",
        "host in between",
        *["thread 0", "thread 1", "thread 2"] * 2,
    ]


AT = r"block \(0,0,0\), thread \(0,0,0\), \S*/faults\.cu:"
FAULTS = {
    "wild address": (0, rf"illegal address 0x10: kernel wild\(int\*\), {AT}7"),
    "misaligned address": (
        1, rf"misaligned address 0x[0-9a-f]+1: kernel misaligned\(char\*\), {AT}8"
    ),
    "assertion": (
        2,
        r"assertion failed: kernel asserts\(int\), block \(0,0,0\), thread \(40,0,0\)\n"
        r"(\S*/faults\.cu:9: void asserts\(int\): block: \[0,0,0\], thread: \[[4-6][0-9],0,0\] "
        r"Assertion `threadIdx\.x < n` failed\.\n?)+",
    ),
    "trap": (3, rf"trap: kernel traps\(\), {AT}10"),
    "endless": (4, r"stopped at --kernel-timeout: kernel endless\(int volatile\*\)"),
    "stack overflow": (
        5, rf"stack overflow 0x[0-9a-f]+: kernel recursion\(int, int\*\), {AT}1[1-6]"
    ),
    "freed memory": (6, rf"illegal address 0x[0-9a-f]+: kernel wild\(int\*\), {AT}7"),
}  # fmt: skip


@pytest.mark.parametrize("what", FAULTS)
def test_fault_is_cudas_error_and_sticks(built: Built, what: str) -> None:
    mode, said = FAULTS[what]
    done = run([built("faults"), str(mode)], WARPFIVE_KERNEL_TIMEOUT="1")
    assert (done.returncode, done.stdout) == (0, "ok\n"), done.stdout + done.stderr
    assert re.fullmatch(f"warpfive: {said}\n?", done.stderr), done.stderr


def test_ctrl_c_ends_a_program_whose_kernel_does_not(built: Built) -> None:
    child = subprocess.Popen([str(built("faults")), "4"], stdout=subprocess.DEVNULL)
    try:
        time.sleep(1)
        child.send_signal(signal.SIGINT)
        assert child.wait(timeout=10) == -signal.SIGINT
    finally:
        child.kill()
