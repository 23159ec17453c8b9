"""Random scalar programs on the reference and on QEMU: every register must agree.

32 lanes run a program over 32 records of registers; under QEMU a loop takes one after another.
"""

import random
import shutil
import struct
import subprocess

import numpy as np
import pytest

from warpfive.isa import ROWS, Row, assemble, disassemble, encode

from .machine import CODE, DATA, Run

QEMU = shutil.which("qemu-riscv64")
CPUS = [f"rv64,zba=true,zbb=true,zbs=true,{zfh}=true" for zfh in ("zfh", "Zfh")]
"""The half-precision extension's name differs among QEMU's versions."""

pytestmark = pytest.mark.skipif(
    QEMU is None, reason="qemu-riscv64 is not installed (Debian package qemu-user)"
)

EXTENSIONS = ("I", "M", "A", "F", "D", "Zfh", "Zfhmin", "Zba", "Zbb", "Zbs")
LEFT_OUT = ("system", "warp", "barrier", "matrix")
RESERVED = (2, 3, 4, 8)
"""sp; gp, the record; tp, QEMU's loop; s0, the record's scratch memory."""
FREE = [number for number in range(32) if number not in RESERVED]
RECORD = 1024
SCRATCH = 512
STEPS = 150

LOAD = "".join(
    f"fld f{n}, {256 + 8 * n}(gp)\n" + (f"ld x{n}, {8 * n}(gp)\n" if n in FREE else "")
    for n in range(32)
)
SAVE = LOAD.replace("fld", "fsd").replace("ld x", "sd x")


def rows() -> list[Row]:
    """What the programs are made of. QEMU before 8.0 counts past bit 31 in ctzw."""
    return [
        row
        for row in ROWS
        if row.extension in EXTENSIONS
        and row.unit not in LEFT_OUT
        and row.name.split(".")[0] not in ("lr", "sc", "jalr", "ctzw")
    ]


def instruction(draw: random.Random, row: Row) -> list[str]:
    """One random instruction whose memory accesses stay in the scratch memory."""
    fields = {}
    for operand in row.operands:
        if operand.file:
            free = FREE if operand.file == "x" else range(32)
            fields[operand.slot] = draw.choice(free)
        elif operand.name == "rm":
            fields["rm"] = draw.choice([0, 1, 2, 3, 4, 7])
        elif operand.name.startswith("target"):
            fields["imm"] = 8
        elif operand.slot == "imm":
            value = draw.choice([0, 1, -1, draw.getrandbits(20)]) & (1 << operand.width) - 1
            if operand.signed:
                value -= (value >> operand.width - 1) << operand.width
            fields["imm"] = value << operand.shift
        else:
            fields[operand.slot] = draw.getrandbits(1)
    if row.unit == "lsu":
        fields |= {"rs1": 3, "imm": SCRATCH + 8 * draw.randrange(8)}
    if row.unit == "atomic":
        fields["rs1"] = 8
    return [disassemble(encode(row.name, **fields))]


def value(draw: random.Random) -> int:
    """A register's contents: an integer, an edge, or a float of some format."""
    kind = draw.randrange(7)
    if kind == 0:
        return draw.getrandbits(64)
    if kind == 1:
        return draw.choice([0, 1, 2**63, 2**31, 2**32 - 1, 2**64 - 1, 63, 31]) % 2**64
    if kind == 2:
        return draw.getrandbits(draw.randrange(1, 64))
    if kind == 3:
        return struct.unpack("<Q", struct.pack("<d", draw.uniform(-9, 9)))[0]
    if kind == 4:
        bits = struct.unpack("<I", struct.pack("<f", draw.uniform(-9, 9)))[0]
        return 0xFFFFFFFF00000000 | draw.choice([bits, draw.getrandbits(32), 0x7F800000])
    bits = struct.unpack("<H", struct.pack("<e", draw.uniform(-9, 9)))[0]
    return 0xFFFFFFFFFFFF0000 | draw.choice([bits, draw.getrandbits(16), 0x7C00, 0x8001])


def executable(code: bytes, records: bytes) -> bytes:
    """A static ELF with code at CODE and the records at DATA."""
    head = struct.pack(
        "<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1", 2, 243, 1, CODE, 64, 0, 4, 64, 56, 2, 0, 0, 0
    )
    at = 0x1000
    parts = [(CODE, code, at), (DATA, records, at + (len(code) + 4095) // 4096 * 4096)]
    out = head + b"".join(
        struct.pack("<IIQQQQQQ", 1, 7, place, address, address, len(data), len(data), 4096)
        for address, data, place in parts
    )
    for _, data, place in parts:
        out = out.ljust(place, b"\0") + data
    return out


def on_qemu(body: str, records: bytes, path) -> np.ndarray:
    text = f"""
        li gp, {DATA}
        li tp, 32
        j body
        .balign 1024
    body: addi s0, gp, {SCRATCH}
        {LOAD}
        {body}
        {SAVE}
        li s0, {RECORD}
        add gp, gp, s0
        addi tp, tp, -1
        bnez tp, body
        li a0, 1
        li a1, {DATA}
        li a2, {len(records)}
        li a7, 64
        ecall
        li a0, 0
        li a7, 93
        ecall
    """
    path.write_bytes(executable(assemble(text, base=CODE), records))
    path.chmod(0o755)
    for cpu in CPUS:
        done = subprocess.run([QEMU, "-cpu", cpu, str(path)], capture_output=True)
        if done.returncode == 0:
            break
    assert done.returncode == 0, done.stderr
    return np.frombuffer(done.stdout, np.uint64)


def on_reference(body: str, records: bytes) -> np.ndarray:
    text = f"""
        wf.sr t0, laneid
        li t1, {RECORD}
        mul t0, t0, t1
        add gp, a0, t0
        j body
        .balign 1024
    body: addi s0, gp, {SCRATCH}
        {LOAD}
        {body}
        {SAVE}
        wf.exit
    """
    return Run(text, records)()


@pytest.mark.parametrize("seed", range(6))
def test_random_programs_agree(seed, tmp_path):
    draw = random.Random(seed)
    choices = rows()
    lines = [line for _ in range(STEPS) for line in instruction(draw, draw.choice(choices))]
    body = "\n".join([*lines, "nop", "nop"])
    words = [value(draw) for _ in range(32 * RECORD // 8)]
    records = np.array(words, np.uint64).tobytes()
    theirs = on_qemu(body, records, tmp_path / "program").reshape(32, -1)
    ours = on_reference(body, records).reshape(32, -1)
    different = np.argwhere(ours != theirs)
    assert not different.size, describe(different[0], ours, theirs, lines)


def describe(where, ours, theirs, lines) -> str:
    """What differs, and the instructions that wrote there."""
    lane, word = (int(index) for index in where)
    name = f"x{word}" if word < 32 else f"f{word - 32}"
    return (
        f"lane {lane}, {name}: {ours[lane, word]:#x} here, {theirs[lane, word]:#x} under QEMU\n"
        + "\n".join(lines)
    )
