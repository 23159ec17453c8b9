"""Losses that PyTorch has one operator for."""

import torch
from torch import Tensor

from warpfive.torch_backend.ops.narrow import widened
from warpfive.torch_backend.ops.registry import op

NONE, MEAN, SUM = 0, 1, 2


def reduced(values: Tensor, reduction: int) -> Tensor:
    return values.mean() if reduction == MEAN else values.sum() if reduction == SUM else values


def likelihood(
    self: Tensor, target: Tensor, weight: Tensor | None, reduction: int, ignore_index: int
) -> tuple[Tensor, Tensor]:
    """The loss and the weight it was divided by; classes along dimension 1 (0 of a vector)."""
    dim = 0 if self.dim() == 1 else 1
    counts = target != ignore_index
    chosen = torch.where(counts, target, 0)
    if chosen.numel() and not 0 <= int(chosen.min()) <= int(chosen.max()) < self.shape[dim]:
        bad = int(chosen.min()) if int(chosen.min()) < 0 else int(chosen.max())
        raise IndexError(f"Target {bad} is out of bounds.")
    picked = self.gather(dim, chosen.unsqueeze(dim)).squeeze(dim)
    scale = torch.ones_like(picked) if weight is None else weight[chosen].to(picked.dtype)
    scale = torch.where(counts, scale, 0)
    total = scale.sum()
    losses = torch.where(counts, -picked * scale, 0)
    if reduction == NONE:
        return losses, torch.zeros_like(total)
    return losses.sum() / total if reduction == MEAN else losses.sum(), total


@op("nll_loss_forward.output")
@widened
def nll_loss(
    self: Tensor, target: Tensor, weight: Tensor | None, reduction: int, ignore_index: int, *,
    output: Tensor, total_weight: Tensor,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    loss, total = likelihood(self, target, weight, reduction, ignore_index)
    return output.copy_(loss), total_weight.copy_(total)


@op("nll_loss2d_forward")
@widened
def nll_loss2d(
    self: Tensor, target: Tensor, weight: Tensor | None, reduction: int, ignore_index: int
) -> tuple[Tensor, Tensor]:
    return likelihood(self, target, weight, reduction, ignore_index)


@op("binary_cross_entropy")
@widened
def binary_cross_entropy(
    self: Tensor, target: Tensor, weight: Tensor | None = None, reduction: int = MEAN
) -> Tensor:
    low = torch.log1p(-self).clamp(min=-100)
    losses = (target - 1) * low - target * torch.log(self).clamp(min=-100)
    return reduced(losses if weight is None else losses * weight, reduction)


@op("multi_margin_loss")
@widened
def multi_margin_loss(
    self: Tensor, target: Tensor, p: float = 1, margin: float = 1, weight: Tensor | None = None,
    reduction: int = MEAN,
) -> Tensor:  # fmt: skip
    rows = self.reshape(-1, self.shape[-1] if self.dim() else 1)
    chosen = target.reshape(-1)
    gaps = (margin - rows.gather(1, chosen[:, None]) + rows).clamp(min=0)
    gaps = gaps if p == 1 else gaps * gaps
    gaps = gaps if weight is None else gaps * weight[chosen][:, None]
    losses = gaps.scatter(1, chosen[:, None], 0).sum(1) / rows.shape[1]
    return reduced(losses.reshape(target.shape), reduction)


@op("multilabel_margin_loss_forward")
@widened
def multilabel_margin_loss(
    self: Tensor, target: Tensor, reduction: int
) -> tuple[Tensor, Tensor]:
    rows, labels = (t.reshape(-1, t.shape[-1] if t.dim() else 1) for t in (self, target))
    # Labels count up to the first negative one.
    valid = (labels < 0).long().cumsum(1) == 0
    places = torch.where(valid, labels, 0)
    is_target = torch.zeros_like(rows).scatter_add_(1, places, valid.to(rows.dtype)) > 0
    wanted = rows.gather(1, places)
    gaps = (1 - wanted[:, :, None] + rows[:, None, :]).clamp(min=0)
    counted = valid[:, :, None] & ~is_target[:, None, :]
    losses = torch.where(counted, gaps, 0).sum((1, 2)) / rows.shape[1]
    shape = self.shape[:-1] if self.dim() > 1 else ()
    return reduced(losses.reshape(shape), reduction), is_target.to(self.dtype).reshape(target.shape)


@op("log_sigmoid_forward")
def log_sigmoid(self: Tensor) -> tuple[Tensor, Tensor]:
    out = torch.empty_like(self)
    torch.ops.warpfive.pointwise("log_sigmoid", [out], [self], [])
    return out, self.new_empty(0)


@op("log_sigmoid_forward.output")
def log_sigmoid_out(self: Tensor, *, output: Tensor, buffer: Tensor) -> tuple[Tensor, Tensor]:
    output.resize_(self.shape)
    torch.ops.warpfive.pointwise("log_sigmoid", [output], [self], [])
    return output, buffer
