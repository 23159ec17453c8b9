"""From device IR to a RISC-V object: LLVM, told what suits a chip of 32-lane warps."""

from pathlib import Path

from warpfive.compiler import toolchain
from warpfive.compiler.selects import integer_selects
from warpfive.compiler.signs import fenced_signs
from warpfive.errors import CompileError

INLINE_THRESHOLD = 4000
"""Cost (about 5 an instruction) up to which a device function is inlined at every call: a call
costs the translator its view of the values, so only large and recursive functions stay calls."""
UNROLL_THRESHOLD = 1000
"""Cost up to which a loop of known length is unrolled: only then do a thread's small arrays become
registers, as they are on a GPU."""


def target_arguments() -> list[str]:
    """The chip as clang's ``-cc1`` names it: no compressed instructions, no relaxation.

    Switches become comparisons: lanes part at a branch more cheaply than at a jump table.
    """
    words = ["-triple", toolchain.DEVICE_TRIPLE, "-target-cpu", toolchain.DEVICE_CPU]
    for name in toolchain.DEVICE_FEATURES:
        words += ["-target-feature", f"+{name}"]
    words += ["-target-feature", "-relax", "-target-abi", toolchain.DEVICE_ABI]
    return [*words, "-fno-jump-tables"]


def emit(text: str | bytes, level: int, libraries: tuple[Path, ...] = ()) -> bytes:
    """The object of a module, with what it needs of the bitcode ``libraries`` linked in.

    The vectorisers stay off: the warp is the vector.
    """
    data = text.encode() if isinstance(text, str) else text
    words = [f"-O{level}"]
    if level > 1:
        words += ["-mllvm", f"-inline-threshold={INLINE_THRESHOLD}"]
        words += ["-mllvm", f"-unroll-threshold={UNROLL_THRESHOLD}"]
    for library in libraries:
        words += ["-mlink-builtin-bitcode", str(library)]
    if level > 0:
        optimised = _run([*words, "-emit-llvm"], data)
        data = fenced_signs(integer_selects(optimised.decode())).encode()
        words = [f"-O{level}", "-disable-llvm-passes"]
    # Lanes of a switch part anyway: a tree of branches lets the translator see where they go.
    words += ["-mllvm", f"-riscv-min-jump-table-entries={2**31 - 1}"]
    words += ["-emit-obj", "-mrelocation-model", "static", "-mcmodel=medium"]
    words += ["-ffunction-sections", "-fdata-sections", "-fstack-size-section"]
    return _run(words, data)


def _run(words: list[str], data: bytes) -> bytes:
    """What clang makes of IR."""
    line = [*target_arguments(), "-x", "ir", *words, "-w", "-o", "-", "-"]
    done = toolchain.run_clang(line, stdin=data)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise CompileError(
            "device code generation failed; please report this program. The compiler said: "
            + (said or f"nothing (status {done.returncode})").splitlines()[0]
        )
    return done.stdout
