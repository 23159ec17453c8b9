"""Kernels from text to a handle that can be launched; compiled once, kept on disk."""

import functools

from warpfive.cuda import RawModule
from warpfive.torch_backend.codegen import source

KEPT: list[RawModule] = []
"""Modules live as long as the process: kernels in flight are theirs."""


def described(description: str) -> int:
    """Handle of the kernel that the native library describes."""
    return kernel(source(description), "k")


@functools.cache
def kernel(text: str, name: str) -> int:
    """Handle of kernel ``name`` in the CUDA C++ ``text``."""
    module = RawModule(code=text)
    KEPT.append(module)
    return module.get_function(name).handle
