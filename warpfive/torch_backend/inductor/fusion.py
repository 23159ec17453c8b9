"""Graph rewrites before Inductor lowers: matrix products take what follows them as an epilogue.

``mm`` or ``addmm``, then views, then any of a bias, an activation and a residual, becomes one
``warpfive::matmul``: the product is not written and read again in between. Gelu and silu are found
in the form that Inductor's decompositions give them.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch._inductor.custom_graph_pass import CustomGraphPass

from warpfive.torch_backend.inductor.heads import share_heads

aten, prims = torch.ops.aten, torch.ops.prims
VIEWS = (aten.view.default, aten.reshape.default, aten._unsafe_view.default)
CONVERT = prims.convert_element_type.default
TYPES = (torch.float32, torch.float16, torch.bfloat16)
SIMPLE = {
    aten.relu.default: "relu", aten.sigmoid.default: "sigmoid", aten.tanh.default: "tanh",
}  # fmt: skip


class FusePass(CustomGraphPass):
    """Runs after Inductor's own passes; its identity keeps compiled graphs apart in the cache."""

    def __call__(self, graph: torch.fx.Graph) -> None:
        share_heads(graph)
        for node in list(graph.nodes):
            if node.target in (aten.mm.default, aten.addmm.default) and suitable(node):
                rewrite(graph, node)
        graph.eliminate_dead_code()

    def uuid(self) -> Any:
        from warpfive.torch_backend.inductor.setup import version

        return version()


def suitable(node: torch.fx.Node) -> bool:
    value = node.meta.get("val")
    return (
        isinstance(value, torch.Tensor) and value.device.type == "cuda" and value.dtype in TYPES
        and set(node.kwargs) <= {"beta", "alpha"} and set(node.kwargs.values()) <= {1}
    )  # fmt: skip


@dataclass
class Epilogue:
    """What one kernel does: ``activation(a b + bias) + residual``; ``last`` is what it replaces,
    ``view`` the view between that gave it its shape."""

    product: torch.fx.Node
    last: torch.fx.Node
    view: torch.fx.Node | None = None
    bias: torch.fx.Node | None = None
    activation: str = "none"
    residual: torch.fx.Node | None = None

    def reach(self, view: torch.fx.Node, last: torch.fx.Node) -> None:
        self.last = last
        if view.target in VIEWS:
            self.view = view


def rewrite(graph: torch.fx.Graph, node: torch.fx.Node) -> None:
    """Replaces a product and its epilogue, if there is one that is worth a kernel of its own."""
    found = Epilogue(node, node)
    operands = node.args
    if node.target == aten.addmm.default:
        addend, *operands = node.args
        if not is_row(addend, node):
            return
        found.bias = addend
    for step in (add_bias, activate, add_residual):
        step(found)
    if found.last is node:  # torch's own mm and addmm are as good
        return
    with graph.inserting_before(found.last):
        residual = found.residual
        if residual is not None:
            residual = reshaped(graph, residual, (-1, node.meta["val"].shape[-1]))
        fused = graph.call_function(
            torch.ops.warpfive.matmul.default,
            (*operands, found.bias, residual, found.activation),
        )
        fused.meta.update(node.meta)
        out = reshaped(graph, fused, found.view.args[1]) if found.view else fused
    out.meta.update(found.last.meta)
    found.last.replace_all_uses_with(out)


def reshaped(graph: torch.fx.Graph, node: torch.fx.Node, sizes: Any) -> torch.fx.Node:
    """A view; ``sizes`` may hold nodes of the graph."""
    out = graph.call_function(aten.reshape.default, (node, list(sizes)))
    known = [s.meta["val"] if isinstance(s, torch.fx.Node) else s for s in sizes]
    out.meta["val"] = node.meta["val"].reshape(known)
    return out


# what follows


def behind(node: torch.fx.Node) -> torch.fx.Node:
    """The last of the views that are all that follows ``node``."""
    while len(node.users) == 1:
        (user,) = node.users
        if user.target not in VIEWS or user.args[0] is not node:
            break
        node = user
    return node


def sole(node: torch.fx.Node, target: Any = None) -> torch.fx.Node | None:
    """The only user of a node, if it is a call (of ``target``)."""
    if len(node.users) != 1:
        return None
    (user,) = node.users
    return user if user.op == "call_function" and target in (None, user.target) else None


def is_row(node: Any, product: torch.fx.Node) -> bool:
    """Whether a node is one value a column of the product."""
    value = node.meta.get("val") if isinstance(node, torch.fx.Node) else None
    wanted = product.meta["val"]
    if not isinstance(value, torch.Tensor) or value.dtype != wanted.dtype:
        return False
    columns = wanted.shape[-1]
    return value.dim() == 1 and isinstance(columns, int) and value.shape[0] == columns


def add_bias(found: Epilogue) -> None:
    view = behind(found.last)
    user = sole(view, aten.add.Tensor)
    if found.bias is None and user is not None and plain_add(user):
        other = partner(user, view)
        if is_row(other, view):
            found.bias = other
            found.reach(view, user)


