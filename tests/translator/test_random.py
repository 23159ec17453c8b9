"""Random kernels on the slow reference, on general code and on fast code: memory must agree."""

from __future__ import annotations

import random
import struct

import numpy as np
import pytest

from tests.isa.machine import DATA

from .images import image_of
from .meetings import SHARED_BYTES, Meetings
from .programs import HEAD_BYTES, Writer, difference, lanes_data, run_reference, same
from .rig import Rig, aligned

BLOCKS = 2


@pytest.mark.parametrize("seed", range(24))
def test_random_kernels_agree(seed, tmp_path):
    threads = random.Random(seed).choice([32, 64, 40])
    agree(Writer(seed).program(), seed, threads, tmp_path)


@pytest.mark.parametrize("seed", range(6))
def test_random_blocks_that_meet_agree(seed, tmp_path):
    threads = random.Random(seed).choice([64, 96, 70])
    agree(Meetings(seed, threads).program(), seed, threads, tmp_path)


def agree(text: str, seed: int, threads: int, folder) -> None:
    before = lanes_data(seed, BLOCKS * threads)
    theirs = run_reference(text, before, BLOCKS, threads)
    image = image_of(text, shared=SHARED_BYTES)
    for variant in ("general", "plain"):
        ours = run_translated(image, before, threads, variant, folder)
        if not same(ours, theirs):
            raise AssertionError(f"{variant}: {difference(ours, theirs)}\n{text}")


def run_translated(image, before, threads, variant, folder, level="", budget=1 << 16):
    """The threads' bytes after a program ran on translated code, without the chip."""
    rig = Rig(image, "kernel", (threads, 1, 1), folder, variant, level)
    data = aligned(before.size)
    data[:] = before.reshape(-1)
    head = aligned(HEAD_BYTES)
    head[:8] = np.frombuffer(struct.pack("<Q", data.ctypes.data), np.uint8)
    rig.arguments = lambda values: head
    rig.launch((BLOCKS,), budget=budget)
    return data.reshape(before.shape)


def test_data_lies_where_the_reference_has_it():
    assert DATA % 64 == 0
