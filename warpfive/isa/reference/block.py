"""A thread block: its warps, and its barriers."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from warpfive.isa.reference.integers import Lanes
from warpfive.isa.reference.launch import LANES, Shape, Slot
from warpfive.isa.reference.warp import Warp

if TYPE_CHECKING:
    from warpfive.isa.reference.grid import Grid

QUANTUM = 500
"""Steps a warp runs before the next one."""


@dataclass(slots=True)
class Waiting:
    """A lane parked at a barrier; its result goes to register ``rd``."""

    warp: Warp
    lane: int
    rd: int
    value: bool
    operation: str


@dataclass(slots=True)
class Barrier:
    """A barrier in use: who waits, how many came without waiting, how many it is for."""

    threads: int = 0
    passed: int = 0
    waiting: list[Waiting] = field(default_factory=list)


class Block:
    """A block that runs in a slot."""

    def __init__(self, grid: "Grid", place: Shape, slot: Slot) -> None:
        self.grid, self.launch, self.memory = grid, grid.launch, grid.memory
        self.place, self.slot = place, slot
        self.alive = self.launch.threads
        self.barriers: dict[int, Barrier] = {}
        self.at_grid: list[tuple[Warp, int]] = []
        self.warps = [Warp(self, index) for index in range(-(-self.launch.threads // LANES))]

    def run(self) -> bool:
        """Gives each warp its quantum; False where none could run."""
        moved = False
        for warp in self.warps:
            for _ in range(QUANTUM):
                if not warp.runnable().any():
                    break
                warp.step()
                moved = True
                self.grid.steps += 1
                if warp.yields:
                    break
        return moved

    def wait(
        self, warp: Warp, number: Lanes, threads: Lanes, value: Lanes, operation: str
    ) -> None:
        """Parks the active lanes of a warp at a barrier."""
        instruction = warp.block.grid.fetch(int(warp.pc[warp.lanes()[0]])).instruction
        for lane in warp.lanes():
            barrier = self.barriers.setdefault(int(number[lane]), Barrier())
            barrier.threads = int(threads[lane]) & 0xFFFFFFFF
            entry = Waiting(warp, lane, instruction.rd, bool(value[lane]), operation)
            barrier.waiting.append(entry)
            warp.parked[lane] = True
        self.open_barriers()

    def arrive(self, warp: Warp, number: Lanes, threads: Lanes) -> None:
        """Counts the active lanes at a barrier."""
        for lane in warp.lanes():
            barrier = self.barriers.setdefault(int(number[lane]), Barrier())
            barrier.threads = int(threads[lane]) & 0xFFFFFFFF
            barrier.passed += 1
        self.open_barriers()

    def wait_grid(self, warp: Warp) -> None:
        """Parks the active lanes until the whole grid has come."""
        for lane in warp.lanes():
            self.at_grid.append((warp, lane))
            warp.parked[lane] = True

    def left(self, count: int) -> None:
        """Lanes have exited: barriers of the whole block need fewer."""
        self.alive -= count
        self.open_barriers()

    def open_barriers(self) -> None:
        """Releases everyone at barriers that are complete."""
        for number, barrier in list(self.barriers.items()):
            needed = barrier.threads or self.alive
            if len(barrier.waiting) + barrier.passed >= needed:
                del self.barriers[number]
                self.release(barrier.waiting)

    def release(self, waiting: list[Waiting]) -> None:
        """Lets lanes go on, each with what its barrier found."""
        if self.launch.observer is not None:
            self.launch.observer.met({entry.warp for entry in waiting})
        values = [entry.value for entry in waiting]
        result = {"sync": 0, "popc": sum(values), "and": all(values), "or": any(values)}
        for entry in waiting:
            entry.warp.parked[entry.lane] = False
            if entry.operation != "sync" and entry.rd:
                entry.warp.x[entry.rd, entry.lane] = np.uint64(result[entry.operation])
