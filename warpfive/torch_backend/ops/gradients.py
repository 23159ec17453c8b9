"""Gradients of operators that are sums of products or choices: what flows where is a matrix or an
index, so each is a product, a scatter or a sum of those."""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from warpfive.torch_backend.ops.loss import MEAN, NONE
from warpfive.torch_backend.ops.pool import triple
from warpfive.torch_backend.ops.registry import op


def to_places(grad: Tensor, self: Tensor, indices: Tensor, rank: int) -> Tensor:
    """The gradient of choosing, in each plane of the last ``rank`` dimensions, ``indices``."""
    plane = self.shape[-rank:].numel()
    out = torch.zeros(self.shape, dtype=self.dtype, device=self.device)
    if grad.numel():
        flat = grad.reshape(-1, grad.shape[-rank:].numel())
        out.view(-1, plane).scatter_add_(1, indices.reshape(flat.shape), flat)
    return out


@op("adaptive_max_pool2d_backward.grad_input")
def adaptive_max_pool2d(
    grad_output: Tensor, self: Tensor, indices: Tensor, *, grad_input: Tensor
) -> Tensor:
    return grad_input.copy_(to_places(grad_output, self, indices, 2))


@op("adaptive_max_pool3d_backward.grad_input")
def adaptive_max_pool3d(
    grad_output: Tensor, self: Tensor, indices: Tensor, *, grad_input: Tensor
) -> Tensor:
    return grad_input.copy_(to_places(grad_output, self, indices, 3))


@op("fractional_max_pool2d_backward.grad_input", "max_pool2d_with_indices_backward.grad_input")
def max_pool2d(grad_output: Tensor, self: Tensor, *settings: object, **rest: Tensor) -> Tensor:
    grad_input = rest["grad_input"]
    return grad_input.copy_(to_places(grad_output, self, settings[-1], 2))  # type: ignore


@op("fractional_max_pool3d_backward", "max_pool3d_with_indices_backward")
def max_pool3d(grad_output: Tensor, self: Tensor, *settings: object) -> Tensor:
    return to_places(grad_output, self, settings[-1], 3)  # type: ignore[arg-type]


@op("fractional_max_pool3d_backward.grad_input", "max_pool3d_with_indices_backward.grad_input")
def max_pool3d_out(
    grad_output: Tensor, self: Tensor, *settings: object, grad_input: Tensor
) -> Tensor:
    result = max_pool3d(grad_output, self, *settings)
    return grad_input.resize_(result.shape).copy_(result)


def along_each(
    grad: Tensor, sizes: Sequence[int], matrix: Callable[[int, Tensor], Tensor]
) -> Tensor:
    """The gradient of a map that is linear and separate in the last dimensions.

    ``matrix(d, unit)`` is the map along dimension d of a (1, n, n) unit matrix: (1, n, results).
    """
    rank = len(sizes)
    for d, size in enumerate(sizes):
        dim = grad.dim() - rank + d
        unit = torch.eye(size, dtype=grad.dtype, device=grad.device)[None]
        moved = grad.movedim(dim, -1)
        flat = moved.reshape(-1, moved.shape[-1]) @ matrix(d, unit)[0].t()
        grad = flat.reshape(*moved.shape[:-1], size).movedim(-1, dim)
    return grad


def average_back(
    grad: Tensor, self: Tensor, window: Sequence[int], step: Sequence[int], pad: Sequence[int],
    ceil_mode: bool, with_pad: bool, divisor: int | None, rank: int,
) -> Tensor:  # fmt: skip
    """Sums over windows along each dimension, of gradients that are divided first."""
    windows, steps, pads = (
        triple(values, rank, 0)[3 - rank :] for values in (window, step or window, pad)
    )
    sizes, results = self.shape[-rank:], grad.shape[-rank:]
    # How many elements a window counts is a product over the dimensions too.
    parts = torch.ones((), dtype=grad.dtype, device=grad.device)
    tables = []
    for d in range(rank):
        first = torch.arange(results[d], device=grad.device) * steps[d] - pads[d]
        last = (first + windows[d]).clamp(max=sizes[d] + (pads[d] if with_pad else 0))
        start = first if with_pad else first.clamp(min=0)
        shape = [-1 if i == d else 1 for i in range(rank)]
        parts = parts * (last - start).reshape(shape)
        at = torch.arange(sizes[d], device=grad.device)[:, None]
        tables.append(((at >= first) & (at < first + windows[d])).to(grad.dtype)[None])
    shares = grad / (parts if divisor is None else divisor)
    return along_each(shares, sizes, lambda d, _: tables[d])


@op("avg_pool2d_backward.grad_input")
def avg_pool2d(
    grad_output: Tensor, self: Tensor, kernel_size: Sequence[int], stride: Sequence[int],
    padding: Sequence[int], ceil_mode: bool, count_include_pad: bool,
    divisor_override: int | None, *, grad_input: Tensor,
) -> Tensor:  # fmt: skip
    return grad_input.copy_(average_back(
        grad_output, self, kernel_size, stride, padding, ceil_mode, count_include_pad,
        divisor_override, 2,
    ))  # fmt: skip


