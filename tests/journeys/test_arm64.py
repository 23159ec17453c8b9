"""The chip on an Arm64 host, under QEMU: the same programs, the same words as on this machine.

Everything that runs in the program is Arm code: the host side, ``libwarpfive.so``, translated
kernels. Only the translator's process stays native, as QEMU starts it by the kernel's own means.
"""

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from warpfive import cache

ROOT = Path(__file__).parents[2]
QEMU = shutil.which("qemu-aarch64-static") or shutil.which("qemu-aarch64")
LIBRARIES = Path(os.environ.get("QEMU_LD_PREFIX", "/usr/aarch64-linux-gnu"))
COMPILE = """
import platform, sys
platform.machine = lambda: "aarch64"
from warpfive.cli import main
sys.exit(main(["cc", *sys.argv[1:]]))
"""

pytestmark = [
    pytest.mark.skipif(platform.machine() != "x86_64", reason="the host is no x86-64 machine"),
    pytest.mark.skipif(
        not QEMU or not (LIBRARIES / "lib/ld-linux-aarch64.so.1").exists(),
        reason="needs qemu-aarch64 and Arm64's C library (qemu-user-static, libc6-arm64-cross)",
    ),
]


def cc(source: Path, output: Path, script: str) -> None:
    words = [sys.executable, "-c", script, str(source), "-o", str(output)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def both(source: Path, folder: Path, *arguments: str) -> tuple[tuple[int, str, str], ...]:
    """Status, stdout and stderr of a program here and on Arm64."""
    found = []
    for name, script, start in (
        ("native", COMPILE.replace('"aarch64"', '"x86_64"'), []),
        ("arm64", COMPILE, [QEMU, "-L", str(LIBRARIES)]),
    ):
        program = folder / f"{source.stem}-{name}"
        if not program.exists():
            cc(source, program, script)
        words = [*start, str(program), *arguments]
        environment = os.environ | {"WARPFIVE_CACHE": str(cache.root())}
        done = subprocess.run(
            words, capture_output=True, text=True, timeout=300, check=False, env=environment
        )
        found.append((done.returncode, done.stdout, done.stderr))
    return tuple(found)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("arm64")


@pytest.mark.parametrize("name", ["histogram", "mandelbrot", "reduction", "wmma_gemm"])
def test_a_program_prints_the_same(folder: Path, name: str) -> None:
    here, there = both(ROOT / "examples" / f"{name}.cu", folder)
    assert here == there
    assert here[0] == 0 and "PASS" in here[1]


@pytest.mark.parametrize("mode", range(4))
def test_a_fault_is_told_in_the_same_words(folder: Path, mode: int) -> None:
    here, there = both(ROOT / "tests/runtime/programs/faults.cu", folder, str(mode))
    assert here == there
    assert here[:2] == (0, "ok\n") and here[2].startswith("warpfive: ")
