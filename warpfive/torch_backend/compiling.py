"""Kernels from text to a handle that can be launched; compiled once, kept on disk."""

import functools
import re

from warpfive.cuda import RawModule
from warpfive.torch_backend.codegen import source

K = re.compile(r"__global__ void k\(")
KEPT: list[RawModule] = []
"""Modules live as long as the process: kernels in flight are theirs."""


def described(description: str) -> int:
    """Handle of the kernel that the native library describes.

    Reports show it by operator, way of walking and types: ``pointwise_add_f_Float``.
    """
    kind, name, layout, *_, common, last = description.split()
    return kernel(source(description), f"{kind}_{name}_{layout}_{last.split(':')[0]}")


@functools.cache
def kernel(text: str, name: str) -> int:
    """Handle of the kernel that the CUDA C++ ``text`` calls ``k``; reports show it as ``name``."""
    module = RawModule(code=K.sub(f"__global__ void {name}(", text))
    KEPT.append(module)
    return module.get_function(name).handle
