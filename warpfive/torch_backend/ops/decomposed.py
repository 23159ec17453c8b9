"""Operators that torch itself expresses by others (``torch._decomp``), which have kernels here."""

from typing import Any

import torch
from torch._decomp import decomposition_table

from warpfive.torch_backend.ops.registry import OPERATORS

FORWARD = (
    "_addmm_activation.out", "_weight_norm_interface", "binary_cross_entropy.out", "col2im.out",
    "im2col.out",
    "max_pool3d_with_indices.out", "max_unpool2d.out", "max_unpool3d.out", "multi_margin_loss.out",
    "multilabel_margin_loss_forward.output", "native_batch_norm.out", "nll_loss2d_forward.output",
    "split_with_sizes_copy.out",
)  # fmt: skip
GRADIENTS = (
    "batch_norm_backward", "binary_cross_entropy_backward",
    "binary_cross_entropy_backward.grad_input", "embedding_dense_backward",
    "gelu_backward.grad_input", "glu_backward", "glu_backward.grad_input", "log_sigmoid_backward",
    "log_sigmoid_backward.grad_input", "native_batch_norm_backward", "native_group_norm_backward",
    "native_layer_norm_backward", "nll_loss_backward.grad_input", "nll_loss2d_backward",
    "nll_loss2d_backward.grad_input", "reflection_pad1d_backward", "reflection_pad2d_backward",
    "reflection_pad3d_backward", "unfold_backward",
)  # fmt: skip


def decomposition(name: str) -> Any:
    base, _, overload = name.partition(".")
    return decomposition_table[getattr(getattr(torch.ops.aten, base), overload or "default")]


OPERATORS.update({name: decomposition(name) for name in FORWARD + GRADIENTS})
