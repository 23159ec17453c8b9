"""The reference: lanes, divergence, barriers, collectives, atomics, faults."""

import numpy as np
import pytest

from warpfive.isa.reference import Fault, Trap

from .machine import CODE, DATA, PER_THREAD, SHARED, Run, run

LANES = np.arange(32, dtype=np.uint64)


def test_lanes_and_blocks_have_their_coordinates():
    out = run("sd t0, (t1)\n ret", words=192, grid=(3, 1, 1), block=(64, 1, 1))
    assert (out == np.arange(192)).all()


def test_three_dimensions_count_x_first():
    text = """
    wf.sr a1, tid.x
    wf.sr a2, tid.y
    wf.sr a3, tid.z
    slli a4, a3, 2
    sh1add a4, a2, a4
    add a4, a4, a1
    wf.sr a5, warpid
    wf.sr a6, laneid
    slli a5, a5, 5
    add a5, a5, a6
    sh3add a6, a5, a0
    sd a4, (a6)
    ret
    """
    out = Run(text, bytes(8 * 40), block=(2, 2, 10))()
    assert (out == np.arange(40)).all()


def test_lanes_part_at_a_branch_and_meet_again():
    code = Run(PER_THREAD + """
        andi a1, t0, 1
        beqz a1, even
        li a2, 100
        j join
    even: li a2, 200
    join: sd a2, (t1)
        ret
    """, bytes(256))  # fmt: skip
    assert code().tolist() == [200, 100] * 16
    join = CODE + 4 * 11
    assert code.counts.times[join] == 1
    assert code.counts.lanes[join] == 32


