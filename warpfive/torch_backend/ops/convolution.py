"""Convolutions: as matrix products where channels are shared, directly where they are not.

A convolution without groups is W (filters x taps) times the image's patches (taps x places),
image by image; a 1 x 1 convolution needs no patches, the image is them. Grouped, transposed and
three-dimensional ones are computed by a thread for each result.
"""

import functools
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from warpfive.torch_backend.matmul import TYPES, gemm
from warpfive.torch_backend.ops.launch import Kernel, cpp, numbers
from warpfive.torch_backend.ops.registry import op

PATCHES = """
struct Parameters {
  char *out, *in;
  long channels, height, width, tall, wide, down, right;  // taps and results, each way
  long step_y, step_x, before_y, before_x, apart_y, apart_x;
};
extern "C" __global__ void k(const Parameters q) {
  const int places = q.down * q.right;
  const int place = blockIdx.x * blockDim.x + threadIdx.x;
  if (place >= places) return;
  const int tap = blockIdx.y, tap_x = tap % (int)q.wide, tap_y = tap / (int)q.wide % (int)q.tall;
  const int channel = tap / (int)(q.wide * q.tall);
  const int row = place / (int)q.right, column = place % (int)q.right;
  const int y = row * (int)q.step_y - (int)q.before_y + tap_y * (int)q.apart_y;
  const int x = column * (int)q.step_x - (int)q.before_x + tap_x * (int)q.apart_x;
  const bool inside = y >= 0 && y < (int)q.height && x >= 0 && x < (int)q.width;
  const long image = blockIdx.z;
  const X *in = (const X *)q.in + (image * q.channels + channel) * q.height * q.width;
  X *out = (X *)q.out + (image * gridDim.y + tap) * places;
  out[place] = inside ? in[y * (int)q.width + x] : to<X>(0.0f);
}
"""

DIRECT = """
struct Parameters {
  char *out, *in, *weight, *bias;
  long total, channels, filters, groups, transposed;
  long in_size[3], out_size[3], taps[3], step[3], before[3], apart[3];
};
extern "C" __global__ void k(const Parameters q) {
  typedef math_t<X> T;
  const long at = (long)blockIdx.x * blockDim.x + threadIdx.x;
  if (at >= q.total) return;
  long rest = at, place[3];
  for (int d = 2; d >= 0; --d) {
    place[d] = rest % q.out_size[d];
    rest /= q.out_size[d];
  }
  const long filter = rest % q.filters, image = rest / q.filters;
  const long of_group = q.filters / q.groups, from_group = q.channels / q.groups;
  const long group = filter / of_group, taps = q.taps[0] * q.taps[1] * q.taps[2];
  T sum = q.bias ? to<T>(((const X *)q.bias)[filter]) : T(0);
  for (long tap = 0; tap < taps; ++tap) {
    const long t[3] = {tap / (q.taps[1] * q.taps[2]), tap / q.taps[2] % q.taps[1],
                       tap % q.taps[2]};
    long offset = 0;
    bool inside = true;
    for (int d = 0; d < 3; ++d) {
      long i;
      if (q.transposed) {
        const long far = place[d] + q.before[d] - t[d] * q.apart[d];
        i = far / q.step[d];
        inside = inside && far >= 0 && far % q.step[d] == 0;
      } else {
        i = place[d] * q.step[d] - q.before[d] + t[d] * q.apart[d];
      }
      inside = inside && i >= 0 && i < q.in_size[d];
      offset = offset * q.in_size[d] + i;
    }
    if (!inside) continue;
    const long plane = q.in_size[0] * q.in_size[1] * q.in_size[2];
    const X *in = (const X *)q.in + (image * q.channels + group * from_group) * plane + offset;
    for (long c = 0; c < from_group; ++c) {
      const long w = q.transposed
          ? ((group * from_group + c) * of_group + filter % of_group) * taps + tap
          : (filter * from_group + c) * taps + tap;
      sum += to<T>(in[c * plane]) * to<T>(((const X *)q.weight)[w]);
    }
  }
  ((X *)q.out)[at] = to<X>(sum);
}
"""

