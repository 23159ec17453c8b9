"""Looking values up in sorted sequences, and counting them into bins."""

import functools
from typing import Any

import torch
from torch import Tensor

from warpfive.torch_backend.ops.launch import Kernel, cpp, numbers
from warpfive.torch_backend.ops.registry import op

THREADS = 128

SEARCH = """
struct Parameters { char *out, *edges, *values, *order; long count, each, length, right, one; };
/// First place whose element is not less than (`right`: is greater than) the value.
extern "C" __global__ void k(const Parameters q) {
  const long i = (long)blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= q.count) return;
  const long row = q.one ? 0 : i / q.each * q.length;
  const X *edges = (const X *)q.edges + row;
  const long *order = q.order ? (const long *)q.order + row : nullptr;
  const T value = to<T>(((const X *)q.values)[i]);
  long low = 0, high = q.length;
  while (low < high) {
    const long middle = (low + high) / 2;
    const T edge = to<T>(edges[order ? order[middle] : middle]);
    const bool further = q.right ? !(edge > value) && !(is_nan(edge) && !is_nan(value))
                                 : !(edge >= value) && !is_nan(edge);
    if (further) low = middle + 1;
    else high = middle;
  }
  ((long *)q.out)[i] = low;
}
"""


@functools.cache
def search_kernel(dtype: torch.dtype) -> Kernel:
    return Kernel(
        f"{numbers()}\ntypedef {cpp(dtype)} X; typedef math_t<X> T;\n{SEARCH}", "PPPPqqqqq"
    )


