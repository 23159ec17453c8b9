"""Gradients of sampling images at places that a grid names (``grid.py``)."""

import functools
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from warpfive.torch_backend.ops.grid import PLACES, THREADS, settings
from warpfive.torch_backend.ops.launch import Kernel
from warpfive.torch_backend.ops.pool import planes
from warpfive.torch_backend.ops.registry import op

BACK = (
    PLACES
    + """
struct Parameters {
  char *of_input, *of_grid, *grad, *in, *grid;
  long count, channels, each, size[3], stride[5];
};
/// d unnormal / d x.
__device__ inline T stretch(long size) { return (T)(CORNERS ? size - 1 : size) / (T)2; }
/// d placed / d x: 0 where a border holds it, -1 where it runs back.
__device__ inline T slope(T x, long size) {
  T sign = 1;
  if (PADDING == 2) {
    const T low = CORNERS ? (T)0 : (T)-0.5, high = CORNERS ? (T)(size - 1) : (T)size - (T)0.5;
    if (low == high) return 0;
    if (x < low) sign = -1;
    if ((long)floor(fabs(x - low) / (high - low)) % 2) sign = -sign;
    x = reflected(x, low, high);
  }
  return PADDING && (x <= (T)0 || x >= (T)(size - 1)) ? (T)0 : sign;
}
/// d weight / d x, of Keys' cubic convolution.
__device__ inline T weight_slope(T x, T a) {
  const T sign = x < (T)0 ? (T)-1 : (T)1;
  x = fabs(x);
  if (x < (T)1) return sign * ((T)3 * (a + (T)2) * x - (T)2 * (a + (T)3)) * x;
  if (x < (T)2) return sign * (((T)3 * a * x - (T)10 * a) * x + (T)8 * a);
  return 0;
}
__device__ inline void give(T *to, const Parameters &q, long z, long y, long x, T value) {
  const bool inside = z >= 0 && z < q.size[0] && y >= 0 && y < q.size[1] && x >= 0 && x < q.size[2];
  if (inside) atomicAdd(to + (z * q.size[1] + y) * q.size[2] + x, value);
}
extern "C" __global__ void k(const Parameters q) {
  const long i = (long)blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= q.count) return;
  const long at = i % q.each, n = i / q.each, plane = q.size[0] * q.size[1] * q.size[2];
  const X *grid = (const X *)q.grid + i * RANK;
  const T x = unnormal(to<T>(grid[0]), q.size[2]), y = unnormal(to<T>(grid[1]), q.size[1]);
  const T z = RANK == 3 ? unnormal(to<T>(grid[RANK - 1]), q.size[0]) : (T)0;
  T dx = 0, dy = 0, dz = 0;
  for (long c = 0; c < q.channels; ++c) {
    const X *in = (const X *)q.in + n * q.stride[0] + c * q.stride[1];
    const T g = to<T>(((const X *)q.grad)[(n * q.channels + c) * q.each + at]);
    T *out = (T *)q.of_input + (n * q.channels + c) * plane;
    if (MODE == 2) {
      const long top = (long)floor(y), left = (long)floor(x);
      for (int j = -1; j < 3; ++j)
        for (int e = -1; e < 3; ++e) {
          const T by = y - (T)(top + j), bx = x - (T)(left + e), a = (T)-0.75;
          const T value = cubic_value(in, q, top + j, left + e);
          dx += g * value * weight_slope(bx, a) * weight(by, a);
          dy += g * value * weight(bx, a) * weight_slope(by, a);
          give(out, q, 0, (long)placed((T)(top + j), q.size[1]),
               (long)placed((T)(left + e), q.size[2]), g * weight(bx, a) * weight(by, a));
        }
      continue;
    }
    const T px = placed(x, q.size[2]), py = placed(y, q.size[1]);
    const T pz = RANK == 3 ? placed(z, q.size[0]) : (T)0;
    if (MODE == 1) {
      give(out, q, (long)rint(pz), (long)rint(py), (long)rint(px), g);
      continue;
    }
    const T fx = floor(px), fy = floor(py), fz = floor(pz);
    for (int b = 0; b < (RANK == 3 ? 8 : 4); ++b) {
      const bool bx = b & 1, by = b >> 1 & 1, bz = b >> 2;
      const long sx = (long)fx + bx, sy = (long)fy + by, sz = (long)fz + bz;
      const T wx = bx ? px - fx : (T)1 - (px - fx), wy = by ? py - fy : (T)1 - (py - fy);
      const T wz = RANK == 2 ? (T)1 : bz ? pz - fz : (T)1 - (pz - fz);
      const T value = g * value_at(in, q, sz, sy, sx);
      dx += (bx ? value : -value) * wy * wz;
      dy += (by ? value : -value) * wx * wz;
      dz += (bz ? value : -value) * wx * wy;
      give(out, q, sz, sy, sx, g * wx * wy * wz);
    }
  }
  X *of_grid = (X *)q.of_grid + i * RANK;
  const bool cubic = MODE == 2;
  of_grid[0] = to<X>(dx * stretch(q.size[2]) * (cubic ? (T)1 : slope(x, q.size[2])));
  of_grid[1] = to<X>(dy * stretch(q.size[1]) * (cubic ? (T)1 : slope(y, q.size[1])));
  if (RANK == 3) of_grid[RANK - 1] = to<X>(dz * stretch(q.size[0]) * slope(z, q.size[0]));
}
"""
)


@functools.cache
def back_kernel(*given: Any) -> Kernel:
    return Kernel(settings(*given) + BACK, "PPPPP" + "q" * 11)


@op("grid_sampler_2d_backward", "grid_sampler_3d_backward")
def grid_sampler_backward(
    grad_output: Tensor, input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int,
    align_corners: bool, output_mask: Sequence[bool],
) -> tuple[Tensor | None, Tensor | None]:  # fmt: skip
    """Of the input, summed where places meet, and of the grid; those that the mask asks for."""
    rank = grid.shape[-1]
    wide = torch.promote_types(input.dtype, torch.float32)
    of_input = torch.zeros(input.shape, dtype=wide, device=input.device)
    of_grid = torch.zeros(grid.shape, dtype=grid.dtype, device=grid.device)
    if grad_output.numel() and input.numel():
        source, each = planes(input, rank), grid.shape[1:-1].numel()
        back_kernel(input.dtype, rank, interpolation_mode, padding_mode, bool(align_corners))(
            -(-grid.shape[0] * each // THREADS), THREADS, of_input, of_grid,
            grad_output.contiguous(), input, grid.contiguous(), grid.shape[0] * each,
            input.shape[1], each, *source.shape[2:], *source.stride(),
        )  # fmt: skip
    return of_input.to(input.dtype) if output_mask[0] else None, of_grid
