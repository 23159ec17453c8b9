"""Elements by their rank: medians, k-th values, modes."""

import torch
from torch import Tensor

from warpfive.torch_backend.ops.registry import op

Pair = tuple[Tensor, Tensor]


def ranked(self: Tensor, rank: Tensor | int, dim: int, keepdim: bool) -> Pair:
    """The value of this rank along ``dim``, counted from 0, and its place."""
    if self.dim() == 0:
        return self.clone(), torch.zeros((), dtype=torch.int64, device=self.device)
    values, places = self.sort(dim=dim, stable=True)
    if isinstance(rank, int):
        chosen, where = values.select(dim, rank), places.select(dim, rank)
        return (chosen.unsqueeze(dim), where.unsqueeze(dim)) if keepdim else (chosen, where)
    chosen, where = values.gather(dim, rank), places.gather(dim, rank)
    return (chosen, where) if keepdim else (chosen.squeeze(dim), where.squeeze(dim))


def middle(self: Tensor, dim: int, keepdim: bool, ignore_nan: bool) -> Pair:
    if self.dim() == 0:
        return ranked(self, 0, 0, keepdim)
    if not self.is_floating_point():
        return ranked(self, (self.shape[dim] - 1) // 2, dim, keepdim)
    missing = self.isnan().sum(dim, keepdim=True)
    length = self.shape[dim]
    if ignore_nan:
        rank = (length - missing - 1).clamp(min=0) // 2
    else:
        # Not-a-number sorts last: the first of them is the median where there are any.
        rank = torch.where(missing > 0, length - missing, (length - 1) // 2)
    return ranked(self, rank, dim, keepdim)


def give(found: Pair, values: Tensor, indices: Tensor) -> Pair:
    for out, result in zip((values, indices), found, strict=True):
        out.resize_(result.shape).copy_(result)
    return values, indices


@op("median.dim_values")
def median_along(
    self: Tensor, dim: int, keepdim: bool = False, *, values: Tensor, indices: Tensor
) -> Pair:
    return give(middle(self, dim, keepdim, False), values, indices)


@op("nanmedian.dim_values")
def nanmedian_along(
    self: Tensor, dim: int, keepdim: bool = False, *, values: Tensor, indices: Tensor
) -> Pair:
    return give(middle(self, dim, keepdim, True), values, indices)


@op("median")
def median(self: Tensor) -> Tensor:
    if self.numel() == 0:
        return torch.full((), float("nan"), dtype=self.dtype, device=self.device)
    return middle(self.reshape(-1), 0, False, False)[0]


@op("nanmedian")
def nanmedian(self: Tensor) -> Tensor:
    if self.numel() == 0:
        return torch.full((), float("nan"), dtype=self.dtype, device=self.device)
    return middle(self.reshape(-1), 0, False, True)[0]


@op("kthvalue.values")
def kthvalue(
    self: Tensor, k: int, dim: int = -1, keepdim: bool = False, *, values: Tensor, indices: Tensor
) -> Pair:
    length = self.shape[dim] if self.dim() else 1
    if not 1 <= k <= length:
        raise RuntimeError("kthvalue(): selected number k out of range for dimension " + str(dim))
    return give(ranked(self, k - 1, dim, keepdim), values, indices)


@op("mode")
def mode(self: Tensor, dim: int = -1, keepdim: bool = False) -> Pair:
    """The most frequent value, the least of equals, and its last place."""
    if self.dim() == 0:
        return ranked(self, 0, 0, keepdim)
    values, places = self.sort(dim=dim, stable=True)
    values, places = values.movedim(dim, -1), places.movedim(dim, -1)
    count = values.shape[-1]
    at = torch.arange(count, device=self.device)
    fresh = torch.ones_like(values, dtype=torch.bool)
    fresh[..., 1:] = values[..., 1:] != values[..., :-1]
    # How long the run of equals is that ends at each place.
    start = torch.where(fresh, at, 0).cummax(-1).values
    best = (at - start).argmax(-1, keepdim=True)
    chosen, where = values.gather(-1, best), places.gather(-1, best)
    if keepdim:
        return chosen.movedim(-1, dim), where.movedim(-1, dim)
    return chosen.squeeze(-1), where.squeeze(-1)
