"""Putting tensors together."""

from collections.abc import Sequence

from torch import Tensor

from warpfive.torch_backend.ops.registry import op


@op("cat.out")
def cat(tensors: Sequence[Tensor], dim: int = 0, *, out: Tensor) -> Tensor:
    parts = [each for each in tensors if each.dim() != 1 or each.numel()]
    if not parts:
        return out
    dim %= parts[0].dim()
    shape = list(parts[0].shape)
    shape[dim] = sum(each.shape[dim] for each in parts)
    if list(out.shape) != shape:
        out.resize_(shape)
    place = 0
    for each in parts:
        out.narrow(dim, place, each.shape[dim]).copy_(each)
        place += each.shape[dim]
    return out
