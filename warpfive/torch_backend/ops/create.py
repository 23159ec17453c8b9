"""Tensors made from a rule: arange, and triangles of a matrix."""

import functools
import math

import torch
from torch import Tensor

from warpfive.torch_backend.ops.launch import Kernel, cpp, numbers
from warpfive.torch_backend.ops.registry import op

THREADS = 256

RAMP = """
struct Parameters { char *out; long count; double start, step; long whole_start, whole_step; };
extern "C" __global__ void k(const Parameters q) {
  const long i = (long)blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= q.count) return;
  if constexpr (is_real<X>::value)
    ((X *)q.out)[i] = to<X>(to<math_t<X>>(q.start + (double)i * q.step));
  else
    ((X *)q.out)[i] = to<X>(q.whole_start + i * q.whole_step);
}
"""

TRIANGLE = """
struct Parameters { char *out, *in; long count, rows, columns, diagonal, upper; };
extern "C" __global__ void k(const Parameters q) {
  const long i = (long)blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= q.count) return;
  const long column = i % q.columns, row = i / q.columns % q.rows;
  const bool kept = q.upper ? column - row >= q.diagonal : column - row <= q.diagonal;
  ((X *)q.out)[i] = kept ? ((const X *)q.in)[i] : X(0);
}
"""


@functools.cache
def ramp_kernel(dtype: torch.dtype) -> Kernel:
    return Kernel(f"{numbers(dtype)}\ntypedef {cpp(dtype)} X;\n{RAMP}", "Pqddqq")


@functools.cache
def triangle_kernel(dtype: torch.dtype) -> Kernel:
    return Kernel(f"{numbers(dtype)}\ntypedef {cpp(dtype)} X;\n{TRIANGLE}", "PPqqqqq")


def dense(out: Tensor) -> Tensor:
    """``out`` itself where it is contiguous, else a place to write that is copied to it."""
    if out.is_contiguous():
        return out
    return torch.empty(out.shape, dtype=out.dtype, device=out.device)


@op("arange.start_out")
def arange(start: float, end: float, step: float = 1, *, out: Tensor) -> Tensor:
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if (end - start) / step < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    if all(isinstance(value, int) for value in (start, end, step)):
        count = -((start - end) // step)
    else:
        count = math.ceil((end - start) / step)
    return ramp(start, step, count, out)


@op("range.out")
def range_with_end(start: float, end: float, step: float = 1, *, out: Tensor) -> Tensor:
    """From ``start`` to ``end``, which may be the last."""
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if (end - start) / step < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    return ramp(start, step, math.floor((end - start) / step) + 1, out)


def ramp(start: float, step: float, count: int, out: Tensor) -> Tensor:
    """``start + i step`` for each of ``count`` places."""
    if out.numel() != count:
        out.resize_((count,))
    if count:
        target = dense(out)
        ramp_kernel(out.dtype)(
            -(-count // THREADS), THREADS, target, count, float(start), float(step), int(start),
            int(step),
        )  # fmt: skip
        if target is not out:
            out.copy_(target.view(out.shape))
    return out


def triangle(self: Tensor, diagonal: int, out: Tensor, upper: int) -> Tensor:
    if out.numel():
        source, target = self.contiguous(), dense(out)
        triangle_kernel(out.dtype)(
            -(-out.numel() // THREADS), THREADS, target, source, out.numel(), self.shape[-2],
            self.shape[-1], diagonal, upper,
        )  # fmt: skip
        if target is not out:
            out.copy_(target)
    return out


@op("tril.out")
def tril(self: Tensor, diagonal: int = 0, *, out: Tensor) -> Tensor:
    return triangle(self, diagonal, out, 0)


@op("triu.out")
def triu(self: Tensor, diagonal: int = 0, *, out: Tensor) -> Tensor:
    return triangle(self, diagonal, out, 1)
