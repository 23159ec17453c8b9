"""Compiling CUDA C++ from a string."""

from collections.abc import Sequence


class Program:
    """CUDA C++ source and what it compiles to; only its device code is compiled.

    >>> Program("__global__ void k() {}").compile()[:4]
    b'\\x7fELF'
    """

    def __init__(self, code: str, options: Sequence[str] = (), name: str = "program.cu") -> None:
        self.code = code
        self.options = tuple(options)
        self.name = name

    def compile(self) -> bytes:
        """The kernel image: a RISC-V ELF. Compiled once for the same code and options."""
        from warpfive.compiler import compile_text

        return compile_text(self.code, self.name, self.options)