@op("avg_pool3d_backward.grad_input")
def avg_pool3d(
    grad_output: Tensor, self: Tensor, kernel_size: Sequence[int], stride: Sequence[int],
    padding: Sequence[int], ceil_mode: bool, count_include_pad: bool,
    divisor_override: int | None, *, grad_input: Tensor,
) -> Tensor:  # fmt: skip
    return grad_input.copy_(average_back(
        grad_output, self, kernel_size, stride, padding, ceil_mode, count_include_pad,
        divisor_override, 3,
    ))  # fmt: skip


def adaptive_back(grad: Tensor, self: Tensor, rank: int) -> Tensor:
    results = grad.shape[-rank:]

    def pooled(d: int, unit: Tensor) -> Tensor:
        return functional.adaptive_avg_pool2d(unit, (unit.shape[1], results[d]))

    return along_each(grad, self.shape[-rank:], pooled)


@op("_adaptive_avg_pool2d_backward")
def adaptive_avg_pool2d(grad_output: Tensor, self: Tensor) -> Tensor:
    return adaptive_back(grad_output, self, 2)


@op("_adaptive_avg_pool3d_backward")
def adaptive_avg_pool3d(grad_output: Tensor, self: Tensor) -> Tensor:
    return adaptive_back(grad_output, self, 3)


@op("adaptive_avg_pool3d_backward.grad_input")
def adaptive_avg_pool3d_out(grad_output: Tensor, self: Tensor, *, grad_input: Tensor) -> Tensor:
    result = adaptive_back(grad_output, self, 3)
    return grad_input.resize_(result.shape).copy_(result)


Line = Callable[[Tensor, int, float | None], Tensor]


def resized_back(
    grad: Tensor, input_size: Sequence[int], out: Tensor, line: Line,
    given: Sequence[float | None],
) -> Tensor:  # fmt: skip
    """``line(unit, size, scale)`` resizes the rows of a (1, n, n) unit matrix."""
    sizes, results = input_size[2:], grad.shape[2:]
    scales = [*given, *[None] * (len(sizes) - len(given))]
    found = along_each(grad, sizes, lambda d, unit: line(unit, results[d], scales[d]))
    return out.copy_(found)


def as_image(name: str, *switches: bool) -> Line:
    """An operator of images along one of their sides."""
    function = getattr(torch.ops.aten, name)

    def line(unit: Tensor, size: int, scale: float | None) -> Tensor:
        rows = unit[:, :, None, :]
        return function(rows, [1, size], *switches, None, scale)[:, :, 0, :]

    return line


def as_line(name: str, *switches: bool) -> Line:
    function = getattr(torch.ops.aten, name)
    return lambda unit, size, scale: function(unit, [size], *switches, scale)


def nearest_family() -> None:
    for name in ("upsample_nearest", "_upsample_nearest_exact"):
        for rank in (1, 2, 3):

            @op(f"{name}{rank}d_backward.grad_input")
            def back(
                grad_output: Tensor, output_size: Sequence[int], input_size: Sequence[int],
                *given: float | None, grad_input: Tensor, name: str = name, **named: float | None,
            ) -> Tensor:  # fmt: skip
                line = as_line(f"{name}1d")
                scales = [*given, *named.values()]
                return resized_back(grad_output, input_size, grad_input, line, scales)


def smooth_family() -> None:
    lines: dict[str, Callable[[bool], Line]] = {
        "upsample_linear1d": lambda corners: as_line("upsample_linear1d", corners),
        "upsample_bilinear2d": lambda corners: as_line("upsample_linear1d", corners),
        "upsample_trilinear3d": lambda corners: as_line("upsample_linear1d", corners),
        "upsample_bicubic2d": lambda corners: as_image("upsample_bicubic2d", corners),
        "_upsample_bilinear2d_aa": lambda corners: as_image("_upsample_bilinear2d_aa", corners),
        "_upsample_bicubic2d_aa": lambda corners: as_image("_upsample_bicubic2d_aa", corners),
    }
    for name, make in lines.items():

        @op(f"{name}_backward.grad_input")
        def back(
            grad_output: Tensor, output_size: Sequence[int], input_size: Sequence[int],
            align_corners: bool, *given: float | None, grad_input: Tensor,
            make: Callable[[bool], Line] = make, **named: float | None,
        ) -> Tensor:  # fmt: skip
            scales = [*given, *named.values()]
            return resized_back(grad_output, input_size, grad_input, make(align_corners), scales)


nearest_family()
smooth_family()


