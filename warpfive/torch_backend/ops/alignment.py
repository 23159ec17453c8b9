"""Connectionist temporal classification (Graves et al., ICML 2006): a block a sequence.

A target of S labels has 2S + 1 states, a blank before, between and behind the labels. alpha[t, s]
is the logarithm of the chance of all ways to be in state s at time t, beta[t, s] that of all ways
on from there; both count what is emitted at t.
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
  char *alpha, *beta, *loss, *in, *grad, *given;
  long *targets, *offsets, *lengths, *target_lengths;
  long times, count, labels, states, blank, target_stride, zero_infinity;
  long in_time, in_batch, in_label, given_stride;
};
struct Sequence {
  const X *in;
  const long *targets;
  long time, label, stride, blank;
  __device__ long at(long s) const { return s % 2 ? targets[s / 2 * stride] : blank; }
  __device__ T emitted(long t, long s) const { return to<T>(in[t * time + at(s) * label]); }
  /// Whether a way may go between s and s + 2 without the state in the middle.
  __device__ bool skips(long s) const { return at(s) != at(s + 2); }
};
__device__ inline Sequence sequence(const Parameters &q, long n) {
  return {(const X *)q.in + n * q.in_batch, q.targets + q.offsets[n], q.in_time, q.in_label,
          q.target_stride, q.blank};
}
__device__ inline T joined(T a, T b) {
  const T most = a > b ? a : b, least = a > b ? b : a;
  return least == -infinity<T>() ? most : most + log1p(exp(least - most));
}
"""

FORWARD = """
extern "C" __global__ void k(const Parameters q) {
  const long n = blockIdx.x, length = q.lengths[n], last = 2 * q.target_lengths[n];
  const Sequence one = sequence(q, n);
  T *alpha = (T *)q.alpha + n * q.times * q.states;
  for (long t = 0; t < q.times; ++t, alpha += q.states) {
    for (long s = threadIdx.x; s < q.states; s += blockDim.x) {
      T sum = -infinity<T>();
      if (t < length && s <= last) {
        if (t == 0) {
          if (s < 2) sum = one.emitted(0, s);
        } else {
          const T *before = alpha - q.states;
          sum = before[s];
          if (s > 0) sum = joined(sum, before[s - 1]);
          if (s > 1 && one.skips(s - 2)) sum = joined(sum, before[s - 2]);
          sum += one.emitted(t, s);
        }
      }
      alpha[s] = sum;
    }
    __syncthreads();
  }
  if (threadIdx.x) return;
  const T *end = (T *)q.alpha + (n * q.times + length - 1) * q.states;
  T sum = length == 0 ? (last == 0 ? (T)0 : -infinity<T>()) : end[last];
  if (length > 0 && last > 0) sum = joined(sum, end[last - 1]);
  ((X *)q.loss)[n] = to<X>(-sum);
}
"""

BETA = """
extern "C" __global__ void k(const Parameters q) {
  const long n = blockIdx.x, length = q.lengths[n], last = 2 * q.target_lengths[n];
  const Sequence one = sequence(q, n);
  T *beta = (T *)q.beta + (n * q.times + length - 1) * q.states;
  for (long t = length - 1; t >= 0; --t, beta -= q.states) {
    for (long s = threadIdx.x; s <= last; s += blockDim.x) {
      T sum = -infinity<T>();
      if (t == length - 1) {
        if (s + 1 >= last) sum = one.emitted(t, s);
      } else {
        const T *after = beta + q.states;
        sum = after[s];
        if (s < last) sum = joined(sum, after[s + 1]);
        if (s + 1 < last && one.skips(s)) sum = joined(sum, after[s + 2]);
        sum += one.emitted(t, s);
      }
      beta[s] = sum;
    }
    __syncthreads();
  }
}
"""

BACKWARD = """
/// A thread a time of a sequence, its labels one after the other: grad is (times, count, labels).
extern "C" __global__ void k(const Parameters q) {
  const long i = (long)blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= q.times * q.count) return;
  const long n = i % q.count, t = i / q.count, last = 2 * q.target_lengths[n];
  const T loss = to<T>(((const X *)q.loss)[n]);
  T *grad = (T *)q.grad + i * q.labels;
  const bool none = t >= q.lengths[n] || (q.zero_infinity && loss == infinity<T>());
  for (long c = 0; c < q.labels; ++c) grad[c] = none ? (T)0 : -infinity<T>();
  if (none) return;
  const Sequence one = sequence(q, n);
  const T *alpha = (T *)q.alpha + (n * q.times + t) * q.states;
  const T *beta = (T *)q.beta + (n * q.times + t) * q.states;
  for (long s = 0; s <= last; ++s) {
    T &sum = grad[one.at(s)];
    sum = joined(sum, alpha[s] + beta[s]);
  }
  const T given = to<T>(((const X *)q.given)[n * q.given_stride]);
  for (long c = 0; c < q.labels; ++c) {
    const T emitted = to<T>(one.in[t * one.time + c * one.label]);
    grad[c] = (exp(emitted) - exp(grad[c] + loss - emitted)) * given;
  }
}
"""


