"""Stable sorting along a dimension, and the first k of it."""

import functools

import torch
from torch import Tensor

from warpfive.torch_backend.ops.launch import Kernel, cpp, numbers
from warpfive.torch_backend.ops.registry import op

RUN = 256

BEFORE = """
/// Whether a stands before b: ascending or descending, not-a-number greatest.
__device__ inline bool before(T a, T b) {
  const bool greater = is_nan(a) ? !is_nan(b) : !is_nan(b) && a > b;
  const bool less = is_nan(b) ? !is_nan(a) : !is_nan(a) && a < b;
  return DESCENDING ? greater : less;
}
"""

RUNS = """
struct Parameters { char *keys_out, *places_out, *keys; long length, runs; };
/// A block sorts one run of a row by counting, for each element, those that stand before it.
extern "C" __global__ void k(const Parameters q) {
  const long row = blockIdx.x / q.runs, start = blockIdx.x % q.runs * RUN;
  const int count = (int)(q.length - start < RUN ? q.length - start : RUN);
  const X *keys = (const X *)q.keys + row * q.length + start;
  __shared__ T all[RUN];
  const int me = threadIdx.x;
  if (me < count) all[me] = to<T>(keys[me]);
  __syncthreads();
  if (me >= count) return;
  const T mine = all[me];
  int rank = 0;
  for (int i = 0; i < count; ++i)
    rank += before(all[i], mine) || (i < me && !before(mine, all[i]));
  const long place = row * q.length + start + rank;
  ((X *)q.keys_out)[place] = keys[me];
  ((long *)q.places_out)[place] = start + me;
}
"""

MERGE = """
struct Parameters { char *keys_out, *places_out, *keys, *places; long length, width, count; };
/// Two sorted runs of `width` become one: each element looks up its rank in the other run.
extern "C" __global__ void k(const Parameters q) {
  const long i = (long)blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= q.count) return;
  const long row = i / q.length, at = i % q.length, pair = at / (2 * q.width) * 2 * q.width;
  const bool second = at - pair >= q.width;
  const X *keys = (const X *)q.keys + row * q.length;
  const T mine = to<T>(keys[at]);
  long low = second ? pair : pair + q.width;
  const long start = low;
  long high = low + q.width < q.length ? low + q.width : q.length;
  while (low < high) {
    const long middle = (low + high) / 2;
    const T other = to<T>(keys[middle]);
    if (second ? !before(mine, other) : before(other, mine)) low = middle + 1;
    else high = middle;
  }
  const long others = start < q.length ? low - start : 0;
  const long place = row * q.length + pair + (at - pair - (second ? q.width : 0)) + others;
  ((X *)q.keys_out)[place] = keys[at];
  ((long *)q.places_out)[place] = ((const long *)q.places)[row * q.length + at];
}
"""


@functools.cache
def kernels(dtype: torch.dtype, descending: bool) -> tuple[Kernel, Kernel]:
    head = f"typedef {cpp(dtype)} X; typedef math_t<X> T;\n#define RUN {RUN}\n"
    head = f"{numbers()}\n{head}#define DESCENDING {int(descending)}\n{BEFORE}"
    return Kernel(head + RUNS, "PPPqq", "sort_runs"), Kernel(head + MERGE, "PPPPqqq", "merge")


def sorted_rows(keys: Tensor, descending: bool) -> tuple[Tensor, Tensor]:
    """Values and places of contiguous (rows, length) keys, each row sorted stably."""
    rows, length = keys.shape
    values, places = torch.empty_like(keys), torch.empty_like(keys, dtype=torch.int64)
    runs = -(-length // RUN)
    by_run, merge = kernels(keys.dtype, descending)
    by_run(rows * runs, RUN, values, places, keys, length, runs)
    width = RUN
    if width < length:
        other_values, other_places = torch.empty_like(values), torch.empty_like(places)
    while width < length:
        merge(
            -(-keys.numel() // RUN), RUN, other_values, other_places, values, places, length,
            width, keys.numel(),
        )  # fmt: skip
        values, places, other_values, other_places = other_values, other_places, values, places
        width *= 2
    return values, places


def sorted_along(self: Tensor, dim: int, descending: bool) -> tuple[Tensor, Tensor]:
    if self.dim() == 0:
        return self.clone(), torch.zeros((), dtype=torch.int64, device=self.device)
    moved = self.movedim(dim, -1).contiguous()
    if moved.numel() == 0:
        return self.clone(), torch.empty_like(self, dtype=torch.int64)
    values, places = sorted_rows(moved.view(-1, moved.shape[-1]), descending)
    return (values.view(moved.shape).movedim(-1, dim), places.view(moved.shape).movedim(-1, dim))


@op("sort.values_stable")
def sort(
    self: Tensor, *, stable: bool | None = False, dim: int = -1, descending: bool = False,
    values: Tensor, indices: Tensor,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    found, places = sorted_along(self, dim, descending)
    if values.shape != found.shape:
        values.resize_(found.shape)
        indices.resize_(found.shape)
    return values.copy_(found), indices.copy_(places)


@op("topk.values")
def topk(
    self: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True, *,
    values: Tensor, indices: Tensor,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    found, places = sorted_along(self, dim, largest)
    if self.dim():
        found, places = found.narrow(dim, 0, k), places.narrow(dim, 0, k)
    if values.shape != found.shape:
        values.resize_(found.shape)
        indices.resize_(found.shape)
    return values.copy_(found), indices.copy_(places)
