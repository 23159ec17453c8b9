"""``flex_attention`` under ``torch.compile``: taken apart into what it computes, then fused.

Inductor has a Triton template for it and nothing else on a GPU. Here AOTAutograd traces the
products, the user's score and mask functions and the softmax instead, so gradients are those of
these, and the whole score matrix is in memory, as in eager mode.
"""

import math
from collections.abc import Callable
from importlib import import_module
from typing import Any


def install() -> None:
    """Replaces how CUDA's ``flex_attention`` is traced. A second call changes nothing."""
    from torch._C import DispatchKey
    from torch.fx.experimental.proxy_tensor import ProxyTorchDispatchMode

    module = import_module("torch._higher_order_ops.flex_attention")
    operator = module.flex_attention
    autograd = module.flex_attention_autograd

    def with_gradient(query: Any, *rest: Any) -> Any:
        return (dense if query.is_cuda and tracing() else autograd)(query, *rest)

    def without(mode: Any, query: Any, *rest: Any) -> Any:
        if not query.is_cuda:
            return module.trace_flex_attention(mode, query, *rest)
        with mode:
            return dense(query, *rest)

    operator.py_kernels[DispatchKey.Autograd] = with_gradient
    operator.python_key_table[ProxyTorchDispatchMode] = without
    operator._dispatch_cache.clear()


def tracing() -> bool:
    """Whether AOTAutograd is at work: Dynamo's own pass must still see one operator."""
    from torch.fx.experimental.proxy_tensor import get_proxy_mode

    return get_proxy_mode() is not None


def dense(
    query: Any,
    key: Any,
    value: Any,
    score_mod: Callable[..., Any],
    block_mask: tuple[Any, ...],
    scale: float,
    kernel_options: dict[str, Any],
    score_buffers: tuple[Any, ...] = (),
    mask_buffers: tuple[Any, ...] = (),
) -> tuple[Any, Any, Any]:
    """Result, log-sum-exp and greatest score (both in base 2), as the operator gives them.

    ``score_mod`` and the mask (last in ``block_mask``) are called once, with indices whose shapes
    broadcast to batch x heads x queries x keys.
    """
    import torch

    working = torch.float64 if query.dtype == torch.float64 else torch.float32
    group = query.size(1) // key.size(1)
    key, value = (
        each.repeat_interleave(group, dim=1).expand(query.size(0), -1, -1, -1)
        for each in (key, value)
    )
    scores = (query.to(working) @ key.to(working).transpose(-2, -1)) * scale
    places = [
        torch.arange(size, device=query.device).view([-1 if at == d else 1 for at in range(4)])
        for d, size in enumerate(scores.shape)
    ]
    kept = block_mask[-1](*places, *mask_buffers)
    scores = torch.where(kept, score_mod(scores, *places, *score_buffers), -math.inf)
    sums = scores.logsumexp(-1)
    weights = torch._safe_softmax(scores, -1).to(query.dtype)
    module = import_module("torch._higher_order_ops.flex_attention")  # the package hides it
    out = module._permute_strides(weights @ value.to(query.dtype), query.stride())
    return out, sums / math.log(2), scores.amax(-1) / math.log(2)
