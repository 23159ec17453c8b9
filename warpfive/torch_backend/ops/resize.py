"""Images at another size, and padded: a thread an output element.

Planes are (batch, channels, depth, height, width); what has fewer dimensions gets sizes of 1.
"""

import functools
from collections.abc import Sequence

import torch
from torch import Tensor

from warpfive.torch_backend.ops.launch import Kernel, cpp, numbers
from warpfive.torch_backend.ops.pool import planes
from warpfive.torch_backend.ops.registry import op

THREADS = 128

HEAD = """
struct Parameters {
  char *out, *in;
  long count, channels, size[3], in_size[3], out_stride[5], in_stride[5], before[3], corners;
  double scale[3];
};
struct Place { const X *plane; X *out; long at[3]; };
__device__ inline Place place_of(long i, const Parameters &q) {
  Place p;
  long offset = 0;
  for (int d = 2; d >= 0; --d) {
    p.at[d] = i % q.size[d];
    i /= q.size[d];
    offset += p.at[d] * q.out_stride[d + 2];
  }
  const long c = i % q.channels, n = i / q.channels;
  p.plane = (const X *)q.in + n * q.in_stride[0] + c * q.in_stride[1];
  p.out = (X *)q.out + n * q.out_stride[0] + c * q.out_stride[1] + offset;
  return p;
}
__device__ inline T at(const Place &p, const Parameters &q, long z, long y, long x) {
  return to<T>(p.plane[z * q.in_stride[2] + y * q.in_stride[3] + x * q.in_stride[4]]);
}
__device__ inline long within(long i, long size) { return i < 0 ? 0 : i < size ? i : size - 1; }
/// Where an output place lies among the input's, between two of them.
__device__ inline T source_of(long i, int d, const Parameters &q, bool below_zero) {
  if (q.corners) return (T)q.scale[d] * (T)i;
  const T s = (T)q.scale[d] * ((T)i + (T)0.5) - (T)0.5;
  return s < (T)0 && !below_zero ? (T)0 : s;
}
"""
FIELDS = "PP" + "q" * (2 + 6 + 10 + 3 + 1) + "ddd"

NEAREST = """
extern "C" __global__ void k(const Parameters q) {
  const long i = (long)blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= q.count) return;
  const Place p = place_of(i, q);
  long from[3];
  for (int d = 0; d < 3; ++d) {
    const float middle = EXACT ? 0.5f : 0.0f;
    from[d] = within((long)floorf(((float)p.at[d] + middle) * (float)q.scale[d]), q.in_size[d]);
  }
  *p.out = to<X>(at(p, q, from[0], from[1], from[2]));
}
"""

LINEAR = """
extern "C" __global__ void k(const Parameters q) {
  const long i = (long)blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= q.count) return;
  const Place p = place_of(i, q);
  long low[3], high[3];
  T part[3];
  for (int d = 0; d < 3; ++d) {
    const T s = source_of(p.at[d], d, q, false);
    low[d] = within((long)s, q.in_size[d]);
    high[d] = low[d] + (low[d] < q.in_size[d] - 1);
    part[d] = s - (T)low[d];
    part[d] = part[d] > (T)1 ? (T)1 : part[d];
  }
  T sum = 0;
  for (int z = 0; z < 2; ++z)
    for (int y = 0; y < 2; ++y)
      for (int x = 0; x < 2; ++x) {
        const T w = (z ? part[0] : (T)1 - part[0]) * (y ? part[1] : (T)1 - part[1]) *
                    (x ? part[2] : (T)1 - part[2]);
        if (w == (T)0) continue;
        sum += w * at(p, q, z ? high[0] : low[0], y ? high[1] : low[1], x ? high[2] : low[2]);
      }
  *p.out = to<X>(sum);
}
"""

CUBIC = """
/// Keys' cubic convolution with a = -3/4 at distance x.
__device__ inline T weight(T x, T a) {
  x = fabs(x);
  if (x < (T)1) return ((a + (T)2) * x - (a + (T)3)) * x * x + (T)1;
  if (x < (T)2) return ((a * x - (T)5 * a) * x + (T)8 * a) * x - (T)4 * a;
  return 0;
}
"""

