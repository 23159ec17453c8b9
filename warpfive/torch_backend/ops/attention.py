"""Attention as one kernel of the library."""

import ctypes
import math
import struct
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from warpfive.kernels import AttentionArgs, call
from warpfive.torch_backend.matmul import TYPES
from warpfive.torch_backend.ops.registry import op

PACK = struct.Struct("@4Pi4x18qdi4xqPi4x3q4P2qP")
"""``wfk_attention_args``, packed at once."""
assert PACK.size == ctypes.sizeof(AttentionArgs)

HEADS_OF = 8  # the kernel's heads are a multiple of it
FROM_FIRST = 1  # a query sees the keys up to its own place


@op("_scaled_dot_product_fused_attention_overrideable")
def attention(
    query: Tensor, key: Tensor, value: Tensor, attn_bias: Tensor | None = None,
    dropout_p: float = 0.0, is_causal: bool = False, return_debug_mask: bool = False, *,
    scale: float | None = None,
) -> tuple[Any, ...]:  # fmt: skip
    """softmax(scale q k^T + bias) v over (batch, heads, positions, head size).

    Keys and values may have fewer heads. The result lies as the query does. Of the other results
    only the logarithm of the sums is not empty.
    """
    size = query.shape[3]
    if size % HEADS_OF:
        scale = 1 / math.sqrt(size) if scale is None else scale
        padded = (functional.pad(t, (0, -size % HEADS_OF)) for t in (query, key, value))
        found = attention(*padded, attn_bias, dropout_p, is_causal, scale=scale)
        return found[0][..., :size], *found[1:]
    batch, heads, queries, size = query.shape
    out = torch.empty_like(query)
    sums = query.new_empty((batch, heads, queries), dtype=torch.float32)
    bias = (0, 0, 0, 0, 0)
    if attn_bias is not None:
        wide = attn_bias.expand(batch, heads, queries, key.shape[2])
        wide = wide if wide.stride(3) == 1 else wide.contiguous()
        bias = (wide.data_ptr(), 0, *wide.stride()[:3])
    if query.numel():
        packed = PACK.pack(
            query.data_ptr(), key.data_ptr(), value.data_ptr(), out.data_ptr(),
            TYPES[query.dtype], batch, heads, key.shape[1], queries, key.shape[2], size,
            *query.stride()[:3], *key.stride()[:3], *value.stride()[:3], *out.stride()[:3],
            1 / math.sqrt(size) if scale is None else scale, FROM_FIRST if is_causal else 0, 0,
            *bias, 0, 0, 0, 0, 0, 0, sums.data_ptr(),
        )  # fmt: skip
        call("attention", packed, ctypes.c_void_p(torch._C._cuda_getCurrentRawStream(0)))
    none = torch.empty((), dtype=torch.int64)
    return out, sums, none, none, queries, key.shape[2], none, none, none
