"""The rule for names in the cache of translated objects.

``chip/native/cache.cpp`` says the same in C++; a test compares the two.
"""

from pathlib import Path

from warpfive.chip.cache import cache_dir
from warpfive.translator import ABI_VERSION

PACKAGE = Path(__file__).resolve().parents[1]
SOURCES = {".py", ".c", ".h", ".txt", ".toml"}


def hashed(text: bytes) -> str:
    """FNV-1a of 64 bits, as 16 hex digits."""
    value = 0xCBF29CE484222325
    for byte in text:
        value = (value ^ byte) * 0x100000001B3 & (1 << 64) - 1
    return f"{value:016x}"


def translator_hash() -> str:
    """Changes whenever a source of the translator or the instruction table does."""
    lines = []
    for room in ("translator", "isa"):
        for path in (PACKAGE / room).rglob("*"):
            if path.suffix in SOURCES and path.is_file():
                status = path.stat()
                name = path.relative_to(PACKAGE)
                lines.append(f"{name}:{status.st_size}:{status.st_mtime_ns}\n")
    return hashed("".join(sorted(lines)).encode())


def translated_path(
    image_id: str, kernel: str, block: tuple[int, int, int], variant: str, host: str
) -> Path:
    """Where the translation of a kernel for a block shape and host feature level belongs."""
    shape = "x".join(map(str, block))
    name = f"{hashed(kernel.encode())}-{shape}-{variant}-{host}-{ABI_VERSION}-{translator_hash()}"
    return cache_dir() / "translated" / image_id / f"{name}.so"
