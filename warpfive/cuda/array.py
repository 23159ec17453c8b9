"""Arrays in device memory, to and from NumPy."""

import math
from typing import Any

import numpy as np

from warpfive.cuda.library import call, library, made
from warpfive.cuda.stream import Stream
from warpfive.errors import InputError

TO_DEVICE, TO_HOST = 1, 2


class DeviceArray:
    """A contiguous array in device memory; memory only, no arithmetic.

    Libraries that read ``__cuda_array_interface__`` can share it.
    """

    def __init__(self, shape: int | tuple[int, ...], dtype: Any = np.float32) -> None:
        self.shape = (shape,) if isinstance(shape, int) else tuple(shape)
        if any(side < 0 for side in self.shape):
            raise InputError(f"an array cannot have the shape {self.shape}; sides are 0 or more")
        self.dtype = np.dtype(dtype)
        self.size = math.prod(self.shape)
        self.nbytes = self.size * self.dtype.itemsize
        self.ptr = made("cudaMalloc", self.nbytes)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def set(self, values: Any, stream: Stream | None = None) -> "DeviceArray":
        """Copies values of the same shape in; they are converted to the array's type."""
        source = np.ascontiguousarray(values, dtype=self.dtype)
        if source.shape != self.shape:
            raise InputError(f"values of shape {source.shape} do not fit an array of {self.shape}")
        handle = (stream or Stream.null).handle
        call("cudaMemcpyAsync", self.ptr, source.ctypes.data, self.nbytes, TO_DEVICE, handle)
        return self

    def get(self, stream: Stream | None = None) -> np.ndarray:
        """A NumPy copy, taken after what is in the stream (the default stream unless given)."""
        stream = stream or Stream.null
        stream.synchronize()
        out = np.empty(self.shape, self.dtype)
        call("cudaMemcpyAsync", out.ctypes.data, self.ptr, self.nbytes, TO_HOST, stream.handle)
        return out

    def fill_bytes(self, byte: int) -> "DeviceArray":
        """Sets every byte."""
        call("cudaMemsetAsync", self.ptr, byte, self.nbytes, 0)
        return self

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        return {
            "shape": self.shape,
            "typestr": self.dtype.str,
            "data": (self.ptr, False),
            "version": 3,
            "strides": None,
        }

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self.get().astype(dtype or self.dtype, copy=False)

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        return f"DeviceArray(shape={self.shape}, dtype={self.dtype})"

    def __del__(self) -> None:
        if getattr(self, "ptr", 0):
            library().cudaFree(self.ptr)
            self.ptr = 0


def empty(shape: int | tuple[int, ...], dtype: Any = np.float32) -> DeviceArray:
    """An array whose contents are not set."""
    return DeviceArray(shape, dtype)


def zeros(shape: int | tuple[int, ...], dtype: Any = np.float32) -> DeviceArray:
    """An array of zeroes."""
    return DeviceArray(shape, dtype).fill_bytes(0)


def asarray(values: Any, dtype: Any = None) -> DeviceArray:
    """A device copy of what NumPy can read."""
    host = np.ascontiguousarray(values, dtype=dtype)
    return DeviceArray(host.shape, host.dtype).set(host)


def asnumpy(array: DeviceArray) -> np.ndarray:
    """A NumPy copy of a device array."""
    return array.get()
