"""Lesser hosts give the same results: the feature levels a host can be limited to."""

import platform

import numpy as np
import pytest

from warpfive.translator import translate

from .images import image_of
from .meetings import SHARED_BYTES, Meetings
from .programs import Writer, lanes_data
from .test_random import run_translated

pytestmark = pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64"), reason="the levels are of x86-64 hosts")


@pytest.mark.parametrize("level", ["avx2", "sse4"])
@pytest.mark.parametrize("seed", [3, 11])
def test_a_lesser_host_agrees(level, seed, tmp_path):
    image = image_of(Writer(seed).program())
    before = lanes_data(seed, 64)
    best = run_translated(image, before, 32, "plain", tmp_path)
    less = run_translated(image, before, 32, "plain", tmp_path, level)
    assert np.array_equal(best, less)


@pytest.mark.parametrize("seed", [2, 9, 14])
def test_a_warp_handed_over_in_any_loop_goes_on_the_same(seed, tmp_path):
    """With a budget of one, fast code gives its state to general code at the first chance."""
    image = image_of(Writer(seed).program())
    before = lanes_data(seed, 80)
    whole = run_translated(image, before, 40, "plain", tmp_path)
    handed = run_translated(image, before, 40, "plain", tmp_path, budget=1)
    assert np.array_equal(whole, handed)


@pytest.mark.parametrize("seed", [0, 9])
def test_a_warp_handed_over_between_barriers_meets_the_others(seed, tmp_path):
    image = image_of(Meetings(seed, 96).program(), shared=SHARED_BYTES)
    before = lanes_data(seed, 2 * 96)
    whole = run_translated(image, before, 96, "plain", tmp_path)
    handed = run_translated(image, before, 96, "plain", tmp_path, budget=1)
    assert np.array_equal(whole, handed)


def test_objects_for_the_other_architecture_are_made_here(tmp_path):
    image = image_of(Writer(1).program())
    for level, machine in (("neon", 183), ("avx2", 62)):
        path = translate(image, "kernel", (32, 1, 1), "plain", tmp_path / f"{level}.so", level)
        assert int.from_bytes(path.read_bytes()[18:20], "little") == machine
