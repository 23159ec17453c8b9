"""From instruction words to instructions."""

from dataclasses import dataclass
from functools import cache

from warpfive.isa.row import Row
from warpfive.isa.tables import ROWS, SPECIAL_REGISTERS

Register = tuple[str, int]
"""("x", number) or ("f", number)."""

RESERVED_ROUNDING = (5, 6)


@dataclass(frozen=True, slots=True)
class Instruction:
    """A decoded word. A field its row does not have is 0.

    ``imm`` is sign-extended where the row says so, and is the value that is used: an upper
    constant has its low 12 bits zero, a target is relative to the instruction.
    """

    name: str
    row: Row
    rd: int = 0
    rs1: int = 0
    rs2: int = 0
    rs3: int = 0
    imm: int = 0
    rm: int = 0
    csr: int = 0
    aq: int = 0
    rl: int = 0

    @property
    def reads(self) -> tuple[Register, ...]:
        """Registers whose contents matter, in the order of the syntax; x0 is left out."""
        return self._registers("reads")

    @property
    def writes(self) -> tuple[Register, ...]:
        """Registers that get a new value; x0 is left out."""
        return self._registers("writes")

    def _registers(self, access: str) -> tuple[Register, ...]:
        found = []
        for operand in self.row.operands:
            if operand.file and getattr(operand, access):
                first = getattr(self, operand.slot)
                if operand.file == "x" and first == 0:
                    continue
                numbers = range(first, first + operand.count)
                found += [(operand.file, number & 31) for number in numbers]
        return tuple(found)


@cache
def _buckets() -> dict[int, tuple[Row, ...]]:
    """Rows by opcode, those with the most fixed bits first."""
    found: dict[int, list[Row]] = {}
    for row in ROWS:
        found.setdefault(row.match & 0x7F, []).append(row)
    return {
        opcode: tuple(sorted(rows, key=lambda row: -row.mask.bit_count()))
        for opcode, rows in found.items()
    }


def decode(word: int) -> Instruction | None:
    """The instruction a 32-bit word means; None where the chip has none."""
    for row in _buckets().get(word & 0x7F, ()):
        if word & row.mask == row.match:
            return _instruction(row, word)
    return None


def _instruction(row: Row, word: int) -> Instruction | None:
    fields = {operand.slot: operand.extract(word) for operand in row.operands}
    if fields.get("rm") in RESERVED_ROUNDING:
        return None
    if row.name == "wf.sr" and fields["imm"] >= len(SPECIAL_REGISTERS):
        return None
    for operand in row.operands:
        if operand.count == 2 and fields[operand.slot] % 2:
            return None
        if operand.count > 2 and fields[operand.slot] + operand.count > 32:
            return None
    return Instruction(row.name, row, **fields)
