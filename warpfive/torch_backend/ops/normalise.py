"""Layer, batch and group normalisation, by the kernel library; float64 by torch's own operators."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from warpfive.torch_backend.matmul import TYPES
from warpfive.torch_backend.ops.library import library_call
from warpfive.torch_backend.ops.registry import op

NARROW = (torch.float32, torch.float16, torch.bfloat16)


@op("native_layer_norm")
def layer_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None, bias: Tensor | None,
    eps: float,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """Normalises the last dimensions; also each row's mean and 1 / deviation, float32 for floats
    of 16 bits."""
    dims = len(normalized_shape)
    outer = input.shape[: input.dim() - dims]
    if input.dtype not in NARROW or not input.numel():
        over = tuple(range(input.dim() - dims, input.dim()))
        variance, mean = torch.var_mean(input, over, correction=0, keepdim=True)
        rstd = torch.rsqrt(variance + eps)
        return affine((input - mean) * rstd, weight, bias), mean, rstd
    x = input.contiguous()
    out = torch.empty_like(x)
    mean = x.new_empty((*outer, *[1] * dims), dtype=torch.float32)
    rstd = torch.empty_like(mean)
    cols = math.prod(normalized_shape)
    library_call(
        "layer_norm", out, x, typed(weight, x), typed(bias, x), mean, rstd, TYPES[x.dtype],
        mean.numel(), cols, cols, cols, eps,
    )  # fmt: skip
    return out, mean, rstd


@op("native_group_norm")
def group_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, N: int, C: int, HxW: int,
    group: int, eps: float,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    x = input.contiguous()
    if x.dtype not in NARROW or not x.numel():
        rows = x.view(N, group, -1)
        variance, mean = torch.var_mean(rows, 2, correction=0, keepdim=True)
        rstd = torch.rsqrt(variance + eps)
        whole = ((rows - mean) * rstd).view(N, C, HxW)
        out = affine(whole, column(weight, 3), column(bias, 3)).view(x.shape)
        return out, mean.view(N, group), rstd.view(N, group)
    out = torch.empty_like(x)
    mean = x.new_empty((N, group), dtype=torch.float32)
    rstd = torch.empty_like(mean)
    library_call(
        "group_norm", out, x, typed(weight, x), typed(bias, x), mean, rstd, TYPES[x.dtype], N, C,
        HxW, group, eps,
    )  # fmt: skip
    return out, mean, rstd


@op("native_batch_norm")
def batch_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, running_mean: Tensor | None,
    running_var: Tensor | None, training: bool, momentum: float, eps: float,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """With the running statistics; in training with the batch's, which also move the running."""
    if training or running_mean is None or running_var is None:
        over = [d for d in range(input.dim()) if d != 1]
        wide = input.float() if input.dtype in NARROW else input
        variance, mean = torch.var_mean(wide, over, correction=0)
        count = input.numel() // max(input.shape[1], 1)
        if training and running_mean is not None and running_var is not None:
            unbiased = variance * (count / max(count - 1, 1))
            running_mean.lerp_(mean.to(running_mean.dtype), momentum)
            running_var.lerp_(unbiased.to(running_var.dtype), momentum)
        saved = mean, torch.rsqrt(variance + eps)
    else:
        mean, variance = running_mean, running_var
        saved = input.new_empty(0), input.new_empty(0)
    return normalised(input, mean, variance, weight, bias, eps), *saved


@op("_native_batch_norm_legit")
def batch_norm_legit(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, running_mean: Tensor,
    running_var: Tensor, training: bool, momentum: float, eps: float,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    return batch_norm(
        input, weight, bias, running_mean, running_var, training, momentum, eps
    )


@op("_native_batch_norm_legit.no_stats")
def batch_norm_no_stats(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, training: bool, momentum: float,
    eps: float,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    return batch_norm(input, weight, bias, None, None, training, momentum, eps)


@op("_batch_norm_with_update")
def batch_norm_with_update(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, running_mean: Tensor,
    running_var: Tensor, momentum: float, eps: float,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
    found = batch_norm(input, weight, bias, running_mean, running_var, True, momentum, eps)
    return *found, torch.empty(0, dtype=torch.uint8, device=input.device)


def normalised(
    input: Tensor, mean: Tensor, variance: Tensor, weight: Tensor | None, bias: Tensor | None,
    eps: float,
) -> Tensor:  # fmt: skip
    if input.dtype not in NARROW or not input.numel():
        rank = input.dim()
        scaled = (input - column(mean, rank)) * torch.rsqrt(column(variance, rank) + eps)
        return affine(scaled, column(weight, rank), column(bias, rank)).to(input.dtype)
    x = input.contiguous()
    out = torch.empty_like(x)
    images, channels = x.shape[:2]
    others = [one.float().contiguous() if one is not None else None
              for one in (mean, variance, weight, bias)]  # fmt: skip
    library_call(
        "batch_norm", out, x, *others, 1, TYPES[x.dtype], images, channels,
        x.numel() // (images * channels), eps,
    )  # fmt: skip
    return out


def typed(parameter: Tensor | None, x: Tensor) -> Tensor | None:
    return None if parameter is None else parameter.to(x.dtype).contiguous()


def column(parameter: Tensor | None, rank: int) -> Tensor | None:
    """One value a channel, for a tensor of ``rank`` dimensions."""
    return None if parameter is None else parameter.view(1, -1, *[1] * (rank - 2))


def affine(x: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    x = x if weight is None else x * weight
    return x if bias is None else x + bias
