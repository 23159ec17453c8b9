"""``out`` forms, and in-place ones, of operators that have a functional form here."""

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from warpfive.torch_backend.ops.registry import op

PLACES = {
    "histc.out": ("histc", "out"),
    "multi_margin_loss_backward.grad_input": ("multi_margin_loss_backward", "grad_input"),
    "multilabel_margin_loss_backward.grad_input": ("multilabel_margin_loss_backward", "grad_input"),
    "nonzero_static.out": ("nonzero_static", "out"),
    "reflection_pad1d_backward.grad_input": ("reflection_pad1d_backward", "grad_input"),
    "reflection_pad2d_backward.grad_input": ("reflection_pad2d_backward", "grad_input"),
    "reflection_pad3d_backward.grad_input": ("reflection_pad3d_backward", "grad_input"),
    "rrelu_with_noise.out": ("rrelu_with_noise", "out"),
    "searchsorted.Scalar_out": ("searchsorted.Scalar", "out"),
}
"""The ``out`` form: the functional one, and the argument that takes the result."""


def overload(name: str) -> Callable[..., Tensor]:
    base, _, rest = name.partition(".")
    return getattr(getattr(torch.ops.aten, base), rest or "default")


def into(functional: str, place: str) -> Callable[..., Tensor]:
    def call(*arguments: Any, **named: Any) -> Tensor:
        out = named.pop(place)
        result = overload(functional)(*arguments, **named)
        return out.resize_(result.shape).copy_(result)

    return functools.wraps(overload(functional))(call)


for name, (functional, place) in PLACES.items():
    op(name)(into(functional, place))


@op("rrelu_with_noise_")
def rrelu(self: Tensor, noise: Tensor, *settings: Any, **named: Any) -> Tensor:
    return self.copy_(overload("rrelu_with_noise")(self, noise, *settings, **named))
