"""The device library as bitcode: our own functions, and musl's special functions from the wheel.

It is built once for a toolchain and kept in the cache. `codegen.emit` links what a program needs
of it before the program is optimised.
"""

import functools
from collections.abc import Callable
from pathlib import Path

from warpfive import cache
from warpfive.compiler import codegen, toolchain
from warpfive.compiler.builtins import fingerprint
from warpfive.compiler.device import DeviceOptions, compile_unit
from warpfive.errors import CompileError

MUSL_SOURCES = (
    "__cos", "__sin", "erf", "j0", "j1", "jn", "lgamma_r", "tgamma",
)  # fmt: skip
"""Files of musl's ``src/math`` whose functions are rare enough to be taken as they are."""


def musl_math() -> Path:
    """The folder of musl's mathematical functions in the wheel."""
    return toolchain.zig().parent / "lib/libc/musl/src/math"


def sources() -> list[Path]:
    """Every file of the library that is compiled on its own."""
    own = sorted([*toolchain.LIBRARY.glob("*.cpp")])
    return [*own, *(musl_math() / f"{name}.c" for name in MUSL_SOURCES)]


def language_arguments(source: Path) -> list[str]:
    """What distinguishes the compilation of our C++ from that of musl's C, on any target."""
    if source.suffix == ".c":
        shim = toolchain.LIBRARY / "musl"
        system = toolchain.zig_folder() / "lib/include"
        return ["-x", "c", "-std=c11", "-w", "-I", str(shim), "-isystem", str(system)]
    return ["-x", "c++", "-std=c++17", "-fno-rtti", "-I", str(toolchain.LIBRARY)]


def compile_library(source: Path) -> str:
    """Optimised IR text of one file for the chip."""
    words = [*codegen.target_arguments(), *language_arguments(source), "-ffreestanding"]
    words += ["-fno-builtin", "-O3", "-ffp-contract=off", "-emit-llvm", "-o", "-", str(source)]
    done = toolchain.run_clang(words)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise CompileError(f"the device library's {source.name} does not compile: {said}")
    return done.stdout.decode()


def _build_math() -> bytes:
    """Our functions and musl's in one module."""
    import llvmlite.binding as llvm

    modules = [llvm.parse_assembly(compile_library(source)) for source in sources()]
    for module in modules[1:]:
        modules[0].link_in(module)
    return modules[0].as_bitcode()


def _build_runtime() -> bytes:
    """What device code calls by name: memory, printf, assert."""
    import llvmlite.binding as llvm

    unit, _ = compile_unit(str(toolchain.LIBRARY / "runtime.cu"), DeviceOptions(relocatable=True))
    return llvm.parse_assembly(unit.text).as_bitcode()


def _kept(name: str, build: Callable[[], bytes]) -> Path:
    """The bitcode file ``name``, built unless the cache has it."""
    place = cache.root() / "device-library" / f"{name}-{fingerprint()[:16]}.bc"
    if not place.exists():
        cache.write(place, build())
    return place


@functools.cache
def libraries() -> tuple[Path, ...]:
    """The bitcode files of the device library; builds them on first use."""
    found = [_kept("math", _build_math)]
    if (toolchain.LIBRARY / "runtime.cu").exists():
        found.append(_kept("runtime", _build_runtime))
    return tuple(found)
