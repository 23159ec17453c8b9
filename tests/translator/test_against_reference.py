"""Random programs on translated code and on the reference: every register must agree.

32 lanes run a program over 32 records of registers, straight on but for short forward branches.
"""

import random
import struct

import numpy as np
import pytest

from warpfive.isa import ROWS, UNITS, Row, disassemble, encode, reference

from .images import BASE, image_of
from .rig import Rig, aligned

MASK, SCRATCH_POINTER, OUT = 9, 8, 5
"""s1, the full member mask; s0, a lane's scratch memory; t0, where its next result goes."""
SOURCES = {"x": range(10, 18), "f": range(16)}
"""Registers that instructions read; the last quarter of them the same in all lanes."""
RESULT = {"x": 18, "f": 16}
SCRATCH = 256
LEFT_OUT = ("lr", "sc", "jalr", "auipc")
APART = ("system", "barrier")
"""Units whose instructions need a program of their own."""

NANS = {"s": 0x7F800000, "d": 0x7FF << 52, "h": 0x7C00, "bf16": 0x7F80}
SIZES = {"s": 32, "d": 64, "h": 16, "bf16": 16}


PAIRS = {"wf.amoadd.h2": "pair h", "wf.amoadd.bf2": "pair bf16"}

INTEGER_UNITS = {
    "alu": ("alu", "mul", "branch", "fma", "fp64", "sfu"), "lsu": ("lsu",),
    "atomic": ("atomic",), "warp": ("warp",),
}  # fmt: skip
GROUPS = (*INTEGER_UNITS, "s", "d", "h", "bf16", "tf32", "i")
"""Rows that read integers alone, by unit; rows that read floats, by format."""


def rows(group: str) -> list[Row]:
    """The rows of a group; approximations and tile accesses have tests of their own."""
    source = "" if group in INTEGER_UNITS else group
    units = INTEGER_UNITS.get(group, UNITS)
    return [
        row
        for row in ROWS
        if row.unit in units
        and row.unit not in APART
        and row.name.split(".")[0] not in LEFT_OUT
        and row.name not in ("wf.sr", "amocas.q")
        and not (row.extension == "Xwarp" and row.unit in ("sfu", "lsu"))
        and source_format(row) == source
    ]


def source_format(row: Row) -> str:
    """The format of the floats that a row reads."""
    if not any(operand.file == "f" and operand.reads for operand in row.operands):
        return ""
    if row.unit == "matrix":
        return {"f16": "h", "bf16": "bf16", "tf32": "tf32"}.get(row.name.rpartition(".")[2], "i")
    if row.name in ("fsw", "fmv.x.w"):
        return "s"
    return {"fsd": "d", "fsh": "h"}.get(row.name) or row.name.rpartition(".")[2]


def result_format(row: Row) -> str:
    """The format of the float that a row writes, "" where it writes an integer."""
    operand = row.operand("rd")
    if operand is None or operand.file != "f":
        return ""
    if row.unit == "matrix":
        return {"f32": "s", "f16": "h", "s32": "i"}[row.name.split(".")[2]]
    known = {"flw": "s", "fld": "d", "flh": "h"}
    if row.name in known:
        return known[row.name]
    parts = row.name.removeprefix("wf.").split(".")
    return parts[1].replace("w", "s").replace("x", "d") if parts[0] == "fmv" else parts[1]


def instruction(draw: random.Random, row: Row) -> str:
    """A random instruction that writes the result register or the scratch memory."""
    fields = {}
    for operand in row.operands:
        if operand.file and operand.slot == "rd":
            # Code that links calls a function; a plain jump does not link.
            fields["rd"] = 0 if row.name == "jal" else RESULT[operand.file]
        elif operand.count > 1:
            fields[operand.slot] = draw.choice([0, 8])
        elif operand.file:
            fields[operand.slot] = draw.choice(SOURCES[operand.file])
        elif operand.name == "rm":
            to_integer = row.operand("rd").file == "x"
            # CUDA has no directed arithmetic of halves; of fused float64 only near underflow
            # does translated code miss.
            plain = row.name.endswith(".h") and row.unit in ("fma", "sfu")
            plain |= row.name.endswith(".d") and len(row.operands) == 5
            directed = [] if plain else [1, 2, 3]
            fields["rm"] = draw.choice([7, 0, *directed, *([4] if to_integer else [])])
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
        fields |= {"rs1": SCRATCH_POINTER, "imm": 8 * draw.randrange(4)}
    if row.unit == "atomic":
        fields["rs1"] = SCRATCH_POINTER
    if row.unit == "warp":
        fields[row.operands[-1].slot] = MASK
    return disassemble(encode(row.name, **fields))