WEIGHTS = """
struct Parameters {
  char *out, *in, *grad;
  long total, images, channels, filters, groups;
  long in_size[3], out_size[3], taps[3], step[3], before[3], apart[3];
};
/// A warp a weight: the sum over images and places of the result's gradient there times what the
/// weight met in the input.
extern "C" __global__ void k(const Parameters q) {
  typedef math_t<X> T;
  const long at = ((long)blockIdx.x * blockDim.x + threadIdx.x) / 32;
  if (at >= q.total) return;
  long rest = at, tap[3];
  for (int d = 2; d >= 0; --d) {
    tap[d] = rest % q.taps[d];
    rest /= q.taps[d];
  }
  const long from_group = q.channels / q.groups, filter = rest / from_group;
  const long channel = filter / (q.filters / q.groups) * from_group + rest % from_group;
  const long plane = q.in_size[0] * q.in_size[1] * q.in_size[2];
  const long places = q.out_size[0] * q.out_size[1] * q.out_size[2];
  T sum = 0;
  for (long i = threadIdx.x % 32; i < q.images * places; i += 32) {
    long place = i % places, offset = 0, part[3];
    for (int d = 2; d >= 0; --d) {
      part[d] = place % q.out_size[d];
      place /= q.out_size[d];
    }
    bool inside = true;
    for (int d = 0; d < 3; ++d) {
      const long j = part[d] * q.step[d] - q.before[d] + tap[d] * q.apart[d];
      inside = inside && j >= 0 && j < q.in_size[d];
      offset = offset * q.in_size[d] + j;
    }
    if (!inside) continue;
    const long image = i / places;
    const X *in = (const X *)q.in + (image * q.channels + channel) * plane;
    const X *grad = (const X *)q.grad + (image * q.filters + filter) * places;
    sum += to<T>(in[offset]) * to<T>(grad[i % places]);
  }
  for (int reach = 16; reach; reach /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, reach);
  if (threadIdx.x % 32 == 0) ((X *)q.out)[at] = to<X>(sum);
}
"""

THREADS = 256
MOST_PATCHES = 64 << 20
"""Elements of patches that are held at a time; more images go one after the other."""


@functools.cache
def patches_kernel(dtype: torch.dtype) -> Kernel:
    return Kernel(f"{numbers()}\ntypedef {cpp(dtype)} X;\n{PATCHES}", "PP" + "q" * 13)


@functools.cache
def direct_kernel(dtype: torch.dtype) -> Kernel:
    return Kernel(f"{numbers()}\ntypedef {cpp(dtype)} X;\n{DIRECT}", "PPPP" + "q" * 23)


@functools.cache
def weights_kernel(dtype: torch.dtype) -> Kernel:
    return Kernel(f"{numbers()}\ntypedef {cpp(dtype)} X;\n{WEIGHTS}", "PPP" + "q" * 23)


@op("convolution")
def convolution(
    input: Tensor, weight: Tensor, bias: Tensor | None, stride: Sequence[int],
    padding: Sequence[int], dilation: Sequence[int], transposed: bool,
    output_padding: Sequence[int], groups: int,
) -> Tensor:  # fmt: skip
    """(images, channels, ...) with (filters, channels / groups, ...); one to three dimensions."""
    dims = weight.dim() - 2
    single = input.dim() == dims + 1
    image = (input.unsqueeze(0) if single else input).contiguous()
    kernel = weight.contiguous()
    step, before, apart, after = (
        spread(values, dims) for values in (stride, padding, dilation, output_padding)
    )
    taps, sizes = kernel.shape[2:], image.shape[2:]
    if transposed:
        filters = kernel.shape[1] * groups
        out_sizes = [
            (n - 1) * s - 2 * p + d * (k - 1) + o + 1
            for n, s, p, d, k, o in zip(sizes, step, before, apart, taps, after, strict=True)
        ]
    else:
        filters = kernel.shape[0]
        out_sizes = [
            (n + 2 * p - d * (k - 1) - 1) // s + 1
            for n, s, p, d, k in zip(sizes, step, before, apart, taps, strict=True)
        ]
    out = image.new_empty((image.shape[0], filters, *out_sizes))
    if out.numel():
        shared = groups == 1 and not transposed and dims <= 2 and image.dtype in TYPES
        compute = by_product if shared else directly
        compute(image, kernel, bias, out, step, before, apart, groups, transposed)
    return out.squeeze(0) if single else out


def by_product(
    image: Tensor, kernel: Tensor, bias: Tensor | None, out: Tensor, step: list[int],
    before: list[int], apart: list[int], *_: object,
) -> None:  # fmt: skip
    images, channels = image.shape[:2]
    filters, places = out.shape[1], out[0, 0].numel()
    matrix = kernel.reshape(1, filters, -1).expand(images, -1, -1)
    result = out.view(images, filters, places)
    plain = all(s == 1 for s in (*step, *kernel.shape[2:])) and not any(before)
    if plain:
        gemm(matrix, image.view(images, channels, places), result, bias=bias, bias_of_rows=True)
        return
    for first, patches in patched(image, kernel, out, step, before, apart):
        count = patches.shape[0]
        gemm(matrix[:count], patches, result[first : first + count], bias=bias,
             bias_of_rows=True)  # fmt: skip


