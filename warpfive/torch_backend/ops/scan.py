"""Running totals along a dimension, and what is found by counting: nonzero, masked_select."""

import functools

import torch
from torch import Tensor

from warpfive.torch_backend.ops.launch import Kernel, cpp, numbers
from warpfive.torch_backend.ops.registry import op

THREADS = 256

SCAN = """
struct Parameters {
  char *out, *in;
  long length, inner, out_step, in_step;
};
struct Sum {
  static __device__ T start() { return (T)0; }
  static __device__ T join(T a, T b) { return a + b; }
};
struct Product {
  static __device__ T start() { return (T)1; }
  static __device__ T join(T a, T b) { return a * b; }
};
/// A block scans a line: every thread joins its own stretch, then goes on from those before it.
extern "C" __global__ void k(const Parameters q) {
  const long line = blockIdx.x, outer = line / q.inner, rest = line % q.inner;
  const X *in = (const X *)q.in + outer * q.length * q.in_step + rest;
  R *out = (R *)q.out + outer * q.length * q.out_step + rest;
  const long stretch = (q.length + THREADS - 1) / THREADS;
  const long first = threadIdx.x * stretch;
  const long end = first + stretch < q.length ? first + stretch : q.length;
  T total = F::start();
  for (long i = first; i < end; ++i) total = F::join(total, to<T>(to<R>(in[i * q.in_step])));
  __shared__ T totals[THREADS];
  totals[threadIdx.x] = total;
  __syncthreads();
  T running = F::start();
  const int warp = threadIdx.x / 32 * 32;
  for (int i = warp; i < threadIdx.x; ++i) running = F::join(running, totals[i]);
  __shared__ T of_warps[THREADS / 32];
  if (threadIdx.x % 32 == 31) of_warps[threadIdx.x / 32] = F::join(running, total);
  __syncthreads();
  T before = F::start();
  for (int i = 0; i < threadIdx.x / 32; ++i) before = F::join(before, of_warps[i]);
  running = F::join(before, running);
  for (long i = first; i < end; ++i) {
    running = F::join(running, to<T>(to<R>(in[i * q.in_step])));
    out[i * q.out_step] = to<R>(running);
  }
}
"""

FIND = """
struct Parameters {
  char *out, *in, *totals;
  long count, axes, found;
  long size[16];
};
/// Writes the index of every element that is not zero; `totals` counts them up to and with each.
extern "C" __global__ void k(const Parameters q) {
  const long i = (long)blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= q.count || !to<bool>(((const X *)q.in)[i])) return;
  const long place = ((const long *)q.totals)[i] - 1;
  long left = i;
  for (long axis = q.axes - 1; axis >= 0; --axis) {
    ((long *)q.out)[axis * q.found + place] = left % q.size[axis];
    left /= q.size[axis];
  }
}
"""


@functools.cache
def scan_kernel(joining: str, element: torch.dtype, result: torch.dtype) -> Kernel:
    types = f"typedef {cpp(element)} X; typedef {cpp(result)} R; typedef math_t<R> T;"
    head = f"{numbers(element, result)}\n{types}\n#define THREADS {THREADS}\n"
    return Kernel(head + SCAN.replace("F::", f"{joining}::"), "PPqqqq")


@functools.cache
def find_kernel(element: torch.dtype) -> Kernel:
    return Kernel(f"{numbers(element)}\ntypedef {cpp(element)} X;\n{FIND}", "PPPqqq" + "q" * 16)


def scan(joining: str, out: Tensor, self: Tensor, dim: int) -> Tensor:
    """``out[i] = self[0] + ... + self[i]`` along ``dim``, added up in ``out``'s type."""
    if self.dim() == 0:
        return out.copy_(self)
    if self.numel() == 0:
        return out
    dim %= self.dim()
    source = self.contiguous()
    target = out if out.is_contiguous() else torch.empty_like(
        out, memory_format=torch.contiguous_format
    )  # fmt: skip
    inner = source[(0,) * (dim + 1)].numel() if dim + 1 < source.dim() else 1
    length = source.shape[dim]
    scan_kernel(joining, source.dtype, target.dtype)(
        source.numel() // length, THREADS, target, source, length, inner, inner, inner
    )
    return out if target is out else out.copy_(target)


@op("cumsum.out")
def cumsum(self: Tensor, dim: int, *, dtype: torch.dtype | None = None, out: Tensor) -> Tensor:
    return scan("Sum", out, self, dim)


@op("cumprod.out")
def cumprod(self: Tensor, dim: int, *, dtype: torch.dtype | None = None, out: Tensor) -> Tensor:
    return scan("Product", out, self, dim)


@op("nonzero")
def nonzero(self: Tensor) -> Tensor:
    if self.numel() == 0:
        return torch.empty((0, self.dim()), dtype=torch.int64, device=self.device)
    source = self.contiguous().view(-1)
    totals = torch.empty(source.numel(), dtype=torch.int64, device=self.device)
    scan("Sum", totals, source != 0, 0)
    found = int(totals[-1])
    # Column by column in memory, as CUDA's result is.
    out = torch.empty((self.dim(), found), dtype=torch.int64, device=self.device)
    if found and self.dim():
        sizes = (*self.shape, *[1] * (16 - self.dim()))
        find_kernel(source.dtype)(
            -(-source.numel() // THREADS), THREADS, out, source, totals, source.numel(),
            self.dim(), found, *sizes,
        )  # fmt: skip
    return out.t()


@op("masked_select")
def masked_select(self: Tensor, mask: Tensor) -> Tensor:
    if mask.dtype != torch.bool:
        raise RuntimeError("masked_select: expected BoolTensor for mask")
    values, chosen = torch.broadcast_tensors(self, mask)
    return values.reshape(-1)[nonzero(chosen.reshape(-1))[:, 0]]


@op("masked_select.out")
def masked_select_out(self: Tensor, mask: Tensor, *, out: Tensor) -> Tensor:
    result = masked_select(self, mask)
    return out.resize_(result.shape).copy_(result)


@op("nonzero.out")
def nonzero_out(self: Tensor, *, out: Tensor) -> Tensor:
    result = nonzero(self)
    return out.resize_(result.shape).copy_(result)