def step(draw: random.Random, row: Row) -> tuple[list[str], list[str], str]:
    """Loads, an instruction of a row, stores of what it did; their formats; the instruction."""
    operand = row.operand("rd")
    count = operand.count if operand else 0
    lines = []
    if operand is None or operand.reads or row.unit in ("branch", "lsu"):
        file = operand.file if operand else "x"
        for at in range(max(count, 1)):
            load, word = ("ld x", 0) if file == "x" else ("fld f", 8)
            word += draw.randrange(8)
            lines.append(f"{load}{RESULT[file] + at}, {8 * word}(gp)")
        if row.name in ("wf.mma.f32.f16", "wf.mma.f32.bf16"):
            convert = f"fcvt.s.{source_format(row)}"
            lines += [f"{convert} f{16 + at}, f{16 + at}" for at in range(8)]
    text = instruction(draw, row)
    if row.name.startswith("wf.shfl"):
        number = text.split(", ")[2]
        lines.append(f"andi {number}, {number}, 63")
    pair = PAIRS.get(row.name)
    if pair:
        lines.append("sd x10, (s0)")
    lines.append(text)
    formats = [""]
    if row.unit == "branch":
        lines += ["addi x18, x18, 1", "nop"]
    if operand and operand.file == "f":
        formats = [result_format(row)] * count
        for at in range(count):
            lines += [f"fsd f{16 + at}, (t0)", "addi t0, t0, 8"]
    else:
        lines += ["sd x18, (t0)", "addi t0, t0, 8"]
    if row.unit in ("lsu", "atomic"):
        float_atomic = row.unit == "atomic" and operand.file == "f"
        formats = [pair] if pair else formats
        formats.append(pair or (f"memory {formats[0]}" if float_atomic else ""))
        lines += ["ld x18, (s0)", "sd x18, (t0)", "addi t0, t0, 8"]
    return lines, formats, text


def integer(draw: random.Random) -> int:
    kind = draw.randrange(4)
    if kind == 0:
        return draw.getrandbits(64)
    if kind == 1:
        return draw.choice([0, 1, 2**63, 2**31, 2**32 - 1, 2**64 - 1, 63, 31])
    if kind == 2:
        return draw.getrandbits(draw.randrange(1, 64))
    return draw.getrandbits(32) - 2**31 & 2**64 - 1


def number(draw: random.Random, form: str) -> int:
    """Register contents with a float of a format: usual, special, or any bits."""
    if form == "tf32":
        return number(draw, "s") & ~0x1FFF
    if form == "i":
        return 2**64 - 2**32 | draw.getrandbits(7)
    bits = SIZES[form]
    layout = {"s": "<f", "d": "<d", "h": "<e", "bf16": "<f"}[form]
    usual = int.from_bytes(struct.pack(layout, draw.uniform(-9, 9)), "little")
    if form == "bf16":
        usual >>= 16
    special = {"s": 0x7F800000, "d": 0x7FF << 52, "h": 0x7C00, "bf16": 0x7F80}[form]
    sign = draw.getrandbits(1) << bits - 1
    found = draw.choice([usual, usual, draw.getrandbits(bits), special | sign, sign, 1, 0])
    return 2**64 - 2**bits | found if bits < 64 else found


def program(body: str, count: int) -> str:
    """The kernel: sources from the lane's record or from lane 0's, results after them."""
    def load(name: str, file: str, at: int) -> str:
        numbers = SOURCES[file]
        base = [
            "t1" if place >= len(numbers) * 3 // 4 else "gp" for place in range(len(numbers))
        ]
        return "\n".join(
            f"{name}{number}, {8 * (at + place)}({base[place]})"
            for place, number in enumerate(numbers)
        )
    return f"""
        ld a0, (a0)
        wf.sr t0, tid.x
        li t1, {512 + 8 * count}
        mul t0, t0, t1
        add gp, a0, t0
        addi s0, gp, {SCRATCH}
        addi t0, gp, 512
        mv t1, a0
        li s1, 0x20ffffffff
        {load("fld f", "f", 8)}
        {load("ld x", "x", 0)}
        {body}
        li ra, 0
        ret
    """


def records(draw: random.Random, form: str, words: int) -> np.ndarray:
    """32 lanes' sources: 8 integers, 24 floats; scratch memory; room for the results."""
    table = np.zeros((32, words), np.uint64)
    for lane in table:
        lane[:8] = [integer(draw) for _ in range(8)]
        lane[8:32] = [number(draw, form) if form else integer(draw) for _ in range(24)]
        lane[32:64] = [integer(draw) for _ in range(32)]
    room = aligned(table.nbytes).view(np.uint64)
    room[:] = table.ravel()
    return room