def patched(
    image: Tensor, kernel: Tensor, out: Tensor, step: list[int], before: list[int],
    apart: list[int],
) -> Iterator[tuple[int, Tensor]]:  # fmt: skip
    """Patches, (images, taps, places), of as many images at a time as fit; the first's number."""
    images, channels = image.shape[:2]
    taps, places = kernel[0].numel(), out[0, 0].numel()
    at_once = max(1, min(images, MOST_PATCHES // (taps * places)))
    for first in range(0, images, at_once):
        part = image[first : first + at_once]
        patches = image.new_empty((part.shape[0], taps, places))
        flat = [[1, *values] if len(values) == 1 else values for values in (step, apart)]
        pad = [0, *before] if len(before) == 1 else before
        height, width = two(part.shape[2:])
        patches_kernel(image.dtype)(
            (-(-places // THREADS), taps, part.shape[0]), THREADS, patches, part, channels,
            height, width, *two(kernel.shape[2:]), *two(out.shape[2:]), *flat[0], *pad, *flat[1],
        )  # fmt: skip
        yield first, patches


def spread(values: Sequence[int], dims: int) -> list[int]:
    return [*values] * dims if len(values) == 1 else [*values]


def three(values: Sequence[int], fill: int) -> list[int]:
    return [fill] * (3 - len(values)) + list(values)


def two(sizes: Sequence[int]) -> tuple[int, int]:
    return (1, sizes[0]) if len(sizes) == 1 else (sizes[0], sizes[1])


def directly(
    image: Tensor, kernel: Tensor, bias: Tensor | None, out: Tensor, step: list[int],
    before: list[int], apart: list[int], groups: int, transposed: bool,
) -> None:  # fmt: skip
    direct_kernel(image.dtype)(
        -(-out.numel() // THREADS), THREADS, out, image, kernel,
        0 if bias is None else bias.contiguous(), out.numel(), image.shape[1], out.shape[1],
        groups, int(transposed), *three(image.shape[2:], 1), *three(out.shape[2:], 1),
        *three(kernel.shape[2:], 1), *three(step, 1), *three(before, 0), *three(apart, 1),
    )  # fmt: skip


@op("convolution_backward")
def convolution_backward(
    grad_output: Tensor, input: Tensor, weight: Tensor, bias_sizes: Sequence[int] | None,
    stride: Sequence[int], padding: Sequence[int], dilation: Sequence[int], transposed: bool,
    output_padding: Sequence[int], groups: int, output_mask: Sequence[bool],
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:  # fmt: skip
    """Gradients of ``convolution``'s input, weight and bias, those that the mask asks for."""
    dims = weight.dim() - 2
    single = input.dim() == dims + 1
    image, grad = (
        (t.unsqueeze(0) if single else t).contiguous() for t in (input, grad_output)
    )
    step, before, apart = (spread(values, dims) for values in (stride, padding, dilation))
    of_input = of_weight = None
    if output_mask[0]:
        # The windows that overlap the input's far end do not say how long it was.
        reach = zip(grad.shape[2:], step, before, apart, weight.shape[2:], strict=True)
        least = [(n - 1) * s - 2 * p + d * (k - 1) + 1 for n, s, p, d, k in reach]
        rest = [n - m for n, m in zip(image.shape[2:], least, strict=True)]
        of_input = convolution(
            grad, weight, None, step, before, apart, not transposed,
            [0] * dims if transposed else rest, groups,
        ).reshape(input.shape)  # fmt: skip
    if output_mask[1]:
        # What a transposed convolution reads is what the plain one with these weights writes.
        pair = (grad, image) if transposed else (image, grad)
        of_weight = weight_gradient(*pair, weight, step, before, apart, groups)
    of_bias = grad.sum([0, *range(2, dims + 2)]) if output_mask[2] else None
    return of_input, of_weight, of_bias


def weight_gradient(
    image: Tensor, grad: Tensor, weight: Tensor, step: list[int], before: list[int],
    apart: list[int], groups: int,
) -> Tensor:  # fmt: skip
    """(filters, channels / groups, ...) from (images, channels, ...), (images, filters, ...)."""
    dims, out = weight.dim() - 2, torch.zeros_like(weight, memory_format=torch.contiguous_format)
    if grad.numel() == 0 or image.numel() == 0:
        return out
    if groups == 1 and dims <= 2 and image.dtype in TYPES:
        wide = torch.float64 if image.dtype == torch.float64 else torch.float32
        sums = torch.zeros(grad.shape[1], weight[0].numel(), dtype=wide, device=grad.device)
        for first, patches in patched(image, weight, grad, step, before, apart):
            rows = grad[first : first + patches.shape[0]].flatten(2)
            sums += torch.bmm(rows, patches.mT).sum(0, dtype=wide)
        return sums.to(weight.dtype).reshape(weight.shape)
    weights_kernel(image.dtype)(
        -(-out.numel() * 32 // THREADS), THREADS, out, image, grad, out.numel(), image.shape[0],
        image.shape[1], grad.shape[1], groups, *three(image.shape[2:], 1),
        *three(grad.shape[2:], 1), *three(weight.shape[2:], 1), *three(step, 1),
        *three(before, 0), *three(apart, 1),
    )  # fmt: skip
    return out
