"""Matrix products."""

import functools

import torch
from torch import Tensor

from warpfive.torch_backend.ops.launch import Kernel, cpp, numbers
from warpfive.torch_backend.ops.registry import op

PRODUCT = """
struct Parameters {
  char *out, *a, *b, *c;
  long rows, columns, depth;
  long out_batch, out_row, out_column, a_batch, a_row, a_column, b_batch, b_row, b_column;
  long c_batch, c_row, c_column;
  double alpha, beta;
};
extern "C" __global__ void k(const Parameters q) {
  typedef math_t<X> T;
  const long column = (long)blockIdx.x * blockDim.x + threadIdx.x, row = blockIdx.y;
  const long batch = blockIdx.z;
  if (column >= q.columns) return;
  const X *a = (const X *)q.a + batch * q.a_batch + row * q.a_row;
  const X *b = (const X *)q.b + batch * q.b_batch + column * q.b_column;
  T sum = 0;
  for (long i = 0; i < q.depth; ++i)
    sum += to<T>(a[i * q.a_column]) * to<T>(b[i * q.b_row]);
  sum *= (T)q.alpha;
  if (q.beta != 0) {
    const X *c = (const X *)q.c + batch * q.c_batch + row * q.c_row + column * q.c_column;
    sum += (T)q.beta * to<T>(*c);
  }
  ((X *)q.out)[batch * q.out_batch + row * q.out_row + column * q.out_column] = to<X>(sum);
}
"""


@functools.cache
def product_kernel(dtype: torch.dtype) -> Kernel:
    return Kernel(f"{numbers()}\ntypedef {cpp(dtype)} X;\n{PRODUCT}", "PPPP" + "q" * 15 + "dd")


def product(
    a: Tensor, b: Tensor, out: Tensor, c: Tensor | None = None, *, alpha: float = 1,
    beta: float = 0,
) -> Tensor:  # fmt: skip
    """``out = beta c + alpha a b`` over (batch, rows, columns) tensors of any strides."""
    batch, rows, columns = out.shape
    if out.numel() == 0:
        return out
    c = out if c is None else c.expand_as(out)
    threads = min(256, -(-columns // 32) * 32)
    product_kernel(out.dtype)(
        (-(-columns // threads), rows, batch), threads, out, a, b, c, rows, columns, a.shape[2],
        *out.stride(), *a.stride(), *b.stride(), *c.stride(), float(alpha), float(beta),
    )  # fmt: skip
    return out


@op("mm.out")
def mm(self: Tensor, mat2: Tensor, *, out: Tensor) -> Tensor:
    product(self[None], mat2[None], out[None])
    return out


@op("bmm.out")
def bmm(self: Tensor, mat2: Tensor, *, out: Tensor) -> Tensor:
    return product(self, mat2, out)


@op("addmm.out")
def addmm(
    self: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1, out: Tensor
) -> Tensor:
    product(mat1[None], mat2[None], out[None], self.expand_as(out)[None], alpha=alpha, beta=beta)
    return out


@op("baddbmm.out")
def baddbmm(
    self: Tensor, batch1: Tensor, batch2: Tensor, *, beta: float = 1, alpha: float = 1,
    out: Tensor,
) -> Tensor:  # fmt: skip
    return product(batch1, batch2, out, self, alpha=alpha, beta=beta)
