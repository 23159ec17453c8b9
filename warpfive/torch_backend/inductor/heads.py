"""A graph rewrite before Inductor lowers: attention reads keys and values that several query heads
share where they are, instead of from a copy for every head.

Models that repeat them (``repeat_kv``) leave unsqueeze, expand, clone and a view before the
attention; the kernel takes fewer heads of keys and values than of queries as they come.
"""

from typing import Any

import torch

aten = torch.ops.aten
ATTENTION = aten._scaled_dot_product_fused_attention_overrideable.default
VIEWS = (aten.view.default, aten.reshape.default, aten._unsafe_view.default)


def share_heads(graph: torch.fx.Graph) -> None:
    """Rewrites every attention of ``graph`` whose keys and values are both repeated alike."""
    for node in graph.find_nodes(op="call_function", target=ATTENTION):
        query, keys, values, *rest = node.args
        shared = [unrepeated(keys), unrepeated(values)]
        if None in shared or heads(shared[0]) != heads(shared[1]):
            continue
        node.args = (query, *shared, *rest)


def heads(node: torch.fx.Node) -> Any:
    return node.meta["val"].shape[1]


def unrepeated(node: Any) -> torch.fx.Node | None:
    """The (batch, heads, positions, size) tensor whose heads ``node`` has several times each, side
    by side; None where it is not such a copy."""
    for targets in (VIEWS, (aten.clone.default,), (aten.expand.default,)):
        if node.op != "call_function" or node.target not in targets:
            return None
        view, node = node, node.args[0]
        if targets is VIEWS:
            whole = view.meta["val"].shape
    if node.op != "call_function" or node.target != aten.unsqueeze.default or node.args[1] != 2:
        return None
    source = node.args[0]
    few = source.meta["val"]
    alike = few.dim() == 4 == len(whole) and few.stride(3) == 1
    if not alike or [few.shape[i] for i in (0, 2, 3)] != [whole[i] for i in (0, 2, 3)]:
        return None
    return source
