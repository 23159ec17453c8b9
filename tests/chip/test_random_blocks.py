"""Random blocks that meet, on the chip: its own barriers and schedule, against the reference."""

import ctypes
import random

import numpy as np
import pytest

from tests.translator.images import image_of
from tests.translator.meetings import SHARED_BYTES, Meetings
from tests.translator.programs import difference, lanes_data, run_reference, same
from warpfive.chip.device import Device, Fault, pointer

pytestmark = pytest.mark.usefixtures("patient")
BLOCKS = 3


def program_of(seed: int) -> tuple[str, int]:
    """Text, threads a block."""
    threads = random.Random(seed).choice([32, 64, 96, 70, 128, 40])
    return Meetings(seed, threads).program(), threads


@pytest.mark.parametrize("seed", range(100, 110))
def test_random_blocks_agree_on_the_chip(device, seed):
    text, threads = program_of(seed)
    before = lanes_data(seed, BLOCKS * threads)
    theirs = run_reference(text, before, BLOCKS, threads)
    image = device.load(image_of(text, shared=SHARED_BYTES))
    try:
        for engine in ("fast", "general"):
            ours = run(device, image, before, threads, engine)
            assert same(ours, theirs), f"{engine}: {difference(ours, theirs)}\n{text}"
    finally:
        device.unload(image)


def run(device: Device, image, before: np.ndarray, threads: int, engine: str) -> np.ndarray:
    """The threads' bytes after a program ran on the chip."""
    address = device.alloc(before.size)
    data = np.ctypeslib.as_array((ctypes.c_uint8 * before.size).from_address(address))
    data[:] = before.reshape(-1)
    device.set("WARPFIVE_ENGINE", engine)
    try:
        done = device.run(image, "kernel", (BLOCKS, threads), pointer(address).ljust(16, b"\0"))
    finally:
        device.set("WARPFIVE_ENGINE", "fast")
    assert done.fault == Fault.NONE, done.message
    after = data.copy()
    device.free(address)
    return after.reshape(before.shape)
