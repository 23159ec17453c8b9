"""Matrix products by the kernel library, from Python, and ``warpfive::quantized_matmul``: weights
in fp8, int8 or int4, which the kernel widens on the way. torch's own operators and
``warpfive::matmul``, a product with an epilogue, are in ``native/products.cpp``.
"""

import ctypes
import functools
import struct

import torch
from torch import Tensor

from warpfive.kernels import DType, GemmArgs, call

TYPES = {
    torch.float32: int(DType.F32), torch.float64: int(DType.F64), torch.float16: int(DType.F16),
    torch.bfloat16: int(DType.BF16),
}  # fmt: skip
WEIGHTS = {"fp8": int(DType.F8E4M3), "int8": int(DType.I8), "int4": int(DType.I4)}
SCHEMA = "quantized_matmul(Tensor a, Tensor weight, Tensor scale, Tensor? bias, str form) -> Tensor"

MATRIX = "Pi4xqqq"
PACK = struct.Struct(f"@4q{5 * MATRIX}2dPiiPPi4xqPPq")
"""``wfk_gemm_args``, packed at once: setting its fields one by one takes longer than the launch."""
assert PACK.size == ctypes.sizeof(GemmArgs)

Words = tuple[int, int, int, int, int]
NOTHING: Words = (0, 0, 0, 0, 0)


def words(tensor: Tensor | None) -> Words:
    """A matrix, or a batch of them, as the kernel takes it."""
    if tensor is None:
        return NOTHING
    strides = tensor.stride()
    if len(strides) == 2:
        return tensor.data_ptr(), TYPES[tensor.dtype], strides[0], strides[1], 0
    return tensor.data_ptr(), TYPES[tensor.dtype], strides[1], strides[2], strides[0]


def gemm(
    a: Tensor, b: Tensor | Words, out: Tensor, *, c: Tensor | None = None,
    bias: Tensor | None = None, residual: Tensor | None = None, alpha: float = 1.0,
    beta: float = 0.0, activation: int = 0, scale: Tensor | None = None,
    bias_of_rows: bool = False, row_scale: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """``out = act(alpha a b + beta c + bias) + residual``, on the current stream.

    Matrices, or batches of them, with any strides; ``out``, ``c`` and ``residual`` lie side by
    side in one direction. ``bias`` is one value a column, or a row. ``scale`` is that of a
    quantised ``b``, (columns, groups); ``row_scale`` multiplies rows of ``alpha a b``, float32.
    """
    shape = out.shape
    depth = a.shape[-1]
    groups = scale.shape[1] if scale is not None else 1
    packed = PACK.pack(
        shape[-2], shape[-1], depth, shape[0] if len(shape) == 3 else 1,
        *words(a), *(words(b) if isinstance(b, Tensor) else b), *words(out), *words(c),
        *words(residual), alpha, beta,
        0 if bias is None else bias.data_ptr(), bias_of_rows, activation,
        *((scale.data_ptr(), 0, TYPES[scale.dtype]) if scale is not None else (0, 0, 0)),
        depth // groups if groups > 1 else 0,
        0 if row_scale is None else row_scale.data_ptr(), 0, 0,
    )  # fmt: skip
    call("gemm", packed, ctypes.c_void_p(torch._C._cuda_getCurrentRawStream(0)))
    return out


@functools.cache
def define() -> torch.library.Library:
    """Defines the operator, once a process."""
    library = torch.library.Library("warpfive", "FRAGMENT")
    library.define(SCHEMA)
    library.impl(
        "quantized_matmul", lambda a, w, *_: a.new_empty((a.shape[0], w.shape[0])), "Meta"
    )
    library.impl("quantized_matmul", quantized_matmul, "CUDA")
    return library


def quantized_matmul(
    a: Tensor, weight: Tensor, scale: Tensor, bias: Tensor | None, form: str
) -> Tensor:
    """``a w^T + bias``; a is (m, k), weight (n, k), or (n, k / 2) bytes for int4; scale
    (n, groups): a weight is its stored number times its group's scale."""
    out = a.new_empty((a.shape[0], weight.shape[0]))
    b = (weight.data_ptr(), WEIGHTS[form], 1, a.shape[1], 0)
    return gemm(a, b, out, bias=bias, scale=scale)
