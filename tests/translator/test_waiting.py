"""Only a loop with a branch that depends on what it reads can be waiting for somebody."""

import pytest

from warpfive.translator import abi

from .images import image_of
from .rig import Rig

START = """
    ld a0, (a0)
    li t0, 10
    li t1, 0
    li t3, 0
"""
END = """
done:
    sw t1, (a0)
    li ra, 0
    ret
"""
LOOPS = {
    "counted": ("loop:\n lw t2, (a0)\n add t1, t1, t2\n addi t0, t0, -1\n bnez t0, loop", False),
    "flag": ("loop:\n lw t2, (a0)\n beqz t2, loop", True),
    "last round's": ("loop:\n bnez t3, done\n lw t3, (a0)\n addi t1, t1, 1\n j loop", True),
    "read before": ("lw t0, (a0)\nloop:\n addi t0, t0, -1\n bgtz t0, loop", False),
    "read within": (
        "outer:\n li t0, 4\ninner:\n lw t2, (a0)\n addi t0, t0, -1\n bnez t0, inner\n"
        " addi t1, t1, 1\n beqz t2, outer", True,
    ),
}  # fmt: skip


@pytest.mark.parametrize("loop", LOOPS)
def test_which_loops_may_wait(loop, tmp_path):
    body, waits = LOOPS[loop]
    rig = Rig(image_of(START + body + END), "kernel", (32, 1, 1), tmp_path, "plain")
    assert bool(rig.code.flags & abi.CODE_SPINS) == waits
