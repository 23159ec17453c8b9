"""``torch.compile(model, backend="warpfive")``."""

from collections.abc import Callable
from typing import Any

import torch

from warpfive.errors import InputError


def warpfive(graph: torch.fx.GraphModule, inputs: list[Any], **options: Any) -> Callable[..., Any]:
    """Compiles for the chip, as the default backend does for tensors that are on it.

    Raises:
        InputError: a tensor is on another device.
    """
    from torch._inductor.compile_fx import compile_fx

    tensors = [one for one in inputs if isinstance(one, torch.Tensor)]
    tensors += [*graph.parameters(), *graph.buffers()]
    elsewhere = sorted({str(one.device) for one in tensors if one.device.type != "cuda"})
    on_chip = any(one.device.type == "cuda" for one in tensors)
    if tensors and not on_chip:
        raise InputError(
            f'backend="warpfive" compiles for the chip, and the tensors are on {elsewhere[0]}; '
            'move the model and its inputs with .to("cuda")'
        )
    return compile_fx(graph, inputs, **options)
