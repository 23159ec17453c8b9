"""What ``torch.amp.GradScaler`` asks of a device."""

import torch
from torch import Tensor

from warpfive.torch_backend.ops.registry import op


@op("_amp_foreach_non_finite_check_and_unscale_")
def unscale(self: list[Tensor], found_inf: Tensor, inv_scale: Tensor) -> None:
    """Multiplies all by ``inv_scale``; ``found_inf`` becomes 1 where one was not finite."""
    for grad in self:
        found_inf.copy_(torch.maximum(found_inf, (~torch.isfinite(grad)).any().to(torch.float32)))
        grad.mul_(inv_scale)


@op("_amp_update_scale_")
def update_scale(
    self: Tensor, growth_tracker: Tensor, found_inf: Tensor, scale_growth_factor: float,
    scale_backoff_factor: float, growth_interval: int,
) -> Tensor:  # fmt: skip
    """Shrinks the scale after a step that overflowed, grows it after a number that did not."""
    bad = found_inf > 0
    steps = torch.where(bad, 0, growth_tracker + 1)
    due = steps == growth_interval
    grown = self * scale_growth_factor
    grown = torch.where(due & torch.isfinite(grown), grown, self)
    self.copy_(torch.where(bad, self * scale_backoff_factor, grown))
    growth_tracker.copy_(torch.where(due, 0, steps))
    return self
