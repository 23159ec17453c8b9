"""Embedding bags, by the kernel library."""

from torch import Tensor

from warpfive.torch_backend.matmul import TYPES
from warpfive.torch_backend.ops.library import library_call
from warpfive.torch_backend.ops.registry import op


@op("_embedding_bag", "_embedding_bag_forward_only")
def embedding_bag(
    weight: Tensor, indices: Tensor, offsets: Tensor, scale_grad_by_freq: bool = False,
    mode: int = 0, sparse: bool = False, per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False, padding_idx: int = -1,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
    """Sum (mode 0), mean (1) or maximum (2) of the rows that each bag names.

    The further results, which only gradients need, are empty.
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
