"""Pooling over one, two or three dimensions: a thread an output element.

Planes are (batch, channels, depth, height, width); what has fewer dimensions gets sizes of 1.
"""

import functools
from collections.abc import Sequence

import torch
from torch import Tensor

from warpfive.torch_backend.ops.launch import Kernel, cpp, numbers
from warpfive.torch_backend.ops.registry import op

THREADS = 128

HEAD = """
struct Parameters {
  char *out, *places, *in;
  long count, channels, size[3], in_size[3], window[3], step[3], pad[3], gap[3];
  long out_stride[5], place_stride[5], in_stride[5], divisor, with_pad;
};
struct Place { long n, c, at[3]; };
__device__ inline Place place_of(long i, const Parameters &q) {
  Place p;
  for (int d = 2; d >= 0; --d) { p.at[d] = i % q.size[d]; i /= q.size[d]; }
  p.c = i % q.channels;
  p.n = i / q.channels;
  return p;
}
__device__ inline long offset(const Place &p, const long *s) {
  return p.n * s[0] + p.c * s[1] + p.at[0] * s[2] + p.at[1] * s[3] + p.at[2] * s[4];
}
__device__ inline long least(long a, long b) { return a < b ? a : b; }
"""
FIELDS = "PPP" + "q" * (2 + 18 + 15 + 2)

LARGEST = """
extern "C" __global__ void k(const Parameters q) {
  const long i = (long)blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= q.count) return;
  const Place p = place_of(i, q);
  long first[3], last[3];
  for (int d = 0; d < 3; ++d) {
    if (ADAPTIVE) {
      first[d] = p.at[d] * q.in_size[d] / q.size[d];
      last[d] = ((p.at[d] + 1) * q.in_size[d] + q.size[d] - 1) / q.size[d];
    } else {
      first[d] = p.at[d] * q.step[d] - q.pad[d];
      last[d] = least(first[d] + (q.window[d] - 1) * q.gap[d] + 1, q.in_size[d]);
      while (first[d] < 0) first[d] += q.gap[d];
    }
  }
  const X *in = (const X *)q.in + p.n * q.in_stride[0] + p.c * q.in_stride[1];
  T most = lowest<T>();
  long where = (first[0] * q.in_size[1] + first[1]) * q.in_size[2] + first[2];
  for (long z = first[0]; z < last[0]; z += q.gap[0])
    for (long y = first[1]; y < last[1]; y += q.gap[1])
      for (long x = first[2]; x < last[2]; x += q.gap[2]) {
        const T value = to<T>(in[z * q.in_stride[2] + y * q.in_stride[3] + x * q.in_stride[4]]);
        if (value > most || is_nan(value)) {
          most = value;
          where = (z * q.in_size[1] + y) * q.in_size[2] + x;
        }
      }
  ((X *)q.out)[offset(p, q.out_stride)] = to<X>(most);
  ((long *)q.places)[offset(p, q.place_stride)] = where;
}
"""

AVERAGE = """
extern "C" __global__ void k(const Parameters q) {
  const long i = (long)blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= q.count) return;
  const Place p = place_of(i, q);
  long first[3], last[3], padded = 1, inside = 1;
  for (int d = 0; d < 3; ++d) {
    if (ADAPTIVE) {
      first[d] = p.at[d] * q.in_size[d] / q.size[d];
      last[d] = ((p.at[d] + 1) * q.in_size[d] + q.size[d] - 1) / q.size[d];
    } else {
      first[d] = p.at[d] * q.step[d] - q.pad[d];
      last[d] = least(first[d] + q.window[d], q.in_size[d] + q.pad[d]);
      padded *= last[d] - first[d];
      first[d] = first[d] < 0 ? 0 : first[d];
      last[d] = least(last[d], q.in_size[d]);
    }
    inside *= last[d] - first[d];
  }
  const X *in = (const X *)q.in + p.n * q.in_stride[0] + p.c * q.in_stride[1];
  T sum = 0;
  for (long z = first[0]; z < last[0]; ++z)
    for (long y = first[1]; y < last[1]; ++y)
      for (long x = first[2]; x < last[2]; ++x)
        sum += to<T>(in[z * q.in_stride[2] + y * q.in_stride[3] + x * q.in_stride[4]]);
  const long parts = q.divisor ? q.divisor : q.with_pad && !ADAPTIVE ? padded : inside;
  const bool none = last[0] <= first[0] || last[1] <= first[1] || last[2] <= first[2];
  ((X *)q.out)[offset(p, q.out_stride)] = to<X>(none ? (T)0 : sum / (T)parts);
}
"""

