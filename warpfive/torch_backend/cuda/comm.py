"""What ``nn.DataParallel`` and its communication ask of ``torch._C``, for the one chip there is."""

from collections.abc import Sequence
from typing import Any

import torch

from warpfive.torch_backend.cuda.device import only_zero

CPU = -1
"""What torch passes for the host where a device index is asked for."""


def _only_one(parts: Sequence[Any], what: str) -> None:
    if len(parts) != 1:
        raise RuntimeError(f"there is one chip, cuda:0; {len(parts)} {what} were asked for")


def broadcast(tensor: torch.Tensor, devices: Sequence[int]) -> list[torch.Tensor]:
    return [tensor.to("cuda") for _ in map(only_zero, devices)]


def broadcast_out(tensor: torch.Tensor, out: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    return [each.copy_(tensor) for each in out]


def broadcast_coalesced(
    tensors: Sequence[torch.Tensor], devices: Sequence[int], buffer_size: int
) -> list[list[torch.Tensor]]:
    return [[each.to("cuda") for each in tensors] for _ in map(only_zero, devices)]


def scatter(
    tensor: torch.Tensor,
    devices: Sequence[int],
    chunk_sizes: Sequence[int] | None,
    dim: int,
    streams: Sequence[Any] | None,
) -> list[torch.Tensor]:
    for device in devices:
        only_zero(device)
    _only_one(devices, "parts")
    return [tensor.to("cuda", non_blocking=True)]


def scatter_out(
    tensor: torch.Tensor, out: Sequence[torch.Tensor], dim: int, streams: Sequence[Any] | None
) -> list[torch.Tensor]:
    parts = tensor.split([each.size(dim) for each in out], dim)
    return [each.copy_(part) for each, part in zip(out, parts, strict=True)]


def gather(tensors: Sequence[torch.Tensor], dim: int, destination: int | None) -> torch.Tensor:
    joined = torch.cat(list(tensors), dim)
    return joined.cpu() if destination == CPU else joined


def gather_out(tensors: Sequence[torch.Tensor], out: torch.Tensor, dim: int) -> torch.Tensor:
    return out.copy_(torch.cat(list(tensors), dim))


NAMES: dict[str, Any] = {
    "_broadcast": broadcast,
    "_broadcast_out": broadcast_out,
    "_broadcast_coalesced": broadcast_coalesced,
    "_scatter": scatter,
    "_scatter_out": scatter_out,
    "_gather": gather,
    "_gather_out": gather_out,
}
