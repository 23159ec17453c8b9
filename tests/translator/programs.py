"""Random programs: instructions, branches and loops on values that differ among lanes.

Registers begin uniform, affine and varying; every thread keeps to its own bytes of memory.
"""

from __future__ import annotations

import random
import struct

import numpy as np

from tests.isa.machine import DATA, Run
from warpfive.isa import ROWS, disassemble, encode

EXTENSIONS = ("I", "M", "A", "F", "D", "Zfh", "Zfhmin", "Zba", "Zbb", "Zbs", "Zicond", "Zacas",
              "Xwarp")
UNITS = ("alu", "mul", "fma", "fp64", "sfu")
INTS = [5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17]
BLOCK_WIDE = (22, 23)
"""Registers that hold the same in the whole block."""
FLOATS = [0, 1, 2, 3, 10, 11, 12]
LANE_BYTES = 512
HEAD_BYTES = 64
"""The argument block, whose first word is the address of the threads' bytes."""
APPROXIMATE = ("wf.ex2", "wf.lg2", "wf.sin", "wf.cos", "wf.tanh", "wf.rcp", "wf.rsqrt", "wf.sqrt")


def rows(units: tuple[str, ...]) -> list:
    return [row for row in ROWS if row.extension in EXTENSIONS and row.unit in units
            and row.name not in (*APPROXIMATE, "auipc", "wf.sr")
            and not row.name.startswith(("fclass", "fmv.x", "fmv.w", "fmv.d", "fmv.h", "fsgn"))]


INTEGER_ROWS = [row for row in rows(("alu", "mul")) if all(
    operand.file in ("", "x") for operand in row.operands)]
FLOAT_ROWS = [row for row in rows(UNITS) if any(o.file == "f" for o in row.operands)]


def operands(draw: random.Random, row) -> dict[str, int]:
    fields = {}
    for operand in row.operands:
        if operand.file:
            fields[operand.slot] = draw.choice(INTS if operand.file == "x" else FLOATS)
        elif operand.name == "rm":
            fields["rm"] = draw.choice([0, 0, 0, 1, 2, 3])
        elif operand.slot == "imm":
            value = draw.choice([0, 1, -1, 4, 31, draw.getrandbits(20)]) & (1 << operand.width) - 1
            if operand.signed:
                value -= (value >> operand.width - 1) << operand.width
            fields["imm"] = value << operand.shift
    return fields


def plain(draw: random.Random) -> str:
    """One instruction without control flow; memory accesses stay in the lane's own bytes."""
    kind = draw.random()
    if kind < 0.62:
        row = draw.choice(INTEGER_ROWS)
    elif kind < 0.75:
        row = draw.choice([r for r in FLOAT_ROWS if ".s" in r.name and ".d" not in r.name
                           and ".h" not in r.name])
    else:
        name = draw.choice(["lw", "sw", "ld", "sd", "lbu", "sb", "lh", "sh", "lwu", "flw", "fsw"])
        size = {"w": 4, "d": 8, "b": 1, "h": 2}[name.strip("flsu")[0]]
        offset = draw.randrange(384, LANE_BYTES, size)
        register = f"f{draw.choice(FLOATS)}" if name[0] == "f" else f"x{draw.choice(INTS)}"
        return f"{name} {register}, {offset}(s0)"
    return disassemble(encode(row.name, **operands(draw, row)))


