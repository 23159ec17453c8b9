"""From a kernel's machine code to a host shared object."""

from __future__ import annotations

from pathlib import Path

from warpfive.errors import InputError
from warpfive.translator import abi, host
from warpfive.translator.code import Code
from warpfive.translator.counting import Plan, Where
from warpfive.translator.emit import Emitter
from warpfive.translator.flow import Flow, NotFast
from warpfive.translator.general import General
from warpfive.translator.program import Program, explore

PROFILE = """
!0 = !{!"branch_weights", i32 1, i32 100000}
!1 = !{!"branch_weights", i32 100000, i32 1}
"""
VARIANTS = ("plain", "count", "precise", "general", "general-count")


def general_code(program: Program, kernel: str, shape: tuple[int, int, int],
                 plan: Plan | None, precise: bool, leaders: tuple[int, ...] = ()) -> Code:
    """Code for any state of any warp of the kernel; it counts if there is a plan."""
    blocks = explore(program, program.entry(kernel), leaders)
    engine = General(blocks, shape, plan is not None, precise)
    engine.plan = plan
    text = engine.function()
    flags = abi.CODE_COUNTS * engine.counts | abi.CODE_PRECISE * precise
    return Code([text], flags | abi.CODE_SPINS,
                general_function="@wf_general", plan=plan, counted=engine.counted_blocks())


def fast_engine(program: Program, kernel: str, shape: tuple[int, int, int],
                counts: bool) -> Emitter | None:
    """The kernel's fast engine, or None where only general code will do."""
    try:
        return Emitter(Flow(program, kernel), shape, counts)
    except NotFast:
        return None


def fast_code(engine: Emitter, plan: Plan | None) -> Code:
    """Whole-kernel code. Where it counts, the chip sees each warp off and opens the barriers."""
    engine.plan = plan
    functions = [engine.function() + PROFILE]
    rounds = engine.resumable and engine.plain_barriers and plan is None
    if rounds:
        functions.append(engine.rounds_function())
    flags = abi.CODE_COUNTS * engine.counts | abi.CODE_SPINS * engine.spins
    code = Code(functions, flags, fast_state_bytes=engine.saved_bytes,
                plan=plan, counted=engine.counted_blocks())
    if engine.resumable:
        code.fast_function = "@wf_fast"
    if rounds or not engine.resumable:
        code.blocks_function = "@wf_blocks"
    return code


def translate_text(image: bytes, kernel: str, block: tuple[int, int, int], variant: str,
                   where: Where | None = None) -> str:
    """The LLVM text of one variant of a kernel for one block shape."""
    if variant not in VARIANTS:
        raise InputError(f"unknown variant {variant!r}; there are " + ", ".join(VARIANTS))
    program = Program(image)
    counts = variant.endswith("count")
    engine = fast_engine(program, kernel, block, counts)
    plan = Plan(program, kernel, engine and engine.flow, where) if counts else None
    if engine is not None and variant in ("plain", "count"):
        return fast_code(engine, plan).text()
    # Fast code hands warps over at its guards: general code must be able to begin there.
    leaders = tuple(sorted(engine.guards)) if engine is not None else ()
    return general_code(program, kernel, block, plan, variant == "precise", leaders).text()


def translate(image: bytes, kernel: str, block: tuple[int, int, int], variant: str,
              output: Path, level: str = "", where: Where | None = None) -> Path:
    """Translate one kernel for one block shape into the shared object `output`.

    `variant`: plain (the fastest there is), count (keeps counters), precise (records every access
    before it is made), general (runs any warp from canonical state), general-count. `level` limits
    the host features used (see `host.LEVELS`); `where` gives counting variants their source lines.
    """
    text = translate_text(image, kernel, block, variant, where)
    host.link([host.compile_object(text, level)], output)
    return output
