"""From device IR to a RISC-V object: LLVM, told what suits a chip of 32-lane warps."""

from pathlib import Path

from warpfive.compiler import toolchain
from warpfive.errors import CompileError

INLINE_THRESHOLD = 4000
"""Cost (about 5 an instruction) up to which a device function is inlined at every call: a call
costs the translator its view of the values, so only large and recursive functions stay calls."""


def target_arguments() -> list[str]:
    """The chip as clang's ``-cc1`` names it: no compressed instructions, no relaxation."""
    words = ["-triple", toolchain.DEVICE_TRIPLE, "-target-cpu", toolchain.DEVICE_CPU]
    for name in toolchain.DEVICE_FEATURES:
        words += ["-target-feature", f"+{name}"]
    return [*words, "-target-feature", "-relax", "-target-abi", toolchain.DEVICE_ABI]


def emit(text: str | bytes, level: int, libraries: tuple[Path, ...] = ()) -> bytes:
    """The object of a module, with what it needs of the bitcode ``libraries`` linked in.

    The vectorisers stay off: the warp is the vector.
    """
    words = [*target_arguments(), "-x", "ir", "-emit-obj", f"-O{level}"]
    words += ["-mrelocation-model", "static", "-mcmodel=medium", "-ffunction-sections"]
    words += ["-fdata-sections", "-fstack-size-section", "-w"]
    words += ["-mllvm", f"-inline-threshold={INLINE_THRESHOLD}"] if level > 1 else []
    for library in libraries:
        words += ["-mlink-builtin-bitcode", str(library)]
    data = text.encode() if isinstance(text, str) else text
    done = toolchain.run_clang([*words, "-o", "-", "-"], stdin=data)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise CompileError(
            "device code generation failed; please report this program. The compiler said: "
            + (said or f"nothing (status {done.returncode})").splitlines()[0]
        )
    return done.stdout
