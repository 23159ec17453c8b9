"""Launching a kernel from Python on tensors, in the current stream."""

import ctypes
import functools
import struct
import sys
from typing import Any

from warpfive.errors import WarpfiveError
from warpfive.torch_backend.codegen import CPP, cpp_type, prelude
from warpfive.torch_backend.compiling import kernel
from warpfive.torch_backend.native import native

Shape = tuple[int, int, int]
WORDS = ctypes.c_uint * 3


class Kernel:
    """The ``__global__`` function ``k`` in CUDA C++ that takes one structure.

    ``fields`` is the structure in the letters of :mod:`struct`: ``P`` a pointer, ``q`` a long,
    ``i`` an int, ``f`` a float, ``d`` a double. Reports show the kernel under ``name``: that of the
    function that makes it unless given.
    """

    def __init__(self, text: str, fields: str, name: str = "") -> None:
        maker = sys._getframe(1).f_code.co_name
        self.handle = kernel(text, name or maker.removesuffix("_kernel"))
        self.pack = struct.Struct("@" + fields).pack

    def __call__(
        self, blocks: int | Shape, threads: int | Shape, *values: Any, shared: int = 0
    ) -> None:
        """Launches it. Tensors stand for the addresses of their first elements."""
        packed = self.pack(
            *[value if isinstance(value, int | float) else value.data_ptr() for value in values]
        )
        if not native().wf_launch(self.handle, words(blocks), words(threads), shared, packed):
            raise WarpfiveError(native().wf_error().decode())


@functools.lru_cache(maxsize=4096)
def words(shape: int | Shape) -> Any:
    return WORDS(shape, 1, 1) if isinstance(shape, int) else WORDS(*shape)


def cpp(dtype: Any) -> str:
    """C++ type of a ``torch.dtype``."""
    return cpp_type(C10_NAMES.get(str(dtype), str(dtype)))


def numbers(*dtypes: Any) -> str:
    """The header every kernel's text starts with: ``math_t``, ``to<>`` and their kin.

    With ``dtypes`` that are complex or float8, those numbers too.
    """
    text = prelude("numbers")
    if any(dtype.is_complex for dtype in dtypes):
        text += prelude("complex")
    if any(dtype.is_floating_point and dtype.itemsize == 1 for dtype in dtypes):
        text += prelude("float8")
    return text


C10_NAMES = {
    "torch.float32": "Float", "torch.float64": "Double", "torch.float16": "Half",
    "torch.bfloat16": "BFloat16", "torch.bool": "Bool", "torch.uint8": "Byte",
    "torch.int8": "Char", "torch.int16": "Short", "torch.int32": "Int", "torch.int64": "Long",
    "torch.uint16": "UInt16", "torch.uint32": "UInt32", "torch.uint64": "UInt64",
    "torch.complex64": "ComplexFloat", "torch.complex128": "ComplexDouble",
    "torch.complex32": "ComplexHalf", "torch.float8_e4m3fn": "Float8_e4m3fn",
    "torch.float8_e5m2": "Float8_e5m2",
}  # fmt: skip

assert set(C10_NAMES.values()) == set(CPP)
