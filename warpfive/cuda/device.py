"""The device: properties, memory, synchronisation."""

import ctypes
import re
from dataclasses import dataclass

from warpfive.cuda.library import call, error, library, wait

INVALID_DEVICE = 101

FIGURES = {
    "warpSize": 10,
    "maxThreadsPerBlock": 1,
    "multiProcessorCount": 16,
    "clockRate": 13,
    "sharedMemPerBlock": 8,
    "sharedMemPerBlockOptin": 97,
    "sharedMemPerMultiprocessor": 81,
    "regsPerBlock": 12,
    "maxThreadsPerMultiProcessor": 39,
    "maxBlocksPerMultiProcessor": 106,
    "l2CacheSize": 38,
    "memoryClockRate": 36,
    "memoryBusWidth": 37,
    "major": 75,
    "minor": 76,
}
"""Fields of ``cudaDeviceProp`` and the attribute that each is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceProperties:
    """Figures of the chip, by the names of ``cudaDeviceProp``; rates in kHz, sizes in bytes."""

    name: str
    totalGlobalMem: int
    warpSize: int
    maxThreadsPerBlock: int
    multiProcessorCount: int
    clockRate: int
    sharedMemPerBlock: int
    sharedMemPerBlockOptin: int
    sharedMemPerMultiprocessor: int
    regsPerBlock: int
    maxThreadsPerMultiProcessor: int
    maxBlocksPerMultiProcessor: int
    l2CacheSize: int
    memoryClockRate: int
    memoryBusWidth: int
    major: int
    minor: int


class Device:
    """A chip of this machine. There is one, number 0.

    >>> Device().properties.warpSize
    32
    """

    def __init__(self, number: int = 0) -> None:
        if number != 0:
            raise error(INVALID_DEVICE)
        self.id = number

    @property
    def properties(self) -> DeviceProperties:
        """What the chip is."""
        name = ctypes.create_string_buffer(256)
        call("cuDeviceGetName", name, 256, self.id)
        figures = {field: self.attribute(number) for field, number in FIGURES.items()}
        _, total = self.mem_info
        return DeviceProperties(name=name.value.decode(), totalGlobalMem=total, **figures)

    def attribute(self, number: int) -> int:
        """One attribute by its number in ``cudaDeviceAttr``."""
        out = ctypes.c_int()
        call("cudaDeviceGetAttribute", ctypes.byref(out), number, self.id)
        return out.value

    @property
    def compute_capability(self) -> str:
        """``"80"`` for 8.0."""
        return f"{self.attribute(FIGURES['major'])}{self.attribute(FIGURES['minor'])}"

    @property
    def mem_info(self) -> tuple[int, int]:
        """Free and total bytes of device memory."""
        free, total = ctypes.c_size_t(), ctypes.c_size_t()
        call("cudaMemGetInfo", ctypes.byref(free), ctypes.byref(total))
        return free.value, total.value

    def use(self) -> None:
        """Makes this the current device, which it is."""

    def synchronize(self) -> None:
        """Waits for everything on every stream; raises what went wrong in it."""
        wait("cudaStreamQuery", 0, "cudaStreamSynchronize")
        call("cudaDeviceSynchronize")

    def reset(self) -> None:
        """Frees all memory and forgets a sticky error, as ``cudaDeviceReset`` does."""
        library().cudaDeviceReset()

    def __repr__(self) -> str:
        name = re.sub(r"^warpfive ", "", self.properties.name)
        return f"<Device {self.id}: {name}>"
