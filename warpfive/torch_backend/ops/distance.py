"""Distances between rows: a thread a pair."""

import functools
import math

import torch
from torch import Tensor

from warpfive.torch_backend.ops.launch import Kernel, cpp, numbers
from warpfive.torch_backend.ops.registry import op

THREADS = 128

DISTANCE = """
struct Parameters { char *out, *a, *b; long count, rows, others, width, triangle; double power; };
__device__ inline T joined(T sum, T gap, T power) {
  if (POWER == 0) return sum + (gap != (T)0 ? (T)1 : (T)0);
  if (POWER == 1) return sum + gap;
  if (POWER == 2) return sum + gap * gap;
  if (POWER == 3) return gap > sum || is_nan(gap) ? gap : sum;
  return sum + pow(gap, power);
}
extern "C" __global__ void k(const Parameters q) {
  const long i = (long)blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= q.count) return;
  long row, other, batch = 0;
  if (q.triangle) {
    // Pair i of the upper triangle without its diagonal, counted row by row.
    const double n = (double)q.rows - 0.5;
    row = (long)(n - sqrt(n * n - 2 * (double)i - 1));
    while (row > 0 && row * (2 * q.rows - row - 1) / 2 > i) --row;
    while ((row + 1) * (2 * q.rows - row - 2) / 2 <= i) ++row;
    other = i - row * (2 * q.rows - row - 1) / 2 + row + 1;
  } else {
    other = i % q.others;
    row = i / q.others % q.rows;
    batch = i / q.others / q.rows;
  }
  const X *a = (const X *)q.a + (batch * q.rows + row) * q.width;
  const X *b = (const X *)q.b + (batch * (q.triangle ? q.rows : q.others) + other) * q.width;
  T sum = 0;
  for (long j = 0; j < q.width; ++j) sum = joined(sum, fabs(to<T>(a[j]) - to<T>(b[j])), (T)q.power);
  if (POWER == 2) sum = sqrt(sum);
  if (POWER == 4) sum = pow(sum, (T)1 / (T)q.power);
  ((X *)q.out)[i] = to<X>(sum);
}
"""


@functools.cache
def distance_kernel(dtype: torch.dtype, power: int) -> Kernel:
    head = f"{numbers()}\ntypedef {cpp(dtype)} X; typedef math_t<X> T;\n#define POWER {power}\n"
    return Kernel(head + DISTANCE, "PPPqqqqqd")


def distances(out: Tensor, a: Tensor, b: Tensor, p: float, triangle: bool) -> Tensor:
    """``a`` (..., rows, width), ``b`` (..., others, width) into ``out``, all contiguous."""
    if out.numel():
        kind = 3 if math.isinf(p) else int(p) if p in (0, 1, 2) else 4
        distance_kernel(a.dtype, kind)(
            -(-out.numel() // THREADS), THREADS, out, a, b, out.numel(), a.shape[-2], b.shape[-2],
            a.shape[-1], int(triangle), float(p),
        )  # fmt: skip
    return out


@op("_cdist_forward")
def cdist(x1: Tensor, x2: Tensor, p: float, compute_mode: int | None = None) -> Tensor:
    if p < 0:
        raise RuntimeError("cdist only supports non-negative p values")
    batch = torch.broadcast_shapes(x1.shape[:-2], x2.shape[:-2])
    a, b = (x.expand(*batch, *x.shape[-2:]).contiguous() for x in (x1, x2))
    shape = (*batch, a.shape[-2], b.shape[-2])
    return distances(torch.zeros(shape, dtype=a.dtype, device=a.device), a, b, p, False)


NARROW = 32
"""Rows up to this width are compared directly: a product of matrices would save little and cancels
where rows are near each other."""


@op("_euclidean_dist")
def euclidean(x1: Tensor, x2: Tensor) -> Tensor:
    """Of wide rows as sqrt(|a|^2 + |b|^2 - 2 a b)."""
    if x1.shape[-1] <= NARROW:
        return cdist(x1, x2, 2.0)
    squares = x1.square().sum(-1, keepdim=True) + x2.square().sum(-1, keepdim=True).mT
    return (squares - 2 * (x1 @ x2.mT)).clamp(min=0).sqrt()


@op("_pdist_forward")
def pdist(self: Tensor, p: float = 2) -> Tensor:
    rows = self.contiguous()
    pairs = len(rows) * (len(rows) - 1) // 2
    return distances(torch.zeros(pairs, dtype=self.dtype, device=self.device), rows, rows, p, True)
