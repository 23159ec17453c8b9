"""Functions that LLVM itself calls when it writes machine code: memcpy, 128-bit division.

No IR names them, so they are an object of their own, from which the linker takes what it needs.
"""

import functools
from pathlib import Path

from warpfive import cache
from warpfive.compiler import toolchain
from warpfive.compiler.codegen import target_arguments
from warpfive.compiler.object import Object, read_object
from warpfive.errors import CompileError

SOURCE = toolchain.LIBRARY / "builtins.c"


@functools.cache
def fingerprint() -> str:
    """Hash of the compiler's own headers, library and code: part of every cache key."""
    return cache.digest(toolchain.wheel_version(), toolchain.contents(Path(__file__).parent))


@functools.cache
def objects() -> list[Object]:
    """The built-in functions, compiled where the cache lacks them."""
    path = cache.root() / "device-library" / f"builtins-{fingerprint()[:16]}.o"
    if not path.exists():
        words = [*target_arguments(), "-x", "c", "-emit-obj", "-O2", "-ffreestanding"]
        words += ["-fno-builtin", "-mrelocation-model", "static", "-mcmodel=medium"]
        words += ["-ffunction-sections", "-fstack-size-section", "-o", "-", str(SOURCE)]
        done = toolchain.run_clang(words)
        if done.returncode:
            raise CompileError(f"the device library: {done.stderr.decode(errors='replace')}")
        cache.write(path, done.stdout)
    return [read_object(path.read_bytes())]
