"""Matrix products whose result has another type than the matrices: float32 from 16 bits."""

from typing import Any

import torch
from torch import Tensor

from warpfive.torch_backend.ops.linear import multiply
from warpfive.torch_backend.ops.narrow import NARROW
from warpfive.torch_backend.ops.registry import op


def mixed(
    a: Tensor, b: Tensor, out_dtype: torch.dtype, out: Tensor | None, c: Tensor | None = None,
    *, alpha: float = 1, beta: float = 0,
) -> Tensor:  # fmt: skip
    """``beta c + alpha a b`` of matrices or batches of them, in ``out_dtype``."""
    if out_dtype != a.dtype and not (out_dtype == torch.float32 and a.dtype in NARROW):
        raise RuntimeError(
            f"a product of {a.dtype} matrices has no result of {out_dtype}: out_dtype must be "
            "their type, or float32 for matrices of float16 and bfloat16"
        )
    if a.dtype != b.dtype or a.dim() != b.dim() or a.shape[-1] != b.shape[-2]:
        raise RuntimeError(
            f"matrices of {a.dtype} {tuple(a.shape)} and {b.dtype} {tuple(b.shape)} cannot be "
            "multiplied"
        )
    if out is None:
        out = a.new_empty((*a.shape[:-1], b.shape[-1]), dtype=out_dtype)
    one = a.dim() == 2
    multiply(
        a[None] if one else a, b[None] if one else b, out[None] if one else out, c, alpha=alpha,
        beta=beta,
    )  # fmt: skip
    return out


@op("mm.dtype", "mm.dtype_out", "bmm.dtype", "bmm.dtype_out")
def product_as(
    self: Tensor, mat2: Tensor, out_dtype: torch.dtype, *, out: Tensor | None = None
) -> Tensor:
    return mixed(self, mat2, out_dtype, out)


@op("addmm.dtype", "addmm.dtype_out", "baddbmm.dtype", "baddbmm.dtype_out")
def sum_as(
    self: Tensor, mat1: Tensor, mat2: Tensor, out_dtype: torch.dtype, *, out: Tensor | None = None,
    **factors: Any,
) -> Tensor:  # fmt: skip
    return mixed(mat1, mat2, out_dtype, out, self, **{"alpha": 1, "beta": 1} | factors)
