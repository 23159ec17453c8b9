"""Operators that walk along one dimension: a thread a line, in order.

Results do not depend on the order in which threads run: no two lines share an element.
"""

import functools
from typing import Any

import torch
from torch import Tensor

from warpfive.torch_backend.ops.launch import Kernel, cpp, numbers
from warpfive.torch_backend.ops.registry import op

THREADS = 128
DIMENSIONS = 8

EXTREME = """
struct Parameters { char *values, *places, *in; long lines, length, inner; };
extern "C" __global__ void k(const Parameters q) {
  const long line = (long)blockIdx.x * blockDim.x + threadIdx.x;
  if (line >= q.lines) return;
  const long first = line / q.inner * q.length * q.inner + line % q.inner;
  const X *in = (const X *)q.in + first;
  X *values = (X *)q.values + first;
  long *places = (long *)q.places + first;
  X best = in[0];
  long where = 0;
  for (long i = 0; i < q.length; ++i) {
    const X value = in[i * q.inner];
    const T a = to<T>(value), b = to<T>(best);
    if (is_nan(a) || (!is_nan(b) && (GREATEST ? a >= b : a <= b))) { best = value; where = i; }
    values[i * q.inner] = best;
    places[i * q.inner] = where;
  }
}
"""

LOG_SUM = """
struct Parameters { char *out, *in; long lines, length, inner; };
extern "C" __global__ void k(const Parameters q) {
  const long line = (long)blockIdx.x * blockDim.x + threadIdx.x;
  if (line >= q.lines) return;
  const long first = line / q.inner * q.length * q.inner + line % q.inner;
  const X *in = (const X *)q.in + first;
  X *out = (X *)q.out + first;
  T sum = -infinity<T>();
  for (long i = 0; i < q.length; ++i) {
    const T value = to<T>(in[i * q.inner]);
    const T most = is_nan(sum) || is_nan(value) ? sum + value : sum < value ? value : sum;
    const T least = sum < value ? sum : value;
    sum = most == infinity<T>() || most == -infinity<T>() || is_nan(most)
              ? most : most + log1p(exp(least - most));
    out[i * q.inner] = to<X>(sum);
  }
}
"""

SCATTER = f"""
struct Parameters {{
  char *out, *count, *index, *in;
  long lines, length, size, axes;
  long shape[{DIMENSIONS}], out_stride[{DIMENSIONS}], index_stride[{DIMENSIONS}];
  long in_stride[{DIMENSIONS}];
  long out_step, index_step, in_step;
}};
__device__ inline T joined(T a, T b) {{
  if (RULE == 0 || RULE == 2) return a + b;
  if (RULE == 1) return a * b;
  if (is_nan(a) || is_nan(b)) return is_nan(a) ? a : b;
  return RULE == 3 ? (a < b ? b : a) : (b < a ? b : a);
}}
/// Joins in[line, i] to out[line, index[line, i]] for i = 0, 1, ...
extern "C" __global__ void k(const Parameters q) {{
  long rest = (long)blockIdx.x * blockDim.x + threadIdx.x;
  if (rest >= q.lines) return;
  X *out = (X *)q.out;
  const long *index = (const long *)q.index;
  const X *in = (const X *)q.in;
  int *count = (int *)q.count;
  for (long axis = q.axes - 1; axis >= 0; --axis) {{
    const long i = rest % q.shape[axis];
    rest /= q.shape[axis];
    out += i * q.out_stride[axis];
    if (count) count += i * q.out_stride[axis];
    index += i * q.index_stride[axis];
    in += i * q.in_stride[axis];
  }}
  for (long i = 0; i < q.length; ++i) {{
    long place = index[i * q.index_step];
    if (place < 0) place += q.size;
    if (place < 0 || place >= q.size) __trap();
    X &target = out[place * q.out_step];
    const X value = in[i * q.in_step];
    if (count && count[place * q.out_step]++ == 0 && FRESH) target = value;
    else target = to<X>(joined(to<T>(target), to<T>(value)));
  }}
}}
"""

SEGMENT = """
struct Parameters { char *out, *in, *offsets; long count, segments, length, inner; double start; };
/// Joins data[outer, offsets[s] .. offsets[s + 1], inner].
extern "C" __global__ void k(const Parameters q) {
  const long i = (long)blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= q.count) return;
  const long inner = i % q.inner, segment = i / q.inner % q.segments;
  const long outer = i / q.inner / q.segments;
  const long *offsets = (const long *)q.offsets + outer * (q.segments + 1) + segment;
  const X *in = (const X *)q.in + outer * q.length * q.inner + inner;
  T total = (T)q.start;
  for (long j = offsets[0]; j < offsets[1]; ++j) {
    const T value = to<T>(in[j * q.inner]);
    if (RULE == 0 || RULE == 2) total += value;
    else if (RULE == 1) total *= value;
    else if (is_nan(total) || is_nan(value)) total = is_nan(total) ? total : value;
    else if (RULE == 3) total = total < value ? value : total;
    else total = value < total ? value : total;
  }
  const long length = offsets[1] - offsets[0];
  if (RULE == 2 && length == 0 && !GIVEN) total = not_a_number<T>();
  else if (RULE == 2 && length > 0 && !is_nan(total)) total /= (T)length;
  ((X *)q.out)[i] = to<X>(total);
}
"""

