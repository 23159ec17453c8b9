"""Sparse tensors by coordinates (COO) and by compressed rows (CSR): what torch does not share.

Everything is sorting, searching and adding where indices say; sums of 16-bit floats are float32.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from warpfive.torch_backend.ops.narrow import NARROW
from warpfive.torch_backend.ops.registry import op, sparse_op

COO, CSR = "SparseCUDA", "SparseCsrCUDA"


def wide(values: Tensor) -> Tensor:
    return values.float() if values.dtype in NARROW else values


def keys(indices: Tensor, shape: torch.Size) -> Tensor:
    """One number for each of the (dimensions, n) coordinates, in row-major order."""
    found = torch.zeros(indices.shape[1], dtype=torch.int64, device=indices.device)
    for each, size in zip(indices, shape, strict=False):
        found = found * size + each
    return found


def coo(indices: Tensor, values: Tensor, shape: Any, coalesced: bool | None = None) -> Tensor:
    return torch.sparse_coo_tensor(
        indices, values, shape, is_coalesced=coalesced, check_invariants=False
    )


@sparse_op(COO, "_coalesce")
def coalesce(self: Tensor) -> Tensor:
    """Coordinates in order, each once; values of equal ones are added."""
    indices, values = self._indices(), self._values()
    if self._nnz() < 2:
        return coo(indices.clone(), values.clone(), self.shape, True)
    ordered, order = keys(indices, self.shape).sort(stable=True)
    fresh = torch.ones_like(ordered, dtype=torch.bool)
    fresh[1:] = ordered[1:] != ordered[:-1]
    places, group = fresh.nonzero()[:, 0], fresh.long().cumsum(0) - 1
    total = torch.zeros(len(places), *values.shape[1:], dtype=wide(values).dtype,
                        device=values.device)  # fmt: skip
    total.index_add_(0, group, wide(values[order]))
    return coo(indices[:, order[places]], total.to(values.dtype), self.shape, True)


def entries(self: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Rows, columns and values of a sparse matrix of either layout."""
    if self.layout == torch.sparse_coo:
        return *self._indices(), self._values()
    if self.layout == torch.sparse_csr:
        where = torch._convert_indices_from_csr_to_coo(self.crow_indices(), self.col_indices())
        return *where.long(), self.values()
    return entries(self.to_sparse(layout=torch.sparse_coo).coalesce())


def times_dense(sparse: Tensor, dense: Tensor) -> Tensor:
    """(rows, depth) x (depth, columns), in the type that sums have."""
    row, column, values = entries(sparse)
    out = torch.zeros(sparse.shape[0], dense.shape[1], dtype=wide(values).dtype,
                      device=values.device)  # fmt: skip
    return out.index_add_(0, row, wide(values)[:, None] * wide(dense)[column])


def product(a: Tensor, b: Tensor) -> Tensor:
    if a.layout != torch.strided and b.layout != torch.strided:
        return (a.to_sparse_coo() @ b.to_sparse_coo()).to_dense()
    if a.layout != torch.strided:
        return times_dense(a, b)
    return times_dense(b.to_sparse_coo().t(), a.t()).t()


def multiplied(
    self: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1
) -> Tensor:
    """beta self + alpha mat1 mat2; one of the factors, or both, are sparse."""
    if mat1.shape[1] != mat2.shape[0]:
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied ({mat1.shape[0]}x{mat1.shape[1]} and "
            f"{mat2.shape[0]}x{mat2.shape[1]})"
        )
    found = product(mat1, mat2) * alpha
    if beta != 0:
        found = found + wide(self.to_dense() if self.layout != torch.strided else self) * beta
    return found.to(mat1.dtype)


sparse_op(COO, "addmm")(multiplied)


@sparse_op(COO, "addmm_")
def multiplied_in_place(self: Tensor, *given: Any, **named: Any) -> Tensor:
    return self.copy_(multiplied(self, *given, **named))


def given(out: Tensor, result: Tensor) -> Tensor:
    """``out`` after it became ``result``, in the layout that ``out`` has."""
    if out.layout == torch.strided:
        return out.resize_(result.shape).copy_(result)
    found = result.to_sparse(layout=out.layout) if out.layout != result.layout else result
    return out.resize_as_sparse_(found).copy_(found)


