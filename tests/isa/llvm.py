"""LLVM's RISC-V assembler, as the judge of ours."""

import subprocess
import sys
import tempfile
from pathlib import Path

FEATURES = (
    "m", "a", "f", "d", "zicsr", "zifencei", "zba", "zbb", "zbs", "zicond", "zfh", "zfbfmin",
    "zacas", "zabha", "zihintpause",
)  # fmt: skip


def words_of(lines: list[str]) -> list[int]:
    """The words LLVM's assembler makes of ``lines``."""
    command = [sys.executable, "-m", "ziglang", "clang", "-cc1as", "-triple", "riscv64"]
    command += [word for name in FEATURES for word in ("-target-feature", f"+{name}")]
    with tempfile.TemporaryDirectory() as folder:
        source, result = Path(folder, "a.s"), Path(folder, "a.o")
        source.write_text("\n".join([".text", ".option norelax", *lines, ""]))
        command += ["-filetype", "obj", "-o", str(result), str(source)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        code = section(result.read_bytes(), b".text")
    return [int.from_bytes(code[at : at + 4], "little") for at in range(0, len(code), 4)]


def section(elf: bytes, name: bytes) -> bytes:
    """The contents of a section of an ELF64 file."""

    def number(at: int, size: int) -> int:
        return int.from_bytes(elf[at : at + size], "little")

    table, entry, count = number(0x28, 8), number(0x3A, 2), number(0x3C, 2)
    heads = [table + entry * index for index in range(count)]
    names = number(heads[number(0x3E, 2)] + 0x18, 8)
    for head in heads:
        start = names + number(head, 4)
        if elf[start : elf.index(b"\0", start)] == name:
            return elf[number(head + 0x18, 8) :][: number(head + 0x20, 8)]
    raise KeyError(name)
