"""Static libraries: reading their members, and making them with the wheel's archiver."""

import os
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

from warpfive.compiler import toolchain
from warpfive.errors import CompileError

_MAGIC, _THIN = b"!<arch>\n", b"!<thin>\n"
_HEADER = 60
_SYMTAB, _GLOBAL = 2, 1 << 4


def is_archive(data: bytes) -> bool:
    """Whether the bytes are a static library."""
    return data[:8] in (_MAGIC, _THIN)


def members(data: bytes, path: str) -> list[bytes]:
    """The objects in a static library; a thin one names files beside it."""
    return [body for name, body in _entries(data, path) if name not in ("/", "//", "/SYM64/")]


def _entries(data: bytes, path: str) -> Iterator[tuple[str, bytes]]:
    at, names, thin = 8, b"", data[:8] == _THIN
    while at + _HEADER <= len(data):
        head = data[at : at + _HEADER]
        name, size = head[:16].decode(errors="replace").rstrip(), int(head[48:58])
        start = at + _HEADER
        if name.startswith("/") and name[1:].isdigit():
            name = names[int(name[1:]) :].split(b"\n")[0].decode(errors="replace").rstrip("/")
        special = name in ("/", "//", "/SYM64/")
        if thin and not special:
            yield name, (Path(path).parent / name).read_bytes()
            at = start
            continue
        body = data[start : start + size]
        if name == "//":
            names = body
        yield name, body
        at = start + size + size % 2


def write(path: str, objects: list[str]) -> None:
    """Makes a static library of object files, with its index."""
    if os.path.exists(path):
        os.unlink(path)
    words = [str(toolchain.zig()), "ar", "rcs", path, *objects]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CompileError(f"{path}: the library cannot be made: {done.stderr.strip()}")


def without(data: bytes, names: tuple[str, ...]) -> bytes:
    """The static library with these functions left open, for another library to define."""
    changed, at = bytearray(data), 8
    while at + _HEADER <= len(data):
        size = int(data[at + 48 : at + 58])
        if data[at + _HEADER :][:4] == b"\x7fELF":
            _leave_open(changed, at + _HEADER, names)
        at += _HEADER + size + size % 2
    return bytes(changed)


def _leave_open(data: bytearray, start: int, names: tuple[str, ...]) -> None:
    """Turns definitions in the object at `start` into undefined symbols (ELF64, little-endian)."""
    table, = struct.unpack_from("<Q", data, start + 40)
    size, count = struct.unpack_from("<HH", data, start + 58)
    sections = [struct.unpack_from("<IIQQQQIIQQ", data, start + table + i * size)
                for i in range(count)]
    for _, kind, _, _, offset, length, strings, *_ in sections:
        if kind != _SYMTAB:
            continue
        text = start + sections[strings][4]
        for at in range(start + offset, start + offset + length, 24):
            name, _, _, section = struct.unpack_from("<IBBH", data, at)
            end = data.index(0, text + name)
            if section and data[text + name : end].decode() in names:
                struct.pack_into("<BBHQQ", data, at + 4, _GLOBAL, 0, 0, 0, 0)
