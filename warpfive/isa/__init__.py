"""The instruction set of the chip: tables, decoder, assembler, disassembler, slow reference."""

from warpfive.isa.assembler import assemble, disassemble, encode, labels_of
from warpfive.isa.decoder import Instruction, decode
from warpfive.isa.row import UNITS, Operand, Row
from warpfive.isa.tables import ROWS, SPECIAL_REGISTERS, SpecialRegister

__all__ = [
    "ROWS",
    "SPECIAL_REGISTERS",
    "UNITS",
    "Instruction",
    "Operand",
    "Row",
    "SpecialRegister",
    "assemble",
    "decode",
    "disassemble",
    "encode",
    "labels_of",
]
