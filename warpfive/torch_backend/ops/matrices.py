"""Factorisations and solutions of dense matrices, a warp a matrix."""

import functools
from typing import Any

import torch
from torch import Tensor

from warpfive.torch_backend.codegen import prelude
from warpfive.torch_backend.ops.launch import Kernel, cpp, numbers
from warpfive.torch_backend.ops.narrow import widened
from warpfive.torch_backend.ops.registry import KEPT, op

TINY = {torch.float32: 6e-8, torch.float64: 1e-16}
"""Where a rotation no longer changes anything."""

BODIES = {
    "lu": "q.info[n] = lu(a, q.whole ? (int *)q.whole + n * q.count : nullptr, q.flag & 1);",
    "cholesky": "q.info[n] = cholesky(a);",
    "ldl": "q.info[n] = ldl(a, (int *)q.whole + n * q.count);",
    "solve_ldl": "solve_ldl(a, (const int *)q.whole + n * q.count, b);",
    "triangle": "triangle(a, b, q.flag & 1, q.flag & 2);",
    "exchange": "exchange(b, (const int *)q.whole + n * q.count, q.count, q.flag & 1);",
    "reflectors": "reflectors(a, (X *)q.whole + n * q.count);",
    "reflect": "reflect(a, (const X *)q.whole + n * q.count, q.count, b, q.flag & 1);",
    "jacobi": "jacobi(a, b, (X)q.tiny);",
    "orthogonal": "orthogonal(a, b, (X)q.tiny);",
}

KERNEL = """
struct Parameters {
  X *a, *b;
  char *whole;
  int *info;
  long a_batch, a_rows, a_columns, a_row, a_column, b_batch, b_rows, b_columns, b_row, b_column;
  long count, flag;
  double tiny;
};
extern "C" __global__ void k(const Parameters q) {
  const long n = blockIdx.x;
  const Matrix a{q.a + n * q.a_batch, q.a_rows, q.a_columns, q.a_row, q.a_column};
  const Matrix b{q.b + n * q.b_batch, q.b_rows, q.b_columns, q.b_row, q.b_column};
  BODY
}
"""


@functools.cache
def matrix_kernel(name: str, dtype: torch.dtype) -> Kernel:
    if dtype not in TINY:
        raise NotImplementedError(
            f"{name} of {dtype} matrices has no kernel on the chip; float32 and float64 have"
        )
    text = f"{numbers()}\ntypedef {cpp(dtype)} X;\n{prelude('matrices')}\n{KERNEL}"
    return Kernel(text.replace("BODY", BODIES[name]), "PPPP" + "q" * 12 + "d")


