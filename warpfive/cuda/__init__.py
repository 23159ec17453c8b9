"""CUDA from Python: compile kernels and launch them on the chip, with NumPy arrays.

>>> import numpy as np
>>> from warpfive.cuda import RawKernel
>>> double = RawKernel("__global__ void dbl(float *x) { x[threadIdx.x] *= 2; }", "dbl")
>>> x = np.arange(4, dtype=np.float32)
>>> double((1,), (4,), (x,))
>>> x
array([0., 2., 4., 6.], dtype=float32)
"""

from warpfive.cuda.array import DeviceArray, asarray, asnumpy, empty, zeros
from warpfive.cuda.device import Device, DeviceProperties
from warpfive.cuda.errors import CudaError
from warpfive.cuda.kernel import RawKernel, RawModule, launches
from warpfive.cuda.library import call, library, made, wait
from warpfive.cuda.program import Program
from warpfive.cuda.stream import Event, Stream

__all__ = [
    "CudaError",
    "Device",
    "DeviceArray",
    "DeviceProperties",
    "Event",
    "Program",
    "RawKernel",
    "RawModule",
    "Stream",
    "asarray",
    "asnumpy",
    "call",
    "empty",
    "launches",
    "library",
    "made",
    "wait",
    "zeros",
]
