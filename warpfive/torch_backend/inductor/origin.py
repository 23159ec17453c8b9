"""Which modules the operators of a compiled graph come from, for reports."""

import os
from collections.abc import Iterable
from typing import Any

from torch._inductor.codegen.wrapper import PythonWrapperCodegen, SubgraphPythonWrapperCodegen


def told() -> bool:
    """Whether a report wants it; part of every cache key."""
    return os.environ.get("WARPFIVE_TORCH_REPORT") == "1"


def module_path(origins: Iterable[Any]) -> str:
    """Classes of the innermost module that holds all these graph nodes, outermost first."""
    paths = []
    for node in origins:
        stack = node.meta.get("nn_module_stack")
        if stack:
            paths.append([(path, class_name(kind)) for path, kind in stack.values()])
    if not paths:
        return ""
    common = []
    for level in zip(*paths, strict=False):
        if any(each != level[0] for each in level):
            break
        common.append(level[0][1])
    return "/".join(common)


def class_name(kind: Any) -> str:
    text = kind if isinstance(kind, str) else kind.__name__
    return text.rpartition(".")[2]


class Wrapper(PythonWrapperCodegen):
    """The generated Python; for a report it says where each of torch's operators comes from."""

    @staticmethod
    def create(is_subgraph: bool, subgraph_name: Any, parent_wrapper: Any,
               partition_signatures: Any = None) -> PythonWrapperCodegen:  # fmt: skip
        if is_subgraph:
            return SubgraphPythonWrapperCodegen(
                subgraph_name, parent_wrapper, partition_signatures
            )
        return Wrapper()

    def generate_extern_kernel_out(self, node: Any) -> None:
        self.between(node, super().generate_extern_kernel_out)

    def generate_extern_kernel_alloc(self, node: Any) -> None:
        self.between(node, super().generate_extern_kernel_alloc)

    def generate_fallback_kernel(self, node: Any) -> None:
        self.between(node, super().generate_fallback_kernel)

    def between(self, node: Any, generate: Any) -> None:
        path = module_path(node.get_origins()) if told() else ""
        if not path:
            generate(node)
            return
        self.add_import_once("from warpfive.torch_backend.inductor.graph import at as wf_at")
        self.writeline(f"wf_at({path!r})")
        generate(node)
        self.writeline("wf_at('')")
