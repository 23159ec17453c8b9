"""Cells of recurrent networks, which torch keeps as one operator on a CUDA device."""

import torch
from torch import Tensor

from warpfive.torch_backend.ops.registry import op


def with_bias(gates: Tensor, bias: Tensor | None) -> Tensor:
    return gates if bias is None else gates + bias


@op("_thnn_fused_lstm_cell")
def lstm_cell(
    input_gates: Tensor, hidden_gates: Tensor, cx: Tensor, input_bias: Tensor | None = None,
    hidden_bias: Tensor | None = None,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """Hidden state, cell state, and the four gates after their functions."""
    gates = with_bias(input_gates, input_bias) + with_bias(hidden_gates, hidden_bias)
    enter, forget, candidate, leave = gates.chunk(4, 1)
    enter, forget, leave = enter.sigmoid(), forget.sigmoid(), leave.sigmoid()
    candidate = candidate.tanh()
    cell = forget * cx + enter * candidate
    return leave * cell.tanh(), cell, torch.cat([enter, forget, candidate, leave], 1)


@op("_thnn_fused_gru_cell")
def gru_cell(
    input_gates: Tensor, hidden_gates: Tensor, hx: Tensor, input_bias: Tensor | None = None,
    hidden_bias: Tensor | None = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Hidden state, and what the backward pass would want of the gates."""
    entering = with_bias(input_gates, input_bias).chunk(3, 1)
    hidden = with_bias(hidden_gates, hidden_bias).chunk(3, 1)
    reset = (entering[0] + hidden[0]).sigmoid()
    update = (entering[1] + hidden[1]).sigmoid()
    new = (entering[2] + reset * hidden[2]).tanh()
    state = new + update * (hx - new)
    return state, torch.cat([reset, update, new, hx, hidden[2]], 1)
