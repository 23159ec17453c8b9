"""Relocatable RISC-V objects: the little that the linker needs to read them."""

from dataclasses import dataclass, field

from warpfive.errors import CompileError
from warpfive.isa import elf


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


def read_object(data: bytes) -> Object:
    """Reads a relocatable RISC-V object."""
    head = elf.HEADER.unpack_from(data)
    if data[:4] != b"\x7fELF" or head[2] != elf.EM_RISCV:
        raise CompileError("device code generation gave something that is not a RISC-V object")
    offset, count, names = head[6], head[12], head[13]
    rows = [elf.SECTION.unpack_from(data, offset + i * elf.SECTION.size) for i in range(count)]
    strings = data[rows[names][4] : rows[names][4] + rows[names][5]]
    sections = [_section(data, row, elf.text_at(strings, row[0])) for row in rows]
    symbols: list[Symbol] = []
    for row, section in zip(rows, sections, strict=True):
        if row[1] == elf.SHT_SYMTAB:
            symbols = _symbols(section.data, sections[row[6]].data)
    for row, section in zip(rows, sections, strict=True):
        if row[1] == elf.SHT_RELA:
            sections[row[7]].relocations = _relocations(section.data)
    return Object(sections, symbols)


def _section(data: bytes, row: tuple[int, ...], name: str) -> Section:
    _, kind, flags, _, offset, size, _, _, align, _ = row
    body = bytearray() if kind == elf.SHT_NOBITS else bytearray(data[offset : offset + size])
    return Section(name, kind, flags, max(align, 1), size, body)


def _symbols(table: bytearray, strings: bytearray) -> list[Symbol]:
    return [
        Symbol(elf.text_at(strings, name), value, size, section, info >> 4, info & 15)
        for name, info, _, section, value, size in elf.SYMBOL.iter_unpack(table)
    ]


def _relocations(table: bytearray) -> list[Relocation]:
    return [
        Relocation(offset, info & 0xFFFFFFFF, info >> 32, addend)
        for offset, info, addend in elf.RELA.iter_unpack(table)
    ]
