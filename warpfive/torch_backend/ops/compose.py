"""Operators made of others that have kernels."""

import torch
from torch import Tensor

from warpfive.torch_backend.ops.registry import op


@op("equal")
def equal(self: Tensor, other: Tensor) -> bool:
    if self.dtype != other.dtype:
        raise RuntimeError(
            f"Expected object of data type {self.dtype} but got data type {other.dtype} for "
            "argument 'other' in call to equal"
        )
    return self.shape == other.shape and bool((self == other).all())


@op("roll")
def roll(self: Tensor, shifts: list[int], dims: list[int] = ()) -> Tensor:  # type: ignore
    if not dims:
        return roll(self.reshape(-1), shifts, [0]).reshape(self.shape)
    out = self.clone()
    for shift, dim in zip(shifts, dims, strict=True):
        size = out.shape[dim] if out.dim() else 1
        at = shift % size if size else 0
        if at:
            out = torch.cat([out.narrow(dim, size - at, at), out.narrow(dim, 0, size - at)], dim)
    return out


@op("trace")
def trace(self: Tensor) -> Tensor:
    if self.dim() != 2:
        raise RuntimeError("trace: expected a matrix")
    return self.diagonal().sum()


def check_vectors(self: Tensor, other: Tensor) -> None:
    if self.dim() != 1 or other.dim() != 1:
        raise RuntimeError(
            f"1D tensors expected, but got {self.dim()}D and {other.dim()}D tensors"
        )
    if self.dtype != other.dtype:
        raise RuntimeError(
            "dot : expected both vectors to have same dtype, but found "
            f"{self.dtype} and {other.dtype}"
        )
    if self.numel() != other.numel():
        raise RuntimeError(
            f"inconsistent tensor size, expected tensor [{self.numel()}] and src "
            f"[{other.numel()}] to have the same number of elements"
        )


@op("dot")
def dot(self: Tensor, tensor: Tensor) -> Tensor:
    check_vectors(self, tensor)
    return torch.mm(self[None], tensor[:, None])[0, 0].clone()


@op("vdot")
def vdot(self: Tensor, other: Tensor) -> Tensor:
    return dot(self.conj(), other)


@op("addmv.out")
def addmv(
    self: Tensor, mat: Tensor, vec: Tensor, *, beta: float = 1, alpha: float = 1, out: Tensor
) -> Tensor:
    start = self.expand(mat.shape[0])[:, None]
    product = torch.addmm(start, mat, vec[:, None], beta=beta, alpha=alpha)
    return out.copy_(product[:, 0])


@op("count_nonzero.dim_IntList")
def count_nonzero(self: Tensor, dim: list[int]) -> Tensor:
    return (self != 0).sum(dim or None)


@op("repeat_interleave.Tensor")
def repeat_interleave(repeats: Tensor, *, output_size: int | None = None) -> Tensor:
    """Place i as often as ``repeats[i]`` says, in order."""
    if repeats.dim() != 1 or repeats.dtype not in (torch.int32, torch.int64):
        raise RuntimeError("repeat_interleave: repeats is one dimension of int32 or int64")
    ends = repeats.long().cumsum(0)
    if output_size is None:
        if repeats.numel() and int(repeats.min()) < 0:
            raise RuntimeError("repeats can not be negative")
        output_size = int(ends[-1]) if repeats.numel() else 0
    at = torch.arange(output_size, device=repeats.device)
    return torch.searchsorted(ends, at, right=True).to(repeats.dtype)


@op("nonzero_static")
def nonzero_static(self: Tensor, *, size: int, fill_value: int = -1) -> Tensor:
    found = self.nonzero()[:size]
    out = torch.full((size, self.dim()), fill_value, dtype=torch.int64, device=self.device)
    out[: len(found)] = found
    return out


@op("eye.m_out")
def eye(n: int, m: int, *, out: Tensor) -> Tensor:
    out.resize_((n, m)).zero_()
    out.diagonal().fill_(1)
    return out


@op("eye.out")
def eye_square(n: int, *, out: Tensor) -> Tensor:
    return eye(n, n, out=out)