def each(
    name: str, a: Tensor, b: Tensor | None = None, *, whole: Tensor | None = None,
    info: Tensor | None = None, count: int = 0, flag: int = 0,
) -> None:  # fmt: skip
    """Runs a body of ``BODIES`` on every matrix of the (batch, rows, columns) tensors, in place.

    ``whole``: pivots or factors, ``count`` of them a matrix, contiguous.
    """
    b = a if b is None else b
    if a.shape[0] == 0 or b.numel() == 0:
        return
    # Bodies whose lanes are independent columns spread over several warps.
    spread = max(1, min(64, -(-b.shape[2] // 32))) if name in ("triangle", "reflect") else 1
    nothing: Any = 0
    matrix_kernel(name, a.dtype)(
        (a.shape[0], spread, 1), 32, a, b, nothing if whole is None else whole,
        nothing if info is None else info, a.stride(0), a.shape[1], a.shape[2], a.stride(1),
        a.stride(2), b.stride(0), b.shape[1], b.shape[2], b.stride(1), b.stride(2), count, flag,
        TINY.get(a.dtype, 0.0),
    )  # fmt: skip


def stacked(self: Tensor) -> Tensor:
    """The matrices as (batch, rows, columns)."""
    return self.reshape(self.shape[:-2].numel(), *self.shape[-2:])


def columns_first(self: Tensor) -> Tensor:
    """A (batch, rows, columns) copy whose columns are contiguous."""
    flat = stacked(self)
    copy = torch.empty_strided(
        flat.shape, (flat.shape[1] * flat.shape[2], 1, max(flat.shape[1], 1)), dtype=self.dtype,
        device=self.device,
    )  # fmt: skip
    return copy.copy_(flat)


def put(out: Tensor, matrices: Tensor) -> Tensor:
    return out.copy_(matrices.reshape(out.shape))


@op("linalg_lu_factor_ex.out")
def lu_factor(
    A: Tensor, *, pivot: bool = True, check_errors: bool = False, LU: Tensor, pivots: Tensor,
    info: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    a = columns_first(A)
    steps = min(a.shape[1:])
    exchanges = torch.empty(len(a), steps, dtype=torch.int32, device=A.device)
    failures = torch.zeros(len(a), dtype=torch.int32, device=A.device)
    each("lu", a, whole=exchanges, info=failures, count=steps, flag=int(pivot))
    put(LU, a)
    put(pivots, exchanges)
    put(info, failures)
    if check_errors:
        torch._linalg_check_errors(info, "torch.linalg.lu_factor_ex", is_matrix=A.dim() == 2)
    return LU, pivots, info


def batched(matrix: Tensor, batch: torch.Size) -> Tensor:
    return columns_first(matrix.expand(*batch, *matrix.shape[-2:]))


@op("linalg_lu_solve.out")
def lu_solve(
    LU: Tensor, pivots: Tensor, B: Tensor, *, left: bool = True, adjoint: bool = False, out: Tensor
) -> Tensor:
    batch = torch.broadcast_shapes(LU.shape[:-2], B.shape[:-2])
    factors, x = batched(LU, batch), batched(B, batch)
    exchanges = pivots.expand(*batch, pivots.shape[-1])
    exchanges = exchanges.reshape(len(x), pivots.shape[-1]).contiguous()
    side = x if left else x.mT
    if left != adjoint:
        each("exchange", factors, side, whole=exchanges, count=exchanges.shape[1])
        each("triangle", factors, side, flag=2)
        each("triangle", factors, side, flag=1)
    else:
        each("triangle", factors.mT, side, flag=0)
        each("triangle", factors.mT, side, flag=3)
        each("exchange", factors, side, whole=exchanges, count=exchanges.shape[1], flag=1)
    return put(out, x)


@op("lu_unpack.out")
def lu_unpack(
    LU_data: Tensor, LU_pivots: Tensor, unpack_data: bool = True, unpack_pivots: bool = True, *,
    P: Tensor, L: Tensor, U: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    rows, columns = LU_data.shape[-2:]
    steps = min(rows, columns)
    if unpack_data:
        lower = LU_data[..., :steps].tril(-1)
        L.copy_(lower + torch.eye(rows, steps, dtype=lower.dtype, device=lower.device))
        U.copy_(LU_data[..., :steps, :].triu())
    if unpack_pivots:
        batch = LU_data.shape[:-2]
        one = torch.eye(rows, dtype=LU_data.dtype, device=LU_data.device)
        unit = batched(one, batch)
        order = LU_pivots.reshape(len(unit), LU_pivots.shape[-1]).contiguous()
        # Exchanging rows of the identity backwards makes P with A = P L U.
        each("exchange", unit, unit, whole=order, count=order.shape[1], flag=1)
        put(P, unit)
    return P, L, U


def solved_triangle(
    A: Tensor, B: Tensor, upper: bool, left: bool, unit: bool, transpose: bool = False
) -> Tensor:
    batch = torch.broadcast_shapes(A.shape[:-2], B.shape[:-2])
    a, x = batched(A, batch), batched(B, batch)
    if transpose:
        a, upper = a.mT, not upper
    if left:
        each("triangle", a, x, flag=int(upper) + 2 * int(unit))
    else:
        each("triangle", a.mT, x.mT, flag=int(not upper) + 2 * int(unit))
    return x.reshape(*batch, *B.shape[-2:])


@op("linalg_solve_triangular")
def solve_triangular(
    self: Tensor, B: Tensor, *, upper: bool, left: bool = True, unitriangular: bool = False
) -> Tensor:
    return solved_triangle(self, B, upper, left, unitriangular)


@op("linalg_solve_triangular.out")
def solve_triangular_out(
    self: Tensor, B: Tensor, *, upper: bool, left: bool = True, unitriangular: bool = False,
    out: Tensor,
) -> Tensor:  # fmt: skip
    result = solved_triangle(self, B, upper, left, unitriangular)
    return out.resize_(result.shape).copy_(result)


@op("triangular_solve.X")
def triangular_solve(
    self: Tensor, A: Tensor, upper: bool = True, transpose: bool = False,
    unitriangular: bool = False, *, X: Tensor, M: Tensor,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    X.copy_(solved_triangle(A, self, upper, True, unitriangular, transpose))
    return X, M.copy_(A.expand(M.shape))


def lower_factor(A: Tensor, upper: bool) -> tuple[Tensor, Tensor]:
    """The factor of every matrix, and 0 or the order of the minor that is not positive."""
    a = columns_first(A.mT if upper else A)
    info = torch.zeros(len(a), dtype=torch.int32, device=A.device)
    each("cholesky", a, info=info)
    low = a.tril().reshape(A.shape)
    return (low.mT if upper else low), info.reshape(A.shape[:-2])


@op("linalg_cholesky_ex.L")
def cholesky_ex(
    self: Tensor, *, upper: bool = False, check_errors: bool = False, L: Tensor, info: Tensor
) -> tuple[Tensor, Tensor]:
    factor, failures = lower_factor(self, upper)
    L.copy_(factor)
    info.copy_(failures)
    if check_errors:
        torch._linalg_check_errors(info, "torch.linalg.cholesky_ex", is_matrix=self.dim() == 2)
    return L, info


@op("cholesky")
def cholesky(self: Tensor, upper: bool = False) -> Tensor:
    factor, failures = lower_factor(self, upper)
    torch._linalg_check_errors(failures, "cholesky", is_matrix=self.dim() == 2)
    return factor.contiguous()


@op("_cholesky_solve_helper")
def cholesky_solve(self: Tensor, A: Tensor, upper: bool) -> Tensor:
    low = A.mT if upper else A
    half = solved_triangle(low, self, False, True, False)
    return solved_triangle(low, half, False, True, False, transpose=True)


@op("cholesky_inverse")
def cholesky_inverse(self: Tensor, upper: bool = False) -> Tensor:
    unit = torch.eye(self.shape[-1], dtype=self.dtype, device=self.device).expand(self.shape)
    return cholesky_solve(unit, self, upper)


@op("cholesky_inverse.out")
def cholesky_inverse_out(self: Tensor, upper: bool = False, *, out: Tensor) -> Tensor:
    result = cholesky_inverse(self, upper)
    return out.resize_(result.shape).copy_(result)


def check_symmetric(hermitian: bool, dtype: torch.dtype, name: str) -> None:
    if hermitian and dtype.is_complex:
        raise NotImplementedError(
            f"{name} of complex Hermitian matrices has no kernel on the chip; "
            "real symmetric ones have"
        )


@op("linalg_ldl_factor_ex.out")
def ldl_factor(
    self: Tensor, *, hermitian: bool = False, check_errors: bool = False, LD: Tensor,
    pivots: Tensor, info: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    check_symmetric(hermitian, self.dtype, "torch.linalg.ldl_factor_ex")
    a = columns_first(self)
    exchanges = torch.empty(a.shape[:2], dtype=torch.int32, device=self.device)
    failures = torch.zeros(len(a), dtype=torch.int32, device=self.device)
    each("ldl", a, whole=exchanges, info=failures, count=a.shape[1])
    put(LD, a.tril())
    put(pivots, exchanges)
    put(info, failures)
    if check_errors:
        torch._linalg_check_errors(
            info, "torch.linalg.ldl_factor_ex", is_matrix=self.dim() == 2
        )
    return LD, pivots, info


@op("linalg_ldl_solve.out")
def ldl_solve(
    LD: Tensor, pivots: Tensor, B: Tensor, *, hermitian: bool = False, out: Tensor
) -> Tensor:
    check_symmetric(hermitian, LD.dtype, "torch.linalg.ldl_solve")
    batch = torch.broadcast_shapes(LD.shape[:-2], B.shape[:-2])
    a, x = batched(LD, batch), batched(B, batch)
    exchanges = pivots.expand(*batch, pivots.shape[-1]).reshape(len(x), pivots.shape[-1])
    each("solve_ldl", a, x, whole=exchanges.contiguous(), count=exchanges.shape[1])
    return put(out, x)


def factored(self: Tensor) -> tuple[Tensor, Tensor]:
    """Reflectors with R, and their factors, of (batch, rows, columns) matrices."""
    a = columns_first(self)
    steps = min(a.shape[1:])
    tau = torch.zeros(len(a), steps, dtype=a.dtype, device=a.device)
    each("reflectors", a, whole=tau, count=steps)
    return a, tau


@op("geqrf")
def geqrf(input: Tensor) -> tuple[Tensor, Tensor]:
    a, tau = factored(input)
    return a.reshape(input.shape), tau.reshape(*input.shape[:-2], tau.shape[-1])


@op("geqrf.a")
def geqrf_out(input: Tensor, *, a: Tensor, tau: Tensor) -> tuple[Tensor, Tensor]:
    found, factors = geqrf(input)
    return a.resize_(found.shape).copy_(found), tau.resize_(factors.shape).copy_(factors)


def product_of(a: Tensor, tau: Tensor, columns: int) -> Tensor:
    """The first columns of the product of the reflectors in (batch, rows, columns) matrices."""
    rows = a.shape[1]
    unit = torch.eye(rows, columns, dtype=a.dtype, device=a.device)
    q = batched(unit, torch.Size([len(a)]))
    each("reflect", a, q, whole=tau.contiguous(), count=tau.shape[-1])
    return q


@op("linalg_householder_product")
def householder_product(input: Tensor, tau: Tensor) -> Tensor:
    a = columns_first(input)
    q = product_of(a, tau.reshape(len(a), tau.shape[-1]), input.shape[-1])
    return q.reshape(input.shape)


@op("linalg_householder_product.out")
def householder_product_out(input: Tensor, tau: Tensor, *, out: Tensor) -> Tensor:
    result = householder_product(input, tau)
    return out.resize_(result.shape).copy_(result)


@op("ormqr")
def ormqr(
    self: Tensor, input2: Tensor, input3: Tensor, left: bool = True, transpose: bool = False
) -> Tensor:
    v, c = columns_first(self), columns_first(input3)
    tau = input2.reshape(len(v), input2.shape[-1]).contiguous()
    side = c if left else c.mT
    forwards = transpose if left else not transpose
    each("reflect", v, side, whole=tau, count=tau.shape[1], flag=int(forwards))
    return c.reshape(input3.shape)


@op("ormqr.out")
def ormqr_out(
    self: Tensor, input2: Tensor, input3: Tensor, left: bool = True, transpose: bool = False, *,
    out: Tensor,
) -> Tensor:  # fmt: skip
    result = ormqr(self, input2, input3, left, transpose)
    return out.resize_(result.shape).copy_(result)


@op("linalg_qr.out")
def qr(A: Tensor, mode: str = "reduced", *, Q: Tensor, R: Tensor) -> tuple[Tensor, Tensor]:
    a, tau = factored(A)
    put(R, a[:, : R.shape[-2], :].triu())
    if mode != "r":
        put(Q, product_of(a, tau, Q.shape[-1]))
    return Q, R


def least_squares(a: Tensor, b: Tensor) -> None:
    """Puts into b's first rows the x of least |a x - b|, or, of many, the shortest.

    a is (..., m, n) of full rank, b (..., max(m, n), columns), of which m rows are given; where
    m > n, the squares of the rows from n on add up to those of what is left of b.
    """
    m, n = a.shape[-2:]
    if m >= n:
        factors, tau = geqrf(a)
        turned = ormqr(factors, tau, b, True, True)
        x = solved_triangle(factors[..., :n, :], turned[..., :n, :], True, True, False)
        b.copy_(torch.cat([x, turned[..., n:, :]], -2))
    else:
        factors, tau = geqrf(a.mT)
        upper = factors[..., :m, :]
        x = solved_triangle(upper, b[..., :m, :], True, True, False, transpose=True)
        b.copy_(ormqr(factors, tau, torch.cat([x, torch.zeros_like(b[..., m:, :])], -2)))


def define() -> None:
    """The operator that the native library's stub calls."""
    library = torch.library.Library("warpfive", "FRAGMENT")
    library.define("least_squares(Tensor a, Tensor(a!) b) -> ()")
    library.impl("least_squares", least_squares, "CUDA")
    KEPT.append(library)


define()


@op("_linalg_eigh.eigenvalues")
def eigh(
    A: Tensor, UPLO: str = "L", compute_v: bool = True, *, eigenvalues: Tensor, eigenvectors: Tensor
) -> tuple[Tensor, Tensor]:
    half = A.tril() if UPLO.upper() == "L" else A.triu()
    whole = half + half.mT - torch.diag_embed(half.diagonal(dim1=-2, dim2=-1))
    a = columns_first(whole)
    unit = torch.eye(a.shape[-1], dtype=a.dtype, device=a.device)
    v = batched(unit, torch.Size([len(a)]))
    each("jacobi", a, v)
    values, order = a.diagonal(dim1=-2, dim2=-1).sort(dim=-1)
    put(eigenvalues, values)
    if compute_v:
        put(eigenvectors, v.gather(2, order[:, None, :].expand(v.shape)))
    return eigenvalues, eigenvectors


def tall_svd(a: Tensor, columns: int) -> tuple[Tensor, Tensor, Tensor]:
    """U (with ``columns`` columns), S, V of (batch, rows >= columns, columns) matrices."""
    turned = columns_first(a)
    unit = torch.eye(a.shape[2], dtype=a.dtype, device=a.device)
    v = batched(unit, torch.Size([len(a)]))
    each("orthogonal", turned, v)
    lengths, order = turned.norm(dim=1).sort(dim=1, descending=True)
    turned = turned.gather(2, order[:, None, :].expand(turned.shape))
    v = v.gather(2, order[:, None, :].expand(v.shape))
    u = turned / torch.where(lengths > 0, lengths, 1)[:, None, :]
    # Householder's product completes the orthonormal columns to a basis; it may turn them round.
    factors, tau = factored(u)
    signs = torch.where(factors.diagonal(dim1=-2, dim2=-1) < 0, -1.0, 1.0).to(a.dtype)
    u = product_of(factors, tau, columns)
    u[:, :, : signs.shape[1]] *= signs[:, None, :]
    return u, lengths, v


@op("_linalg_svd.U")
def svd(
    A: Tensor, full_matrices: bool = False, compute_uv: bool = True, *, driver: str | None = None,
    U: Tensor, S: Tensor, Vh: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    flat = stacked(A)
    rows, columns = flat.shape[1:]
    if flat.numel() == 0:
        for basis in (U, Vh):
            if compute_uv and basis.numel():
                unit = torch.eye(*basis.shape[-2:], dtype=A.dtype, device=A.device)
                basis.copy_(unit.expand(basis.shape))
        return U, S, Vh
    wide = columns > rows
    tall = flat.mT if wide else flat
    u, s, v = tall_svd(tall, tall.shape[1] if full_matrices else tall.shape[2])
    put(S, s)
    if compute_uv:
        put(U, v if wide else u)
        put(Vh, u.mT if wide else v.mT)
    return U, S, Vh


@op("linalg_cross.out")
@widened
def cross(self: Tensor, other: Tensor, *, dim: int = -1, out: Tensor) -> Tensor:
    a, b = torch.broadcast_tensors(self, other)
    a0, a1, a2 = a.unbind(dim)
    b0, b1, b2 = b.unbind(dim)
    parts = [a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, a0 * b1 - a1 * b0]
    return out.copy_(torch.stack(parts, dim))
