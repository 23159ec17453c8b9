"""Fused optimisers against the plain ones of PyTorch on the host."""

from typing import Any

import pytest
import torch

CASES = [
    (torch.optim.Adam, {"weight_decay": 0.1}),
    (torch.optim.Adam, {"amsgrad": True, "maximize": True}),
    (torch.optim.AdamW, {"weight_decay": 0.2, "betas": (0.8, 0.95)}),
    (torch.optim.SGD, {}),
    (torch.optim.SGD, {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    (torch.optim.SGD, {"momentum": 0.9, "dampening": 0.2, "maximize": True}),
    (torch.optim.Adagrad, {"lr_decay": 0.1, "weight_decay": 0.1}),
]


@pytest.mark.parametrize(("kind", "options"), CASES)
def test_steps(kind: Any, options: dict[str, Any]) -> None:
    torch.manual_seed(1)
    starts = [torch.randn(300), torch.randn(7, 5).t(), torch.randn(2, 3, 4)]
    plain = [x.clone().requires_grad_() for x in starts]
    chip = [x.cuda().requires_grad_() for x in starts]
    judge = kind(plain, lr=0.05, **options)
    fused = kind(chip, lr=0.05, fused=True, **options)
    for _ in range(3):
        for ours, theirs in zip(chip, plain, strict=True):
            theirs.grad = torch.randn_like(theirs)
            ours.grad = theirs.grad.cuda()
        judge.step()
        fused.step()
    for ours, theirs in zip(chip, plain, strict=True):
        torch.testing.assert_close(ours.cpu(), theirs)


def test_scaled_gradients_and_those_that_overflow() -> None:
    p = torch.ones(4, device="cuda", requires_grad=True)
    optimiser = torch.optim.SGD([p], lr=0.5, fused=True)
    scaler = torch.amp.GradScaler("cuda", init_scale=8.0)
    for grad, left in (([1.0, 2, 3, 4], [0.5, 0, -0.5, -1]), ([1.0, float("inf"), 1, 1], None)):
        before = p.detach().clone()
        p.grad = None
        scaler.scale((p * torch.tensor(grad, device="cuda")).sum()).backward()
        scaler.step(optimiser)
        scaler.update()
        expected = before if left is None else torch.tensor(left, device="cuda")
        torch.testing.assert_close(p.detach(), expected)
