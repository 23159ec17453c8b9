"""Matrix products that ``native/products.cpp`` hands over: types that the kernel library does not
serve by a plain kernel here, results that do not lie side by side by way of one that does.
"""

import functools
from typing import Any

import torch
from torch import Tensor

from warpfive.kernels import DType
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


FLOAT8 = {torch.float8_e4m3fn: int(DType.F8E4M3), torch.float8_e5m2: int(DType.F8E5M2)}


def scaled_as(scale: Tensor, count: int, name: str) -> Tensor:
    """One scale for each of ``count`` rows or columns."""
    if scale.dtype != torch.float32 or scale.numel() not in (1, count):
        raise NotImplementedError(
            f"_scaled_mm: {name} is {tuple(scale.shape)} of {scale.dtype}; the chip takes float32, "
            f"one number or one for each of the {count} rows or columns"
        )
    return scale.reshape(-1).expand(count).contiguous()


@op("_scaled_mm")
def scaled_mm(
    self: Tensor, mat2: Tensor, scale_a: Tensor, scale_b: Tensor, bias: Tensor | None = None,
    scale_result: Tensor | None = None, out_dtype: torch.dtype | None = None,
    use_fast_accum: bool = False,
) -> Tensor:  # fmt: skip
    """The product of float8 matrices times the scales of a's rows and b's columns, plus bias."""
    for given in (self, mat2):
        if given.dtype not in FLOAT8 or given.dim() != 2:
            raise NotImplementedError(
                f"_scaled_mm takes float8_e4m3fn or float8_e5m2 matrices, not {given.dtype} of "
                f"{given.dim()} dimensions"
            )
    wanted = out_dtype or self.dtype
    work = wanted if wanted in (torch.float16, torch.bfloat16, torch.float32) else torch.float32
    rows, columns = self.shape[0], mat2.shape[1]
    out = torch.empty(rows, columns, dtype=work, device=self.device)
    if out.numel():
        # float8 numbers are exact in the wider types; the kernel widens b's on the way.
        b = (mat2.data_ptr(), FLOAT8[mat2.dtype], *mat2.stride(), 0)
        gemm(
            self.to(work).contiguous(), b, out,
            bias=None if bias is None else bias.to(work).contiguous(),
            scale=scaled_as(scale_b, columns, "scale_b")[:, None],
            row_scale=scaled_as(scale_a, rows, "scale_a"),
        )  # fmt: skip
    if wanted == work:
        return out
    return (out if scale_result is None else out * scale_result).to(wanted)


@op("_scaled_mm.out")
def scaled_mm_out(*given: Any, out: Tensor, **named: Any) -> Tensor:
    result = scaled_mm(*given, **named)
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
