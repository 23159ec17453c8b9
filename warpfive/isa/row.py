"""What a row of the instruction table is, and how its text is read.

A table is text. One row an instruction, five columns divided by ``|``; a line that begins with a
blank continues the row above it::

    addi  rd, rs1, imm12 | op=0x13 f3=0 | alu | rd = rs1 + imm | Adds a constant.

The first column is the assembly syntax, the second the fixed bits, the third the unit that
executes the instruction, the fourth its meaning over the lanes of a warp (a Python statement
whose vocabulary is `warpfive.isa.reference`'s), the fifth the manual's sentence. An or sign in a
meaning is written ``\\|``.
"""

import re
from dataclasses import dataclass

UNITS = (
    "alu", "mul", "fma", "fp64", "sfu", "lsu", "atomic", "branch", "warp", "barrier", "matrix",
    "system",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Operand:
    """A field of the word: a register, or part of what the instruction is told.

    ``file`` is "x", "f" or "" (no register); ``slot`` the attribute of `Instruction` that holds
    the value; ``count`` how many consecutive registers are meant.
    """

    name: str
    slot: str
    file: str = ""
    reads: bool = False
    writes: bool = False
    count: int = 1
    bits: tuple[tuple[int, int], ...] = ()
    """(lowest bit in the word, width) from the value's least significant part upwards."""
    shift: int = 0
    """Zeros below the encoded part of the value."""
    signed: bool = False

    @property
    def width(self) -> int:
        """Encoded bits."""
        return sum(width for _, width in self.bits)

    def extract(self, word: int) -> int:
        """The operand's value in an instruction word."""
        value, at = 0, 0
        for low, width in self.bits:
            value |= (word >> low & (1 << width) - 1) << at
            at += width
        if self.signed and value >> (at - 1):
            value -= 1 << at
        return value << self.shift

    def insert(self, value: int) -> int:
        """The word's bits that say ``value``; raises ValueError where it does not fit."""
        code = value >> self.shift
        low = -(1 << self.width - 1) if self.signed else 0
        if code << self.shift != value or not low <= code < low + (1 << self.width):
            raise ValueError(f"{self.name} cannot hold {value}")
        word, at = 0, 0
        for bit, width in self.bits:
            word |= (code >> at & (1 << width) - 1) << bit
            at += width
        return word


def _register(name: str, slot: str, low: int, **more) -> Operand:
    written = slot == "rd"
    reads = more.pop("reads", not written)
    file = "f" if name.startswith("f") else "x"
    return Operand(
        name=name, slot=slot, file=file, reads=reads, writes=written, bits=((low, 5),), **more
    )


_B_BITS = ((8, 4), (25, 6), (7, 1), (31, 1))
_J_BITS = ((21, 10), (20, 1), (12, 8), (31, 1))

OPERANDS = {
    operand.name: operand
    for operand in (
        *(_register(f"{file}d", "rd", 7) for file in "rf"),
        *(
            _register(f"{file}s{number}", f"rs{number}", low)
            for file in "rf"
            for number, low in ((1, 15), (2, 20), (3, 27))
        ),
        _register("rdu", "rd", 7, reads=True),
        _register("rdp", "rd", 7, reads=True, count=2),
        _register("rs2p", "rs2", 20, count=2),
        _register("fd8", "rd", 7, reads=True, count=8),
        _register("fw8", "rd", 7, count=8),
        _register("fw4", "rd", 7, count=4),
        _register("fs1x8", "rs1", 15, count=8),
        _register("fs2x8", "rs2", 20, count=8),
        _register("fs1x4", "rs1", 15, count=4),
        _register("fs2x4", "rs2", 20, count=4),
        Operand(name="imm12", slot="imm", bits=((20, 12),), signed=True),
        Operand(name="simm12", slot="imm", bits=((7, 5), (25, 7)), signed=True),
        Operand(name="target13", slot="imm", bits=_B_BITS, shift=1, signed=True),
        Operand(name="target21", slot="imm", bits=_J_BITS, shift=1, signed=True),
        Operand(name="imm20", slot="imm", bits=((12, 20),), shift=12, signed=True),
        Operand(name="shamt5", slot="imm", bits=((20, 5),)),
        Operand(name="shamt6", slot="imm", bits=((20, 6),)),
        Operand(name="fence8", slot="imm", bits=((20, 8),)),
        Operand(name="zimm5", slot="imm", bits=((15, 5),)),
        Operand(name="sreg", slot="imm", bits=((20, 12),)),
        Operand(name="csr", slot="csr", bits=((20, 12),)),
        Operand(name="rm", slot="rm", bits=((12, 3),)),
        Operand(name="aq", slot="aq", bits=((26, 1),)),
        Operand(name="rl", slot="rl", bits=((25, 1),)),
    )
}
"""Every operand a row can name. ``rdu`` is read and written; ``rdp`` and ``rs2p`` are pairs of
integer registers; ``fd8`` is eight float registers, read and written, ``fw8`` eight that are only
written; ``fs1x4`` is four.
``imm20`` is the value that is added, its low 12 bits zero; targets are relative to the
instruction's own address."""

FIELDS = {
    "op": (0, 7), "f3": (12, 3), "f7": (25, 7), "f6": (26, 6), "f5": (27, 5), "f2": (25, 2),
    "rd": (7, 5), "rs1": (15, 5), "rs2": (20, 5), "f12": (20, 12), "f4": (28, 4),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One instruction of the table."""

    name: str
    syntax: str
    operands: tuple[Operand, ...]
    mask: int
    match: int
    unit: str
    meaning: str
    text: str
    extension: str

    def operand(self, slot: str) -> Operand | None:
        """The operand that fills ``slot`` of an `Instruction`, if the row has one."""
        return next((operand for operand in self.operands if operand.slot == slot), None)


def _fixed(text: str) -> tuple[int, int]:
    mask = match = 0
    for field in text.split():
        name, value = field.split("=")
        low, width = FIELDS[name]
        mask |= (1 << width) - 1 << low
        match |= int(value, 0) << low
    return mask, match


def _row(extension: str, line: str) -> Row:
    columns = re.split(r"(?<!\\)\|", line)
    form, fixed, unit, meaning, text = (part.strip().replace("\\|", "|") for part in columns)
    name, _, syntax = form.partition(" ")
    found = [OPERANDS[word] for word in re.findall(r"[a-z]\w*", syntax)]
    if unit == "atomic" and extension not in ("Xwarp",):
        found += [OPERANDS["aq"], OPERANDS["rl"]]
    mask, match = _fixed(fixed)
    assert unit in UNITS, f"{name}: no unit {unit}"
    return Row(
        name=name, syntax=syntax.strip(), operands=tuple(found), mask=mask, match=match,
        unit=unit, meaning=meaning, text=text, extension=extension,
    )  # fmt: skip


def table(extension: str, text: str) -> tuple[Row, ...]:
    """The rows of a table written as text."""
    joined = re.sub(r"\n[ \t]+", " ", text.strip())
    return tuple(_row(extension, line) for line in joined.split("\n") if line.strip())
