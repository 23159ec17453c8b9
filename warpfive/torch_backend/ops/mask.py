"""Filling where a mask is true."""

import torch
from torch import Tensor

from warpfive.torch_backend.ops.registry import op

pointwise = torch.ops.warpfive.pointwise.default


@op("masked_fill_.Scalar")
def masked_fill(self: Tensor, mask: Tensor, value: float) -> Tensor:
    if mask.dtype != torch.bool:
        raise RuntimeError(
            f"masked_fill_ only supports boolean masks, but got mask with dtype {mask.dtype}"
        )
    pointwise("masked_fill", [self], [self, mask.expand_as(self)], [value])
    return self


@op("masked_fill_.Tensor")
def masked_fill_tensor(self: Tensor, mask: Tensor, value: Tensor) -> Tensor:
    if value.dim():
        raise RuntimeError(
            "masked_fill_ only supports a 0-dimensional value tensor, but got tensor with "
            f"{value.dim()} dimension(s)."
        )
    return masked_fill(self, mask, value.item())
