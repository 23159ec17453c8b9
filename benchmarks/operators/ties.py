"""Places of equal elements: where PyTorch leaves open which of them is named, any is right."""

from typing import Any

import torch

DIMENSION = {
    "argsort": 0, "kthvalue": 1, "median": 0, "mode": 0, "nanmedian": 0, "sort": 0, "topk": 1,
}  # fmt: skip
"""Operators whose last result is places along a dimension: its position among their arguments."""

DISTINCT = ("argsort", "sort", "topk")
"""Those whose places of one line are all different."""


def without_ties(name: str, sample: Any, expected: Any, got: Any) -> tuple[Any, Any]:
    """Both results; without their places where those name elements of the same values."""
    pair = isinstance(expected, list | tuple) and isinstance(got, list | tuple)
    if name not in DIMENSION or sample.kwargs.get("stable") or sample.input.dim() == 0:
        return expected, got
    if not pair and name != "argsort":
        return expected, got  # a value alone
    ours, theirs = (got[-1], expected[-1]) if pair else (got, expected)
    at = DIMENSION[name]
    dim = sample.kwargs.get("dim", sample.args[at] if len(sample.args) > at else -1)
    if not same_elements(sample.input, dim, theirs, ours, name in DISTINCT):
        return expected, got
    return (expected[:-1], got[:-1]) if pair else ([], [])


def same_elements(
    values: torch.Tensor, dim: int, theirs: torch.Tensor, ours: torch.Tensor, distinct: bool
) -> bool:
    if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
        return False
    if ours.dim() < values.dim():
        ours, theirs = ours.unsqueeze(dim), theirs.unsqueeze(dim)
    if ours.numel() and not 0 <= int(ours.min()) <= int(ours.max()) < values.shape[dim]:
        return False
    if distinct and bool((ours.sort(dim).values.diff(dim=dim) == 0).any()):
        return False
    a, b = values.gather(dim, ours), values.gather(dim, theirs)
    return bool(((a == b) | ((a != a) & (b != b))).all())