@sparse_op(COO, "addmm.out")
@sparse_op(CSR, "addmm.out")
def multiplied_out(*operands: Any, out: Tensor, **named: Any) -> Tensor:
    return given(out, multiplied(*operands, **named))


@sparse_op(CSR, "addmv.out")
def addmv(
    self: Tensor, mat: Tensor, vec: Tensor, *, beta: float = 1, alpha: float = 1, out: Tensor
) -> Tensor:
    start = self.expand(mat.shape[0])[:, None]
    return given(out, multiplied(start, mat, vec[:, None], beta=beta, alpha=alpha)[:, 0])


@sparse_op(COO, "hspmm")
def hspmm(mat1: Tensor, mat2: Tensor) -> Tensor:
    """The product of a sparse and a dense matrix, sparse by rows."""
    return multiplied(mat2, mat1, mat2, beta=0).to_sparse(1)


@sparse_op(COO, "bmm")
def bmm(self: Tensor, mat2: Tensor) -> Tensor:
    """Batches of sparse and dense matrices, as one matrix of all rows."""
    batch, row, column = self._indices()
    rows, depth, columns = self.shape[1], self.shape[2], mat2.shape[2]
    flat = coo(torch.stack([batch * rows + row, batch * depth + column]), self._values(),
               (self.shape[0] * rows, self.shape[0] * depth))  # fmt: skip
    found = times_dense(flat, mat2.reshape(-1, columns))
    return found.reshape(self.shape[0], rows, columns).to(self.dtype)


@sparse_op(COO, "bmm.out")
def bmm_out(self: Tensor, mat2: Tensor, *, out: Tensor) -> Tensor:
    return given(out, bmm(self, mat2))


@sparse_op(COO, "_sparse_sparse_matmul")
def sparse_matmul(self: Tensor, other: Tensor) -> Tensor:
    """Every entry of ``self`` meets the entries of the row of ``other`` that its column names."""
    row, middle, values = entries(self.coalesce())
    of, column, others = entries(other.coalesce())
    lengths = torch.bincount(of, minlength=other.shape[0])
    starts = lengths.cumsum(0) - lengths
    each = torch.repeat_interleave(lengths[middle])
    begin = lengths[middle].cumsum(0) - lengths[middle]
    met = starts[middle][each] + torch.arange(len(each), device=each.device) - begin[each]
    products = wide(values)[each] * wide(others)[met]
    found = coo(torch.stack([row[each], column[met]]), products, (self.shape[0], other.shape[1]))
    return found.coalesce().to(self.dtype)


@sparse_op(COO, "add.out")
def add(self: Tensor, other: Tensor, *, alpha: float = 1, out: Tensor) -> Tensor:
    if self.layout == torch.strided:
        # A dense tensor plus a sparse one: added where its coordinates say.
        target = out if out is self else out.resize_(self.shape).copy_(self)
        scaled = (other._values() * alpha if alpha != 1 else other._values()).to(out.dtype)
        if other._nnz():
            target.index_put_(tuple(other._indices()), scaled, accumulate=True)
        return target
    if self.shape != other.shape:
        raise RuntimeError(
            f"add: expected sparse tensors of one size, but {tuple(self.shape)} != "
            f"{tuple(other.shape)}"
        )
    kind = torch.promote_types(self.dtype, other.dtype)
    second = other._values().to(kind) * alpha
    joined = coo(torch.cat([self._indices(), other._indices()], 1),
                 torch.cat([self._values().to(kind), second]), self.shape)  # fmt: skip
    return given(out, joined.coalesce().to(out.dtype))


