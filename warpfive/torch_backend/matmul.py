"""Matrix products of the kernel library that torch has no operator for, as torch operators.

``warpfive::matmul`` has an epilogue; ``warpfive::quantized_matmul`` has weights in fp8, int8 or
int4, which the kernel widens on the way.
"""

import functools
from ctypes import c_void_p

import torch
from torch import Tensor

from warpfive.kernels import Activation, DType, GemmArgs, Matrix, call

TYPES = {
    torch.float32: DType.F32, torch.float64: DType.F64, torch.float16: DType.F16,
    torch.bfloat16: DType.BF16,
}  # fmt: skip
WEIGHTS = {"fp8": DType.F8E4M3, "int8": DType.I8, "int4": DType.I4}
SCHEMAS = (
    "matmul(Tensor a, Tensor b, Tensor? bias, Tensor? residual, str activation) -> Tensor",
    "quantized_matmul(Tensor a, Tensor weight, Tensor scale, Tensor? bias, str form) -> Tensor",
)


@functools.cache
def define() -> torch.library.Library:
    """Defines the operators, once a process."""
    library = torch.library.Library("warpfive", "FRAGMENT")
    for schema in SCHEMAS:
        library.define(schema)
    library.impl("matmul", lambda a, b, *_: a.new_empty((a.shape[0], b.shape[1])), "Meta")
    library.impl("matmul", matmul, "CUDA")
    library.impl(
        "quantized_matmul", lambda a, w, *_: a.new_empty((a.shape[0], w.shape[0])), "Meta"
    )
    library.impl("quantized_matmul", quantized_matmul, "CUDA")
    return library


def matmul(
    a: Tensor, b: Tensor, bias: Tensor | None, residual: Tensor | None, activation: str
) -> Tensor:
    """``activation(a b + bias) + residual``; a is (m, k), b (k, n), bias (n), residual (m, n)."""
    out = a.new_empty((a.shape[0], b.shape[1]))
    args = arguments(a, matrix(b), out, bias)
    if residual is not None:
        args.residual = matrix(residual)
    args.activation = Activation[activation.upper()]
    call("gemm", args, stream())
    return out


def quantized_matmul(
    a: Tensor, weight: Tensor, scale: Tensor, bias: Tensor | None, form: str
) -> Tensor:
    """``a w^T + bias``; a is (m, k), weight (n, k), or (n, k / 2) bytes for int4; scale
    (n, groups): a weight is its stored number times its group's scale."""
    out = a.new_empty((a.shape[0], weight.shape[0]))
    depth = a.shape[1]
    args = arguments(a, Matrix(weight.data_ptr(), WEIGHTS[form], 1, depth, 0), out, bias)
    args.b_scale, args.b_scale_type = scale.data_ptr(), TYPES[scale.dtype]
    args.group = depth // scale.shape[1] if scale.shape[1] > 1 else 0
    call("gemm", args, stream())
    return out


def arguments(a: Tensor, b: Matrix, out: Tensor, bias: Tensor | None) -> GemmArgs:
    rows, columns = out.shape
    args = GemmArgs(m=rows, n=columns, k=a.shape[1], batch=1, alpha=1.0)
    args.a, args.b, args.d = matrix(a), b, matrix(out)
    if bias is not None:
        assert bias.stride(0) == 1 or bias.numel() == 1
        args.bias, args.bias_type = bias.data_ptr(), TYPES[bias.dtype]
    return args


def matrix(tensor: Tensor) -> Matrix:
    rows, columns = tensor.stride()
    return Matrix(tensor.data_ptr(), TYPES[tensor.dtype], rows, columns, 0)


def stream() -> c_void_p:
    return c_void_p(torch._C._cuda_getCurrentRawStream(0))