def add_residual(found: Epilogue) -> None:
    view = behind(found.last)
    user = sole(view, aten.add.Tensor)
    if user is None or not plain_add(user):
        return
    other = partner(user, view)
    value = other.meta.get("val") if isinstance(other, torch.fx.Node) else None
    here = view.meta["val"]
    if (
        isinstance(value, torch.Tensor) and value.shape == here.shape
        and value.dtype == here.dtype and value.device == here.device
        and user.meta["val"].dtype == here.dtype and isinstance(here.shape[-1], int)
        and here.shape[-1] == found.product.meta["val"].shape[-1]
    ):  # fmt: skip
        found.residual = other
        found.reach(view, user)


def plain_add(user: torch.fx.Node) -> bool:
    return user.kwargs.get("alpha", 1) == 1


def partner(user: torch.fx.Node, node: torch.fx.Node) -> Any:
    """The other operand of a sum of two."""
    first, second = user.args[:2]
    return second if first is node else first


def activate(found: Epilogue) -> None:
    view = behind(found.last)
    wide = widened(view)
    for name, last in activations(wide):
        if (end := narrowed(last, view)) is not None:
            found.activation = name
            found.reach(view, end)
            return


def widened(view: torch.fx.Node) -> torch.fx.Node:
    """A narrow float's conversion to float32, where that is all that follows."""
    user = sole(view, CONVERT)
    return user if user is not None and user.args[1] == torch.float32 else view


def narrowed(last: torch.fx.Node, view: torch.fx.Node) -> torch.fx.Node | None:
    """The conversion back to the product's type; the node itself where there was none."""
    if last.meta["val"].dtype == view.meta["val"].dtype:
        return last
    user = sole(last, CONVERT)
    return user if user is not None and user.args[1] == view.meta["val"].dtype else None


def activations(node: torch.fx.Node) -> Iterator[tuple[str, torch.fx.Node]]:
    """Activations of ``node`` that use all of it, each with the node that holds the result."""
    user = sole(node)
    if user is not None and user.target in SIMPLE:
        yield SIMPLE[user.target], user
    if (end := silu(node)) is not None:
        yield "silu", end
    if (end := gelu(node)) is not None:
        yield "gelu", end
    if (end := gelu_tanh(node)) is not None:
        yield "gelu_tanh", end




def silu(x: torch.fx.Node) -> torch.fx.Node | None:
    """x / (1 + exp(-x)), or x sigmoid(x)."""
    for user in x.users:
        if user.target == aten.sigmoid.default:
            return closing(x, sole(user, aten.mul.Tensor), {user})
        if user.target == aten.neg.default:
            power = sole(user, aten.exp.default)
            below = power and sole(power, aten.add.Tensor)
            if below is not None and below.args == (power, 1):
                end = sole(below, aten.div.Tensor)
                if end is not None and end.args == (x, below):
                    return closing(x, end, {user})
    return None


def gelu(x: torch.fx.Node) -> torch.fx.Node | None:
    """x / 2 (1 + erf(x / sqrt 2))."""
    half = scaled(x, 0.5)
    inner = scaled(x, math.sqrt(0.5))
    error = inner and sole(inner, aten.erf.default)
    one = error and sole(error, aten.add.Tensor)
    if half is None or inner is None or one is None or one.args != (error, 1):
        return None
    return closing(x, sole(one, aten.mul.Tensor), {half, inner}, half)


def gelu_tanh(x: torch.fx.Node) -> torch.fx.Node | None:
    """x / 2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))."""
    half = scaled(x, 0.5)
    square = next((u for u in x.users if u.target == aten.mul.Tensor and u.args == (x, x)), None)
    cube = square and sole(square, aten.mul.Tensor)
    small = cube and scaled(cube, 0.044715)
    inner = small and sole(small, aten.add.Tensor)
    scaled_inner = inner and scaled(inner, math.sqrt(2 / math.pi))
    turned = scaled_inner and sole(scaled_inner, aten.tanh.default)
    one = turned and sole(turned, aten.add.Tensor)
    if half is None or one is None or x not in inner.args or one.args != (turned, 1):
        return None
    return closing(x, sole(one, aten.mul.Tensor), {half, square, cube, inner}, half)


def scaled(node: torch.fx.Node, factor: float) -> torch.fx.Node | None:
    """The user that is ``node`` times a number."""
    for user in node.users:
        if user.target == aten.mul.Tensor and user.args[0] is node:
            other = user.args[1]
            if isinstance(other, float | int) and math.isclose(other, factor, rel_tol=1e-6):
                return user
    return None


def closing(
    x: torch.fx.Node, end: torch.fx.Node | None, inside: set[Any],
    factor: torch.fx.Node | None = None,
) -> torch.fx.Node | None:  # fmt: skip
    """``end``, if it closes a formula over all uses of ``x``: nothing else needs ``x``."""
    if end is None or (factor or x) not in end.args:
        return None
    return end if set(x.users) <= inside | {end} else None
