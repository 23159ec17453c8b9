"""``warpfive disasm``: a program's kernels as RISC-V assembly with source lines."""

import sys
from pathlib import Path

from warpfive.errors import InputError


def print_assembly(words: list[str], kernel: str | None) -> None:
    """Prints the device code of the sources among ``words``: every kernel, or those named."""
    from warpfive.cli.run import inputs_of

    inputs = inputs_of(words)
    if not inputs:
        raise InputError("disasm needs a source: warpfive disasm PROG.cu [FLAGS]")
    for path in inputs:
        if not path.exists():
            raise InputError(f"there is no file {path}")
        flags = [word for word in words if Path(word) not in inputs]
        listing(path, flags, kernel)


def listing(path: Path, flags: list[str], kernel: str | None) -> None:
    from warpfive.compiler import disassemble

    for line in disassemble(path, flags, kernel):
        sys.stdout.write(line + "\n")
