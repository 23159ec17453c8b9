"""Compiling CUDA C++ from a string."""

import hashlib
import io
import tempfile
from collections.abc import Sequence
from contextlib import redirect_stderr
from pathlib import Path

from warpfive.errors import CompileError


class Program:
    """CUDA C++ source and what it compiles to.

    >>> Program("__global__ void k() {}").compile()[:4]
    b'\\x7fELF'
    """

    def __init__(self, code: str, options: Sequence[str] = (), name: str = "program.cu") -> None:
        self.code = code
        self.options = tuple(options)
        self.name = name

    def compile(self) -> bytes:
        """The kernel image: a RISC-V ELF. Compiled once for the same code and options."""
        from warpfive import cache
        from warpfive.chip import library

        digest = hashlib.sha256(repr((self.code, self.options, str(library()))).encode())
        kept = cache.root() / "python" / f"{digest.hexdigest()[:32]}.elf"
        if not kept.exists() or any(option.startswith("-I") for option in self.options):
            kept.parent.mkdir(parents=True, exist_ok=True)
            self._compile_to(kept)
        return kept.read_bytes()

    def _compile_to(self, kept: Path) -> None:
        from warpfive.compiler import main

        with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
            source, image = Path(folder) / self.name, Path(folder) / "image"
            source.write_text(self.code, encoding="utf-8")
            said = io.StringIO()
            with redirect_stderr(said):
                status = main(["-cubin", str(source), "-o", str(image), *self.options])
            if status:
                text = said.getvalue().replace(f"{folder}/", "").strip()
                raise CompileError(f"{self.name} does not compile:\n{text}")
            image.replace(kept)
