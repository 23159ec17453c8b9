"""The fused forms of attention layers that ``nn.MultiheadAttention`` and transformer encoders take
when no gradient is wanted."""

import math

import torch
from torch import Tensor
from torch.nn import functional

from warpfive.torch_backend.ops.registry import op

SOURCE, PADDING = 0, 1
"""Masks of (queries, keys) for all, and of (batch, keys); others are of the scores' own shape."""


def spread(mask: Tensor, scores: Tensor, mask_type: int | None) -> Tensor:
    """The mask over scores (batch, heads, queries, keys)."""
    if mask_type == PADDING:
        return mask[:, None, None, :]
    return mask.reshape(scores.shape) if mask.dim() == scores.dim() else mask


@op("_masked_softmax")
def masked_softmax(
    self: Tensor, mask: Tensor, dim: int | None = None, mask_type: int | None = None
) -> Tensor:
    """Softmax over what the mask does not hide; zeros where it hides all, as on a GPU."""
    dim = self.dim() - 1 if dim is None else dim
    hidden = spread(mask.to(torch.bool), self, mask_type).expand(self.shape)
    found = self.masked_fill(hidden, -math.inf).softmax(dim)
    return found.masked_fill(hidden.all(dim, keepdim=True), 0)


@op("_masked_softmax_backward")
def masked_softmax_backward(
    grad_output: Tensor, output: Tensor, mask: Tensor, dim: int | None = None
) -> Tensor:
    dim = output.dim() - 1 if dim is None else dim
    flow = (grad_output * output).masked_fill(mask, 0)
    return (flow - output * flow.sum(dim, keepdim=True)).masked_fill(mask, 0)


@op("_transform_bias_rescale_qkv")
def transform_bias_rescale_qkv(
    qkv: Tensor, qkv_bias: Tensor, num_heads: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, divided by the root of the heads' size, keys and values: (batch, heads, places,
    size) each, of (batch, places, 3 x width)."""
    batch, places, width = qkv.shape[0], qkv.shape[1], qkv.shape[2] // 3
    parts = (qkv + qkv_bias).reshape(batch, places, 3, num_heads, width // num_heads)
    q, k, v = (part.contiguous() for part in parts.permute(2, 0, 3, 1, 4))
    return q / math.sqrt(width // num_heads), k, v


@op("_native_multi_head_attention")
def multi_head_attention(
    query: Tensor, key: Tensor, value: Tensor, embed_dim: int, num_head: int, qkv_weight: Tensor,
    qkv_bias: Tensor, proj_weight: Tensor, proj_bias: Tensor, mask: Tensor | None = None,
    need_weights: bool = True, average_attn_weights: bool = True, mask_type: int | None = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The layer's result over (batch, places, width), and its weights where they are wanted."""
    weights = qkv_weight.chunk(3)
    biases = qkv_bias.chunk(3)
    q, k, v = (
        functional.linear(each, weight, bias)
        .reshape(each.shape[0], each.shape[1], num_head, embed_dim // num_head)
        .transpose(1, 2)
        for each, weight, bias in zip((query, key, value), weights, biases, strict=True)
    )
    if mask is None and not need_weights:
        found, chosen = functional.scaled_dot_product_attention(q, k, v), query.new_empty(0)
    else:
        scores = (q / math.sqrt(embed_dim // num_head)) @ k.mT
        chosen = (
            scores.softmax(-1) if mask is None else masked_softmax(scores, mask, -1, mask_type)
        )
        found = chosen @ v
        if need_weights and average_attn_weights:
            chosen = chosen.mean(1)
    joined = found.transpose(1, 2).reshape(query.shape[0], query.shape[1], embed_dim)
    return functional.linear(joined, proj_weight, proj_bias), chosen
