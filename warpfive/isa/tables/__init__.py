"""The instruction table: every row, by extension."""

from warpfive.isa.tables import atomic, base, bits, float, half, mul, system, warp
from warpfive.isa.tables.warp import SPECIAL_REGISTERS, SpecialRegister

ROWS = (
    base.ROWS + mul.ROWS + atomic.ROWS + float.ROWS + half.ROWS + bits.ROWS + system.ROWS
    + warp.ROWS
)  # fmt: skip

__all__ = ["ROWS", "SPECIAL_REGISTERS", "SpecialRegister"]
