"""Embedding bags, by the kernel library."""

import torch
from torch import Tensor

from warpfive.torch_backend.matmul import TYPES
from warpfive.torch_backend.ops.library import library_call
from warpfive.torch_backend.ops.registry import op


@op("_embedding_bag_forward_only")
def embedding_bag_forward(
    weight: Tensor, indices: Tensor, offsets: Tensor, scale_grad_by_freq: bool = False,
    mode: int = 0, sparse: bool = False, per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False, padding_idx: int = -1,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
    """Sum (mode 0), mean (1) or maximum (2) of the rows that each bag names, and for gradients of
    the maximum the row that each element is of. The other results are empty.
    """
    bags = offsets.shape[0] - int(include_last_offset)
    table, ids = weight.contiguous(), indices.long().contiguous()
    out = weight.new_empty((bags, weight.shape[1]))
    if bags:
        library_call(
            "embedding_bag", out, table, ids, offsets.long().contiguous(),
            None if per_sample_weights is None else per_sample_weights.contiguous(), mode,
            TYPES[weight.dtype], bags, ids.shape[0], weight.shape[1], weight.shape[0],
            padding_idx,
        )  # fmt: skip
    return out, indices.new_empty(0), indices.new_empty(bags), indices.new_empty(0)


SUM, MEAN, MAX = 0, 1, 2


@op("_embedding_bag")
def embedding_bag(
    weight: Tensor, indices: Tensor, offsets: Tensor, scale_grad_by_freq: bool = False,
    mode: int = 0, sparse: bool = False, per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False, padding_idx: int = -1,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
    """The same, with what the gradient of the maximum needs."""
    out, bag_of, sizes, rows = embedding_bag_forward(
        weight, indices, offsets, scale_grad_by_freq, mode, sparse, per_sample_weights,
        include_last_offset, padding_idx,
    )  # fmt: skip
    if mode == MAX and len(out):
        rows = rows_of_maxima(weight, indices, offsets[: len(out)], out, padding_idx)
    return out, bag_of, sizes, rows


def bags_of(indices: Tensor, offsets: Tensor) -> Tensor:
    """The bag of every index."""
    at = torch.arange(len(indices), device=indices.device)
    return torch.searchsorted(offsets.long().contiguous(), at, right=True) - 1


def rows_of_maxima(
    weight: Tensor, indices: Tensor, offsets: Tensor, out: Tensor, padding_idx: int
) -> Tensor:
    """The first row of the bag that has each of the (bags, width) maxima; -1 where it has none."""
    count = len(indices)
    bag = bags_of(indices, offsets)
    found = (weight[indices] == out[bag]) & (indices != padding_idx)[:, None]
    at = torch.where(found, torch.arange(count, device=indices.device)[:, None], count)
    first = torch.full(out.shape, count, device=indices.device)
    first.scatter_reduce_(0, bag[:, None].expand_as(at), at, "amin")
    named = torch.nn.functional.pad(indices, (0, 1), value=-1)
    return named[first]


@op("_embedding_bag_dense_backward")
def embedding_bag_backward(
    grad: Tensor, indices: Tensor, offset2bag: Tensor, bag_size: Tensor, maximum_indices: Tensor,
    num_weights: int, scale_grad_by_freq: bool, mode: int, per_sample_weights: Tensor | None,
    padding_idx: int = -1,
) -> Tensor:  # fmt: skip
    """Each row of the table gets what its bags got; ``offset2bag`` is each index's bag."""
    if mode == MAX:
        named = maximum_indices >= 0
        places = maximum_indices.clamp(min=0).long()
        table = grad.new_zeros(num_weights, grad.shape[1])
        return table.scatter_add_(0, places, torch.where(named, grad, 0))
    counted = indices != padding_idx
    rows = grad[offset2bag] * counted[:, None]
    if per_sample_weights is not None:
        rows = rows * per_sample_weights[:, None]
    if mode == MEAN:
        sizes = torch.zeros(len(grad), dtype=grad.dtype, device=grad.device)
        sizes.index_add_(0, offset2bag, counted.to(grad.dtype))
        rows = rows / sizes[offset2bag][:, None]
    if scale_grad_by_freq:
        rows = rows / torch.bincount(indices, minlength=num_weights)[indices][:, None]
    return grad.new_zeros(num_weights, grad.shape[1]).index_add_(0, indices, rows)


@op("_embedding_bag_per_sample_weights_backward")
def sample_weights_backward(
    grad: Tensor, weight: Tensor, indices: Tensor, offsets: Tensor, offset2bag: Tensor, mode: int,
    padding_idx: int = -1,
) -> Tensor:  # fmt: skip
    if offset2bag.numel() == 0 and indices.numel():
        offset2bag = bags_of(indices, offsets)
    products = (grad[offset2bag] * weight[indices]).sum(1)
    return torch.where(indices != padding_idx, products, 0)


@op("embedding_renorm_")
def embedding_renorm(self: Tensor, indices: Tensor, max_norm: float, norm_type: float) -> Tensor:
    """Shortens, in place, the rows that are named and longer than ``max_norm``."""
    rows = indices.reshape(-1).unique()
    self[rows] = torch.renorm(self[rows], norm_type, 0, max_norm)
    return self