BACK = """
struct Parameters { char *out, *places, *in; long count, plane, out_plane; };
/// Every element goes to its place in a plane of the output; others stay as they are.
extern "C" __global__ void k(const Parameters q) {
  const long i = (long)blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= q.count) return;
  const long place = ((const long *)q.places)[i];
  if (place < 0 || place >= q.out_plane) __trap();
  ((X *)q.out)[i / q.plane * q.out_plane + place] = ((const X *)q.in)[i];
}
"""


@functools.cache
def pooling(text: str, dtype: torch.dtype, adaptive: bool) -> Kernel:
    head = f"{numbers()}\ntypedef {cpp(dtype)} X; typedef math_t<X> T;\n"
    return Kernel(f"{head}#define ADAPTIVE {int(adaptive)}\n{HEAD}{text}", FIELDS)


@functools.cache
def back_kernel(dtype: torch.dtype) -> Kernel:
    return Kernel(f"{numbers()}\ntypedef {cpp(dtype)} X;\n{BACK}", "PPPqqq")


def planes(tensor: Tensor, rank: int) -> Tensor:
    """The tensor with five dimensions; ``rank`` of them are pooled."""
    if tensor.dim() == rank + 1:
        tensor = tensor.unsqueeze(0)
    while tensor.dim() < 5:
        tensor = tensor.unsqueeze(2)
    return tensor


def triple(values: Sequence[int] | int, rank: int, missing: int) -> list[int]:
    """Three numbers from one, or from ``rank``; those of dimensions that are not there first."""
    given = [values] if isinstance(values, int) else list(values)
    if len(given) == 1:
        given *= rank
    return [missing] * (3 - rank) + given