@sparse_op(COO, "mul.out")
def mul(self: Tensor, other: Tensor, *, out: Tensor) -> Tensor:
    """Where both have a coordinate; a dense factor, or a number, has all of them."""
    if not isinstance(self, Tensor) or not isinstance(other, Tensor):
        sparse, number = (self, other) if isinstance(self, Tensor) else (other, self)
        values = (sparse._values() * number).to(out.dtype)
        return given(out, coo(sparse._indices(), values, sparse.shape, sparse.is_coalesced()))
    if self.layout == torch.strided or other.layout == torch.strided:
        sparse, dense = (other, self) if self.layout == torch.strided else (self, other)
        factor = dense.expand(sparse.shape)[tuple(sparse._indices())] if dense.dim() else dense
        values = sparse._values() * factor
        return given(out, coo(sparse._indices(), values.to(out.dtype), sparse.shape,
                              sparse.is_coalesced()))  # fmt: skip
    if other.dim() == 0 or self.dim() == 0:
        sparse, number = (self, other) if other.dim() == 0 else (other, self)
        values = sparse._values() * number.to_dense()
        return given(out, coo(sparse._indices(), values.to(out.dtype), sparse.shape,
                              sparse.is_coalesced()))  # fmt: skip
    a, b = self.coalesce(), other.coalesce()
    mine, theirs = keys(a._indices(), a.shape), keys(b._indices(), b.shape)
    if not len(theirs):
        return given(out, b.to(out.dtype))
    at = torch.searchsorted(theirs, mine).clamp(max=len(theirs) - 1)
    both = (theirs[at] == mine).nonzero()[:, 0]
    values = a._values()[both] * b._values()[at[both]]
    return given(out, coo(a._indices()[:, both], values.to(out.dtype), a.shape, True))


@sparse_op(COO, "index_select")
def index_select(self: Tensor, dim: int, index: Tensor) -> Tensor:
    dim %= self.dim()
    shape = [*self.shape[:dim], len(index), *self.shape[dim + 1 :]]
    indices, values = self._indices(), self._values()
    if dim >= self.sparse_dim():
        return coo(indices, values.index_select(dim - self.sparse_dim() + 1, index), shape)
    chosen, order = index.long().sort(stable=True)
    first = torch.searchsorted(chosen, indices[dim].contiguous())
    count = torch.searchsorted(chosen, indices[dim].contiguous(), right=True) - first
    each = torch.repeat_interleave(count)
    begin = count.cumsum(0) - count
    met = first[each] + torch.arange(len(each), device=each.device) - begin[each]
    taken = indices[:, each]
    taken[dim] = order[met]
    return coo(taken, values[each], shape)


def softened(function: Callable[[Tensor], Tensor], self: Tensor, dim: int) -> Tensor:
    """Softmax along a sparse or dense dimension; coordinates that are not there count as -inf."""
    self = self.coalesce()
    indices, values = self._indices(), self._values()
    dim %= self.dim()
    if dim >= self.sparse_dim():
        soft = function(values, dim - self.sparse_dim() + 1)  # type: ignore[call-arg]
        return coo(indices, soft, self.shape, True)
    rest = torch.cat([indices[:dim], indices[dim + 1 :]])
    shape = torch.Size([*self.shape[:dim], *self.shape[dim + 1 :]])
    _, line = torch.unique(keys(rest, shape), return_inverse=True)
    lines = int(line.max()) + 1 if len(line) else 0
    x = wide(values)
    spread = line.reshape(-1, *[1] * (x.dim() - 1)).expand_as(x)
    start = torch.full((lines, *x.shape[1:]), -float("inf"), dtype=x.dtype, device=x.device)
    shifted = x - start.scatter_reduce(0, spread, x, "amax")[line]
    total = torch.zeros_like(start).index_add_(0, line, shifted.exp())[line]
    soft = shifted - total.log() if function is torch.log_softmax else shifted.exp() / total
    return coo(indices, soft.to(values.dtype), self.shape, True)


@sparse_op(COO, "_sparse_softmax")
def softmax(self: Tensor, dim: int, half_to_float: bool) -> Tensor:
    return softened(torch.softmax, self, dim)


@sparse_op(COO, "_sparse_log_softmax")
def log_softmax(self: Tensor, dim: int, half_to_float: bool) -> Tensor:
    return softened(torch.log_softmax, self, dim)


