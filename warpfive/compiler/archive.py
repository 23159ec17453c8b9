"""Static libraries: reading their members, and making them with the wheel's archiver."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from warpfive.compiler import toolchain
from warpfive.errors import CompileError

_MAGIC, _THIN = b"!<arch>\n", b"!<thin>\n"
_HEADER = 60


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