def edges_back(grad: Tensor, self: Tensor, padding: Sequence[int]) -> Tensor:
    """The gradient of repeating outermost elements; ``padding`` has the last dimension first."""
    rank = len(padding) // 2
    for d in range(rank):
        dim, before = grad.dim() - 1 - d, padding[2 * d]
        size = self.shape[dim]
        at = torch.arange(grad.shape[dim], device=grad.device)
        place = (at - before).clamp(0, size - 1)
        shape = [*grad.shape[:dim], size, *grad.shape[dim + 1 :]]
        grad = torch.zeros(shape, dtype=grad.dtype, device=grad.device).index_add_(dim, place, grad)
    return grad


@op("replication_pad2d_backward", "replication_pad3d_backward")
def replication_pad(grad_output: Tensor, self: Tensor, padding: Sequence[int]) -> Tensor:
    return edges_back(grad_output, self, padding)


@op("replication_pad1d_backward.grad_input", "replication_pad2d_backward.grad_input",
    "replication_pad3d_backward.grad_input")  # fmt: skip
def replication_pad_out(
    grad_output: Tensor, self: Tensor, padding: Sequence[int], *, grad_input: Tensor
) -> Tensor:
    result = edges_back(grad_output, self, padding)
    return grad_input.resize_(result.shape).copy_(result)


def shared(grad: Tensor, rows: Tensor, reduction: int) -> Tensor:
    """What each of the rows' losses gets, as a column."""
    each = grad.reshape(-1, 1) if reduction == NONE else grad.reshape(1, 1).expand(len(rows), 1)
    return each / len(rows) if reduction == MEAN else each


@op("multi_margin_loss_backward")
def multi_margin_loss(
    grad_output: Tensor, self: Tensor, target: Tensor, p: float, margin: float,
    weight: Tensor | None = None, reduction: int = MEAN,
) -> Tensor:  # fmt: skip
    rows = self.reshape(-1, self.shape[-1] if self.dim() else 1)
    chosen = target.reshape(-1, 1)
    gaps = (margin - rows.gather(1, chosen) + rows).clamp(min=0)
    slopes = (gaps > 0).to(self.dtype) if p == 1 else 2 * gaps
    slopes = slopes if weight is None else slopes * weight[chosen]
    slopes = slopes.scatter(1, chosen, 0) / rows.shape[1]
    slopes = slopes.scatter(1, chosen, -slopes.sum(1, keepdim=True))
    return (slopes * shared(grad_output, rows, reduction)).reshape(self.shape)


@op("multilabel_margin_loss_backward")
def multilabel_margin_loss(
    grad_output: Tensor, self: Tensor, target: Tensor, reduction: int, is_target: Tensor
) -> Tensor:
    rows, labels, hit = (
        t.reshape(-1, t.shape[-1] if t.dim() else 1) for t in (self, target, is_target)
    )
    valid = (labels < 0).long().cumsum(1) == 0  # labels count up to the first negative one
    places = torch.where(valid, labels, 0)
    gaps = 1 - rows.gather(1, places)[:, :, None] + rows[:, None, :]
    counted = ((gaps > 0) & valid[:, :, None] & (hit == 0)[:, None, :]).to(self.dtype)
    slopes = counted.sum(1).scatter_add(1, places, -counted.sum(2)) / rows.shape[1]
    return (slopes * shared(grad_output, rows, reduction)).reshape(self.shape)


@op("_weight_norm_interface_backward")
def weight_norm(
    grad_w: Tensor, saved_v: Tensor, saved_g: Tensor, saved_norms: Tensor, dim: int
) -> tuple[Tensor, Tensor]:
    """Of w = g v / |v|, norms over all dimensions but ``dim``."""
    over = [d for d in range(saved_v.dim()) if d != dim % saved_v.dim()]
    norms = saved_norms.reshape(saved_g.shape).to(saved_v.dtype)
    along = (grad_w * saved_v).sum(over, keepdim=True)
    of_v = saved_g / norms * (grad_w - saved_v * along / (norms * norms))
    return of_v, along / norms


def slope(gap: Tensor, distance: Tensor, p: float) -> Tensor:
    """d |gap|_p / d gap; ``distance`` is the norm over the last dimension, which it keeps."""
    if p == 0:
        return torch.zeros_like(gap)
    if p == 1:
        return gap.sign()
    if math.isinf(p):
        return gap.sign() * (gap.abs() == distance)
    found = gap * gap.abs() ** (p - 2) / distance ** (p - 1) if p != 2 else gap / distance
    return torch.where((distance == 0) | (gap == 0), 0, found)


@op("_cdist_backward")
def cdist(grad: Tensor, x1: Tensor, x2: Tensor, p: float, cdist: Tensor) -> Tensor:
    gap = x1[..., :, None, :] - x2[..., None, :, :]
    return (slope(gap, cdist[..., None], p) * grad[..., None]).sum(-2)


@op("_pdist_backward")
def pdist(grad: Tensor, self: Tensor, p: float, pdist: Tensor) -> Tensor:
    i, j = torch.triu_indices(len(self), len(self), 1, device=self.device)
    flow = slope(self[i] - self[j], pdist[:, None], p) * grad[:, None]
    return torch.zeros_like(self).index_add_(0, i, flow).index_add_(0, j, -flow)
