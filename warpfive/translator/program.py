"""The machine code of a kernel image, and the basic blocks a kernel can reach."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from functools import cached_property

from warpfive.errors import ImageError, TranslationError
from warpfive.isa import Instruction, decode, read_image
from warpfive.translator.lowering import BRANCHES, COLLECTIVE_UNITS, ENDS

RETURN_REGISTERS = (1, 5)


@dataclass(slots=True)
class Block:
    """Instructions that run one after another.

    `targets` are the offsets control may go on to: (taken, next) of a branch, (next,) of plain
    code, (callee,) of a call. `indirect`: it ends in a jump to a register.
    """

    start: int
    instructions: list[tuple[int, Instruction]] = field(default_factory=list)
    targets: tuple[int, ...] = ()
    indirect: bool = False
    call_return: int | None = None

    @property
    def last(self) -> tuple[int, Instruction]:
        return self.instructions[-1]


class Program:
    """The .text of an image, decoded on demand. Offsets are image offsets throughout."""

    def __init__(self, image: bytes) -> None:
        self.image = read_image(image)
        self.text_address, self.text = self.image.text
        self._decoded: dict[int, Instruction | None] = {}

    def entry(self, kernel: str) -> int:
        """The offset a kernel starts at."""
        kernels = self.image.kernels
        if kernel not in kernels:
            raise ImageError(f"no kernel {kernel} in the image; it has: "
                             + ", ".join(sorted(kernels)))
        return kernels[kernel].entry

    def instruction(self, pc: int) -> Instruction | None:
        if pc not in self._decoded:
            at = pc - self.text_address
            if at < 0 or at + 4 > len(self.text) or at % 4:
                self._decoded[pc] = None
            else:
                word, = struct.unpack_from("<I", self.text, at)
                self._decoded[pc] = decode(word)
        return self._decoded[pc]

    @cached_property
    def functions(self) -> list[int]:
        """Offsets of every function: what an indirect jump may reach."""
        return sorted({symbol.address for symbol in self.image.symbols if symbol.is_function})

    def call_target(self, pc: int, ins: Instruction) -> int | None:
        """Where a jump goes, if its word (or the auipc before it) says so."""
        if ins.name == "jal":
            return pc + ins.imm
        before = self.instruction(pc - 4)
        if before is not None and before.name == "auipc" and before.rd == ins.rs1:
            return pc - 4 + before.imm + ins.imm
        return None


def is_return(ins: Instruction) -> bool:
    return ins.name == "jalr" and ins.rd == 0 and ins.rs1 in RETURN_REGISTERS and ins.imm == 0


def stands_alone(ins: Instruction) -> bool:
    """Collectives are blocks of their own, so that lanes can gather before them."""
    return ins.row.unit in COLLECTIVE_UNITS


def explore(program: Program, entry: int, extra: tuple[int, ...] = ()) -> dict[int, Block]:
    """Every basic block reachable from `entry`, by offset. `extra` offsets begin blocks too."""
    leaders, pending, seen = {entry, *extra}, [entry, *extra], set()
    has_indirect = False
    while pending:
        pc = pending.pop()
        while pc not in seen:
            seen.add(pc)
            ins = program.instruction(pc)
            if ins is None:
                break
            if stands_alone(ins):
                leaders |= {pc, pc + 4}
            if ins.name in ENDS:
                new = _successors(program, pc, ins)
                indirect = ins.name == "jalr" and program.call_target(pc, ins) is None
                if indirect and not is_return(ins) and not has_indirect:
                    has_indirect = True
                    new += program.functions
                leaders.update(new)
                pending += new
                break
            pc += 4
    return {start: _block(program, start, leaders) for start in sorted(leaders)
            if start in seen}


def _successors(program: Program, pc: int, ins: Instruction) -> list[int]:
    if ins.name in BRANCHES:
        return [pc + ins.imm, pc + 4]
    if ins.name in ("jal", "jalr"):
        target = program.call_target(pc, ins)
        after = [pc + 4] if ins.rd else []
        return ([target] if target is not None else []) + after
    return []


def _block(program: Program, start: int, leaders: set[int]) -> Block:
    block, pc = Block(start), start
    while True:
        ins = program.instruction(pc)
        if ins is None:
            word = program.text[pc - program.text_address :][:4].hex()
            if block.instructions:
                block.targets = (pc,)
                return block
            raise TranslationError(f"offset {pc:#x} holds {word or 'nothing'}, which is no "
                                   "instruction of the chip; was the image made by warpfive cc?")
        block.instructions.append((pc, ins))
        pc += 4
        if ins.name in ENDS:
            _end(program, block, pc - 4, ins)
            return block
        if pc in leaders:
            block.targets = (pc,)
            return block


def _end(program: Program, block: Block, pc: int, ins: Instruction) -> None:
    if ins.name in BRANCHES:
        block.targets = (pc + ins.imm, pc + 4)
    elif ins.name in ("jal", "jalr"):
        target = program.call_target(pc, ins)
        block.indirect = target is None
        block.targets = () if target is None else (target,)
        block.call_return = pc + 4 if ins.rd else None