def test_loops_of_different_lengths():
    out = run("""
        li a1, 0
        mv a2, t0
    loop: beqz a2, end
        add a1, a1, a2
        addi a2, a2, -1
        j loop
    end: sd a1, (t1)
        ret
    """)
    assert (out == LANES * (LANES + 1) // 2).all()


def test_calls_and_stacks():
    out = run("""
        mv s0, t1
        mv a0, t0
        call fib
        sd a0, (s0)
        li ra, 0
        ret
    fib: li a1, 2
        bltu a0, a1, base
        addi sp, sp, -32
        sd ra, 0(sp)
        sd a0, 8(sp)
        addi a0, a0, -1
        call fib
        sd a0, 16(sp)
        ld a0, 8(sp)
        addi a0, a0, -2
        call fib
        ld a1, 16(sp)
        add a0, a0, a1
        ld ra, 0(sp)
        addi sp, sp, 32
    base: ret
    """, block=(7, 1, 1))  # fmt: skip
    assert out[:7].tolist() == [0, 1, 1, 2, 3, 5, 8]


def test_a_lock_between_lanes_makes_progress():
    out = run("""
        addi a1, a0, 8
        li a2, 1
    spin: amoswap.w.aq a3, a2, (a1)
        bnez a3, spin
        ld a4, (a0)
        add a4, a4, t0
        sd a4, (a0)
        amoswap.w.rl zero, zero, (a1)
        ret
    """, grid=(2, 1, 1))  # fmt: skip
    assert out[0] == sum(range(64))


def test_blocks_wait_for_earlier_blocks():
    text = """
        wf.sr a1, ctaid.x
        beqz a1, go
        sh3add a2, a1, a0
    wait: ld a3, -8(a2)
        beqz a3, wait
    go: sh3add a2, a1, a0
        addi a1, a1, 1
        add a1, a1, a3
        sd a1, (a2)
        ret
    """
    out = Run(text, bytes(64), grid=(8, 1, 1), block=(1, 1, 1), slots=3)()
    assert out.tolist() == np.cumsum(np.arange(1, 9)).tolist()


def test_barriers_in_a_loop_share_memory():
    out = run("""
        sh3add a1, t0, tp
        sd t0, (a1)
        li a2, 3
    loop: wf.bar.sync zero, zero
        xori a3, t0, 63
        sh3add a3, a3, tp
        ld a4, (a3)
        wf.bar.sync zero, zero
        addi a4, a4, 1
        sd a4, (a1)
        addi a2, a2, -1
        bnez a2, loop
        sd a4, (t1)
        ret
    """, words=64, block=(64, 1, 1))  # fmt: skip
    assert (out == 63 - np.arange(64) + 3).all()


@pytest.mark.parametrize("name, result", [("popc", 33), ("and", 0), ("or", 1)])
def test_reducing_barriers(name, result):
    text = f"sltiu a1, t0, 33\n wf.bar.red.{name} a2, a1\n sd a2, (t1)\n ret"
    assert (run(text, words=64, block=(64, 1, 1)) == result).all()


def test_exited_lanes_count_as_come():
    out = run("""
        sltiu a1, t0, 40
        bnez a1, stay
        ret
    stay: wf.bar.sync zero, zero
        sd t0, (t1)
        ret
    """, words=64, block=(64, 1, 1))  # fmt: skip
    assert out.tolist() == [*range(40), *[0] * 24]


def test_named_barriers_with_arrivals():
    out = run("""
        li a1, 1
        li a2, 64
        sltiu a3, t0, 32
        beqz a3, consume
        sh3add a4, t0, tp
        sd t0, (a4)
        wf.bar.arrive a1, a2
        ret
    consume: wf.bar.sync a1, a2
        addi a4, t0, -32
        sh3add a4, a4, tp
        ld a5, (a4)
        sd a5, (t1)
        ret
    """, words=64, block=(64, 1, 1))  # fmt: skip
    assert out[32:].tolist() == list(range(32))


def test_the_grid_synchronises():
    out = run("""
        addi a1, t0, 1
        sd a1, (t1)
        wf.grid.sync
        li a2, 127
        sub a2, a2, t0
        sh3add a2, a2, a0
        ld a3, (a2)
        wf.grid.sync
        sd a3, (t1)
        ret
    """, words=128, grid=(2, 1, 1), block=(64, 1, 1))  # fmt: skip
    assert (out == 128 - np.arange(128)).all()


def collective(instruction: str, setup: str = "") -> np.ndarray:
    """The result of a collective over all lanes: a1 is t0, a3 the full mask with width 32."""
    text = f"mv a1, t0\n li a3, 0x20ffffffff\n {setup}\n {instruction}\n sd a2, (t1)\n ret"
    return run(text).astype(np.int64)


@pytest.mark.parametrize(
    "instruction, setup, expected",
    [
        ("wf.vote.ballot a2, a1, a3", "andi a1, t0, 1", np.full(32, 0xAAAAAAAA)),
        ("wf.vote.any a2, a1, a3", "", np.ones(32)),
        ("wf.vote.all a2, a1, a3", "", np.zeros(32)),
        ("wf.vote.uni a2, a1, a3", "li a1, 7", np.ones(32)),
        ("wf.match.any a2, a1, a3", "andi a1, t0, 1", np.where(LANES % 2, 0xAAAAAAAA, 0x55555555)),
        ("wf.match.all a2, a1, a3", "", np.zeros(32)),
        ("wf.match.all a2, a1, a3", "li a1, 5", np.full(32, 0xFFFFFFFF)),
        ("wf.redux.add a2, a1, a3", "", np.full(32, 496)),
        ("wf.redux.min a2, a1, a3", "addi a1, t0, -8", np.full(32, -8)),
        ("wf.redux.maxu a2, a1, a3", "addi a1, t0, -8", np.full(32, -1)),
        ("wf.redux.xor a2, a1, a3", "addi a1, t0, 1", np.full(32, 32)),
        ("wf.shfl.idx a2, a1, a4, a3", "li a4, 5", np.full(32, 5)),
        ("wf.shfl.up a2, a1, a4, a3", "li a4, 1", np.maximum(LANES.astype(int) - 1, 0)),
        ("wf.shfl.down a2, a1, a4, a3", "li a4, 2", np.where(LANES < 30, LANES + 2, LANES)),
        ("wf.shfl.bfly a2, a1, a4, a3", "li a4, 16", LANES ^ 16),
        ("wf.shfl.idx a2, a1, a4, a3", "li a3, 0x8ffffffff\n li a4, 9", LANES // 8 * 8 + 1),
        ("wf.shfl.up a2, a1, a4, a3", "li a3, 0x8ffffffff\n li a4, 1",
         np.where(LANES % 8, LANES - 1, LANES)),
    ],
)  # fmt: skip
def test_collectives(instruction, setup, expected):
    assert collective(instruction, setup).tolist() == np.asarray(expected, np.int64).tolist()


def test_a_collective_waits_for_lanes_that_come_by_another_way():
    out = run("""
        li a3, 0xffffffff
        andi a1, t0, 1
        beqz a1, even
        wf.redux.add a2, t0, a3
        j end
    even: nop
        nop
        slli a4, t0, 1
        wf.redux.add a2, a4, a3
    end: sd a2, (t1)
        ret
    """)
    assert (out == sum(range(1, 32, 2)) + 2 * sum(range(0, 32, 2))).all()


def test_each_tile_has_its_own_mask():
    out = run("""
        srli a1, t0, 3
        slli a1, a1, 3
        li a2, 255
        sll a2, a2, a1
        wf.redux.add a3, t0, a2
        sd a3, (t1)
        ret
    """)
    assert out.tolist() == [sum(range(b, b + 8)) for b in (0, 8, 16, 24) for _ in range(8)]


@pytest.mark.parametrize(
    "instruction, start, expected",
    [
        ("amoadd.d a2, t0, (a0)", 0, 496),
        ("amomax.w a2, t0, (a0)", 7, 31),
        ("amoor.w a2, t0, (a0)", 0, 31),
        ("wf.amoinc.w a2, a3, (a0)", 0, 32 % 8),
        ("wf.amodec.w a2, a3, (a0)", 0, 7 - 31 % 8),
    ],
)  # fmt: skip
def test_atomics_act_one_lane_after_another(instruction, start, expected):
    text = f"li a3, 7\n {instruction}\n ret"
    code = Run(PER_THREAD + text, start.to_bytes(8, "little"))
    assert code()[0] == expected


def test_compare_and_swap_counts_every_lane():
    out = run("""
    again: lw a1, (a0)
        mv a2, a1
        addi a3, a1, 1
        amocas.w a2, a3, (a0)
        bne a2, a1, again
        ret
    """)
    assert out[0] == 32


def test_reservations_are_lost_to_others():
    out = run("""
    again: lr.w a1, (a0)
        addi a1, a1, 3
        sc.w a2, a1, (a0)
        bnez a2, again
        ret
    """)
    assert out[0] == 96


def test_float_atomics():
    out = run("fcvt.s.w fa0, t0\n wf.amoadd.s fa1, fa0, (a0)\n fmv.x.w a1, fa1\n ret")
    assert np.uint32(out[0]).view(np.float32) == 496.0


FAULTS = [
    ("ld a1, 4(a0)", Trap.MISALIGNED, DATA + 4),
    ("ld a1, (zero)", Trap.BAD_ADDRESS, 0),
    ("sw a1, -4(a0)", Trap.BAD_ADDRESS, DATA - 4),
    (".word 0", Trap.ILLEGAL, 0),
    ("li a1, 64\n jr a1", Trap.BAD_PC, 0),
    ("li a1, 1\n wf.trap a1", Trap.ASSERT, 0),
    ("ebreak", Trap.TRAP, 0),
    ("unimp", Trap.ILLEGAL, 0),
]


@pytest.mark.parametrize("text, trap, address", FAULTS, ids=[case[1].name for case in FAULTS])
def test_faults_name_the_lane_and_the_address(text, trap, address):
    with pytest.raises(Fault) as caught:
        Run(f"wf.sr t0, tid.x\n li t1, 3\n bltu t0, t1, end\n {text}\nend: ret", bytes(256))()
    fault = caught.value
    assert (fault.trap, fault.address) == (trap, address)
    assert fault.thread == (3, 0, 0)
    assert fault.lanes == list(range(3, 32))


def test_a_stack_that_grows_too_far_is_a_fault():
    with pytest.raises(Fault) as caught:
        Run("loop: addi sp, sp, -64\n sd sp, (sp)\n j loop", bytes(8))()
    assert caught.value.trap is Trap.STACK


def test_a_wait_that_nobody_can_end_is_a_fault():
    with pytest.raises(Fault) as caught:
        Run("li a1, 1\n li a2, 64\n wf.bar.sync a1, a2\n ret", bytes(8))()
    assert caught.value.trap is Trap.DEADLOCK


def test_shared_memory_has_a_dynamic_part():
    out = run(
        "wf.sr a1, dynshared\n wf.sr a2, dynshared.bytes\n sd a1, (a0)\n sd a2, 8(a0)\n ret",
        launch={"shared_bytes": 20, "dynamic_bytes": 100},
    )
    assert out[:2].tolist() == [SHARED + 32, 100]
