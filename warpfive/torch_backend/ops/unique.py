"""Distinct elements and rows, by sorting and comparing neighbours."""

import torch
from torch import Tensor

from warpfive.torch_backend.ops.registry import op

Three = tuple[Tensor, Tensor, Tensor]


def runs(changed: Tensor, inverse: bool, counts: bool) -> Three:
    """First place of every run, the run of every element, and how long each is.

    ``changed`` (n,) is true where a run begins.
    """
    places = changed.nonzero()[:, 0]
    nothing = torch.empty(0, dtype=torch.int64, device=changed.device)
    which = changed.long().cumsum(0) - 1 if inverse else nothing
    if not counts:
        return places, which, nothing
    end = torch.full((1,), len(changed), dtype=torch.int64, device=changed.device)
    return places, which, torch.cat([places[1:], end]) - places


def beginnings(rows: Tensor) -> Tensor:
    """Whether each of (n, width) rows differs from the one before it."""
    changed = torch.ones(len(rows), dtype=torch.bool, device=rows.device)
    if len(rows) > 1:
        changed[1:] = (rows[1:] != rows[:-1]).any(1)
    return changed


def sorted_unique(self: Tensor, inverse: bool, counts: bool) -> Three:
    flat = self.reshape(-1)
    if flat.numel() == 0:
        nothing = torch.empty(0, dtype=torch.int64, device=self.device)
        return flat.clone(), nothing.reshape(self.shape) if inverse else nothing, nothing
    values, order = flat.sort(stable=True)
    places, which, lengths = runs(beginnings(values[:, None]), inverse, counts)
    if inverse:
        which = torch.empty_like(which).scatter_(0, order, which).reshape(self.shape)
    return values[places], which, lengths


@op("_unique2")
def unique2(
    self: Tensor, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False
) -> Three:
    return sorted_unique(self, return_inverse, return_counts)


@op("_unique")
def unique(
    self: Tensor, sorted: bool = True, return_inverse: bool = False
) -> tuple[Tensor, Tensor]:
    return sorted_unique(self, return_inverse, False)[:2]


@op("unique_dim")
def unique_dim(
    self: Tensor, dim: int, sorted: bool = True, return_inverse: bool = False,
    return_counts: bool = False,
) -> Three:  # fmt: skip
    rows = rows_along(self, dim)
    order = torch.arange(len(rows), device=self.device)
    for column in range(rows.shape[1] - 1, -1, -1):  # the first column decides last
        order = order[rows[order, column].sort(stable=True).indices]
    places, which, lengths = runs(beginnings(rows[order]), return_inverse, return_counts)
    if return_inverse:
        which = torch.empty_like(which).scatter_(0, order, which)
    return self.index_select(dim, order[places]), which, lengths


def rows_along(self: Tensor, dim: int) -> Tensor:
    if self.numel() == 0:
        if self.shape[dim]:
            raise RuntimeError(
                "There are 0 sized dimensions, and they aren't selected, so unique cannot be "
                "applied"
            )
        return self.new_empty((0, 0))
    return self.movedim(dim, 0).reshape(self.shape[dim], -1)


@op("unique_dim_consecutive")
def unique_dim_consecutive(
    self: Tensor, dim: int, return_inverse: bool = False, return_counts: bool = False
) -> Three:
    return unique_consecutive(self, return_inverse, return_counts, dim)


@op("unique_consecutive")
def unique_consecutive(
    self: Tensor, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Three:
    if dim is not None:
        rows = rows_along(self, dim)
        places, which, lengths = runs(beginnings(rows), return_inverse, return_counts)
        return self.index_select(dim, places), which, lengths
    flat = self.reshape(-1)
    places, which, lengths = runs(beginnings(flat[:, None]), return_inverse, return_counts)
    return flat[places], which.reshape(self.shape) if return_inverse else which, lengths