def pool(
    text: str, rank: int, self: Tensor, out: Tensor, places: Tensor | None = None, *,
    window: Sequence[int] = (), step: Sequence[int] = (), pad: Sequence[int] = (0,),
    gap: Sequence[int] = (1,), divisor: int = 0, with_pad: bool = False,
) -> None:  # fmt: skip
    """One launch; without ``window`` the windows are those of adaptive pooling."""
    if out.numel() == 0:
        return
    source, target = planes(self, rank), planes(out, rank)
    marks = planes(places, rank) if places is not None else target
    sizes = (triple(window or (1,), rank, 1), triple(step or window or (1,), rank, 1),
             triple(pad, rank, 0), triple(gap, rank, 1))  # fmt: skip
    pooling(text, self.dtype, not window)(
        -(-out.numel() // THREADS), THREADS, out, places if places is not None else 0, self,
        out.numel(), source.shape[1], *target.shape[2:], *source.shape[2:],
        *(number for part in sizes for number in part), *target.stride(), *marks.stride(),
        *source.stride(), divisor, int(with_pad),
    )  # fmt: skip


@op("max_pool2d_with_indices.out")
def max_pool2d(
    self: Tensor, kernel_size: list[int], stride: Sequence[int] = (), padding: Sequence[int] = (0,),
    dilation: Sequence[int] = (1,), ceil_mode: bool = False, *, out: Tensor, indices: Tensor,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    pool(LARGEST, 2, self, out, indices, window=kernel_size, step=stride, pad=padding,
         gap=dilation)  # fmt: skip
    return out, indices


@op("max_pool3d_with_indices")
def max_pool3d(
    self: Tensor, kernel_size: list[int], stride: Sequence[int] = (), padding: Sequence[int] = (0,),
    dilation: Sequence[int] = (1,), ceil_mode: bool = False,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    shape = pooled_shape(self, kernel_size, stride, padding, dilation, ceil_mode)
    out = torch.empty(shape, dtype=self.dtype, device=self.device)
    indices = torch.empty(shape, dtype=torch.int64, device=self.device)
    pool(LARGEST, 3, self, out, indices, window=kernel_size, step=stride, pad=padding,
         gap=dilation)  # fmt: skip
    return out, indices


def pooled_shape(
    self: Tensor, window: Sequence[int], step: Sequence[int], pad: Sequence[int],
    gap: Sequence[int], ceil_mode: bool,
) -> list[int]:  # fmt: skip
    """The shape that PyTorch's own rule gives, asked of a tensor without data."""
    empty = torch.empty(self.shape, device="meta")
    return list(
        torch.nn.functional.max_pool3d(
            empty, list(window), list(step), list(pad), list(gap), ceil_mode
        ).shape
    )


@op("avg_pool2d.out")
def avg_pool2d(
    self: Tensor, kernel_size: list[int], stride: Sequence[int] = (), padding: Sequence[int] = (0,),
    ceil_mode: bool = False, count_include_pad: bool = True, divisor_override: int | None = None,
    *, out: Tensor,
) -> Tensor:  # fmt: skip
    pool(AVERAGE, 2, self, out, window=kernel_size, step=stride, pad=padding,
         divisor=divisor_override or 0, with_pad=count_include_pad)  # fmt: skip
    return out


@op("avg_pool3d.out")
def avg_pool3d(
    self: Tensor, kernel_size: list[int], stride: Sequence[int] = (), padding: Sequence[int] = (0,),
    ceil_mode: bool = False, count_include_pad: bool = True, divisor_override: int | None = None,
    *, out: Tensor,
) -> Tensor:  # fmt: skip
    pool(AVERAGE, 3, self, out, window=kernel_size, step=stride, pad=padding,
         divisor=divisor_override or 0, with_pad=count_include_pad)  # fmt: skip
    return out


def adaptive_average(self: Tensor, output_size: Sequence[int]) -> Tensor:
    rank = len(output_size)
    if any(size == 0 for size in self.shape[1:]):
        raise RuntimeError(
            f"adaptive_avg_pool{rank}d(): Expected input to have non-zero size for non-batch "
            f"dimensions, but input has sizes {list(self.shape)}"
        )
    shape = [*self.shape[:-rank], *output_size]
    form = torch.channels_last if is_channels_last(self) else torch.contiguous_format
    out = torch.empty(shape, dtype=self.dtype, device=self.device, memory_format=form)
    pool(AVERAGE, rank, self, out)
    return out


def is_channels_last(tensor: Tensor) -> bool:
    return (
        tensor.dim() == 4
        and not tensor.is_contiguous()
        and tensor.is_contiguous(memory_format=torch.channels_last)
    )


@op("_adaptive_avg_pool2d", "_adaptive_avg_pool3d")
def adaptive_avg_pool(self: Tensor, output_size: Sequence[int]) -> Tensor:
    return adaptive_average(self, output_size)


@op("adaptive_avg_pool2d.out", "adaptive_avg_pool3d.out")
def adaptive_avg_pool_out(self: Tensor, output_size: Sequence[int], *, out: Tensor) -> Tensor:
    result = adaptive_average(self, output_size)
    return out.resize_(result.shape).copy_(result)


@op("adaptive_max_pool2d.out", "adaptive_max_pool3d.out")
def adaptive_max_pool(
    self: Tensor, output_size: Sequence[int], *, out: Tensor, indices: Tensor
) -> tuple[Tensor, Tensor]:
    pool(LARGEST, len(output_size), self, out, indices)
    return out, indices


def unpool(self: Tensor, indices: Tensor, output_size: Sequence[int]) -> Tensor:
    rank = len(output_size)
    if indices.dtype != torch.int64:
        raise RuntimeError(f"elements in indices should be type int64 but got: {indices.dtype}")
    if indices.shape != self.shape:
        raise RuntimeError("Expected shape of indices to be same as that of the input tensor")
    out = torch.zeros(
        [*self.shape[:-rank], *output_size], dtype=self.dtype, device=self.device
    )
    if self.numel():
        plane, out_plane = (t.shape[-rank:].numel() for t in (self, out))
        back_kernel(self.dtype)(
            -(-self.numel() // THREADS), THREADS, out, indices.contiguous(), self.contiguous(),
            self.numel(), plane, out_plane,
        )  # fmt: skip
    return out


@op("max_unpool2d")
def max_unpool2d(self: Tensor, indices: Tensor, output_size: Sequence[int]) -> Tensor:
    return unpool(self, indices, output_size)


@op("max_unpool3d")
def max_unpool3d(
    self: Tensor, indices: Tensor, output_size: Sequence[int], stride: Sequence[int],
    padding: Sequence[int],
) -> Tensor:  # fmt: skip
    return unpool(self, indices, output_size)


def fractional(
    self: Tensor, window: list[int], size: list[int], samples: Tensor, output: Tensor,
    indices: Tensor,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Windows at pseudo-random places (Graham 2014): rows of ``samples`` (batch, channels, rank)
    say how far each dimension's windows are shifted; of two, the last has the first sample."""
    rank = len(window)
    source = self if self.dim() == rank + 2 else self.unsqueeze(0)
    places = []
    for d in range(rank):
        drawn = samples[..., 1 - d if rank == 2 else d, None].to(torch.float32)
        places.append(starts(source.shape[d + 2], size[d], window[d], drawn))
    flat_value, flat_place = window_extremes(source, window, size, places)
    shape = (*self.shape[:-rank], *size)
    for out, found in ((output, flat_value), (indices, flat_place)):
        out.resize_(shape).copy_(found.reshape(shape))
    return output, indices


def starts(length: int, wanted: int, window: int, drawn: Tensor) -> Tensor:
    """First element of every window, (batch, channels, wanted)."""
    at = torch.arange(wanted, device=drawn.device)
    alpha = (length - window) / (wanted - 1) if wanted > 1 else 0.0
    first = ((at + drawn) * alpha).long() - (drawn * alpha).long()
    return torch.where(at == wanted - 1, length - window, first)


def window_extremes(
    source: Tensor, window: list[int], size: list[int], places: list[Tensor]
) -> tuple[Tensor, Tensor]:
    """The greatest element of each window, and where it lies in its plane."""
    rank, (batch, channels) = len(window), source.shape[:2]
    where = torch.zeros((batch, channels), dtype=torch.int64, device=source.device)
    where = where.reshape(batch, channels, *[1] * (2 * rank))
    for d in range(rank):
        reach = torch.arange(window[d], device=source.device)
        at = places[d][..., None] + reach  # (batch, channels, wanted, window)
        shape = [batch, channels] + [1] * (2 * rank)
        shape[2 + d], shape[2 + rank + d] = size[d], window[d]
        where = where * source.shape[2 + d] + at.reshape(shape)
    where = where.reshape(batch, channels, torch.Size(size).numel(), -1)
    flat = source.reshape(batch, channels, 1, -1).expand(-1, -1, where.shape[2], -1)
    value, chosen = flat.gather(3, where).max(-1)
    return value, where.gather(3, chosen[..., None])[..., 0]


@op("fractional_max_pool2d.output", "fractional_max_pool3d.output")
def fractional_max_pool(
    self: Tensor, kernel_size: list[int], output_size: list[int], random_samples: Tensor, *,
    output: Tensor, indices: Tensor,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    return fractional(self, kernel_size, output_size, random_samples, output, indices)
