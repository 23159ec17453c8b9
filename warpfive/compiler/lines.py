"""Source lines of code addresses: the ``.debug_line`` section (DWARF 4, section 6.2)."""

import struct
from dataclasses import dataclass
from pathlib import PurePosixPath

from warpfive.isa import elf


@dataclass(frozen=True, slots=True)
class Line:
    """From ``address`` on, up to the next one, code is of this line; line 0 is nobody's."""

    address: int
    file: str
    line: int


class _Reader:
    """Walks over little-endian data."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data, self.at = data, at

    def number(self, size: int, signed: bool = False) -> int:
        value = int.from_bytes(self.data[self.at : self.at + size], "little", signed=signed)
        self.at += size
        return value

    def leb(self, signed: bool = False) -> int:
        value = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return value - (1 << shift) if signed and byte & 0x40 else value

    def text(self) -> str:
        found = elf.text_at(self.data, self.at)
        self.at = self.data.index(b"\0", self.at) + 1
        return found


def read_lines(data: bytes) -> list[Line]:
    """The line table of an image, in order of addresses."""
    found: list[Line] = []
    reader = _Reader(data)
    while reader.at + 4 < len(data):
        size = reader.number(4)
        end = reader.at + size
        if reader.number(2) <= 4:
            _unit(reader, end, found)
        reader.at = end
    return sorted(found, key=lambda row: row.address)


def _unit(reader: _Reader, end: int, found: list[Line]) -> None:
    program = reader.number(4) + reader.at
    step = reader.number(1)
    reader.number(1)  # operations of a wide instruction
    reader.number(1)  # whether a statement begins, at first
    base, span, first = reader.number(1, True), reader.number(1), reader.number(1)
    lengths = [reader.number(1) for _ in range(first - 1)]
    folders, files = [""], [""]
    while reader.data[reader.at]:
        folders.append(reader.text())
    reader.at += 1
    while reader.data[reader.at]:
        name, folder = reader.text(), reader.leb()
        reader.leb()
        reader.leb()
        files.append(str(PurePosixPath(folders[folder]) / name))
    reader.at = program
    _Program(files, step, base, span, first, lengths).run(reader, end, found)


class _Program:
    """The state machine that writes one unit's table."""

    def __init__(
        self, files: list[str], step: int, base: int, span: int, first: int, lengths: list[int]
    ) -> None:
        self.files, self.step, self.base, self.span = files, step, base, span
        self.first, self.lengths = first, lengths
        self.reset()

    def reset(self) -> None:
        self.address, self.file, self.line = 0, 1, 1
        self.rows: list[Line] = []

    def emit(self, line: int | None = None) -> None:
        self.rows.append(
            Line(self.address, self.files[self.file], self.line if line is None else line)
        )

    def run(self, reader: _Reader, end: int, found: list[Line]) -> None:
        while reader.at < end:
            code = reader.number(1)
            if code >= self.first:
                self.address += (code - self.first) // self.span * self.step
                self.line += self.base + (code - self.first) % self.span
                self.emit()
            elif code == 0:
                self._extended(reader, found)
            else:
                self._standard(code, reader)

    def _standard(self, code: int, reader: _Reader) -> None:
        if code == 1:
            self.emit()
        elif code == 2:
            self.address += reader.leb() * self.step
        elif code == 3:
            self.line += reader.leb(signed=True)
        elif code == 4:
            self.file = reader.leb()
        elif code == 8:
            self.address += (255 - self.first) // self.span * self.step
        elif code == 9:
            self.address += reader.number(2)
        else:
            for _ in range(self.lengths[code - 1]):
                reader.leb()

    def _extended(self, reader: _Reader, found: list[Line]) -> None:
        size = reader.leb()
        after = reader.at + size
        code = reader.number(1)
        if code == 1:  # end of a run of code
            self.emit(0)
            if self.rows[0].address < 1 << 62:  # else code that was dropped
                found += self.rows
            self.reset()
        elif code == 2:
            self.address = struct.unpack("<Q", reader.data[reader.at : reader.at + 8])[0]
        reader.at = after
