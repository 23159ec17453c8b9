"""Sampling images at places that a grid names, and the columns of sliding windows."""

import functools
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from warpfive.torch_backend.ops.launch import Kernel, cpp, numbers
from warpfive.torch_backend.ops.pool import planes
from warpfive.torch_backend.ops.registry import op
from warpfive.torch_backend.ops.resize import CUBIC

THREADS = 128

PLACES = (
    CUBIC
    + """
/// From [-1, 1] to places of the input.
__device__ inline T unnormal(T x, long size) {
  return CORNERS ? (x + (T)1) / (T)2 * (T)(size - 1) : ((x + (T)1) * (T)size - (T)1) / (T)2;
}
__device__ inline T reflected(T x, T low, T high) {
  if (low == high) return 0;
  const T span = high - low, away = fabs(x - low);
  const T rest = fmod(away, span);
  return (long)floor(away / span) % 2 ? high - rest : low + rest;
}
/// The place after padding: 0 zeros, 1 border, 2 reflection.
__device__ inline T placed(T x, long size) {
  if (PADDING == 2)
    x = CORNERS ? reflected(x, (T)0, (T)(size - 1)) : reflected(x, (T)-0.5, (T)size - (T)0.5);
  if (PADDING) x = x < (T)0 ? (T)0 : x > (T)(size - 1) ? (T)(size - 1) : x;
  return x;
}
template <class Q>
__device__ inline T value_at(const X *in, const Q &q, long z, long y, long x) {
  const bool inside = z >= 0 && z < q.size[0] && y >= 0 && y < q.size[1] && x >= 0 && x < q.size[2];
  return inside ? to<T>(in[z * q.stride[2] + y * q.stride[3] + x * q.stride[4]]) : (T)0;
}
template <class Q>
__device__ inline T cubic_value(const X *in, const Q &q, long y, long x) {
  return value_at(in, q, 0, (long)placed((T)y, q.size[1]), (long)placed((T)x, q.size[2]));
}
"""
)

SAMPLE = (
    PLACES
    + """
struct Parameters {
  char *out, *in, *grid;
  long count, channels, each, size[3], stride[5];
};
extern "C" __global__ void k(const Parameters q) {
  const long i = (long)blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= q.count) return;
  const long at = i % q.each, c = i / q.each % q.channels, n = i / q.each / q.channels;
  const X *in = (const X *)q.in + n * q.stride[0] + c * q.stride[1];
  const X *grid = (const X *)q.grid + (n * q.each + at) * RANK;
  const T x = unnormal(to<T>(grid[0]), q.size[2]), y = unnormal(to<T>(grid[1]), q.size[1]);
  const T z = RANK == 3 ? unnormal(to<T>(grid[RANK - 1]), q.size[0]) : (T)0;
  T sum = 0;
  if (MODE == 2) {
    const long top = (long)floor(y), left = (long)floor(x);
    for (int j = -1; j < 3; ++j) {
      T row = 0;
      for (int e = -1; e < 3; ++e)
        row += weight(x - (T)(left + e), (T)-0.75) * cubic_value(in, q, top + j, left + e);
      sum += weight(y - (T)(top + j), (T)-0.75) * row;
    }
  } else {
    const T px = placed(x, q.size[2]), py = placed(y, q.size[1]);
    const T pz = RANK == 3 ? placed(z, q.size[0]) : (T)0;
    if (MODE == 1) {
      sum = value_at(in, q, (long)rint(pz), (long)rint(py), (long)rint(px));
    } else {
      const T fx = floor(px), fy = floor(py), fz = floor(pz);
      for (int b = 0; b < (RANK == 3 ? 8 : 4); ++b) {
        const long sx = (long)fx + (b & 1), sy = (long)fy + (b >> 1 & 1), sz = (long)fz + (b >> 2);
        const T w = (b & 1 ? px - fx : (T)1 - (px - fx)) *
                    (b >> 1 & 1 ? py - fy : (T)1 - (py - fy)) *
                    (RANK == 3 ? (b >> 2 ? pz - fz : (T)1 - (pz - fz)) : (T)1);
        sum += w * value_at(in, q, sz, sy, sx);
      }
    }
  }
  ((X *)q.out)[i] = to<X>(sum);
}
"""
)

COLUMNS = """
struct Parameters {
  char *columns, *image;
  long count, channels, size[2], window[2], gap[2], pad[2], step[2], places[2];
};
/// Columns of an image: a thread an element of (batch, channel, window, place).
extern "C" __global__ void k(const Parameters q) {
  const long i = (long)blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= q.count) return;
  long rest = i;
  const long px = rest % q.places[1]; rest /= q.places[1];
  const long py = rest % q.places[0]; rest /= q.places[0];
  const long wx = rest % q.window[1]; rest /= q.window[1];
  const long wy = rest % q.window[0]; rest /= q.window[0];
  const long y = py * q.step[0] - q.pad[0] + wy * q.gap[0];
  const long x = px * q.step[1] - q.pad[1] + wx * q.gap[1];
  const bool inside = y >= 0 && y < q.size[0] && x >= 0 && x < q.size[1];
  const X *image = (const X *)q.image + rest * q.size[0] * q.size[1];
  ((X *)q.columns)[i] = inside ? image[y * q.size[1] + x] : X(0);
}
"""

