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


@op("_thnn_fused_lstm_cell_backward_impl")
def lstm_cell_backward(
    grad_hy: Tensor | None, grad_cy: Tensor | None, cx: Tensor, cy: Tensor, workspace: Tensor,
    has_bias: bool,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """Gradients of the gates before their functions, of the cell state, and of the biases."""
    enter, forget, candidate, leave = workspace.chunk(4, 1)
    of_hidden = torch.zeros_like(cx) if grad_hy is None else grad_hy
    seen = cy.tanh()
    of_cell = of_hidden * leave * (1 - seen * seen)
    of_cell = of_cell if grad_cy is None else of_cell + grad_cy
    gates = torch.cat([
        of_cell * candidate * enter * (1 - enter), of_cell * cx * forget * (1 - forget),
        of_cell * enter * (1 - candidate * candidate), of_hidden * seen * leave * (1 - leave),
    ], 1)  # fmt: skip
    return gates, of_cell * forget, gates.sum(0) if has_bias else gates.new_empty(0)


@op("_thnn_fused_gru_cell_backward")
def gru_cell_backward(
    grad_hy: Tensor, workspace: Tensor, has_bias: bool
) -> tuple[Tensor | None, ...]:
    """Gradients of both gates before their functions, of the state, and of both biases."""
    reset, update, new, hx, hidden = workspace.chunk(5, 1)
    of_new = grad_hy * (1 - update) * (1 - new * new)
    of_reset = of_new * hidden * reset * (1 - reset)
    of_update = grad_hy * (hx - new) * update * (1 - update)
    entering = torch.cat([of_reset, of_update, of_new], 1)
    inside = torch.cat([of_reset, of_update, of_new * reset], 1)
    biases = (entering.sum(0), inside.sum(0)) if has_bias else (None, None)
    return entering, inside, grad_hy * update, *biases
