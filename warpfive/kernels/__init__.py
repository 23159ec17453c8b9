"""Library kernels (matrix products, attention, norms, ...): CUDA C++ that our own compiler builds.

``include/warpfive_kernels.h`` is the interface; this is its door for Python.
"""

from warpfive.kernels.build import INCLUDE, library_path
from warpfive.kernels.door import call, library
from warpfive.kernels.types import (
    Activation,
    AttentionArgs,
    DType,
    GemmArgs,
    Matrix,
    SampleArgs,
    Window,
)

__all__ = [
    "INCLUDE", "Activation", "AttentionArgs", "DType", "GemmArgs", "Matrix", "SampleArgs", "Window",
    "call", "library", "library_path",
]  # fmt: skip
