"""From a kernel's machine code to a host shared object."""

from __future__ import annotations

from pathlib import Path

from warpfive.errors import InputError
from warpfive.translator import abi, host
from warpfive.translator.code import Code
from warpfive.translator.general import General
from warpfive.translator.program import Program, explore

VARIANTS = ("plain", "count", "precise", "general", "general-count")


def general_code(program: Program, kernel: str, shape: tuple[int, int, int], counts: bool,
                 precise: bool) -> Code:
    """Code for any state of any warp of the kernel."""
    blocks = explore(program, program.entry(kernel))
    engine = General(blocks, shape, counts, precise)
    text = engine.function()
    flags = abi.CODE_COUNTS * counts | abi.CODE_PRECISE * precise
    return Code([text], blocks, engine.tile_products, flags | abi.CODE_SPINS,
                general_function="@wf_general")


def translate_text(image: bytes, kernel: str, block: tuple[int, int, int], variant: str) -> str:
    """The LLVM text of one variant of a kernel for one block shape."""
    if variant not in VARIANTS:
        raise InputError(f"unknown variant {variant!r}; there are " + ", ".join(VARIANTS))
    program = Program(image)
    code = general_code(program, kernel, block, variant.endswith("count"), variant == "precise")
    return code.text()


def translate(image: bytes, kernel: str, block: tuple[int, int, int], variant: str,
              output: Path, level: str = "") -> Path:
    """Translate one kernel for one block shape into the shared object `output`.

    `variant`: plain (the fastest there is), count (keeps per-block counters), precise (records
    every access before it is made), general (runs any warp from canonical state), general-count.
    `level` limits the host features used (see `host.LEVELS`).
    """
    text = translate_text(image, kernel, block, variant)
    host.link([host.compile_object(text, level)], output)
    return output