def search(edges: Tensor, values: Tensor, right: bool, order: Tensor | None = None) -> Tensor:
    """Places in ``edges`` (..., n), a sequence for all or one for each row of ``values``."""
    if edges.dtype != values.dtype:
        raise RuntimeError(
            "torch.searchsorted(): boundary tensor and input value tensor should have same dtype, "
            f"but got boundary tensor dtype {edges.dtype} and input value tensor dtype "
            f"{values.dtype}"
        )
    if edges.dim() != 1 and (
        edges.dim() != values.dim() or edges.shape[:-1] != values.shape[:-1]
    ):
        raise RuntimeError(
            "torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 "
            "dimensions of boundaries tensor and input value tensor must match, but we got "
            f"boundaries tensor {list(edges.shape)} and input value tensor {list(values.shape)}"
        )
    out = torch.empty(values.shape, dtype=torch.int64, device=values.device)
    if out.numel():
        search_kernel(values.dtype)(
            -(-out.numel() // THREADS), THREADS, out, edges.contiguous(), values.contiguous(),
            0 if order is None else order.contiguous(), out.numel(),
            values.shape[-1] if values.dim() else 1, edges.shape[-1], int(right),
            int(edges.dim() == 1),
        )  # fmt: skip
    return out


@op("searchsorted.Tensor")
def searchsorted(
    sorted_sequence: Tensor, self: Tensor, *, out_int32: bool = False, right: bool = False,
    side: str | None = None, sorter: Tensor | None = None,
) -> Tensor:  # fmt: skip
    if side not in (None, "left", "right"):
        raise RuntimeError(
            f"torch.searchsorted(): side can only be 'left' or 'right' but got {side}"
        )
    if side == "left" and right:
        raise RuntimeError(
            "torch.searchsorted(): side and right can't be set to opposites, got side of left "
            "while right was True"
        )
    found = search(sorted_sequence, self, right or side == "right", sorter)
    return found.int() if out_int32 else found


@op("searchsorted.Tensor_out")
def searchsorted_out(
    sorted_sequence: Tensor, self: Tensor, *, out: Tensor, **options: Any
) -> Tensor:
    result = searchsorted(sorted_sequence, self, **options)
    return out.resize_(result.shape).copy_(result)


@op("searchsorted.Scalar")
def searchsorted_scalar(sorted_sequence: Tensor, self: float, **options: Any) -> Tensor:
    value = torch.tensor(self, dtype=sorted_sequence.dtype, device=sorted_sequence.device)
    return searchsorted(sorted_sequence, value, **options)


@op("bucketize.Tensor")
def bucketize(
    self: Tensor, boundaries: Tensor, *, out_int32: bool = False, right: bool = False
) -> Tensor:
    if boundaries.dim() != 1:
        raise RuntimeError(
            f"boundaries tensor must be 1 dimension, but got dim({boundaries.dim()})"
        )
    found = search(boundaries, self, right)
    return found.int() if out_int32 else found


@op("bucketize.Tensor_out")
def bucketize_out(self: Tensor, boundaries: Tensor, *, out: Tensor, **options: Any) -> Tensor:
    result = bucketize(self, boundaries, **options)
    return out.resize_(result.shape).copy_(result)


@op("bucketize.Scalar")
def bucketize_scalar(self: float, boundaries: Tensor, **options: Any) -> Tensor:
    value = torch.tensor(self, dtype=boundaries.dtype, device=boundaries.device)
    return bucketize(value, boundaries, **options)


@op("bincount")
def bincount(self: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    if self.dim() != 1 or self.is_floating_point():
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    if self.numel() and int(self.min()) < 0:
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    length = max(minlength, int(self.max()) + 1 if self.numel() else 0)
    if weights is None:
        weights = torch.ones_like(self, dtype=torch.int64)
    elif weights.dtype != torch.float32:
        weights = weights.double()
    out = torch.zeros(length, dtype=weights.dtype, device=self.device)
    return out.scatter_add_(0, self.long(), weights)


def counted(self: Tensor, edges: Tensor, weight: Tensor | None, density: bool) -> Tensor:
    """How much weight lies in each bin; the last bin has both its edges."""
    values = self.reshape(-1)
    bins = len(edges) - 1
    place = search(edges, values, True) - 1
    place = torch.where(values == edges[-1], bins - 1, place)
    inside = (place >= 0) & (place < bins) & (values <= edges[-1])
    parts = torch.ones_like(values) if weight is None else weight.reshape(-1)
    out = torch.zeros(bins, dtype=self.dtype, device=self.device)
    out.scatter_add_(0, place.clamp(0, bins - 1), torch.where(inside, parts, 0).to(self.dtype))
    return out / (out.sum() * edges.diff()) if density else out


def edges_between(self: Tensor, bins: int, low: float, high: float) -> Tensor:
    return torch.linspace(low, high, bins + 1, dtype=self.dtype, device=self.device)


def limits(self: Tensor) -> tuple[float, float]:
    """Least and greatest value, one apart from their middle where they are the same."""
    if self.numel() == 0:
        return 0.0, 1.0
    low, high = float(self.min()), float(self.max())
    return (low - 0.5, high + 0.5) if low == high else (low, high)


@op("histc")
def histc(self: Tensor, bins: int = 100, min: float = 0, max: float = 0) -> Tensor:
    if bins <= 0:
        raise RuntimeError("bins must be > 0")
    low, high = float(min), float(max)
    if low == high and self.numel():
        low, high = float(self.min()), float(self.max())
    if low == high:
        low, high = low - 1, high + 1
    if not low <= high:
        raise RuntimeError("max must be larger than min")
    # The same rule as CPU and CUDA: a bin from the distance to the least, not from edges.
    values = self.reshape(-1).to(torch.promote_types(self.dtype, torch.float32))
    place = ((values - low) * bins / (high - low)).floor().long()
    place = torch.where(place == bins, bins - 1, place)
    inside = (values >= low) & (values <= high)
    out = torch.zeros(bins, dtype=self.dtype, device=self.device)
    ones = torch.where(inside, 1, 0).to(self.dtype)
    return out.scatter_add_(0, torch.where(inside, place, 0), ones)


@op("histogram.bin_ct")
def histogram_counted(
    self: Tensor, bins: int = 100, *, range: list[float] | None = None,
    weight: Tensor | None = None, density: bool = False,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    edges = edges_between(self, bins, *(range or limits(self)))
    return counted(self, edges, weight, density), edges


@op("histogram.bins_tensor")
def histogram(
    self: Tensor, bins: Tensor, *, weight: Tensor | None = None, density: bool = False
) -> tuple[Tensor, Tensor]:
    return counted(self, bins, weight, density), bins.clone()


@op("_histogramdd_bin_edges")
def bin_edges(
    self: Tensor, bins: list[int], *, range: list[float] | None = None,
    weight: Tensor | None = None, density: bool = False,
) -> list[Tensor]:  # fmt: skip
    rows = self.reshape(-1, self.shape[-1])
    return [
        edges_between(self, count, *(range[2 * i : 2 * i + 2] if range else limits(rows[:, i])))
        for i, count in enumerate(bins)
    ]


@op("_histogramdd_from_bin_cts")
def histogramdd_counted(
    self: Tensor, bins: list[int], *, range: list[float] | None = None,
    weight: Tensor | None = None, density: bool = False,
) -> Tensor:  # fmt: skip
    return histogramdd(self, bin_edges(self, bins, range=range), weight=weight, density=density)


@op("_histogramdd_from_bin_tensors")
def histogramdd(
    self: Tensor, bins: list[Tensor], *, weight: Tensor | None = None, density: bool = False
) -> Tensor:
    rows = self.reshape(-1, self.shape[-1])
    place = torch.zeros(len(rows), dtype=torch.int64, device=self.device)
    inside = torch.ones(len(rows), dtype=torch.bool, device=self.device)
    for i, edges in enumerate(bins):
        column, count = rows[:, i].contiguous(), len(edges) - 1
        at = search(edges, column, True) - 1
        at = torch.where(column == edges[-1], count - 1, at)
        inside &= (at >= 0) & (at < count) & (column <= edges[-1])
        place = place * count + at.clamp(0, count - 1)
    shape = [len(edges) - 1 for edges in bins]
    parts = torch.ones(len(rows), dtype=self.dtype, device=self.device)
    parts = parts if weight is None else weight.reshape(-1).to(self.dtype)
    out = torch.zeros(torch.Size(shape).numel(), dtype=self.dtype, device=self.device)
    out = out.scatter_add_(0, place, torch.where(inside, parts, 0)).reshape(shape)
    if density:
        out = out / out.sum()
        for i, edges in enumerate(bins):
            out = out / edges.diff().reshape([-1 if i == j else 1 for j in range(len(shape))])
    return out