class Writer:
    """Writes a random structured program."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.count = 0

    def label(self) -> str:
        self.count += 1
        return f"L{self.count}"

    def body(self, depth: int) -> list[str]:
        lines = []
        for _ in range(self.draw.randrange(2, 5)):
            choice = self.draw.random()
            if depth == 0 or choice < 0.45:
                lines += [plain(self.draw) for _ in range(self.draw.randrange(1, 6))]
            elif choice < 0.7:
                lines += self.branch(depth)
            elif choice < 0.9:
                lines += self.loop(depth)
            else:
                lines += self.early_exit(depth)
        return lines

    def condition(self, target: str) -> str:
        name = self.draw.choice(["beq", "bne", "blt", "bge", "bltu", "bgeu"])
        a, b = self.draw.choice(INTS), self.draw.choice([0, *INTS])
        return f"{name} x{a}, x{b}, {target}"

    def branch(self, depth: int) -> list[str]:
        other, end = self.label(), self.label()
        lines = [self.condition(other), *self.body(depth - 1)]
        if self.draw.random() < 0.6:
            lines += [f"j {end}", f"{other}:", *self.body(depth - 1), f"{end}:"]
        else:
            lines += [f"{other}:"]
        return lines

    def loop(self, depth: int) -> list[str]:
        """At most a few rounds; the count may differ among lanes, and lanes may break out."""
        head, out = self.label(), self.label()
        counter = 18 + depth
        start = self.draw.choice([f"andi x{counter}, x{self.draw.choice(INTS)}, 3",
                                  f"li x{counter}, {self.draw.randrange(0, 4)}"])
        lines = [start, f"{head}:", *self.body(depth - 1)]
        if self.draw.random() < 0.4:
            lines += [self.condition(out), *self.body(0)]
        if self.draw.random() < 0.3:
            lines += [f"addi x{counter}, x{counter}, -1", f"blez x{counter}, {out}",
                      self.condition(head)]
        lines += [f"addi x{counter}, x{counter}, -1", f"bgtz x{counter}, {head}", f"{out}:"]
        return lines

    def early_exit(self, depth: int) -> list[str]:
        return [self.condition("end")] if self.draw.random() < 0.5 else self.branch(depth)

    def program(self) -> str:
        return self.finished(self.body(3))

    def finished(self, body: list[str]) -> str:
        """Between registers that are set up and registers that are written to memory."""
        save = [f"sd x{n}, {8 * i}(s0)" for i, n in enumerate([*INTS, *BLOCK_WIDE])]
        save += [f"fsd f{n}, {128 + 8 * i}(s0)" for i, n in enumerate(FLOATS)]
        start = [
            "ld gp, 0(a0)", "wf.sr t0, tid.x", "wf.sr t1, ctaid.x", "wf.sr t2, ntid.x",
            "mulw t1, t1, t2", "addw t0, t0, t1", f"li t2, {LANE_BYTES}", "mul s0, t0, t2",
            "add s0, s0, gp", "lw a1, 256(s0)", "ld a2, 264(s0)", "addi a3, t0, -3",
            "slliw a4, t0, 2", "wf.sr a5, ctaid.x", "li a6, 77", "lw a7, 256(gp)",
            "sext.w a0, a2", "li s1, -1",
            *(f"flw f{n}, {272 + 4 * i}(s0)" for i, n in enumerate(FLOATS[:4])),
            *(f"fcvt.s.w f{n}, x{r}" for n, r in zip(FLOATS[4:], (5, 11, 16), strict=True)),
            *(f"li x{n}, 0" for n in (18, 19, 20, 21, *BLOCK_WIDE)),
        ]  # fmt: skip
        return "\n".join([*start, *body, "end:", *save, "wf.exit"])


def lanes_data(seed: int, threads: int) -> np.ndarray:
    draw = np.random.default_rng(seed)
    data = np.zeros((threads, LANE_BYTES), np.uint8)
    ints = draw.integers(-50, 50, (threads, 4)).astype(np.int32)
    data[:, 256:272] = ints.view(np.uint8)
    floats = draw.uniform(-9, 9, (threads, 4)).astype(np.float32)
    data[:, 272:288] = floats.view(np.uint8)
    return data


def same(ours: np.ndarray, theirs: np.ndarray) -> bool:
    """Equal, but for what NaNs look like."""
    if (ours == theirs).all():
        return True
    words = [part.reshape(-1, LANE_BYTES).view(np.uint64) for part in (ours, theirs)]
    where = np.argwhere(words[0] != words[1])
    a, b = (w[tuple(where.T)] for w in words)
    return all(_both_nan(int(p), int(q)) for p, q in zip(a, b, strict=True))


def _both_nan(p: int, q: int) -> bool:
    """Each half equal or NaN on both sides."""
    halves = zip(struct.unpack("<2f", struct.pack("<Q", p)),
                 struct.unpack("<2f", struct.pack("<Q", q)), strict=True)
    bits = ((p & 0xFFFFFFFF, q & 0xFFFFFFFF), (p >> 32, q >> 32))
    return all(i == j or (a != a and b != b)
               for (a, b), (i, j) in zip(halves, bits, strict=True))


def run_reference(text: str, before: np.ndarray, grid: int, block: int) -> np.ndarray:
    """The threads' bytes after a program ran on the reference."""
    head = struct.pack("<Q", DATA + HEAD_BYTES).ljust(HEAD_BYTES, b"\0")
    after = Run(text, head + before.tobytes(), grid=(grid, 1, 1), block=(block, 1, 1))()
    return after.view(np.uint8)[HEAD_BYTES:].reshape(before.shape)


def difference(ours: np.ndarray, theirs: np.ndarray) -> str:
    a, b = (part.reshape(-1, LANE_BYTES).view(np.uint64) for part in (ours, theirs))
    found = [f"lane {lane} {place_name(word)}: {int(a[lane, word]):#x}, not "
             f"{int(b[lane, word]):#x}" for lane, word in np.argwhere(a != b)[:4]]
    return "; ".join(found)


def place_name(word: int) -> str:
    if word < len(INTS) + len(BLOCK_WIDE):
        return f"x{[*INTS, *BLOCK_WIDE][word]}"
    if 16 <= word < 16 + len(FLOATS):
        return f"f{FLOATS[word - 16]}"
    return f"byte {8 * word}"