IMAGE = """
struct Parameters {
  char *columns, *image;
  long count, channels, size[2], window[2], gap[2], pad[2], step[2], places[2];
};
/// The image whose elements are sums over the columns: a thread an element of the image.
extern "C" __global__ void k(const Parameters q) {
  const long i = (long)blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= q.count) return;
  const long x = i % q.size[1], y = i / q.size[1] % q.size[0], plane = i / q.size[1] / q.size[0];
  T sum = 0;
  for (long wy = 0; wy < q.window[0]; ++wy)
    for (long wx = 0; wx < q.window[1]; ++wx) {
      const long dy = y + q.pad[0] - wy * q.gap[0], dx = x + q.pad[1] - wx * q.gap[1];
      if (dy < 0 || dx < 0 || dy % q.step[0] || dx % q.step[1]) continue;
      const long py = dy / q.step[0], px = dx / q.step[1];
      if (py >= q.places[0] || px >= q.places[1]) continue;
      const long window = (plane * q.window[0] + wy) * q.window[1] + wx;
      sum += to<T>(((const X *)q.columns)[(window * q.places[0] + py) * q.places[1] + px]);
    }
  ((X *)q.image)[i] = to<X>(sum);
}
"""


def settings(dtype: torch.dtype, rank: int, mode: int, padding: int, corners: bool) -> str:
    """The head of a sampling kernel's text."""
    head = f"{numbers()}\ntypedef {cpp(dtype)} X; typedef math_t<X> T;\n"
    for name, value in (("RANK", rank), ("MODE", mode), ("PADDING", padding),
                        ("CORNERS", int(corners))):  # fmt: skip
        head += f"#define {name} {value}\n"
    return head


@functools.cache
def sample_kernel(*given: Any) -> Kernel:
    return Kernel(settings(*given) + SAMPLE, "PPP" + "q" * 11)


@op("grid_sampler_2d", "grid_sampler_3d")
def grid_sampler(
    input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Tensor:
    rank = grid.shape[-1]
    shape = (input.shape[0], input.shape[1], *grid.shape[1:-1])
    out = torch.empty(shape, dtype=input.dtype, device=input.device)
    if out.numel():
        source = planes(input, rank)
        kernel = sample_kernel(
            input.dtype, rank, interpolation_mode, padding_mode, bool(align_corners)
        )
        kernel(
            -(-out.numel() // THREADS), THREADS, out, input, grid.contiguous(), out.numel(),
            input.shape[1], grid.shape[1:-1].numel(), *source.shape[2:], *source.stride(),
        )  # fmt: skip
    return out


@functools.cache
def column_kernel(text: str, dtype: torch.dtype) -> Kernel:
    head = f"{numbers()}\ntypedef {cpp(dtype)} X; typedef math_t<X> T;\n"
    return Kernel(head + text, "PP" + "q" * 14)


def windows(
    size: Sequence[int], window: Sequence[int], gap: Sequence[int], pad: Sequence[int],
    step: Sequence[int],
) -> list[int]:  # fmt: skip
    """How many places the window has along each dimension."""
    return [
        (size[d] + 2 * pad[d] - gap[d] * (window[d] - 1) - 1) // step[d] + 1 for d in range(2)
    ]


@op("im2col")
def im2col(
    self: Tensor, kernel_size: list[int], dilation: list[int], padding: list[int],
    stride: list[int],
) -> Tensor:  # fmt: skip
    image = (self if self.dim() == 4 else self.unsqueeze(0)).contiguous()
    size = image.shape[2:]
    places = windows(size, kernel_size, dilation, padding, stride)
    if min(places) < 1:
        raise RuntimeError(
            f"Given input with spatial size {tuple(size)}, kernel_size={tuple(kernel_size)}, "
            f"dilation={tuple(dilation)}, padding={tuple(padding)}, stride={tuple(stride)}, "
            f"calculated shape of the array of sliding blocks as {tuple(places)}, but its "
            "components must be at least one."
        )
    shape = (
        image.shape[0], image.shape[1] * kernel_size[0] * kernel_size[1], places[0] * places[1]
    )  # fmt: skip
    out = torch.empty(shape, dtype=self.dtype, device=self.device)
    if out.numel():
        column_kernel(COLUMNS, self.dtype)(
            -(-out.numel() // THREADS), THREADS, out, image, out.numel(), image.shape[1], *size,
            *kernel_size, *dilation, *padding, *stride, *places,
        )  # fmt: skip
    return out if self.dim() == 4 else out.squeeze(0)


@op("col2im")
def col2im(
    self: Tensor, output_size: list[int], kernel_size: list[int], dilation: list[int],
    padding: list[int], stride: list[int],
) -> Tensor:  # fmt: skip
    columns = (self if self.dim() == 3 else self.unsqueeze(0)).contiguous()
    channels = columns.shape[1] // (kernel_size[0] * kernel_size[1])
    places = windows(output_size, kernel_size, dilation, padding, stride)
    if columns.shape[2] != places[0] * places[1]:
        raise RuntimeError(
            f"Given output_size={tuple(output_size)}, kernel_size={tuple(kernel_size)}, "
            f"dilation={tuple(dilation)}, padding={tuple(padding)}, stride={tuple(stride)}, "
            f"expected size of input's dimension 2 to match the calculated number of sliding "
            f"blocks {places[0]} * {places[1]} = {places[0] * places[1]}, but got "
            f"input.size(2)={columns.shape[2]}."
        )
    shape = (columns.shape[0], channels, *output_size)
    out = torch.empty(shape, dtype=self.dtype, device=self.device)
    if out.numel():
        column_kernel(IMAGE, self.dtype)(
            -(-out.numel() // THREADS), THREADS, columns, out, out.numel(), channels,
            *output_size, *kernel_size, *dilation, *padding, *stride, *places,
        )  # fmt: skip
    return out if self.dim() == 3 else out.squeeze(0)
