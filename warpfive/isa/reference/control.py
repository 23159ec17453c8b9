"""Words of the vocabulary about the launch: special registers, barriers, ends, controls."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from warpfive.isa.reference.collective import LANE, mask_of
from warpfive.isa.reference.floats import RNE, S
from warpfive.isa.reference.integers import Lanes, uw
from warpfive.isa.reference.launch import Trap
from warpfive.isa.tables import SPECIAL_REGISTERS

if TYPE_CHECKING:
    from warpfive.isa.reference.warp import Warp

ZERO = np.zeros(32, np.uint64)
_ONE = np.uint64(1)
_BITS = _ONE << LANE.astype(np.uint64)

SPECIAL: dict[str, Callable[["Warp"], object]] = {
    **{f"tid.{axis}": lambda warp, at=at: warp.tid[at] for at, axis in enumerate("xyz")},
    **{f"ntid.{axis}": lambda warp, at=at: warp.launch.block[at] for at, axis in enumerate("xyz")},
    **{f"ctaid.{axis}": lambda warp, at=at: warp.block.place[at] for at, axis in enumerate("xyz")},
    **{f"nctaid.{axis}": lambda warp, at=at: warp.launch.grid[at] for at, axis in enumerate("xyz")},
    "laneid": lambda warp: LANE,
    "warpid": lambda warp: warp.index,
    "smid": lambda warp: warp.block.slot.core,
    "nsmid": lambda warp: warp.launch.cores,
    "dynshared": lambda warp: warp.block.slot.shared + warp.launch.dynamic_offset,
    "lanemask.eq": lambda warp: _BITS,
    "lanemask.lt": lambda warp: _BITS - _ONE,
    "lanemask.le": lambda warp: (_BITS << _ONE) - _ONE,
    "lanemask.gt": lambda warp: uw(~((_BITS << _ONE) - _ONE)),
    "lanemask.ge": lambda warp: uw(~(_BITS - _ONE)),
    "activemask": lambda warp: mask_of(warp.active),
    "clock64": lambda warp: warp.clock(),
    "globaltimer": lambda warp: int(warp.clock() * 1e9 / warp.launch.clock_hz),
    "dynshared.bytes": lambda warp: warp.launch.dynamic_bytes,
    "gridid": lambda warp: warp.launch.grid_id,
    "nwarpid": lambda warp: -(-warp.launch.threads // 32),
    "runtime.area": lambda warp: warp.launch.runtime_area,
    "sharedbase": lambda warp: warp.block.slot.shared,
    "sharedsize": lambda warp: warp.launch.dynamic_offset + warp.launch.dynamic_bytes,
}
"""The value of each special register."""

_CLOCKS = (0xC00, 0xC01, 0xC02)


class Control:
    """What the active lanes of a warp ask of their launch."""

    def __init__(self, warp: "Warp") -> None:
        self._warp = warp

    def special(self, number: Lanes) -> Lanes:
        """A special register."""
        value = SPECIAL[SPECIAL_REGISTERS[int(number[0])].name](self._warp)
        return np.broadcast_to(value, 32).astype(np.uint64)

    def approximate(self, function: Callable[[Lanes], Lanes], a: Lanes) -> Lanes:
        """A function of binary32, computed in binary64 and rounded."""
        return S.round(function(S.value(a)), RNE)

    def barrier(self, number: Lanes, threads: Lanes) -> None:
        """Waits at a barrier of the block."""
        self._warp.block.wait(self._warp, number, threads, ZERO, "sync")

    def barrier_popc(self, value: Lanes) -> Lanes:
        """Waits at barrier 0; the count is written when it opens."""
        return self._reducing("popc", value)

    def barrier_and(self, value: Lanes) -> Lanes:
        """Waits at barrier 0; whether all is written when it opens."""
        return self._reducing("and", value)

    def barrier_or(self, value: Lanes) -> Lanes:
        """Waits at barrier 0; whether any is written when it opens."""
        return self._reducing("or", value)

    def _reducing(self, operation: str, value: Lanes) -> Lanes:
        self._warp.block.wait(self._warp, ZERO, ZERO, value, operation)
        return ZERO

    def arrive(self, number: Lanes, threads: Lanes) -> None:
        """Counts at a barrier without waiting."""
        self._warp.block.arrive(self._warp, number, threads)

    def grid_barrier(self) -> None:
        """Waits for every thread of the grid."""
        self._warp.block.wait_grid(self._warp)

    def leave(self) -> None:
        """Ends the active lanes."""
        self._warp.exit(self._warp.active)

    def trap(self, code: Lanes | int) -> None:
        """Stops the launch."""
        lane = self._warp.lanes()[0]
        number = code if isinstance(code, int) else int(code[lane])
        known = number in (Trap.ASSERT, Trap.TRAP, Trap.ILLEGAL)
        raise self._warp.fault(Trap(number) if known else Trap.TRAP, lane)

    def sleep(self, nanoseconds: Lanes) -> None:
        """Lets the others run."""
        self._warp.yields = True

    def fence(self) -> None:
        """Nothing: the reference makes every access in order."""

    def read_csr(self, csr: int) -> Lanes:
        """Clocks run; the float controls read as zero, since the mode is fixed."""
        return np.full(32, self._warp.clock() if csr in _CLOCKS else 0, np.uint64)

    def write_csr(self, csr: int, value: Lanes) -> None:
        """Nothing: no control register holds state."""


def rsqrt(a: Lanes) -> Lanes:
    """1 / sqrt(a)."""
    return 1.0 / np.sqrt(a)
