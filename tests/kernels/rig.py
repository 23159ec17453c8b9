"""Arrays of any element type on the device, and calls of the kernels on them."""

import ctypes
from dataclasses import dataclass
from typing import Any

import numpy as np

from warpfive import cuda
from warpfive.kernels import DType, GemmArgs, Matrix, call
from warpfive.numerics import BF16, E4M3, E5M2

TOLERANCE = {DType.F32: 2e-5, DType.F64: 1e-13, DType.F16: 2e-3, DType.BF16: 1.6e-2}
NUMPY = {
    DType.F32: np.float32, DType.F64: np.float64, DType.F16: np.float16, DType.I8: np.int8,
    DType.U8: np.uint8, DType.I16: np.int16, DType.I32: np.int32, DType.I64: np.int64,
    DType.BOOL: np.bool_,
}  # fmt: skip
CODED = {DType.BF16: BF16, DType.F8E4M3: E4M3, DType.F8E5M2: E5M2}


def encoded(values: np.ndarray, dtype: DType) -> np.ndarray:
    """The array as it lies in memory."""
    if dtype in CODED:
        return CODED[dtype].encode(values)
    return np.asarray(values).astype(NUMPY[dtype])


def decoded(stored: np.ndarray, dtype: DType) -> np.ndarray:
    """The stored values, as float64 (integers as they are)."""
    if dtype in CODED:
        return CODED[dtype].decode(stored)
    return stored.astype(np.float64) if stored.dtype.kind == "f" else stored


@dataclass
class Tensor:
    """A device array of an element type; ``values`` is what it exactly held when it was put."""

    values: np.ndarray
    dtype: DType
    array: cuda.DeviceArray

    @property
    def ptr(self) -> ctypes.c_void_p:
        return ctypes.c_void_p(self.array.ptr)

    def get(self) -> np.ndarray:
        return decoded(self.array.get(), self.dtype)


def put(values: Any, dtype: DType = DType.F32) -> Tensor:
    """A tensor on the device, rounded to the type."""
    stored = encoded(np.asarray(values), dtype)
    return Tensor(decoded(stored, dtype), dtype, cuda.asarray(stored))


def blank(shape: tuple[int, ...], dtype: DType = DType.F32, fill: float = 77.0) -> Tensor:
    """A tensor to be written, full of a value that shows what was not."""
    return put(np.full(shape, fill), dtype)


def matrix(tensor: Tensor | None, *, turned: bool = False, offset: int = 0) -> Matrix:
    """A tensor of two or three dimensions as a matrix, or a turned view of it."""
    if tensor is None:
        return Matrix()
    shape = tensor.values.shape
    rs, cs, bs = shape[-1], 1, shape[-1] * shape[-2]
    if turned:
        rs, cs = cs, rs
    data = tensor.array.ptr + offset * tensor.array.dtype.itemsize
    return Matrix(data, tensor.dtype, rs, cs, bs if len(shape) == 3 else 0)


def gemm(a: Matrix, b: Matrix, d: Matrix, m: int, n: int, k: int, **more: Any) -> None:
    """``wfk_gemm`` with defaults."""
    fields = {"batch": 1, "alpha": 1.0} | more
    call("gemm", GemmArgs(m=m, n=n, k=k, a=a, b=b, d=d, **fields), None)


def close(got: np.ndarray, want: np.ndarray, dtype: DType, scale: Any = None) -> None:
    """Holds ``got`` against float64, relative to the size of what was summed."""
    size = np.maximum(np.abs(want), 1e-3) if scale is None else np.maximum(scale, 1e-3)
    same = np.isnan(got) & np.isnan(want) | (got == want)
    off = np.where(same, 0, np.abs(got - want) / size)
    assert not np.isnan(off).any(), "NaN where the judge has none, or the other way round"
    assert off.max(initial=0) <= TOLERANCE[dtype], f"off by {off.max():.3g} of {dtype.name}"
