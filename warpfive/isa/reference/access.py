"""Memory words of the vocabulary: loads, stores, atomics, reservations."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from warpfive.isa.reference import floats
from warpfive.isa.reference.integers import Lanes, sext
from warpfive.isa.reference.launch import Trap
from warpfive.isa.reference.memory import BadAddress

if TYPE_CHECKING:
    from warpfive.isa.reference.warp import Warp

Operation = Callable[[Lanes, Lanes], Lanes]


class Access:
    """What the active lanes of a warp do to memory, the lowest lane first."""

    def __init__(self, warp: "Warp") -> None:
        self._warp = warp

    def load(self, address: Lanes, size: int) -> Lanes:
        """``size`` bytes at each lane's address, zero-extended."""
        self._warp.observe_access(address, size)
        out = np.zeros(32, np.uint64)
        for lane in self._warp.lanes():
            out[lane] = self._read(lane, int(address[lane]), size)
        return out

    def store(self, address: Lanes, size: int, value: Lanes) -> None:
        """Stores each lane's low ``size`` bytes."""
        self._warp.observe_access(address, size)
        for lane in self._warp.lanes():
            self._write(lane, int(address[lane]), size, int(value[lane]))

    def load_tile(self, base: Lanes, stride: Lanes, size: int, columns: int = 16,
                  count: int = 8) -> Lanes:
        """A tile's elements, ``count`` a lane, of rows ``stride`` bytes apart."""
        return np.array([self.load(_tile_address(base, stride, size, columns, index), size)
                         for index in range(count)])

    def load_turned(self, base: Lanes, stride: Lanes, size: int) -> Lanes:
        """The same of a 16x16 tile whose columns are ``stride`` bytes apart."""
        return np.array([self.load(_turned_address(base, stride, size, index), size)
                         for index in range(8)])

    def store_tile(self, base: Lanes, stride: Lanes, size: int, values: Lanes) -> None:
        """Stores a 16x16 tile's elements to rows ``stride`` bytes apart."""
        for index, value in enumerate(values):
            self.store(_tile_address(base, stride, size, 16, index), size, value)

    def store_turned(self, base: Lanes, stride: Lanes, size: int, values: Lanes) -> None:
        """The same to columns ``stride`` bytes apart."""
        for index, value in enumerate(values):
            self.store(_turned_address(base, stride, size, index), size, value)

    def atomic(self, address: Lanes, size: int, operation: Operation, value: Lanes) -> Lanes:
        """Applies an operation to memory; the old contents, sign-extended."""
        self._warp.observe_access(address, size)
        out, value = np.zeros(32, np.uint64), sext(value, 8 * size)
        for lane in self._warp.lanes():
            at, each = int(address[lane]), slice(lane, lane + 1)
            out[lane] = self._signed(lane, at, size)
            self._write(lane, at, size, int(operation(out[each], value[each])[0]))
        return out

    def float_atomic(self, address: Lanes, form: floats.Format, value: Lanes) -> Lanes:
        """Adds a float to memory, to nearest even; the old contents."""
        self._warp.observe_access(address, form.bits // 8)
        out = np.zeros(32, np.uint64)
        for lane in self._warp.lanes():
            at, each, size = int(address[lane]), slice(lane, lane + 1), form.bits // 8
            out[each] = form.box(np.array([self._read(lane, at, size)], np.uint64))
            new = form.add(out[each], value[each], floats.RNE)
            self._write(lane, at, size, int(new[0]))
        return out

    def cas(self, address: Lanes, size: int, expected: Lanes, new: Lanes) -> Lanes:
        """Stores where memory equals what is expected; the old contents, sign-extended."""
        self._warp.observe_access(address, size)
        out, expected = np.zeros(32, np.uint64), sext(expected, 8 * size)
        for lane in self._warp.lanes():
            at = int(address[lane])
            out[lane] = self._signed(lane, at, size)
            if out[lane] == expected[lane]:
                self._write(lane, at, size, int(new[lane]))
        return out

    def cas_pair(self, address: Lanes, expected: Lanes, new: Lanes) -> Lanes:
        """The same for 128 bits; operands and result are pairs of rows."""
        self._warp.observe_access(address, 16)
        out = np.zeros((2, 32), np.uint64)
        for lane in self._warp.lanes():
            at = int(address[lane])
            old = self._read(lane, at, 16)
            out[:, lane] = old & 2**64 - 1, old >> 64
            if (out[:, lane] == expected[:, lane]).all():
                self._write(lane, at, 16, int(new[0, lane]) | int(new[1, lane]) << 64)
        return out

    def reserve(self, address: Lanes, size: int) -> Lanes:
        """Loads, and reserves the address for a conditional store."""
        for lane in self._warp.lanes():
            self._warp.reservations[self._owner(lane)] = int(address[lane])
        return sext(self.load(address, size), 8 * size)

    def conditional(self, address: Lanes, size: int, value: Lanes) -> Lanes:
        """Stores where nobody has stored since the reservation; zero there, else one."""
        out = np.ones(32, np.uint64)
        for lane in self._warp.lanes():
            at = int(address[lane])
            if self._warp.reservations.pop(self._owner(lane), None) == at:
                self._write(lane, at, size, int(value[lane]))
                out[lane] = 0
        return out

    def _owner(self, lane: int) -> tuple[int, int]:
        return id(self._warp), lane

    def _read(self, lane: int, address: int, size: int) -> int:
        self._aligned(lane, address, size)
        try:
            return int.from_bytes(self._warp.memory.read(address, size), "little")
        except BadAddress:
            raise self._warp.fault(Trap.BAD_ADDRESS, lane, address) from None

    def _signed(self, lane: int, address: int, size: int) -> int:
        """Memory's contents, sign-extended to 64 bits."""
        old = self._read(lane, address, size)
        return old - (old >> 8 * size - 1 << 8 * size) & 2**64 - 1

    def _write(self, lane: int, address: int, size: int, value: int) -> None:
        self._aligned(lane, address, size)
        held = self._warp.reservations
        for owner in [owner for owner, at in held.items() if address & ~15 == at & ~15]:
            del held[owner]
        data = (value & (1 << 8 * size) - 1).to_bytes(size, "little")
        try:
            self._warp.memory.write(address, data)
        except BadAddress:
            raise self._warp.fault(Trap.BAD_ADDRESS, lane, address) from None

    def _aligned(self, lane: int, address: int, size: int) -> None:
        if address % size:
            raise self._warp.fault(Trap.MISALIGNED, lane, address)


def _tile_address(base: Lanes, stride: Lanes, size: int, columns: int, index: int) -> Lanes:
    place = 32 * index + np.arange(32, dtype=np.uint64)
    width = np.uint64(columns)
    return base + place // width * stride + place % width * np.uint64(size)


def _turned_address(base: Lanes, stride: Lanes, size: int, index: int) -> Lanes:
    place = 32 * index + np.arange(32, dtype=np.uint64)
    width = np.uint64(16)
    return base + place % width * stride + place // width * np.uint64(size)


def add_h2(old: Lanes, new: Lanes) -> Lanes:
    """Adds two binary16, packed in 32 bits."""
    return _add_pair(floats.H, old, new)


def add_bf2(old: Lanes, new: Lanes) -> Lanes:
    """Adds two bfloat16, packed in 32 bits."""
    return _add_pair(floats.B, old, new)


def _add_pair(form: floats.Format, old: Lanes, new: Lanes) -> Lanes:
    low16, sixteen = np.uint64(0xFFFF), np.uint64(16)
    low, high = (
        form.add(form.box(old >> shift & low16), form.box(new >> shift & low16), floats.RNE)
        for shift in (np.uint64(0), sixteen)
    )
    return high << sixteen | low & low16
