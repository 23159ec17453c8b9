"""A grid: its blocks in their slots, the code they run, and how often."""

from dataclasses import dataclass, field
from types import CodeType

import numpy as np

from warpfive.isa.decoder import Instruction, Register, decode
from warpfive.isa.reference.block import Block
from warpfive.isa.reference.integers import Lanes
from warpfive.isa.reference.launch import LANES, Fault, Launch, Shape, Stopped, Trap
from warpfive.isa.reference.memory import BadAddress, Memory


@dataclass(slots=True)
class Code:
    """An instruction at its address, and how often it ran."""

    instruction: Instruction
    meaning: CodeType
    constants: dict[str, Lanes | int]
    writes: tuple[Register, ...]
    times: int = 0
    """Warps that executed it."""
    lanes: int = 0
    """Lanes that executed it, over all those times."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How often the instruction at each address ran: times, and lanes over all times."""

    times: dict[int, int]
    lanes: dict[int, int]

    @property
    def steps(self) -> int:
        """Warp instructions in all."""
        return sum(self.times.values())


@dataclass(slots=True)
class Grid:
    """The state of a launch."""

    launch: Launch
    memory: Memory
    code: dict[int, Code] = field(default_factory=dict)
    reservations: dict[tuple[int, int], int] = field(default_factory=dict)
    running: list[Block] = field(default_factory=list)
    started: int = 0
    steps: int = 0

    def run(self) -> Counts:
        """Runs every block to its end."""
        free = list(self.launch.slots)
        while self.started < self.launch.blocks or self.running:
            while free and self.started < self.launch.blocks:
                self.running.append(Block(self, self.place(self.started), free.pop(0)))
                self.started += 1
            moved = [block.run() for block in self.running]
            if not self.open_grid_barrier() and not any(moved):
                raise self.deadlock()
            free += [block.slot for block in self.running if not block.alive]
            self.running = [block for block in self.running if block.alive]
            if self.launch.stop():
                raise Stopped("the launch was asked to stop")
        return self.counts()

    def counts(self) -> Counts:
        """What has run so far."""
        code = sorted(self.code.items())
        return Counts({pc: c.times for pc, c in code}, {pc: c.lanes for pc, c in code})

    def place(self, number: int) -> Shape:
        """Coordinates of a block by its number, x fastest."""
        x, y, _ = self.launch.grid
        return number % x, number // x % y, number // (x * y)

    def fetch(self, pc: int) -> Code | None:
        """The instruction at an address; None where there is none."""
        if pc not in self.code:
            found = self._decode(pc)
            if found is None:
                return None
            constants = {
                "imm": np.full(LANES, found.imm & 2**64 - 1, np.uint64),
                "rm": found.rm,
                "csr": found.csr,
            }
            meaning = compile(found.row.meaning, f"<{found.name}>", "exec")
            self.code[pc] = Code(found, meaning, constants, found.writes)
        return self.code[pc]

    def _decode(self, pc: int) -> Instruction | None:
        if pc % 4 or not self.readable(pc):
            return None
        return decode(int.from_bytes(self.memory.read(pc, 4), "little"))

    def readable(self, pc: int) -> bool:
        """Whether there is memory to fetch from."""
        try:
            return len(self.memory.read(pc, 4)) == 4
        except BadAddress:
            return False

    def open_grid_barrier(self) -> bool:
        """Releases the grid's barrier where every live thread has come."""
        waiting = [entry for block in self.running for entry in block.at_grid]
        alive = sum(block.alive for block in self.running)
        if not waiting or self.started < self.launch.blocks or len(waiting) < alive:
            return False
        for block in self.running:
            if self.launch.observer is not None:
                self.launch.observer.met({warp for warp, _ in block.at_grid})
            for warp, lane in block.at_grid:
                warp.parked[lane] = False
            block.at_grid.clear()
        return True

    def deadlock(self) -> Fault:
        """The fault of a launch in which every lane waits for another."""
        warp = next(warp for block in self.running for warp in block.warps if warp.live.any())
        return warp.fault(Trap.DEADLOCK, int(np.flatnonzero(warp.live)[0]))


def run_grid(launch: Launch, memory: Memory) -> Counts:
    """Runs a launch over memory that already holds its image and arguments.

    Returns how often each instruction ran. Raises `Fault` where a lane does what the chip
    refuses, `Stopped` where ``launch.stop`` says so.
    """
    with np.errstate(all="ignore"):
        return Grid(launch, memory).run()
