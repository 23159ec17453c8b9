"""The chip's instruction set: tables, decoder, assembler, disassembler, slow reference; and the
files that hold its code."""

from warpfive.isa import elf
from warpfive.isa.assembler import assemble, disassemble, encode, labels_of
from warpfive.isa.decoder import Instruction, decode
from warpfive.isa.image import Image, ImageSymbol, ImageVariable, KernelEntry, read_image
from warpfive.isa.row import UNITS, Operand, Row
from warpfive.isa.tables import ROWS, SPECIAL_REGISTERS, SpecialRegister

__all__ = [
    "ROWS",
    "SPECIAL_REGISTERS",
    "UNITS",
    "Image",
    "ImageSymbol",
    "ImageVariable",
    "Instruction",
    "KernelEntry",
    "Operand",
    "Row",
    "SpecialRegister",
    "assemble",
    "decode",
    "disassemble",
    "elf",
    "encode",
    "labels_of",
    "read_image",
]