@functools.cache
def alignment_kernel(text: str, dtype: torch.dtype) -> Kernel:
    head = f"{numbers()}\ntypedef {cpp(dtype)} X; typedef math_t<X> T;\n"
    return Kernel(head + HEAD + text, "P" * 10 + "q" * 11, "ctc_loss")


def described(
    log_probs: Tensor, targets: Tensor, input_lengths: Sequence[int],
    target_lengths: Sequence[int], blank: int, zero_infinity: bool,
) -> tuple[list[Tensor], list[int]]:  # fmt: skip
    """The last pointers and numbers of the kernels' parameters."""
    times, count, labels = log_probs.shape
    check(log_probs, targets, input_lengths, target_lengths, blank)
    if targets.dim() == 1:
        ends = torch.tensor([0, *target_lengths]).cumsum(0)
        offsets, stride, most = ends[:-1], targets.stride(0), max([0, *target_lengths])
        offsets = offsets * stride
    else:
        offsets, stride = torch.arange(count) * targets.stride(0), targets.stride(1)
        most = targets.shape[1]
    device = log_probs.device
    lengths = (torch.tensor(list(each)) for each in (input_lengths, target_lengths))
    pointers = [targets, *(t.to(torch.int64).to(device) for t in (offsets, *lengths))]
    return pointers, [times, count, labels, 2 * most + 1, blank, stride, int(zero_infinity),
                      *log_probs.stride()]  # fmt: skip


def check(
    log_probs: Tensor, targets: Tensor, input_lengths: Sequence[int],
    target_lengths: Sequence[int], blank: int,
) -> None:  # fmt: skip
    times, count, labels = log_probs.shape
    if not 0 <= blank < labels:
        raise RuntimeError("blank must be in label range")
    if len(input_lengths) != count or len(target_lengths) != count:
        raise RuntimeError(
            f"ctc_loss: there must be a length for each of the {count} sequences; input_lengths "
            f"has {len(input_lengths)}, target_lengths {len(target_lengths)}"
        )
    if any(not 0 <= length <= times for length in input_lengths):
        raise RuntimeError(
            f"ctc_loss: input_lengths must be from 0 to {times}, the length of log_probs; found "
            f"{list(input_lengths)}"
        )
    most = sum(target_lengths) if targets.dim() == 1 else max([0, *target_lengths])
    if min([0, *target_lengths]) < 0 or most > targets.shape[-1]:
        raise RuntimeError(
            f"ctc_loss: target_lengths {list(target_lengths)} do not fit targets of shape "
            f"{list(targets.shape)}"
        )


@op("_use_cudnn_ctc_loss", "_use_cudnn_ctc_loss.Tensor",
    "_use_miopen_ctc_loss", "_use_miopen_ctc_loss.Tensor")  # fmt: skip
def use_library(*_: object) -> bool:
    """Whether a vendor's library computes it: never."""
    return False


@op("_ctc_loss")
def ctc_loss(
    log_probs: Tensor, targets: Tensor, input_lengths: Sequence[int],
    target_lengths: Sequence[int], blank: int = 0, zero_infinity: bool = False,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The loss of each sequence, and alpha, (sequences, times, states)."""
    targets = targets.to(log_probs.device, torch.int64)
    pointers, numbers_ = described(log_probs, targets, input_lengths, target_lengths, blank,
                                   zero_infinity)  # fmt: skip
    times, count, states = log_probs.shape[0], log_probs.shape[1], numbers_[3]
    alpha = log_probs.new_empty((count, times, states), dtype=working(log_probs.dtype))
    loss = log_probs.new_empty(count)
    if count:
        alignment_kernel(FORWARD, log_probs.dtype)(
            count, min(THREADS, -(-states // 32) * 32), alpha, 0, loss, log_probs, 0, 0,
            *pointers, *numbers_, 0,
        )  # fmt: skip
    return loss, alpha


def working(dtype: torch.dtype) -> torch.dtype:
    return dtype if dtype == torch.float64 else torch.float32


@op("_ctc_loss_backward")
def ctc_loss_backward(
    grad: Tensor, log_probs: Tensor, targets: Tensor, input_lengths: Sequence[int],
    target_lengths: Sequence[int], neg_log_likelihood: Tensor, log_alpha: Tensor, blank: int,
    zero_infinity: bool = False,
) -> Tensor:  # fmt: skip
    targets = targets.to(log_probs.device, torch.int64)
    pointers, numbers_ = described(log_probs, targets, input_lengths, target_lengths, blank,
                                   zero_infinity)  # fmt: skip
    times, count, labels = log_probs.shape
    out = log_probs.new_empty((times, count, labels), dtype=working(log_probs.dtype))
    if out.numel():
        alpha, loss = log_alpha.contiguous(), neg_log_likelihood.contiguous()
        beta, states = torch.empty_like(alpha), numbers_[3]
        last = (alpha, beta, loss, log_probs, out, grad, *pointers, *numbers_, grad.stride(0))
        alignment_kernel(BETA, log_probs.dtype)(
            count, min(THREADS, -(-states // 32) * 32), *last
        )
        alignment_kernel(BACKWARD, log_probs.dtype)(-(-times * count // THREADS), THREADS, *last)
    return out.to(log_probs.dtype)
