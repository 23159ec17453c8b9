"""ELF64 little-endian objects: the little that the linker needs to read them."""

import struct
from dataclasses import dataclass, field

from warpfive.errors import CompileError

SHT_PROGBITS, SHT_SYMTAB, SHT_STRTAB, SHT_RELA, SHT_NOBITS = 1, 2, 3, 4, 8
SHF_WRITE, SHF_ALLOC, SHF_EXECINSTR, SHF_TLS = 1, 2, 4, 0x400
EM_RISCV = 243

HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
PROGRAM = struct.Struct("<IIQQQQQQ")
SECTION = struct.Struct("<IIQQQQIIQQ")
SYMBOL = struct.Struct("<IBBHQQ")
RELA = struct.Struct("<QQq")


@dataclass(slots=True)
class Relocation:
    """One place to patch: at ``offset`` of its section, with ``symbol`` + ``addend``."""

    offset: int
    type: int
    symbol: int
    addend: int


@dataclass(slots=True)
class Section:
    """A section of an object, with its relocations."""

    name: str
    type: int
    flags: int
    align: int
    size: int
    data: bytearray
    relocations: list[Relocation] = field(default_factory=list)
    address: int = 0  # given by the linker


@dataclass(slots=True)
class Symbol:
    """A symbol; ``section`` is an index into the object's sections, 0 when undefined."""

    name: str
    value: int
    size: int
    section: int
    binding: int
    type: int


@dataclass(slots=True)
class Object:
    """A relocatable object."""

    sections: list[Section]
    symbols: list[Symbol]


def text_at(table: bytes | bytearray, offset: int) -> str:
    """The NUL-terminated string at ``offset``."""
    return table[offset : table.index(b"\0", offset)].decode()


def read_object(data: bytes) -> Object:
    """Reads a relocatable RISC-V object."""
    head = HEADER.unpack_from(data)
    if data[:4] != b"\x7fELF" or head[2] != EM_RISCV:
        raise CompileError("device code generation gave something that is not a RISC-V object")
    offset, count, names = head[6], head[12], head[13]
    rows = [SECTION.unpack_from(data, offset + i * SECTION.size) for i in range(count)]
    strings = data[rows[names][4] : rows[names][4] + rows[names][5]]
    sections = [_section(data, row, text_at(strings, row[0])) for row in rows]
    symbols: list[Symbol] = []
    for row, section in zip(rows, sections, strict=True):
        if row[1] == SHT_SYMTAB:
            symbols = _symbols(section.data, sections[row[6]].data)
    for row, section in zip(rows, sections, strict=True):
        if row[1] == SHT_RELA:
            sections[row[7]].relocations = _relocations(section.data)
    return Object(sections, symbols)


def _section(data: bytes, row: tuple[int, ...], name: str) -> Section:
    _, kind, flags, _, offset, size, _, _, align, _ = row
    body = bytearray() if kind == SHT_NOBITS else bytearray(data[offset : offset + size])
    return Section(name, kind, flags, max(align, 1), size, body)


def _symbols(table: bytearray, strings: bytearray) -> list[Symbol]:
    return [
        Symbol(text_at(strings, name), value, size, section, info >> 4, info & 15)
        for name, info, _, section, value, size in SYMBOL.iter_unpack(table)
    ]


def _relocations(table: bytearray) -> list[Relocation]:
    return [
        Relocation(offset, info & 0xFFFFFFFF, info >> 32, addend)
        for offset, info, addend in RELA.iter_unpack(table)
    ]
