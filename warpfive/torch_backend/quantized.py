"""Linear layers whose weights are held in fp8, int8 or int4, for the chip.

Weights are quantised once, where they lie. int8: symmetric, a scale a row; fp8: E4M3, a scale a
row; int4: symmetric, a scale for every 128 weights of a row (a row, where 128 does not divide it).
"""

import torch
from torch import Tensor, nn

from warpfive.torch_backend import matmul

GROUP = 128
LARGEST = {"fp8": 448.0, "int8": 127.0, "int4": 7.0}


def quantize(weight: Tensor, form: str) -> tuple[Tensor, Tensor]:
    """(stored, scale) of a (rows, columns) weight: ``weight`` is about ``stored * scale``.

    ``stored`` is float8_e4m3fn or int8 of the same shape, or uint8 of half the columns with two
    numbers a byte, the first in the low half; ``scale`` is float32, (rows, groups).
    """
    rows, columns = weight.shape
    grouped = form == "int4" and columns % GROUP == 0
    parts = weight.float().reshape(rows, columns // GROUP if grouped else 1, -1)
    scale = parts.abs().amax(-1).clamp_min(1e-12) / LARGEST[form]
    scaled = (parts / scale.unsqueeze(-1)).reshape(rows, columns)
    if form == "fp8":
        return scaled.to(torch.float8_e4m3fn), scale
    numbers = scaled.round().to(torch.int8)
    if form == "int8":
        return numbers, scale
    if columns % 2:
        raise ValueError("int4 takes an even number of columns")
    halves = (numbers & 0xF).to(torch.uint8)
    return halves[:, 0::2] | (halves[:, 1::2] << 4), scale


class QuantizedLinear(nn.Module):
    """``nn.Linear`` with a quantised weight; activations keep their type."""

    def __init__(self, linear: nn.Linear, form: str) -> None:
        super().__init__()
        matmul.define()
        stored, scale = quantize(linear.weight.data, form)
        self.form = form
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self.register_buffer("weight", stored)
        self.register_buffer("scale", scale)
        self.bias = linear.bias

    def forward(self, x: Tensor) -> Tensor:
        rows = x.reshape(-1, self.in_features)
        out = torch.ops.warpfive.quantized_matmul(
            rows, self.weight, self.scale, self.bias, self.form
        )
        return out.reshape(*x.shape[:-1], self.out_features)

    def extra_repr(self) -> str:
        return f"{self.in_features}, {self.out_features}, {self.form}"


def quantize_linears(model: nn.Module, form: str) -> None:
    """Replaces every linear layer but the one that gives the logits."""
    head = model.get_output_embeddings() if hasattr(model, "get_output_embeddings") else None
    for module in list(model.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.Linear) and child is not head:
                setattr(module, name, QuantizedLinear(child, form))
