"""Activations that torch does not share between devices."""

import torch
from torch import Tensor

from warpfive.torch_backend.ops.registry import op

pointwise = torch.ops.warpfive.pointwise.default


@op("gelu.out")
def gelu(self: Tensor, *, approximate: str = "none", out: Tensor) -> Tensor:
    pointwise(f"gelu_{approximate}", [out], [self], [])
    return out