BICUBIC = (
    CUBIC
    + """
extern "C" __global__ void k(const Parameters q) {
  const long i = (long)blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= q.count) return;
  const Place p = place_of(i, q);
  const T y = source_of(p.at[1], 1, q, true), x = source_of(p.at[2], 2, q, true);
  const long top = (long)floor(y), left = (long)floor(x);
  T sum = 0;
  for (int j = -1; j < 3; ++j) {
    T row = 0;
    for (int c = -1; c < 3; ++c)
      row += weight(x - (T)(left + c), (T)-0.75) *
             at(p, q, 0, within(top + j, q.in_size[1]), within(left + c, q.in_size[2]));
    sum += weight(y - (T)(top + j), (T)-0.75) * row;
  }
  *p.out = to<X>(sum);
}
"""
)

ANTIALIASED = (
    CUBIC
    + """
/// The window of an output place: a filter as wide as the step where the image shrinks.
struct Window { long first, count; T centre, shrink, total; };
__device__ inline T filter(T x) {
  if (CUBE) return weight(x, (T)-0.5);
  x = fabs(x);
  return x < (T)1 ? (T)1 - x : (T)0;
}
__device__ inline Window window_of(long i, int d, const Parameters &q) {
  const T scale = (T)q.scale[d], reach = CUBE ? (T)2 : (T)1;
  const T support = scale >= (T)1 ? reach * scale : reach;
  Window w;
  w.shrink = scale >= (T)1 ? (T)1 / scale : (T)1;
  w.centre = scale * ((T)i + (T)0.5);
  const long first = (long)(w.centre - support + (T)0.5);
  const long last = (long)(w.centre + support + (T)0.5);
  w.first = first < 0 ? 0 : first;
  w.count = (last < q.in_size[d] ? last : q.in_size[d]) - w.first;
  w.total = 0;
  for (long j = 0; j < w.count; ++j)
    w.total += filter(((T)(j + w.first) - w.centre + (T)0.5) * w.shrink);
  return w;
}
extern "C" __global__ void k(const Parameters q) {
  const long i = (long)blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= q.count) return;
  const Place p = place_of(i, q);
  const Window v = window_of(p.at[1], 1, q), h = window_of(p.at[2], 2, q);
  T sum = 0;
  for (long j = 0; j < v.count; ++j) {
    T row = 0;
    for (long c = 0; c < h.count; ++c)
      row += filter(((T)(c + h.first) - h.centre + (T)0.5) * h.shrink) / h.total *
             at(p, q, 0, v.first + j, h.first + c);
    sum += filter(((T)(j + v.first) - v.centre + (T)0.5) * v.shrink) / v.total * row;
  }
  *p.out = to<X>(sum);
}
"""
)

PAD = """
extern "C" __global__ void k(const Parameters q) {
  const long i = (long)blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= q.count) return;
  const Place p = place_of(i, q);
  long from[3];
  for (int d = 0; d < 3; ++d) {
    long x = p.at[d] - q.before[d];
    if (REFLECT) {
      x = x < 0 ? -x : x;
      x = x >= q.in_size[d] ? 2 * (q.in_size[d] - 1) - x : x;
    }
    from[d] = within(x, q.in_size[d]);
  }
  *p.out = p.plane[from[0] * q.in_stride[2] + from[1] * q.in_stride[3] + from[2] * q.in_stride[4]];
}
"""

Three = Sequence[float]


@functools.cache
def resizing(text: str, dtype: torch.dtype, switches: tuple[str, ...]) -> Kernel:
    head = f"{numbers()}\ntypedef {cpp(dtype)} X; typedef math_t<X> T;\n"
    head += "".join(f"#define {switch} 1\n" for switch in switches)
    for name in ("EXACT", "CUBE", "REFLECT"):
        head += "" if name in switches else f"#define {name} 0\n"
    return Kernel(head + HEAD + text, FIELDS)


