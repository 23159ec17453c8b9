"""The device library as bitcode: our own functions, and musl's special functions from the wheel.

It is built once for a toolchain and kept in the cache. `codegen.emit` links what a program needs
of it before the program is optimised.
"""

import functools
import re
from collections.abc import Callable
from pathlib import Path

from warpfive.compiler import cache, codegen, toolchain
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
        system = toolchain.zig().parent / "lib/include"
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


_SELECT = re.compile(
    r"^  (%[-\w.]+) = select (?:[a-z]+ )*?i1 (%[-\w.]+|true|false), (float|double) ([^,\n]+), "
    r"(?:float|double) ([^,\n]+?)(, !.*)?$",
    re.M,
)
_INTEGER = {"float": "i32", "double": "i64"}


def integer_selects(text: str) -> str:
    """IR text whose selects of floating-point values are made on their bits.

    The chip has no floating-point select: LLVM would make branches of them, and lanes would
    diverge. Empty assembly keeps the optimiser from undoing the change.
    """

    def change(match: re.Match[str]) -> str:
        name, condition, kind, first, second, _ = match.groups()
        word, base = _INTEGER[kind], name.replace("%", "%wf.sel.")
        lines = []
        values = []
        for suffix, value in (("a", first), ("b", second)):
            lines.append(f"  {base}.{suffix}0 = bitcast {kind} {value} to {word}")
            lines.append(
                f'  {base}.{suffix} = call {word} asm "", "=r,0"({word} {base}.{suffix}0)'
                " nounwind memory(none)"
            )
            values.append(f"{word} {base}.{suffix}")
        lines.append(f"  {base}.s = select i1 {condition}, {values[0]}, {values[1]}")
        lines.append(
            f'  {base}.o = call {word} asm "", "=r,0"({word} {base}.s) nounwind memory(none)'
        )
        lines.append(f"  {name} = bitcast {word} {base}.o to {kind}")
        return "\n".join(lines)

    return _SELECT.sub(change, text)


def _build_math() -> bytes:
    """Our functions and musl's in one module."""
    import llvmlite.binding as llvm

    modules = [
        llvm.parse_assembly(integer_selects(compile_library(source))) for source in sources()
    ]
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
