"""Kernels as RISC-V assembly with source lines."""

import functools
from collections.abc import Iterator
from pathlib import Path

from warpfive import isa
from warpfive.compiler.compile import device_image
from warpfive.compiler.lines import Line, read_lines
from warpfive.compiler.options import parse
from warpfive.errors import InputError
from warpfive.isa import Image, ImageSymbol, read_image


def disassemble(path: Path, flags: list[str], kernel: str | None = None) -> Iterator[str]:
    """The assembly of a source's device code; of one kernel, by its name or a part of it."""
    image = read_image(device_image(str(path), parse([*flags, str(path)])).data)
    yield from listing(image, kernel)


def listing(image: Image, kernel: str | None = None) -> Iterator[str]:
    """The assembly of an image, function by function."""
    functions = [symbol for symbol in image.symbols if symbol.is_function]
    if kernel is not None:
        chosen = [symbol for symbol in functions if kernel in symbol.name]
        if not chosen:
            known = ", ".join(image.kernels) or "none"
            raise InputError(
                f"--kernel {kernel}: no kernel has that in its name; there are {known}"
            )
        functions = [s for s in chosen if s.name == kernel] or chosen
    lines = (
        read_lines(image.sections[".debug_line"].data) if ".debug_line" in image.sections else []
    )
    for symbol in functions:
        yield from _function(image, symbol, lines)


def _function(image: Image, symbol: ImageSymbol, lines: list[Line]) -> Iterator[str]:
    start, code = image.text
    rows = {line.address: line for line in lines}
    yield ""
    yield f"{symbol.address:08x} <{symbol.name}>:"
    last = None
    for at in range(symbol.address, symbol.address + symbol.size, 4):
        line = rows.get(at)
        if line and line.line and (line.file, line.line) != last:
            last = line.file, line.line
            text = _source(line.file, line.line)
            yield f"; {line.file}:{line.line}" + (f"  {text}" if text else "")
        word = int.from_bytes(code[at - start : at - start + 4], "little")
        yield f"  {at:6x}:  {word:08x}  {isa.disassemble(word, at)}"


def _source(file: str, line: int) -> str:
    lines = _file(file)
    return lines[line - 1].strip() if line <= len(lines) else ""


@functools.lru_cache(maxsize=32)
def _file(name: str) -> list[str]:
    try:
        return Path(name).read_text(errors="replace").splitlines()
    except OSError:
        return []
