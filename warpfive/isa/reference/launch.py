"""What a launch is to the reference, and what it can end with."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Protocol

from warpfive.errors import WarpfiveError

if TYPE_CHECKING:
    from warpfive.isa.reference.integers import Lanes
    from warpfive.isa.reference.warp import Warp

Shape = tuple[int, int, int]
"""x, y, z."""

LANES = 32


class Observer(Protocol):
    """Told of what a launch does, as it does it. Addresses are absolute."""

    def executed(self, warp: "Warp", pc: int, lanes: int) -> None:
        """So many lanes of a warp execute an instruction; collectives when their members meet."""

    def parted(self, warp: "Warp", pc: int) -> None:
        """The branch that was executed last sent lanes both ways."""

    def accessed(self, warp: "Warp", addresses: "Lanes", size: int) -> None:
        """The instruction that was executed last accesses memory in the active lanes."""

    def met(self, warps: set["Warp"]) -> None:
        """These warps have waited for one another at a barrier that now opens."""



@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """Room for one block that runs: its shared memory, and the stacks of its threads."""

    shared: int
    """Address of shared memory, the static part first."""
    stack: int
    """Address of thread 0's stack; thread t's is ``stack_bytes * t`` above."""
    core: int = 0
    """What the block reads as smid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """A kernel, its grid, and the addresses it is given.

    As many blocks run at a time as there are ``slots``, in the order of their numbers; a kernel
    that synchronises the grid needs one for each block.
    """

    entry: int
    """Address of the kernel's first instruction."""
    grid: Shape
    block: Shape
    slots: tuple[Slot, ...]
    args: int = 0
    """Address of the argument block."""
    stack_bytes: int = 0
    """Of each thread; a multiple of 16."""
    shared_bytes: int = 0
    """Static shared memory; the dynamic part follows, aligned to 16."""
    dynamic_bytes: int = 0
    runtime_area: int = 0
    grid_id: int = 0
    cores: int = 1
    clock_hz: float = 1e9
    stop: Callable[[], bool] = field(default=lambda: False)
    """Asked now and then; True ends the launch with `Stopped`."""
    observer: Observer | None = None

    @property
    def dynamic_offset(self) -> int:
        """Where dynamic shared memory begins within a slot's."""
        return (self.shared_bytes + 15) // 16 * 16

    @property
    def threads(self) -> int:
        """Threads of a block."""
        x, y, z = self.block
        return x * y * z

    @property
    def blocks(self) -> int:
        """Blocks of the grid."""
        x, y, z = self.grid
        return x * y * z


class Trap(IntEnum):
    """Why a launch died; the numbers of ``enum WfTrap`` in the chip's abi.h."""

    ASSERT = 1
    TRAP = 2
    ILLEGAL = 3
    MISALIGNED = 4
    STACK = 5
    BAD_PC = 6
    BAD_ADDRESS = 7
    DEADLOCK = 8


class Fault(WarpfiveError):
    """A lane did what the chip refuses. ``pc`` and ``address`` are absolute."""

    def __init__(self, trap: Trap, pc: int, lanes: list[int], address: int = 0) -> None:
        super().__init__(trap, pc, lanes, address)
        self.trap, self.pc, self.lanes, self.address = trap, pc, lanes, address
        self.block: Shape = (0, 0, 0)
        self.warp = 0
        self.thread: Shape = (0, 0, 0)

    def __str__(self) -> str:
        return (
            f"{self.trap.name.lower().replace('_', ' ')} at pc 0x{self.pc:x}, "
            f"block {self.block}, thread {self.thread}, address 0x{self.address:x}"
        )


class Stopped(WarpfiveError):
    """The launch was asked to stop."""
