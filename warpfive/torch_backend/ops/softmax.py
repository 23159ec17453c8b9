"""Softmax and its logarithm along any dimension."""

import functools

import torch
from torch import Tensor

from warpfive.torch_backend.ops.create import dense
from warpfive.torch_backend.ops.launch import Kernel, cpp, numbers
from warpfive.torch_backend.ops.narrow import widened
from warpfive.torch_backend.ops.registry import op

SOFTMAX = """
struct Parameters { char *out, *in; long length, inner; };
__device__ inline T over_block(T value, T *shared, bool greatest) {
  for (int reach = 16; reach; reach /= 2) {
    const T other = __shfl_xor_sync(0xffffffffu, value, reach);
    value = greatest ? (value < other ? other : value) : value + other;
  }
  if (THREADS == 32) return value;
  __syncthreads();
  if (threadIdx.x % 32 == 0) shared[threadIdx.x / 32] = value;
  __syncthreads();
  value = shared[0];
  for (int i = 1; i < THREADS / 32; ++i)
    value = greatest ? (value < shared[i] ? shared[i] : value) : value + shared[i];
  return value;
}
extern "C" __global__ void k(const Parameters q) {
  __shared__ T shared[32];
  const long row = blockIdx.x, first = row / q.inner * q.length * q.inner + row % q.inner;
  const X *in = (const X *)q.in + first;
  R *out = (R *)q.out + first;
  T most = -infinity<T>();
  for (long i = threadIdx.x; i < q.length; i += THREADS) {
    const T value = to<T>(in[i * q.inner]);
    most = value > most || is_nan(value) ? value : most;
  }
  most = over_block(most, shared, true);
  T sum = 0;
  for (long i = threadIdx.x; i < q.length; i += THREADS)
    sum += exp(to<T>(in[i * q.inner]) - most);
  sum = over_block(sum, shared, false);
  const T log_sum = log(sum), scale = (T)1 / sum;
  for (long i = threadIdx.x; i < q.length; i += THREADS) {
    const T value = to<T>(in[i * q.inner]) - most;
    out[i * q.inner] = to<R>(LOG ? value - log_sum : exp(value) * scale);
  }
}
"""


@functools.cache
def softmax_kernel(
    element: torch.dtype, result: torch.dtype, threads: int, logarithm: bool
) -> Kernel:
    head = f"typedef {cpp(element)} X; typedef {cpp(result)} R; typedef math_t<X> T;\n"
    head += f"#define THREADS {threads}\n#define LOG {int(logarithm)}\n"
    return Kernel(f"{numbers()}\n{head}{SOFTMAX}", "PPqq")


def softmax_along(self: Tensor, dim: int, out: Tensor, logarithm: bool) -> Tensor:
    if out.numel() == 0:
        return out
    source, target = self.contiguous(), dense(out)
    shape = source.shape or (1,)
    dim %= len(shape)
    inner = 1
    for size in shape[dim + 1 :]:
        inner *= size
    length = shape[dim]
    threads = 32 if length <= 512 else 256
    kernel = softmax_kernel(source.dtype, target.dtype, threads, logarithm)
    kernel(source.numel() // length, threads, target, source, length, inner)
    return out if target is out else out.copy_(target)


@op("_softmax.out")
def softmax(self: Tensor, dim: int, half_to_float: bool, *, out: Tensor) -> Tensor:
    return softmax_along(self, dim, out, False)


@op("_log_softmax.out")
def log_softmax(self: Tensor, dim: int, half_to_float: bool, *, out: Tensor) -> Tensor:
    return softmax_along(self, dim, out, True)


@op("_softmax_backward_data.out")
@widened
def softmax_backward(
    grad_output: Tensor, output: Tensor, dim: int, input_dtype: torch.dtype, *, grad_input: Tensor
) -> Tensor:
    mean = (grad_output * output).sum(dim, keepdim=True)
    return grad_input.copy_((grad_output - mean) * output)


@op("_log_softmax_backward_data.out")
@widened
def log_softmax_backward(
    grad_output: Tensor, output: Tensor, dim: int, input_dtype: torch.dtype, *, out: Tensor
) -> Tensor:
    return out.copy_(grad_output - output.exp() * grad_output.sum(dim, keepdim=True))
