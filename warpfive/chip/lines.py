"""Source lines of instructions, from an image's ``.debug_line`` (DWARF 4 standard, section 6.2)."""

import struct
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from warpfive.errors import ImageError
from warpfive.isa import read_image

HEADERS = str(Path(__file__).resolve().parents[1] / "compiler" / "include")

# Standard and extended opcodes of the line number program.
COPY, ADVANCE_PC, ADVANCE_LINE, SET_FILE = 1, 2, 3, 4
CONST_ADD_PC, FIXED_ADVANCE_PC = 8, 9
END_SEQUENCE, SET_ADDRESS = 1, 2


class Row(NamedTuple):
    """From ``address`` on, up to the next row, code belongs to ``line`` of ``file``."""

    address: int
    file: str
    line: int
    ends: bool


class Reader:
    """Reads numbers from bytes, one after another."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data = data
        self.at = at

    def take(self, layout: str) -> int:
        (value,) = struct.unpack_from("<" + layout, self.data, self.at)
        self.at += struct.calcsize("<" + layout)
        return value

    def leb(self, signed: bool = False) -> int:
        value = shift = 0
        while True:
            byte = self.take("B")
            value |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return value - (1 << shift) if signed and byte & 0x40 else value

    def text(self) -> str:
        end = self.data.index(b"\0", self.at)
        value = self.data[self.at : end].decode(errors="replace")
        self.at = end + 1
        return value


class Header(NamedTuple):
    """What a line number program starts with."""

    files: list[str]
    least_length: int
    line_base: int
    line_range: int
    opcode_base: int
    lengths: list[int]  # operands of the standard opcodes


def source_line(image: Path, pc: int) -> str:
    """``file:line`` of the instruction at offset ``pc``; an ImageError if the image lacks it.

    Code inlined from our own headers belongs to the program's line before it.
    """
    section = read_image(image.read_bytes()).sections.get(".debug_line")
    last: Row | None = None
    own: Row | None = None
    for row in rows(section.data if section else b""):
        if last and not last.ends and last.address <= pc < row.address and (own or last.line):
            return f"{(own or last).file}:{(own or last).line}"
        last = row
        if row.ends:
            own = None
        elif row.line and not row.file.startswith(HEADERS):
            own = row
    raise ImageError(f"the image names no source line for offset {pc:#x}; build it with -lineinfo")


class LineTable:
    """Source lines of a whole image."""

    def __init__(self, image: bytes) -> None:
        section = read_image(image).sections.get(".debug_line")
        self.starts: list[int] = []
        self.places: list[tuple[str, int] | None] = []
        own: Row | None = None
        found = []
        for row in rows(section.data if section else b""):
            if row.ends:
                own = None
                found.append((row.address, None))
                continue
            if row.line and not row.file.startswith(HEADERS):
                own = row
            best = own or row
            found.append((row.address, (best.file, best.line) if best.line else None))
        # Where one sequence ends another may begin: its row is the one that counts.
        for address, place in sorted(found, key=lambda one: one[0]):
            if self.starts and self.starts[-1] == address:
                self.places[-1] = place or self.places[-1]
            else:
                self.starts.append(address)
                self.places.append(place)

    def where(self, pc: int) -> tuple[str, int] | None:
        """File and line of the instruction at offset ``pc``; None where the table has none."""
        at = bisect_right(self.starts, pc) - 1
        return self.places[at] if at >= 0 else None


def rows(section: bytes) -> Iterator[Row]:
    """Every row of every program in the section."""
    reader = Reader(section)
    while reader.at < len(section):
        length = reader.take("I")
        end = reader.at + length
        header = read_header(reader)
        if header:
            yield from run(reader, header, end)
        reader.at = end


def read_header(reader: Reader) -> Header | None:
    """The header; None for a version that is not 2 to 4. The reader is then at the program."""
    if not 2 <= (version := reader.take("H")) <= 4:
        return None
    start = reader.take("I") + reader.at
    least_length = reader.take("B")
    if version == 4:
        reader.take("B")  # operations per instruction: 1, it is no VLIW machine
    reader.take("B")  # default of is_stmt
    line_base, line_range, opcode_base = reader.take("b"), reader.take("B"), reader.take("B")
    lengths = [reader.take("B") for _ in range(opcode_base - 1)]
    folders = ["", *iter(reader.text, "")]
    files = [""]
    while name := reader.text():
        folder = folders[reader.leb()]
        reader.leb(), reader.leb()  # modification time, length
        files.append(name if name.startswith("/") or not folder else f"{folder}/{name}")
    reader.at = start
    return Header(files, least_length, line_base, line_range, opcode_base, lengths)


def run(reader: Reader, header: Header, end: int) -> Iterator[Row]:
    """The rows that one program makes."""
    address, file, line = 0, 1, 1

    def row(ends: bool = False) -> Row:
        name = header.files[file] if file < len(header.files) else "?"
        return Row(address, name, line, ends)

    while reader.at < end:
        opcode = reader.take("B")
        if opcode >= header.opcode_base:
            step = opcode - header.opcode_base
            address += step // header.line_range * header.least_length
            line += header.line_base + step % header.line_range
            yield row()
        elif opcode == 0:
            after = reader.leb() + reader.at
            extended = reader.take("B")
            if extended == SET_ADDRESS:
                address = reader.take("Q")
            elif extended == END_SEQUENCE:
                yield row(ends=True)
                address, file, line = 0, 1, 1
            reader.at = after
        elif opcode == COPY:
            yield row()
        elif opcode == ADVANCE_PC:
            address += reader.leb() * header.least_length
        elif opcode == ADVANCE_LINE:
            line += reader.leb(signed=True)
        elif opcode == SET_FILE:
            file = reader.leb()
        elif opcode == CONST_ADD_PC:
            address += (255 - header.opcode_base) // header.line_range * header.least_length
        elif opcode == FIXED_ADVANCE_PC:
            address += reader.take("H")
        else:
            for _ in range(header.lengths[opcode - 1]):
                reader.leb()
