"""The reserved range: allocation, lookup, exhaustion."""

import random

import pytest

from warpfive.errors import DeviceError

GIB = 1 << 30


def test_allocations_are_aligned_and_found(device):
    for size in (1, 512, 513, 4096, 100_000, 1 << 20, 3 << 20):
        base = device.alloc(size)
        assert base % 512 == 0
        assert device.find(base) == device.find(base + size - 1) == (base, size, "device")
        assert device.find(base + size) is None or device.find(base + size)[0] != base
        device.free(base)
        assert device.find(base) is None


def test_alignment_can_be_asked_for(device):
    for align in (1 << 12, 1 << 16, 1 << 21, 1 << 25):
        base = device.alloc(100, align=align)
        assert base % align == 0
        device.free(base)


def test_memory_ends_at_the_chips_96_gb(device):
    with pytest.raises(DeviceError, match="no room for"):
        device.alloc(97 * GIB)
    held = []
    with pytest.raises(DeviceError):
        while True:
            held.append(device.alloc(10 * GIB))
    assert len(held) == 9
    for base in held:
        device.free(base)
    device.free(device.alloc(90 * GIB))


def test_pinned_memory_is_not_the_chips(device):
    before = device.allocated_bytes
    base = device.alloc(1 << 26, kind="pinned")
    assert device.allocated_bytes == before and device.find(base)[2] == "pinned"
    device.free(base)


def test_a_freed_address_is_not_given_out_soon(device):
    for size in (256, 5000, 4 << 20):
        first = device.alloc(size)
        device.free(first)
        later = [device.alloc(size) for _ in range(20)]
        assert first not in later
        for base in later:
            device.free(base)


def test_only_bases_can_be_freed(device):
    base = device.alloc(4096)
    with pytest.raises(DeviceError, match="no allocation begins"):
        device.free(base + 256)
    device.free(base)
    with pytest.raises(DeviceError):
        device.free(base)


def test_random_allocations_never_overlap(device):
    chosen = random.Random(5)
    held: dict[int, int] = {}
    for _ in range(2000):
        if held and chosen.random() < 0.5:
            base = chosen.choice(list(held))
            device.free(base)
            del held[base]
        else:
            size = int(2 ** chosen.uniform(0, 24))
            held[device.alloc(size)] = size
    spans = sorted(held.items())
    assert all(a + size <= b for (a, size), (b, _) in zip(spans, spans[1:], strict=False))
    for base in held:
        device.free(base)