def between(start: complex, end: complex, steps: int, out: Tensor) -> Tensor:
    """Values from ``start`` to ``end``, counted from the nearer of the two."""
    step = (end - start) / (steps - 1)
    wide = out.dtype == torch.float64 or not out.is_floating_point()  # whole numbers, as the host
    kind = out.dtype if out.dtype.is_complex else torch.float64 if wide else torch.float32
    at = torch.arange(steps, device=out.device)
    near = start + at.to(kind) * step
    far = end - (steps - 1 - at).to(kind) * step
    return torch.where(at < steps // 2, near, far)


@op("linspace.out")
def linspace(start: float, end: float, steps: int, *, out: Tensor) -> Tensor:
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    if out.numel() != steps:
        out.resize_((steps,))
    if steps == 1:
        return out.fill_(start)
    return out.copy_(between(start, end, steps, out)) if steps else out


@op("logspace.out")
def logspace(start: float, end: float, steps: int, base: float = 10.0, *, out: Tensor) -> Tensor:
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    if out.numel() != steps:
        out.resize_((steps,))
    if steps == 1:
        return out.fill_(base**start)
    return out.copy_(torch.pow(base, between(start, end, steps, out))) if steps else out


def triangle_places(mask: Tensor, dtype: torch.dtype | None) -> Tensor:
    return mask.nonzero().t().contiguous().to(dtype or torch.int64)


@op("tril_indices")
def tril_indices(
    row: int, col: int, offset: int = 0, *, dtype: torch.dtype | None = None, layout: object = None,
    device: torch.device | None = None, pin_memory: bool | None = None,
) -> Tensor:  # fmt: skip
    mask = torch.ones(row, col, dtype=torch.bool, device=device or "cuda")
    return triangle_places(mask.tril(offset), dtype)


@op("triu_indices")
def triu_indices(
    row: int, col: int, offset: int = 0, *, dtype: torch.dtype | None = None, layout: object = None,
    device: torch.device | None = None, pin_memory: bool | None = None,
) -> Tensor:  # fmt: skip
    mask = torch.ones(row, col, dtype=torch.bool, device=device or "cuda")
    return triangle_places(mask.triu(offset), dtype)


@op("_assert_async.msg")
def assert_async(self: Tensor, assert_msg: str) -> None:
    if not bool(self):
        raise RuntimeError(assert_msg)


@op("_assert_async")
def assert_async_plain(self: Tensor) -> None:
    assert_async(self, "Expected Tensor with single nonzero value, but got zero")


@op("native_dropout_backward")
def dropout_backward(grad_output: Tensor, mask: Tensor, scale: float) -> Tensor:
    return grad_output * mask * scale


@op("native_dropout")
def dropout(input: Tensor, p: float, train: bool | None) -> tuple[Tensor, Tensor]:
    if train is False or p == 0:
        return input.clone(), torch.ones_like(input, dtype=torch.bool)
    kept = torch.rand(input.shape, device=input.device) >= p
    scale = 0.0 if p == 1 else 1 / (1 - p)
    return input * kept * scale, kept


def check_places(index: Tensor, size: int) -> Tensor:
    """Places with negative ones counted from the end."""
    if index.numel() and not -size <= int(index.min()) <= int(index.max()) < size:
        raise IndexError(f"out of range: tried to access an index of a tensor of {size} elements")
    return torch.where(index < 0, index + size, index)


@op("take")
def take(self: Tensor, index: Tensor) -> Tensor:
    places = check_places(index, self.numel())
    return self.reshape(-1)[places.reshape(-1)].reshape(index.shape)


@op("take.out")
def take_out(self: Tensor, index: Tensor, *, out: Tensor) -> Tensor:
    result = take(self, index)
    return out.resize_(result.shape).copy_(result)


@op("put_")
def put(self: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    if index.numel():
        flat = self.contiguous().reshape(-1)
        places = check_places(index, self.numel()).reshape(-1)
        flat = flat.index_put((places,), source.reshape(-1), accumulate)
        self.copy_(flat.reshape(self.shape))
    return self


def fill_along(self: Tensor, dim: int, index: Tensor, value: object) -> Tensor:
    if index.dim() > 1:
        raise IndexError("index_fill_(): Index is supposed to be a vector")
    target = self if self.dim() else self.reshape(1)
    dim %= target.dim()
    if index.numel():
        target[(slice(None),) * dim + (index.reshape(-1),)] = value
    return self


@op("index_fill_.int_Scalar")
def index_fill(self: Tensor, dim: int, index: Tensor, value: float) -> Tensor:
    return fill_along(self, dim, index, value)


@op("index_fill_.int_Tensor")
def index_fill_tensor(self: Tensor, dim: int, index: Tensor, value: Tensor) -> Tensor:
    if value.dim():
        raise RuntimeError(
            "index_fill_ only supports a 0-dimensional value tensor, but got tensor with "
            f"{value.dim()} dimension(s)."
        )
    return fill_along(self, dim, index, value.item())


@op("index_copy.out")
def index_copy(self: Tensor, dim: int, index: Tensor, source: Tensor, *, out: Tensor) -> Tensor:
    if out is not self:
        out.copy_(self)
    target = out if out.dim() else out.reshape(1)
    if index.numel():
        values = source if source.dim() else source.reshape(1)
        target[(slice(None),) * (dim % target.dim()) + (index.reshape(-1),)] = values
    return out


@op("masked_scatter_")
def masked_scatter(self: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    chosen = mask.expand(self.shape).reshape(-1)
    if int(chosen.sum()) > source.numel():
        raise RuntimeError(
            "masked_scatter: expected self and source to have as many elements as mask is true"
        )
    places = chosen.nonzero()[:, 0]
    flat = self.contiguous().reshape(-1).index_put((places,), source.reshape(-1)[: len(places)])
    return self.copy_(flat.reshape(self.shape))


@op("isin.Tensor_Tensor_out")
def isin(
    elements: Tensor, test_elements: Tensor, *, assume_unique: bool = False, invert: bool = False,
    out: Tensor,
) -> Tensor:  # fmt: skip
    if test_elements.numel() == 0:
        return out.fill_(invert)
    others = test_elements.reshape(-1).sort().values
    place = torch.searchsorted(others, elements.contiguous()).clamp(max=len(others) - 1)
    found = others[place] == elements
    return out.copy_(~found if invert else found)


@op("_fused_dropout")
def fused_dropout(
    self: Tensor, p: float, generator: torch.Generator | None = None
) -> tuple[Tensor, Tensor]:
    """Keeps elements with the probability ``p``; the mask is bytes."""
    kept = torch.rand(self.shape, device=self.device, generator=generator) < p
    return self * kept * (1 / p), kept.to(torch.uint8)


@op("_masked_scale")
def masked_scale(self: Tensor, mask: Tensor, scale: float) -> Tensor:
    return self * mask * scale


@op("rrelu_with_noise")
def rrelu(
    self: Tensor, noise: Tensor, lower: float = 0.125, upper: float = 1 / 3, training: bool = False,
    generator: torch.Generator | None = None,
) -> Tensor:  # fmt: skip
    if not training:
        return torch.where(self <= 0, self * ((lower + upper) / 2), self)
    noise.uniform_(lower, upper, generator=generator)
    noise.copy_(torch.where(self <= 0, noise, 1))
    return self * noise
