"""A warp: 32 lanes with registers and a pc each, and one step of some of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import CodeType
from typing import TYPE_CHECKING, Any

import numpy as np

from warpfive.isa.decoder import Instruction
from warpfive.isa.reference import access, collective, control, floats, integers
from warpfive.isa.reference.integers import Lanes
from warpfive.isa.reference.launch import LANES, Fault, Trap
from warpfive.isa.reference.memory import Memory
from warpfive.isa.row import Operand

if TYPE_CHECKING:
    from warpfive.isa.reference.block import Block
    from warpfive.isa.reference.grid import Code

TURN = 200
"""Steps after which lanes that did not run come first."""

ATOMIC_STEPS = 16
"""What an atomic counts for among them: lanes that spin mostly spin on one."""

_MEETING_UNITS = ("warp", "matrix")


def _public(module: object) -> dict[str, Any]:
    return {name: getattr(module, name) for name in dir(module) if not name.startswith("_")}


WORDS: Mapping[str, Any] = {
    **_public(integers),
    **{name: getattr(floats, name) for name in ("H", "B", "S", "D")},
    **{name: getattr(floats, name) for name in ("i8", "u8", "i32", "u32", "i64", "u64")},
    "T": collective.TF32, "add_h2": access.add_h2, "add_bf2": access.add_bf2,
    "rsqrt": control.rsqrt, "np": np,
}  # fmt: skip
"""The vocabulary that needs no machine."""


@dataclass(slots=True)
class Meeting:
    """Lanes that came to a collective, and what they brought."""

    members: Lanes
    code: CodeType
    came: Lanes = field(default_factory=lambda: np.zeros(LANES, bool))
    brought: dict[str, Lanes] = field(default_factory=dict)
    instructions: dict[int, Instruction] = field(default_factory=dict)


def spoken(operand: Operand) -> str:
    """The name of an operand in a meaning: rd, rs1 ... of integers, fd, fs1 ... of floats."""
    return ("f" if operand.file == "f" else "r") + operand.slot[1:]


def as_register(value: object) -> Lanes:
    """What a meaning computed, as the contents of a register."""
    array = np.asarray(value)
    return array.view(np.uint64) if array.dtype == np.int64 else array.astype(np.uint64)


class Warp:
    """A warp of a block: state, and the execution of one instruction by the active lanes."""

    def __init__(self, block: "Block", index: int) -> None:
        launch = block.launch
        self.block, self.index, self.launch = block, index, launch
        self.memory: Memory = block.memory
        self.reservations = block.grid.reservations
        thread = index * LANES + np.arange(LANES)
        x, y, _ = launch.block
        self.tid = thread % x, thread // x % y, thread // (x * y)
        self.live = thread < launch.threads
        self.parked = np.zeros(LANES, bool)
        self.active = np.zeros(LANES, bool)
        self.yields = False
        self.meetings: dict[tuple[str, int], Meeting] = {}
        self.pc = np.full(LANES, launch.entry, np.uint64)
        self.x = np.zeros((LANES, LANES), np.uint64)
        self.f = np.zeros((LANES, LANES), np.uint64)
        self.stack_low = (block.slot.stack + thread * launch.stack_bytes).astype(np.uint64)
        self.x[2] = self.stack_low + np.uint64(launch.stack_bytes)
        self.x[4] = block.slot.shared
        self.x[10] = launch.args
        self.favoured = np.ones(LANES, bool)
        self.ran = np.zeros(LANES, bool)
        self.turn = 0
        self.words = dict(WORDS)
        for part in (access.Access(self), collective.Collectives(self), control.Control(self)):
            self.words |= _public(part)

    def lanes(self) -> list[int]:
        """Numbers of the active lanes."""
        return np.flatnonzero(self.active).tolist()

    def clock(self) -> int:
        """Instructions that the launch has executed."""
        return self.block.grid.steps

    def runnable(self) -> Lanes:
        """The lanes that could execute now."""
        return self.live & ~self.parked

    def choose(self) -> None:
        """Makes the next group active: the lowest pc's, among favoured lanes where any can run."""
        runnable = self.runnable()
        if self.turn >= TURN or self.yields:
            starved = runnable & ~self.ran
            self.favoured = starved if starved.any() else np.ones(LANES, bool)
            self.ran[:] = False
            self.turn, self.yields = 0, False
        first = runnable & self.favoured
        pool = first if first.any() else runnable
        self.active = runnable & (self.pc == self.pc[pool].min())
        self.ran |= self.active

    def step(self) -> None:
        """Executes one instruction in the group with the lowest pc."""
        self.choose()
        pc = int(self.pc[self.lanes()[0]])
        code = self.block.grid.fetch(pc)
        if code is None:
            trap = Trap.ILLEGAL if self.block.grid.readable(pc) else Trap.BAD_PC
            raise self.fault(trap, self.lanes()[0])
        self.turn += ATOMIC_STEPS if code.instruction.row.unit == "atomic" else 1
        if code.instruction.row.unit in _MEETING_UNITS:
            self.join(code)
        else:
            self.count(pc, self.active)
            self.run(code, pc)

    def count(self, pc: int, lanes: Lanes) -> None:
        """Notes that some lanes execute an instruction."""
        code, number = self.block.grid.fetch(pc), int(lanes.sum())
        code.times += 1
        code.lanes += number
        if self.launch.observer is not None:
            self.launch.observer.executed(self, pc, number)

    def observe_access(self, address: Lanes, size: int) -> None:
        """Notes what the active lanes are about to access."""
        if self.launch.observer is not None:
            self.launch.observer.accessed(self, address, size)

    def run(self, code: "Code", pc: int) -> None:
        """Executes an instruction that each lane does by itself."""
        instruction, words, active = code.instruction, self.words, self.active
        words |= code.constants
        words["pc"] = np.full(LANES, pc, np.uint64)
        words |= self.operands(instruction)
        exec(code.meaning, words)
        if instruction.row.unit != "barrier":
            self.write(instruction, words, active)
        if instruction.row.unit == "branch":
            self.pc[active] = words["pc"][active]
            if self.launch.observer is not None and np.unique(self.pc[active]).size > 1:
                self.launch.observer.parted(self, pc)
            self.exit(active & (self.pc == 0))
        else:
            self.pc[active] = pc + 4
        if ("x", 2) in code.writes:
            self.check_stack()

    def operands(self, instruction: Instruction) -> dict[str, Lanes]:
        """Contents of the registers an instruction reads, by their names in the meaning."""
        found = {}
        for operand in instruction.row.operands:
            if operand.file and operand.reads:
                first = getattr(instruction, operand.slot)
                file = self.x if operand.file == "x" else self.f
                rows = file[first] if operand.count == 1 else file[first : first + operand.count]
                if operand.file == "x" and operand.count == 2 and first == 0:
                    rows = np.zeros((2, LANES), np.uint64)
                found[spoken(operand)] = rows.copy()
        return found

    def write(self, instruction: Instruction, words: Mapping[str, Any], lanes: Lanes) -> None:
        """Writes what a meaning computed to the destination, in some lanes."""
        operand = instruction.row.operand("rd")
        if operand is None or operand.file == "x" and instruction.rd == 0:
            return
        file = self.x if operand.file == "x" else self.f
        value = as_register(words[spoken(operand)])
        for row in range(operand.count):
            source = value[row] if operand.count > 1 else value
            file[instruction.rd + row] = np.where(lanes, source, file[instruction.rd + row])

    def join(self, code: "Code") -> None:
        """Brings the active lanes to a collective, which runs when all members have come."""
        instruction = code.instruction
        operands = self.operands(instruction)
        masks = self.member_masks(instruction, operands)
        for mask in np.unique(masks[self.active]).tolist():
            lanes = self.active & (masks == mask)
            members = (np.uint64(mask) >> np.arange(LANES, dtype=np.uint64) & np.uint64(1)) != 0
            key = instruction.name, mask
            meeting = self.meetings.setdefault(key, Meeting(members, code.meaning))
            for name, value in operands.items():
                before = meeting.brought.setdefault(name, value)
                meeting.brought[name] = np.where(lanes, value, before)
            meeting.came |= lanes
            meeting.instructions |= {lane: instruction for lane in np.flatnonzero(lanes).tolist()}
            self.parked |= lanes
        self.open_meetings()

    def member_masks(self, instruction: Instruction, operands: Mapping[str, Lanes]) -> Lanes:
        """Each lane's member mask: the last operand of a collective; all lanes for a tile."""
        if instruction.row.unit == "matrix":
            return np.full(LANES, 0xFFFFFFFF, np.uint64)
        return operands[spoken(instruction.row.operands[-1])] & np.uint64(0xFFFFFFFF)

    def open_meetings(self) -> None:
        """Runs every collective whose live members have all come."""
        for key, meeting in list(self.meetings.items()):
            if (meeting.members & self.live & ~meeting.came).any():
                continue
            del self.meetings[key]
            self.active = meeting.came
            for pc in np.unique(self.pc[meeting.came]).tolist():
                self.count(pc, meeting.came & (self.pc == pc))
            self.words |= meeting.brought
            exec(meeting.code, self.words)
            for lane, instruction in meeting.instructions.items():
                self.write(instruction, self.words, np.arange(LANES) == lane)
            self.pc[meeting.came] += np.uint64(4)
            self.parked &= ~meeting.came

    def exit(self, lanes: Lanes) -> None:
        """Ends lanes; those who wait for them wait no longer."""
        if lanes.any():
            self.live &= ~lanes
            self.block.left(int(lanes.sum()))
            self.open_meetings()

    def check_stack(self) -> None:
        """Faults where a stack pointer has left its stack downwards."""
        if self.launch.stack_bytes:
            below = np.flatnonzero(self.active & (self.x[2] < self.stack_low))
            if below.size:
                raise self.fault(Trap.STACK, int(below[0]), int(self.x[2, below[0]]))

    def fault(self, trap: Trap, lane: int, address: int = 0) -> Fault:
        """A fault of a lane at its pc, with the place of its thread."""
        fault = Fault(trap, int(self.pc[lane]), self.lanes(), address)
        fault.block, fault.warp = self.block.place, self.index
        x, y, z = (int(axis[lane]) for axis in self.tid)
        fault.thread = x, y, z
        return fault
