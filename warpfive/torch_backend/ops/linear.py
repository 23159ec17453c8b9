"""Matrix products that ``native/products.cpp`` hands over: types that the kernel library does not
serve by a plain kernel here, results that do not lie side by side by way of one that does.
"""

import functools

import torch
from torch import Tensor

from warpfive.torch_backend.matmul import TYPES, gemm
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
    return Kernel(f"{numbers(dtype)}\ntypedef {cpp(dtype)} X;\n{PRODUCT}", "PPPP" + "q" * 15 + "dd")


def product(
    a: Tensor, b: Tensor, out: Tensor, c: Tensor | None = None, *, alpha: float = 1,
    beta: float = 0,
) -> Tensor:  # fmt: skip
    """``out = beta c + alpha a b`` over (batch, rows, columns) tensors of any strides."""
    batch, rows, columns = out.shape
    if out.numel() == 0:
        return out
    c = out if c is None else c.expand_as(out)
    a, b, c = a.to(out.dtype), b.to(out.dtype), c.to(out.dtype)
    threads = min(256, -(-columns // 32) * 32)
    product_kernel(out.dtype)(
        (-(-columns // threads), rows, batch), threads, out, a, b, c, rows, columns, a.shape[2],
        *out.stride(), *a.stride(), *b.stride(), *c.stride(), float(alpha), float(beta),
    )  # fmt: skip
    return out


def multiply(
    a: Tensor, b: Tensor, out: Tensor, c: Tensor | None = None, *, alpha: float = 1,
    beta: float = 0,
) -> Tensor:  # fmt: skip
    """The same by the kernel library, for the floats it knows; ``c`` may be one row."""
    if out.numel() == 0:
        return out
    if out.dtype not in TYPES or a.shape[-1] == 0 or out.shape[0] > MOST_MATRICES:
        return product(a, b, out, c, alpha=alpha, beta=beta)
    target = out if 1 in out.stride()[1:] else torch.empty_like(out, memory_format=DENSE)
    bias = None
    if beta == 0:
        c = None
    elif beta == 1 and c is not None and c.dim() == 1 and c.shape[0] == out.shape[-1]:
        c, bias = None, c.to(out.dtype).contiguous()
    elif c is not None:
        c = torch.empty_like(target).copy_(c)
    gemm(a, b, target, c=c, bias=bias, alpha=float(alpha), beta=float(beta))
    return out if target is out else out.copy_(target)


DENSE = torch.contiguous_format
MOST_MATRICES = 65535


def handed_over(
    a: Tensor, b: Tensor, out: Tensor, c: Tensor | None, alpha: float, beta: float
) -> None:
    """``warpfive::product``: out = beta c + alpha a b, batches of matrices."""
    if a.dtype != b.dtype:
        raise RuntimeError(
            f"expected m1 and m2 to have the same dtype, but got: {a.dtype} != {b.dtype}"
        )
    multiply(a, b, out, c, alpha=alpha, beta=beta)


LIBRARY = torch.library.Library("warpfive", "IMPL")
LIBRARY.impl("product", handed_over, "CUDA")


@op("_int_mm")
def int_mm(self: Tensor, mat2: Tensor) -> Tensor:
    """int8 matrices; the sums are int32."""
    for given in (self, mat2):
        if given.dtype != torch.int8:
            raise RuntimeError(f"_int_mm: expected int8 matrices but got {given.dtype}")
    return torch.mm(self.int(), mat2.int())


@op("_int_mm.out")
def int_mm_out(self: Tensor, mat2: Tensor, *, out: Tensor) -> Tensor:
    result = int_mm(self, mat2)
    return out.resize_(result.shape).copy_(result)


@op("linear_backward")
def linear_backward(
    self: Tensor, grad_output: Tensor, weight: Tensor, output_mask: list[bool]
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """Gradients of ``linear``'s input, weight and bias, those that the mask asks for."""
    rows = self.reshape(-1, self.shape[-1])
    grad = grad_output.reshape(-1, grad_output.shape[-1])
    return (
        (grad @ weight).reshape(self.shape) if output_mask[0] else None,
        grad.t() @ rows if output_mask[1] else None,
        grad.sum(0) if output_mask[2] else None,
    )
