"""Eigenvalues and eigenvectors of matrices that need not be symmetric, a warp a matrix.

Worked in float64: the eigenvalues of such a matrix may be far more sensitive than its elements.
"""

import functools

import torch
from torch import Tensor

from warpfive.torch_backend.codegen import prelude
from warpfive.torch_backend.ops.launch import Kernel, numbers
from warpfive.torch_backend.ops.matrices import columns_first
from warpfive.torch_backend.ops.registry import op

KERNEL = """
typedef double R;
constexpr R TINY = 2.22e-16;
__device__ inline int lane() { return threadIdx.x % 32; }
EIGEN
typedef ELEMENT E;
struct Parameters { E *a, *z, *v; Z *t, *u, *x, *values, *vectors; int *info; long n, wanted; };
extern "C" __global__ void k(const Parameters q) {
  const long n = q.n, at = blockIdx.x * n * n, line = blockIdx.x * n;
  const Square<E> a{q.a + at, n}, z{q.z + at, n};
  const Square<Z> t{q.t + at, n}, u{q.u + at, n};
  hessenberg(a, z, q.v + line);
  const int info = schur(a, z);
  if (lane() == 0) q.info[blockIdx.x] = info;
  as_complex(a, z, t, u);
  for (long i = lane(); i < n; i += 32) q.values[line + i] = t(i, i);
  __syncwarp();
  if (q.wanted) eigenvectors(t, u, {q.x + at, n}, {q.vectors + at, n});
}
"""

COMPLEX = {
    torch.float32: torch.complex64, torch.float64: torch.complex128,
    torch.complex64: torch.complex64, torch.complex128: torch.complex128,
}  # fmt: skip


@functools.cache
def eigen_kernel(is_complex: bool) -> Kernel:
    text = KERNEL.replace("ELEMENT", "Z" if is_complex else "R")
    return Kernel(
        numbers(torch.complex128) + text.replace("EIGEN", prelude("eigen")), "P" * 9 + "qq"
    )


def eigen(A: Tensor, name: str, wanted: bool) -> tuple[Tensor, Tensor]:
    """Eigenvalues (..., n) and, if ``wanted``, eigenvectors (..., n, n) as columns, else none."""
    if A.dim() < 2 or A.shape[-1] != A.shape[-2]:
        raise RuntimeError(f"{name}: A must be batches of square matrices, but its shape is "
                           f"{list(A.shape)}")  # fmt: skip
    if A.dtype not in COMPLEX:
        raise RuntimeError(f"{name}: Expected a floating point or complex tensor as input. Got "
                           f"{A.dtype}")  # fmt: skip
    if not bool(torch.isfinite(A).all()):
        raise RuntimeError(f"{name}: input tensor should not contain infs or NaNs.")
    n, result = A.shape[-1], COMPLEX[A.dtype]
    a = columns_first(A).to(torch.complex128 if A.is_complex() else torch.float64)
    count, wide = len(a), {"dtype": torch.complex128, "device": A.device}
    values = torch.empty(count, n, **wide)
    t, u, x, vectors = (torch.empty(count, n, n, **wide) for _ in range(4))
    info = torch.zeros(count, dtype=torch.int32, device=A.device)
    if a.numel():
        eigen_kernel(A.is_complex())(
            count, 32, a, torch.empty_like(a), a.new_empty(count, n), t, u, x, values, vectors,
            info, n, int(wanted),
        )  # fmt: skip
    shape = A.shape[:-2]
    torch._linalg_check_errors(info.reshape(shape), name, is_matrix=A.dim() == 2)
    # A matrix lies column after column.
    found = vectors.mT.reshape(A.shape).to(result) if wanted else vectors
    return values.reshape(*shape, n).to(result), found


@op("linalg_eig")
def eig(self: Tensor) -> tuple[Tensor, Tensor]:
    return eigen(self, "torch.linalg.eig", True)


@op("linalg_eig.out")
def eig_out(self: Tensor, *, eigenvalues: Tensor, eigenvectors: Tensor) -> tuple[Tensor, Tensor]:
    values, vectors = eig(self)
    return (eigenvalues.resize_(values.shape).copy_(values),
            eigenvectors.resize_(vectors.shape).copy_(vectors))  # fmt: skip


@op("_linalg_eigvals")
def eigvals(self: Tensor) -> Tensor:
    return eigen(self, "torch.linalg.eigvals", False)[0]


@op("linalg_eigvals.out")
def eigvals_out(self: Tensor, *, out: Tensor) -> Tensor:
    values = eigvals(self)
    return out.resize_(values.shape).copy_(values)
