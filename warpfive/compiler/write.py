"""Writing a kernel image: the linker's sections, symbols and line tables as an ELF file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from warpfive.compiler import relocate
from warpfive.compiler.ir import MANAGED
from warpfive.compiler.pieces import ORDER, STT_FUNC, STT_OBJECT, Piece, kind
from warpfive.compiler.thunks import ENTRY
from warpfive.isa import elf

if TYPE_CHECKING:
    from warpfive.compiler.link import Linker


class Writer:
    """Puts the placed sections into a file."""

    def __init__(self, linker: Linker, code: list[Piece]) -> None:
        self.linker = linker
        self.code = code
        self.file = bytearray()
        self.sections: list[tuple[str, int, int, int, int, int, int, int, int, int]] = []

    def image(self, units: Iterable[str]) -> bytes:
        """The whole file."""
        linker, ends = self.linker, self.linker.ends
        self.file = bytearray(ends[".data"][1])
        for piece in self.code:
            if piece.section.type != elf.SHT_NOBITS:
                at = piece.section.address
                self.file[at : at + piece.section.size] = piece.section.data
        flags = {
            ".text": elf.SHF_EXECINSTR,
            ".rodata": 0,
            ".data": elf.SHF_WRITE,
            ".bss": elf.SHF_WRITE,
        }
        for name in ORDER:
            start, end = ends[name]
            type_ = elf.SHT_NOBITS if name == ".bss" else elf.SHT_PROGBITS
            self._row(name, type_, elf.SHF_ALLOC | flags[name], start, start, end - start, 64)
        rela = b"".join(elf.RELA.pack(o, relocate.RELATIVE, v) for o, v in sorted(linker.relative))
        self._append(".rela.dyn", elf.SHT_RELA, rela, entry=elf.RELA.size, align=8)
        self._debug()
        records = linker.records() + "".join(f"unit {name}\n" for name in units)
        digest = hashlib.sha256(self.file + records.encode()).hexdigest()[:32]
        self._append(".warpfive", elf.SHT_PROGBITS, f"warpfive 1 {digest}\n{records}".encode())
        self._symbols()
        self._finish()
        return bytes(self.file)

    def _row(
        self, name: str, type_: int, flags: int, address: int, offset: int, size: int, align: int,
        link: int = 0, info: int = 0, entry: int = 0,
    ) -> None:  # fmt: skip
        self.sections.append((name, type_, flags, address, offset, size, link, info, align, entry))

    def _append(
        self, name: str, type_: int, data: bytes, *, align: int = 1, link: int = 0, info: int = 0,
        entry: int = 0,
    ) -> None:  # fmt: skip
        self.file += bytes(-len(self.file) % align)
        self._row(name, type_, 0, 0, len(self.file), len(data), align, link, info, entry)
        self.file += data

    def _debug(self) -> None:
        """Line tables and what they need, joined by name and patched."""
        joined: dict[str, list[Piece]] = {}
        for owner in self.linker.inputs.all:
            for piece in owner.pieces:
                name = piece.section.name
                if name.startswith(".debug_") and piece.section.size:
                    joined.setdefault(name, []).append(piece)
        for pieces in joined.values():
            at = 0
            for piece in pieces:
                piece.section.address = at
                at += piece.section.size
        for name, pieces in joined.items():
            self.linker.patch(pieces)
            self._append(name, elf.SHT_PROGBITS, b"".join(bytes(p.section.data) for p in pieces))

    def _symbols(self) -> None:
        strings, rows = bytearray(b"\0"), [elf.SYMBOL.pack(0, 0, 0, 0, 0, 0)]
        index = {name: number + 1 for number, name in enumerate(ORDER)}
        for piece in self.code:
            place = index[kind(piece.section)]
            number = piece.owner.pieces.index(piece)
            for symbol in piece.owner.object.symbols:
                named = symbol.type in (STT_FUNC, STT_OBJECT) and symbol.section == number
                if named and not symbol.name.startswith(".L"):
                    name = symbol.name.removeprefix(ENTRY).removeprefix(MANAGED)
                    rows.append(
                        elf.SYMBOL.pack(
                            len(strings), 0x10 | symbol.type, 0, place,
                            piece.section.address + symbol.value, symbol.size,
                        )
                    )  # fmt: skip
                    strings += name.encode() + b"\0"
        self._append(
            ".symtab", elf.SHT_SYMTAB, b"".join(rows), align=8, link=len(self.sections) + 2, info=1,
            entry=elf.SYMBOL.size,
        )  # fmt: skip
        self._append(".strtab", elf.SHT_STRTAB, bytes(strings))

    def _finish(self) -> None:
        names = bytearray(b"\0")
        offsets = []
        for row in [*self.sections, (".shstrtab",)]:
            offsets.append(len(names))
            names += row[0].encode() + b"\0"
        self._append(".shstrtab", elf.SHT_STRTAB, bytes(names))
        self.file += bytes(-len(self.file) % 8)
        table = len(self.file)
        self.file += bytes(elf.SECTION.size)
        for offset, row in zip(offsets, self.sections, strict=True):
            name, type_, flags, address, at, size, link, info, align, entry = row
            self.file += elf.SECTION.pack(
                offset, type_, flags, address, at, size, link, info, align, entry
            )
        self.file[: elf.HEADER.size] = elf.HEADER.pack(
            b"\x7fELF\x02\x01\x01".ljust(16, b"\0"), 3, elf.EM_RISCV, 1, 0, elf.HEADER.size, table,
            4, elf.HEADER.size, elf.PROGRAM.size, 3, elf.SECTION.size, len(self.sections) + 1,
            len(self.sections),
        )  # fmt: skip
        self._segments()

    def _segments(self) -> None:
        ends, at = self.linker.ends, elf.HEADER.size
        for flags, first, last, memory in (
            (5, ".text", ".text", ".text"),
            (4, ".rodata", ".rodata", ".rodata"),
            (6, ".data", ".data", ".bss"),
        ):
            start, end = ends[first][0], ends[last][1]
            size = ends[memory][1] - start
            self.file[at : at + elf.PROGRAM.size] = elf.PROGRAM.pack(
                1, flags, start, start, start, end - start, size, 64
            )
            at += elf.PROGRAM.size
