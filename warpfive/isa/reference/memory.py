"""What the reference runs over: bytes at addresses."""

import ctypes
from dataclasses import dataclass, field
from typing import Protocol


class BadAddress(Exception):
    """An access to memory that is not there."""


class Memory(Protocol):
    """Bytes at addresses; both raise `BadAddress` where there are none."""

    def read(self, address: int, size: int) -> bytes:
        """The bytes at ``address``."""

    def write(self, address: int, data: bytes) -> None:
        """Replaces the bytes at ``address``."""


@dataclass(slots=True)
class Segments:
    """Memory made of byte arrays, or pieces of this process's own, each at its address."""

    parts: dict[int, bytearray | memoryview] = field(default_factory=dict)

    def add(self, address: int, data: bytes | int) -> bytearray:
        """A new part: its contents, or how many zeros."""
        self.parts[address] = part = bytearray(data)
        return part

    def share(self, address: int, size: int) -> None:
        """A part that is this process's own memory at the same address."""
        own = (ctypes.c_ubyte * size).from_address(address)
        self.parts[address] = memoryview(own).cast("B")

    def _find(self, address: int, size: int) -> tuple[bytearray | memoryview, int]:
        for base, part in self.parts.items():
            if base <= address and address + size <= base + len(part):
                return part, address - base
        raise BadAddress(f"nothing at 0x{address:x}")

    def read(self, address: int, size: int) -> bytes:
        """The bytes at ``address``."""
        part, at = self._find(address, size)
        return bytes(part[at : at + size])

    def write(self, address: int, data: bytes) -> None:
        """Replaces the bytes at ``address``."""
        part, at = self._find(address, len(data))
        part[at : at + len(data)] = data
