"""Runs kernels of a CUDA source on the slow reference, for tests of the headers."""

import functools
import hashlib
import struct
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from warpfive.compiler import DeviceOptions, compile_device
from warpfive.isa import Image, read_image
from warpfive.isa.reference import Launch, Segments, Slot, run_grid

CODE, ARGS, DATA, AREA, HEAP, SHARED, STACK = (
    0x100000, 0x8000, 0x1000000, 0x2000000, 0x3000000, 0x4000000, 0x8000000,
)  # fmt: skip
SHARED_BYTES, STACK_BYTES, HEAP_BYTES, RING_BYTES = 0x8000, 4096, 1 << 16, 4096


@functools.cache
def image_of(source: str) -> Image:
    """The image of a CUDA source text."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{hashlib.sha256(source.encode()).hexdigest()[:8]}.cu"
        path.write_text(source)
        return read_image(compile_device(path, DeviceOptions()))


@dataclass
class Machine:
    """A program that is loaded, with its runtime area; calls change arrays in place."""

    source: str
    memory: Segments = field(default_factory=Segments)

    def __post_init__(self) -> None:
        self.image = image_of(self.source)
        code = self.memory.add(CODE, self.image.memory)
        for offset, value in self.image.relative:
            code[offset : offset + 8] = struct.pack("<Q", CODE + value)
        area = struct.pack("<8Q", HEAP - RING_BYTES, RING_BYTES, 0, 0, HEAP, HEAP_BYTES, 0, 0)
        self.area = self.memory.add(AREA, area + bytes(8 * 48))
        self.ring = self.memory.add(HEAP - RING_BYTES, RING_BYTES)
        self.memory.add(HEAP, HEAP_BYTES)
        self.memory.add(SHARED, SHARED_BYTES)
        self.memory.add(STACK, STACK_BYTES * 1024)

    def __call__(self, name: str, *arguments: np.ndarray | int, threads: int = 32) -> None:
        """Runs one block of the kernel whose mangled name contains ``name``."""
        kernel = next(k for k in self.image.kernels.values() if name in k.name)
        block, where = bytearray(max(kernel.args_bytes, 1)), DATA
        shadows = []
        for (offset, size), value in zip(kernel.params, arguments, strict=True):
            if isinstance(value, np.ndarray):
                shadows.append((value, self.memory.add(where, value.tobytes())))
                value, where = where, where + (value.nbytes + 255) // 256 * 256
            block[offset : offset + size] = int(value).to_bytes(size, "little", signed=value < 0)
        self.memory.add(ARGS, bytes(block))
        slot = Slot(shared=SHARED, stack=STACK)
        launch = Launch(
            entry=CODE + kernel.entry, grid=(1, 1, 1), block=(threads, 1, 1), slots=(slot,),
            args=ARGS, stack_bytes=STACK_BYTES, shared_bytes=kernel.shared_bytes,
            runtime_area=AREA,
        )  # fmt: skip
        try:
            run_grid(launch, self.memory)
        finally:
            for array, data in shadows:
                array.reshape(-1).view(np.uint8)[:] = np.frombuffer(bytes(data), np.uint8)

    def records(self) -> list[tuple[int, list[int]]]:
        """Kind and words of what device code wrote to the ring."""
        head = min(struct.unpack_from("<Q", self.area, 16)[0], RING_BYTES)
        at, found = 0, []
        while at + 8 <= head:
            size, kind = struct.unpack_from("<II", self.ring, at)
            if size == 0:
                break
            words = (size - 8) // 8
            found.append((kind, list(struct.unpack_from(f"<{words}Q", self.ring, at + 8))))
            at += size
        return found

    def text(self, address: int) -> str:
        """The C string at a device address."""
        data = b""
        while not data.endswith(b"\0"):
            data += self.memory.read(address + len(data), 1)
        return data[:-1].decode()