@op("_convert_indices_from_coo_to_csr.out")
def coo_to_csr(self: Tensor, size: int, *, out_int32: bool = False, out: Tensor) -> Tensor:
    """Where each of ``size`` rows begins among the sorted row numbers, and where the last ends."""
    at = torch.arange(size + 1, device=self.device, dtype=self.dtype)
    return out.copy_(torch.searchsorted(self.contiguous(), at))


@op("_convert_indices_from_csr_to_coo.out")
def csr_to_coo(
    crow_indices: Tensor, col_indices: Tensor, *, out_int32: bool = False,
    transpose: bool = False, out: Tensor,
) -> Tensor:  # fmt: skip
    """Coordinates (2 or 3, n) of compressed rows; of columns with ``transpose``."""
    lines = crow_indices.reshape(-1, crow_indices.shape[-1]).long()
    each = lines.diff().reshape(-1)
    owner = torch.repeat_interleave(each, output_size=col_indices.numel())
    line, plain = owner % max(lines.shape[1] - 1, 1), col_indices.reshape(-1).long()
    pair = [plain, line] if transpose else [line, plain]
    if crow_indices.dim() > 1:
        found = torch.stack([owner // max(lines.shape[1] - 1, 1), *pair])
        if len(out) != 3:
            raise NotImplementedError(
                "compressed sparse tensors of more than one batch dimension have no kernel on the "
                "chip; flatten the batch first"
            )
        return out.copy_(found)
    return out.copy_(torch.stack(pair))


@op("_validate_compressed_sparse_indices")
def validate(
    is_crow: bool, compressed_idx: Tensor, plain_idx: Tensor, cdim: int, dim: int, nnz: int
) -> None:
    """Raises where the indices are not those of a compressed tensor."""
    gaps = compressed_idx.diff(dim=-1)
    right = (compressed_idx[..., 0] == 0).all() & (compressed_idx[..., -1] == nnz).all()
    right = right & (gaps >= 0).all() & (gaps <= dim).all()
    right = right & (plain_idx >= 0).all() & (plain_idx < dim).all()
    if not bool(right):
        name = "crow_indices" if is_crow else "ccol_indices"
        raise RuntimeError(
            f"{name} must start with 0, end with the number of values and not decrease, and the "
            f"other indices must lie in [0, {dim})"
        )


def like(self: Tensor, values: Tensor) -> Tensor:
    return torch.sparse_compressed_tensor(
        self.crow_indices(), self.col_indices(), values, self.shape, layout=self.layout,
        check_invariants=False,
    )  # fmt: skip


@sparse_op(CSR, "add.out")
def add_compressed(self: Tensor, other: Tensor, *, alpha: float = 1, out: Tensor) -> Tensor:
    first, second = (x if x.layout == torch.strided else x.to_sparse_coo() for x in (self, other))
    if torch.strided in (first.layout, second.layout):
        return given(out, first.to_dense() + alpha * second.to_dense())
    return given(out, torch.add(first, second, alpha=alpha))


@sparse_op(CSR, "sparse_sampled_addmm")
def sampled_addmm(
    self: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1
) -> Tensor:
    """beta self + alpha mat1 mat2 where ``self`` has values."""
    row, column, values = entries(self)
    found = alpha * (mat1[row] * mat2.t()[column]).sum(-1)
    return like(self, found + beta * values if beta != 0 else found)


@sparse_op(CSR, "sparse_sampled_addmm.out")
def sampled_addmm_out(*operands: Any, out: Tensor, **named: Any) -> Tensor:
    return given(out, sampled_addmm(*operands, **named))


@sparse_op(CSR, "_sparse_mm_reduce_impl")
def mm_reduce(self: Tensor, other: Tensor, reduce: str) -> tuple[Tensor, Tensor]:
    """Sums, means, greatest or least of a row's products; rows without values are 0."""
    row, column, values = entries(self)
    products = wide(values)[:, None] * wide(other)[column]
    out = torch.zeros(self.shape[0], other.shape[1], dtype=products.dtype, device=other.device)
    which = row[:, None].expand_as(products)
    out = out.scatter_reduce(0, which, products, reduce, include_self=False)
    nothing = torch.empty(0, dtype=torch.int64, device=other.device)
    return out.to(other.dtype), nothing
