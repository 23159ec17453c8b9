"""Calls into the kernel library with tensors for pointers, on torch's current stream."""

from ctypes import c_double, c_int64, c_void_p
from typing import Any

import torch
from torch import Tensor

from warpfive.kernels import call


def library_call(name: str, *arguments: Any) -> None:
    """``wfk_NAME(..., stream)``: tensors stand for their addresses, None for a null pointer."""
    call(name, *map(word, arguments), c_void_p(torch._C._cuda_getCurrentRawStream(0)))


def word(value: Any) -> Any:
    """An argument as ctypes passes it: 64 bits for integers, which holds for narrower ones too."""
    if isinstance(value, Tensor):
        return c_void_p(value.data_ptr())
    if value is None:
        return c_void_p(0)
    return c_double(value) if isinstance(value, float) else c_int64(value)
