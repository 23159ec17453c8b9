"""The chip with the kernels of ``kernels.cu`` loaded."""

import ctypes
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from warpfive import cache
from warpfive.chip.device import Device, LaunchOptions, Loaded, Outcome, pack_args
from warpfive.compiler import compile_device
from warpfive.isa import read_image

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Bench:
    """A device, an image and short ways to use them."""

    device: Device
    image: Loaded
    elf: bytes

    def array(self, count: int, fill: int = 0) -> tuple[int, np.ndarray]:
        """Address and view of ``count`` 32-bit integers in device memory."""
        address = self.device.alloc(count * 4)
        view = self.at(address, count)
        view[:] = fill
        return address, view

    def at(self, address: int, count: int) -> np.ndarray:
        return np.ctypeslib.as_array((ctypes.c_int32 * count).from_address(address))

    def run(self, kernel: str, shape, *args: int, **options) -> Outcome:
        """Launches with integer and pointer arguments."""
        params = read_image(self.elf).kernels[kernel].params
        values = [struct.pack("<Q", value & (1 << 64) - 1) for value in args]
        block = pack_args(params, values)
        return self.device.run(self.image, kernel, shape, block, LaunchOptions(**options))


@pytest.fixture(scope="session")
def device() -> Device:
    cache.root().mkdir(parents=True, exist_ok=True)
    return Device()


@pytest.fixture(scope="session")
def make_bench() -> type[Bench]:
    return Bench


@pytest.fixture(scope="session")
def elf() -> bytes:
    return compile_device(HERE / "kernels.cu")


@pytest.fixture(scope="session")
def bench(device: Device, elf: bytes) -> Bench:
    return Bench(device, device.load(elf), elf)


@pytest.fixture(params=["fast", "general"])
def engine(request: pytest.FixtureRequest, device: Device):
    device.set("WARPFIVE_ENGINE", request.param)
    yield request.param
    device.set("WARPFIVE_ENGINE", "fast")


@pytest.fixture
def limited(device: Device):
    """Launches end after half a second."""
    device.set("WARPFIVE_KERNEL_TIMEOUT", "0.5")
    yield
    device.set("WARPFIVE_KERNEL_TIMEOUT", "0")


@pytest.fixture
def patient(device: Device):
    """Launches that hang end the test, not the session."""
    device.set("WARPFIVE_KERNEL_TIMEOUT", "20")
    yield
    device.set("WARPFIVE_KERNEL_TIMEOUT", "0")
