"""Lanes that read elements a few bytes apart get theirs out of wide loads, as one by one."""

import numpy as np
import pytest

from .images import image_of
from .rig import Rig, aligned
from .test_tiles import by_reference

LOADS = {"lb": 1, "lbu": 1, "lh": 2, "lhu": 2, "lw": 4, "lwu": 4, "ld": 8, "flh": 2, "flw": 4,
         "fld": 8}  # fmt: skip
BYTES = 4096
PROGRAM = """
    ld a0, (a0)
    wf.sr t0, laneid
    li t1, {stride}
    mul t2, t0, t1
    add t2, a0, t2
    li t3, 2048
    add t3, a0, t3
    slli t4, t0, 6
    add t3, t3, t4
    {skip}
    {body}
end:
    li ra, 0
    ret
"""


def agree(text: str, folder) -> None:
    rig = Rig(image_of(text), "kernel", (32, 1, 1), folder, "plain")
    data = np.random.default_rng(8).integers(0, 256, BYTES).astype(np.uint8)
    room, found = aligned(BYTES), []
    for launch in (lambda: by_reference(rig, room), lambda: rig.launch((1, 1, 1), room)):
        room[:] = data
        launch()
        found.append(room.copy())
    assert np.array_equal(*found)
    assert not np.array_equal(found[0], data)


@pytest.mark.parametrize("some", ["", "li t5, 20\n bge t0, t5, end"], ids=["all", "some"])
@pytest.mark.parametrize("stride", [2, 4, 8, 12, 16])
def test_loads_at_a_stride(stride, some, tmp_path):
    lines, at = [], 0
    for name, size in LOADS.items():
        if size > stride or stride % size:
            continue
        for offset in {0, size, stride - size, stride}:
            register = "fa0" if name[0] == "f" else "a1"
            lines.append(f"{name} {register}, {offset}(t2)")
            lines.append(f"{'fsd' if name[0] == 'f' else 'sd'} {register}, {8 * (at % 8)}(t3)")
            at += 1
            if at % 8 == 0:
                lines.append("addi t2, t2, 16")
    text = PROGRAM.format(stride=stride, skip=some, body="\n".join(lines))
    agree(text, tmp_path)


@pytest.mark.parametrize("some", ["", "li t5, 20\n bge t0, t5, end"], ids=["all", "some"])
@pytest.mark.parametrize("name", ["amoadd.w", "amomax.w", "amoadd.d", "amoswap.w"])
def test_atomics_whose_places_repeat(name, some, tmp_path):
    """Lanes 0 to 31 hit eight places; the old values come back in the order of the lanes."""
    body = f"""
        andi t5, t0, 7
        slli t5, t5, 3
        add t5, a0, t5
        {name} a1, t0, (t5)
        sd a1, (t3)
        {name} zero, t0, (t5)
    """
    agree(PROGRAM.format(stride=8, skip=some, body=body), tmp_path)