RULES = {"sum": 0, "add": 0, "prod": 1, "multiply": 1, "mean": 2, "amax": 3, "max": 3, "amin": 4,
         "min": 4}  # fmt: skip


@functools.cache
def line_kernel(text: str, fields: str, dtype: torch.dtype, **switches: int) -> Kernel:
    head = f"{numbers()}\ntypedef {cpp(dtype)} X; typedef math_t<X> T;\n"
    head += "".join(f"#define {name} {value}\n" for name, value in switches.items())
    return Kernel(head + text, fields)


def line_shape(self: Tensor, dim: int) -> tuple[int, int, int]:
    """Lines, their length, and the elements behind the dimension, of a contiguous tensor."""
    if self.dim() == 0:
        return 1, 1, 1
    length = self.shape[dim]
    return self.numel() // length, length, self.shape[dim % self.dim() + 1 :].numel()


def running(self: Tensor, values: Tensor, indices: Tensor, dim: int, greatest: int) -> None:
    if self.numel() == 0:
        return
    lines, length, inner = line_shape(self, dim)
    source = self.contiguous()
    found, places = torch.empty_like(source), torch.empty_like(source, dtype=torch.int64)
    line_kernel(EXTREME, "PPPqqq", self.dtype, GREATEST=greatest)(
        -(-lines // THREADS), THREADS, found, places, source, lines, length, inner
    )
    values.copy_(found)
    indices.copy_(places)


@op("_cummax_helper")
def cummax(self: Tensor, values: Tensor, indices: Tensor, dim: int) -> None:
    running(self, values, indices, dim, 1)


@op("_cummin_helper")
def cummin(self: Tensor, values: Tensor, indices: Tensor, dim: int) -> None:
    running(self, values, indices, dim, 0)


@op("_logcumsumexp")
def logcumsumexp(self: Tensor, dim: int) -> Tensor:
    source = self.contiguous()
    out = torch.empty_like(source)
    if source.numel():
        lines, length, inner = line_shape(source, dim)
        line_kernel(LOG_SUM, "PPqqq", self.dtype)(
            -(-lines // THREADS), THREADS, out, source, lines, length, inner
        )
    return out


@op("_logcumsumexp.out")
def logcumsumexp_out(self: Tensor, dim: int, *, out: Tensor) -> Tensor:
    result = logcumsumexp(self, dim)
    return out.resize_(result.shape).copy_(result)


def scatter_into(
    out: Tensor, dim: int, index: Tensor, source: Tensor, rule: str, include_self: bool = True
) -> Tensor:
    """Joins ``source`` to ``out`` (changed in place) at ``index`` along ``dim`` by ``rule``."""
    if index.numel() == 0:
        return out
    target, places, values = (x if x.dim() else x.reshape(1) for x in (out, index, source))
    dim %= target.dim()
    if target.dim() > DIMENSIONS:
        raise NotImplementedError(
            f"scatter over {target.dim()} dimensions has no kernel on the chip; {DIMENSIONS} "
            "have one: reshape the tensor"
        )
    axes = [axis for axis in range(target.dim()) if axis != dim]
    fill = [0] * (DIMENSIONS - len(axes))
    shape = [places.shape[axis] for axis in axes]
    lines = torch.Size(shape).numel()
    counts = None
    if rule == "mean" or not include_self:
        counts = torch.empty_strided(
            target.shape, target.stride(), dtype=torch.int32, device=out.device
        ).zero_()
    fields = "PPPP" + "q" * (4 + 4 * DIMENSIONS + 3)
    kernel = line_kernel(
        SCATTER, fields, out.dtype, RULE=RULES[rule], FRESH=int(not include_self)
    )
    strides = (
        number for each in (target, places, values)
        for number in [each.stride(axis) for axis in axes] + fill
    )  # fmt: skip
    kernel(
        -(-lines // THREADS), THREADS, target, 0 if counts is None else counts, places, values,
        lines, places.shape[dim], target.shape[dim], len(axes), *shape, *fill, *strides,
        target.stride(dim), places.stride(dim), values.stride(dim),
    )  # fmt: skip
    if rule == "mean" and counts is not None:
        number = counts + 1 if include_self else counts.clamp(min=1)
        mode = None if out.is_floating_point() else "floor"
        target.copy_(torch.div(target, number.to(target.dtype), rounding_mode=mode))
    return out


@op("scatter_reduce.two_out")
def scatter_reduce(
    self: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True,
    out: Tensor,
) -> Tensor:  # fmt: skip
    return scatter_into(kept(self, out), dim, index, src, reduce, include_self)


@op("scatter.reduce_out")
def scatter_joined(
    self: Tensor, dim: int, index: Tensor, src: Tensor, *, reduce: str, out: Tensor
) -> Tensor:
    return scatter_into(kept(self, out), dim, index, src, reduce)


@op("scatter.value_reduce_out")
def scatter_joined_value(
    self: Tensor, dim: int, index: Tensor, value: float, *, reduce: str, out: Tensor
) -> Tensor:
    source = torch.full((), value, dtype=self.dtype, device=self.device).expand(index.shape)
    return scatter_into(kept(self, out), dim, index, source, reduce)


def kept(self: Tensor, out: Tensor) -> Tensor:
    return out if out is self else out.copy_(self)


def lined_index(self: Tensor, dim: int, index: Tensor, source: Tensor) -> tuple[Tensor, Tensor]:
    """An index over one dimension, and the source, over all of the source's."""
    shape = list(self.shape) or [1]
    dim %= len(shape)
    shape[dim] = index.numel()
    view = [1] * len(shape)
    view[dim] = index.numel()
    return index.long().reshape(view).expand(shape), source.reshape(shape)


@op("index_reduce.out")
def index_reduce(
    self: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str, *,
    include_self: bool = True, out: Tensor,
) -> Tensor:  # fmt: skip
    places, values = lined_index(self, dim, index, source)
    return scatter_into(kept(self, out), dim, places, values, reduce, include_self)


@op("index_add.out")
def index_add(
    self: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: float = 1, out: Tensor
) -> Tensor:
    places, values = lined_index(self, dim, index, source)
    values = values if alpha == 1 else (values * alpha).to(self.dtype)
    rule = "amax" if self.dtype == torch.bool else "sum"
    return scatter_into(kept(self, out), dim, places, values, rule)


def offsets_of(lengths: Tensor) -> Tensor:
    return torch.nn.functional.pad(lengths.long().cumsum(-1), (1, 0))


@op("_segment_reduce_backward")
def segment_reduce_backward(
    grad: Tensor, output: Tensor, data: Tensor, reduce: str, *, lengths: Tensor | None = None,
    offsets: Tensor | None = None, axis: int = 0, initial: Any = None,
) -> Tensor:  # fmt: skip
    """What each element of ``data`` gets from its segment; nothing where it is of none."""
    bounds = (offsets.long() if lengths is None else offsets_of(lengths)).contiguous()
    axis %= data.dim()
    segments = bounds.shape[-1] - 1
    if not segments or not data.numel():
        return torch.zeros_like(data)
    rest = [1] * (data.dim() - axis - 1)
    at = torch.arange(data.shape[axis], device=data.device).expand(*bounds.shape[:-1], -1)
    found = torch.searchsorted(bounds[..., 1:].contiguous(), at.contiguous(), right=True)
    inside = ((found < segments) & (at >= bounds[..., :1])).reshape(*found.shape, *rest)
    which = found.clamp(max=segments - 1).reshape(*found.shape, *rest).expand(data.shape)

    def spread(of_segments: Tensor) -> Tensor:
        return of_segments.gather(axis, which)

    def summed(values: Tensor, rule: str, start: Any = None) -> Tensor:
        parts = segment_reduce(values.to(data.dtype), rule, offsets=bounds, axis=axis,
                               initial=start)  # fmt: skip
        return spread(parts)

    flow = spread(grad)
    if reduce == "mean":
        flow = flow / spread(bounds.diff().reshape(*bounds.shape[:-1], segments, *rest)
                             .expand_as(output))  # fmt: skip
    elif reduce in ("max", "min"):
        best = (data == spread(output)) | data.isnan()
        flow = torch.where(best, flow / summed(best, "sum"), 0)
    elif reduce == "prod":
        zero = data == 0
        others = summed(torch.where(zero, 1, data), "prod", initial)
        zeros = summed(zero, "sum")
        flow = flow * torch.where(zeros - zero.to(data.dtype) > 0, 0, others)
        flow = torch.where(zero, flow, flow / data)
    return torch.where(inside, flow, 0).to(data.dtype)


@op("segment_reduce")
def segment_reduce(
    data: Tensor, reduce: str, *, lengths: Tensor | None = None, indices: Tensor | None = None,
    offsets: Tensor | None = None, axis: int = 0, unsafe: bool = False, initial: Any = None,
) -> Tensor:  # fmt: skip
    if lengths is None and offsets is None:
        raise RuntimeError("segment_reduce(): Either lengths or offsets must be defined.")
    bounds = (offsets.long() if lengths is None else offsets_of(lengths)).contiguous()
    axis %= data.dim()
    segments = bounds.shape[-1] - 1
    shape = (*data.shape[:axis], segments, *data.shape[axis + 1 :])
    out = torch.empty(shape, dtype=data.dtype, device=data.device)
    starts = {"prod": 1.0, "max": -float("inf"), "min": float("inf")}
    start = starts.get(reduce, 0.0) if initial is None else float(initial)
    if out.numel():
        kernel = line_kernel(
            SEGMENT, "PPPqqqqd", data.dtype, RULE=RULES[reduce], GIVEN=int(initial is not None)
        )
        kernel(
            -(-out.numel() // THREADS), THREADS, out, data.contiguous(), bounds, out.numel(),
            segments, data.shape[axis], data.shape[axis + 1 :].numel(), start,
        )  # fmt: skip
    return out