def resize(
    text: str, self: Tensor, out: Tensor, rank: int, *, scale: Three = (1, 1, 1),
    corners: bool = False, before: Sequence[int] = (0, 0, 0), switches: tuple[str, ...] = (),
) -> Tensor:  # fmt: skip
    if out.numel():
        source, target = planes(self, rank), planes(out, rank)
        resizing(text, out.dtype, switches)(
            -(-out.numel() // THREADS), THREADS, out, self, out.numel(), source.shape[1],
            *target.shape[2:], *source.shape[2:], *target.stride(), *source.stride(), *before,
            int(corners), *(float(value) for value in scale),
        )  # fmt: skip
    return out


def scales(
    self: Tensor, out: Tensor, given: Sequence[float | None], corners: bool = False
) -> list[float]:
    """Input steps an output step, for three dimensions."""
    rank, result = len(given), []
    for size, wanted, factor in zip(
        self.shape[-rank:], out.shape[-rank:], given, strict=True
    ):
        if corners:
            result.append((size - 1) / (wanted - 1) if wanted > 1 else 0.0)
        else:
            result.append(1 / factor if factor and factor > 0 else size / wanted)
    return [1.0] * (3 - rank) + result


def nearest(self: Tensor, out: Tensor, given: Sequence[float | None], exact: bool) -> Tensor:
    return resize(
        NEAREST, self, out, len(given), scale=scales(self, out, given),
        switches=("EXACT",) if exact else (),
    )  # fmt: skip


@op("upsample_nearest1d.out", "upsample_nearest2d.out", "upsample_nearest3d.out")
def upsample_nearest(self: Tensor, output_size: list[int], *given: float, out: Tensor) -> Tensor:
    return nearest(self, out, pad_given(given, len(output_size)), False)


@op("_upsample_nearest_exact1d.out", "_upsample_nearest_exact2d.out",
    "_upsample_nearest_exact3d.out")  # fmt: skip
def upsample_exact(self: Tensor, output_size: list[int], *given: float, out: Tensor) -> Tensor:
    return nearest(self, out, pad_given(given, len(output_size)), True)


def pad_given(given: Sequence[float | None], rank: int) -> list[float | None]:
    return list(given) + [None] * (rank - len(given))


@op("upsample_linear1d.out", "upsample_bilinear2d.out", "upsample_trilinear3d.out")
def upsample_linear(
    self: Tensor, output_size: list[int], align_corners: bool, *given: float, out: Tensor
) -> Tensor:
    rank = len(output_size)
    steps = scales(self, out, pad_given(given, rank), align_corners)
    return resize(LINEAR, self, out, rank, scale=steps, corners=align_corners)


@op("upsample_bicubic2d.out")
def upsample_bicubic(
    self: Tensor, output_size: list[int], align_corners: bool, *given: float, out: Tensor
) -> Tensor:
    steps = scales(self, out, pad_given(given, 2), align_corners)
    return resize(BICUBIC, self, out, 2, scale=steps, corners=align_corners)


def antialiased(
    self: Tensor, corners: bool, given: Sequence[float], out: Tensor, switches: tuple[str, ...]
) -> Tensor:
    steps = scales(self, out, pad_given(given, 2), corners)
    return resize(ANTIALIASED, self, out, 2, scale=steps, switches=switches)


@op("_upsample_bilinear2d_aa.out")
def upsample_bilinear_aa(
    self: Tensor, output_size: list[int], align_corners: bool, *given: float, out: Tensor
) -> Tensor:
    return antialiased(self, align_corners, given, out, ())


@op("_upsample_bicubic2d_aa.out")
def upsample_bicubic_aa(
    self: Tensor, output_size: list[int], align_corners: bool, *given: float, out: Tensor
) -> Tensor:
    return antialiased(self, align_corners, given, out, ("CUBE",))


def before(padding: Sequence[int]) -> list[int]:
    """What stands before each of three dimensions; ``padding`` begins with the last one."""
    first = list(padding[::2])[::-1]
    return [0] * (3 - len(first)) + first


@op("reflection_pad1d.out", "reflection_pad2d.out", "reflection_pad3d.out")
def reflection_pad(self: Tensor, padding: list[int], *, out: Tensor) -> Tensor:
    shape = padded_shape(self, padding)
    if list(out.shape) != shape:
        out.resize_(shape)
    return resize(
        PAD, self, out, len(padding) // 2, before=before(padding), switches=("REFLECT",)
    )


@op("reflection_pad2d")
def reflection_pad2d(self: Tensor, padding: list[int]) -> Tensor:
    checked = torch.nn.functional.pad(self.to("meta"), list(padding), mode="reflect")
    return reflection_pad(self, padding, out=torch.empty_like(checked, device=self.device))


@op("replication_pad1d.out", "replication_pad2d.out", "replication_pad3d.out")
def replication_pad(self: Tensor, padding: list[int], *, out: Tensor) -> Tensor:
    return resize(PAD, self, out, len(padding) // 2, before=before(padding))


def padded_shape(self: Tensor, padding: Sequence[int]) -> list[int]:
    shape = list(self.shape)
    for i in range(len(padding) // 2):
        shape[-1 - i] += padding[2 * i] + padding[2 * i + 1]
    return shape
