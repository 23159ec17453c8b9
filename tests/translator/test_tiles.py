"""Moves of tensor tiles: translated code and the reference agree, and NumPy with both."""

import numpy as np
import pytest

from warpfive.isa import ROWS, reference

from .images import BASE, image_of
from .rig import Rig, aligned

LOADS = [row.name for row in ROWS if row.name.startswith("wf.tld")]
STORES = [row.name for row in ROWS if row.name.startswith("wf.tst")]
FORMS = {"h": np.uint16, "w": np.uint32, "b": np.int8, "bu": np.uint8, "w8": np.uint32,
         "w16": np.uint32}  # fmt: skip
STRIDE, SOURCE, ROOM = 96, 4096, 4096 + 32 * 64
"""Bytes between rows, of memory that is read (or written), and with the registers behind it."""

PLACES = {
    "one": "mv t3, a0",
    # Every lane has a base of its own: the tile's pieces come from different places.
    "each": "wf.sr t3, laneid\n slli t3, t3, 4\n add t3, t3, a0",
}
BODY = f"""
    ld a0, (a0)
    li t0, {SOURCE}
    add t1, a0, t0
    wf.sr t2, laneid
    slli t2, t2, 6
    add t1, t1, t2
    li t4, {STRIDE}
    {{place}}
    {{body}}
    li ra, 0
    ret
"""


def run(text: str, data: np.ndarray, variant: str, folder) -> tuple[np.ndarray, np.ndarray]:
    """The memory after a run on the reference, and after one on translated code."""
    rig = Rig(image_of(text), "kernel", (32, 1, 1), folder, variant)
    room = aligned(ROOM)
    results = []
    for launch in (by_reference, Rig.launch):
        room[:] = data
        launch(*((rig, room) if launch is by_reference else (rig, (1, 1, 1), room)))
        results.append(room.copy())
    return results[0], results[1]


def by_reference(rig: Rig, data: np.ndarray) -> None:
    args, stack, memory = rig.arguments([data]), aligned(32 * 512), reference.Segments()
    for part in (rig.memory, args, stack, data):
        memory.share(part.ctypes.data, part.nbytes)
    reference.run_grid(reference.Launch(
        entry=rig.memory.ctypes.data + BASE, grid=(1, 1, 1), block=(32, 1, 1),
        slots=(reference.Slot(shared=0, stack=stack.ctypes.data),),
        args=args.ctypes.data, stack_bytes=512), memory)  # fmt: skip


def moved(name: str, place: str) -> str:
    if name in LOADS:
        body = [f"{name} f8, (t3), t4", *(f"fsd f{8 + j}, {8 * j}(t1)" for j in range(8))]
    else:
        body = [*(f"fld f{8 + j}, {8 * j}(t1)" for j in range(8)), f"{name} f8, (t3), t4"]
    return BODY.format(place=PLACES[place], body="\n".join(body))


def memory() -> np.ndarray:
    return np.random.default_rng(5).integers(0, 256, ROOM).astype(np.uint8)


def tile(data: np.ndarray, name: str) -> np.ndarray:
    """A view of the tile in memory, a row a row."""
    kind = np.dtype(FORMS[name.rpartition(".")[2]])
    shape = {"w8": (16, 8), "w16": (8, 16)}.get(name.rpartition(".")[2], (16, 16))
    strides = (STRIDE, kind.itemsize)
    found = np.ndarray(shape, kind, data.data, strides=strides)
    return found.T if name.split(".")[1] in ("tldt", "tstt") else found


@pytest.mark.parametrize("variant", ["plain", "general"])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", LOADS + STORES)
def test_a_tile_moves_as_the_reference_moves_it(name, place, variant, tmp_path):
    expected, found = run(moved(name, place), memory(), variant, tmp_path)
    assert np.array_equal(expected, found)


@pytest.mark.parametrize("name", LOADS + STORES)
def test_a_tile_lies_row_by_row_over_the_lanes(name, tmp_path):
    data = memory()
    _, found = run(moved(name, "one"), data, "plain", tmp_path)
    registers = (found if name in LOADS else data)[SOURCE:].view(np.uint64).reshape(32, 8).T
    here = tile(data if name in LOADS else found, name)
    count = here.size // 32
    assert np.array_equal(
        registers[:count].reshape(here.shape).astype(here.dtype), here)


PRODUCTS = """
    {loads}
    li t5, 4
again:
    wf.mma.f32.{form} f0, f8, f16
    wf.mma.f32.{form} f0, f8, f16
    addi t5, t5, -1
    bnez t5, again
    wf.tst.w f0, (t1), t4
"""


@pytest.mark.parametrize("variant", ["plain", "general"])
@pytest.mark.parametrize("form", ["f16", "bf16"])
def test_sums_stay_in_registers_over_a_loop(form, variant, tmp_path):
    """Eight times the same product, on values whose sums are exact."""
    lines = ["mv t1, a0", "li t4, 64", "addi t3, a0, 1024",
             "wf.tld.h f8, (t3), t4", "addi t3, a0, 1056", "wf.tldt.h f16, (t3), t4",
             "wf.tld.w f0, (a0), t4"]  # fmt: skip
    text = BODY.format(place="", body=PRODUCTS.format(loads="\n".join(lines), form=form))
    draw = np.random.default_rng(6)
    data = np.zeros(ROOM, np.uint8)
    c = data[:1024].view(np.float32).reshape(16, 16)
    both = data[1024:2048].reshape(16, 64)
    c[:] = draw.integers(-9, 9, (16, 16))
    sides = draw.integers(-9, 9, (2, 16, 16)).astype(np.float32)
    for at, side in enumerate(sides):
        bits = side.astype(np.float16).view(np.uint16) if form == "f16" \
            else (side.view(np.uint32) >> 16).astype(np.uint16)
        both[:, 32 * at : 32 * at + 32] = np.ascontiguousarray(bits).view(np.uint8)
    expected, found = run(text, data, variant, tmp_path)
    assert np.array_equal(expected, found)
    sums = found[:1024].view(np.float32).reshape(16, 16)
    assert np.array_equal(sums, c + 8 * sides[0] @ sides[1].T)