def by_reference(rig: Rig, data: np.ndarray) -> None:
    """Runs the rig's kernel once on the reference, over this process's own memory."""
    args = rig.arguments([data])
    stack = aligned(32 * 512)
    memory = reference.Segments()
    for part in (rig.memory, args, stack):
        memory.share(part.ctypes.data, part.nbytes)
    memory.share(data.ctypes.data, data.nbytes)
    launch = reference.Launch(
        entry=rig.memory.ctypes.data + BASE, grid=(1, 1, 1), block=(32, 1, 1),
        slots=(reference.Slot(shared=0, stack=stack.ctypes.data),),
        args=args.ctypes.data, stack_bytes=512,
    )  # fmt: skip
    reference.run_grid(launch, memory)


def both(text: str, data: np.ndarray, variant: str, folder) -> tuple[np.ndarray, np.ndarray]:
    """The records after a run on the reference, and after one on translated code."""
    rig = Rig(image_of(text), "kernel", (32, 1, 1), folder, variant)
    start, ours = data.copy(), data
    theirs = aligned(data.nbytes).view(np.uint64)
    by_reference(rig, ours)
    expected = ours.copy()
    theirs[:] = start
    rig.launch((1, 1, 1), theirs)
    return expected.reshape(32, -1), theirs.reshape(32, -1)


def same(expected: int, found: int, form: str, text: str) -> bool:
    """Equal results; a NaN may have any payload and sign. "memory h" has other bits above.

    Translated code may be a unit off where a directed mode meets the least of numbers.
    """
    if form.startswith("memory "):
        form = form.removeprefix("memory ")
        if expected >> SIZES[form] != found >> SIZES[form]:
            return False
    if form.startswith("pair "):
        form = form.removeprefix("pair ")
        parts = [(expected >> at & 0xFFFF, found >> at & 0xFFFF) for at in (0, 16)]
        return expected >> 32 == found >> 32 and all(same(*each, form, text) for each in parts)
    if form in NANS:
        low = (1 << SIZES[form] - 1) - 1
        if expected & low > NANS[form]:
            return found & low > NANS[form]
        if text.endswith(("rtz", "rdn", "rup")) and expected & low < NANS[form] & -NANS[form]:
            return abs((expected & low) - (found & low)) <= 1
    return expected == found


@pytest.mark.parametrize("variant", ["plain", "general"])
@pytest.mark.parametrize("group", GROUPS)
def test_every_instruction_does_what_the_reference_does(group, variant, tmp_path):
    draw = random.Random(group)
    times = 1 if group == "atomic" else 2
    steps = [step(draw, row) for row in rows(group) for _ in range(times)]
    formats = [name for _, names, _ in steps for name in names]
    text = program("\n".join(line for lines, _, _ in steps for line in lines), len(formats))
    form = "" if group in INTEGER_UNITS else group
    data = records(draw, form, 64 + len(formats))
    expected, found = both(text, data, variant, tmp_path)
    wrong, at = [], 64
    for _, names, line in steps:
        for name in names:
            pairs = zip(expected[:, at].tolist(), found[:, at].tolist(), strict=True)
            bad = [(lane, *pair) for lane, pair in enumerate(pairs) if not same(*pair, name, line)]
            wrong += [f"{line}: lane {n} {a:#x}, translated {b:#x}" for n, a, b in bad[:1]]
            at += 1
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("form", ["s", "d", "h"])
def test_sums_that_cancel_or_lose_a_part_round_as_told(form, tmp_path):
    """Zeros' signs, and addends far below the sum, in every rounding mode."""
    draw, layout = random.Random(form), {"s": "<f", "d": "<d", "h": "<e"}[form]
    least = {"s": 2.0**-120, "d": 2.0**-400, "h": 2.0**-24}[form]
    numbers = [0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 0.5, least, -least]
    lines = []
    for name in ("fadd", "fsub", "fmul", "fmadd", "fmsub", "fnmadd", "fnmsub"):
        for mode in ("rne", "rtz", "rdn", "rup"):
            sources = draw.sample(range(12), 3 if name.startswith(("fm", "fn")) else 2)
            operands = ", ".join(f"f{n}" for n in sources[: 2 if name == "fmul" else 3])
            lines.append(f"{name}.{form} f16, {operands}, {mode}")
    body = [f"{line}\nfsd f16, (t0)\naddi t0, t0, 8" for line in lines]
    text = program("\n".join(body), len(lines))
    data = records(draw, form, 64 + len(lines)).reshape(32, -1)
    for lane in data:
        for place in range(8, 32):
            packed = struct.pack(layout, draw.choice(numbers))
            lane[place] = int.from_bytes(packed.ljust(8, b"\xff"), "little")
    room = aligned(data.nbytes).view(np.uint64)
    room[:] = data.ravel()
    expected, found = both(text, room, "general", tmp_path)
    wrong = [f"{line}: {a:#x}, translated {b:#x}" for at, line in enumerate(lines, 64)
             for a, b in zip(expected[:, at].tolist(), found[:, at].tolist(), strict=True)
             if not same(a, b, form, line) or a << 1 == b << 1 and a != b]
    assert not wrong, "\n".join(wrong[:8])
