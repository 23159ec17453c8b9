"""From Inductor's scheduler nodes to kernels in the generated Python."""

from typing import Any

import sympy
import torch
from torch._inductor import config
from torch._inductor.codegen.common import BackendFeature
from torch._inductor.codegen.simd import SIMDScheduling
from torch._inductor.scheduler import SchedulerNode
from torch._inductor.utils import (
    aggregate_origins,
    get_fused_kernel_name,
    get_kernel_metadata,
)
from torch._inductor.virtualized import V
from torch.utils._ordered_set import OrderedSet

from warpfive.torch_backend.inductor.kernel import NAME, WarpfiveKernel
from warpfive.torch_backend.inductor.launch import GRID_LIMIT, WARP
from warpfive.torch_backend.inductor.origin import module_path, told

NARROWEST_ROW = 16
MOST_LANES = 1.4  # for each element of a row


class WarpfiveScheduling(SIMDScheduling):
    """Fuses as Inductor does for every SIMD device, and writes CUDA C++."""

    kernel_type = WarpfiveKernel  # type: ignore[assignment]

    @classmethod
    def get_backend_features(cls, device: torch.device) -> OrderedSet[BackendFeature]:
        return OrderedSet(
            [BackendFeature.REDUCE_TO_SINGLE_ELEMENT, BackendFeature.PREFER_STORE_LOOP_ORDER,
             BackendFeature.TUPLE_REDUCTION]
        )  # fmt: skip

    @classmethod
    def get_tiling_and_scores(cls, node_schedule: Any, numel: Any, reduction_numel: Any = None,
                              coalesce_analysis: Any = None) -> Any:  # fmt: skip
        """Two axes where Inductor wants them, unless the inner one would leave lanes idle."""
        reduction_numel = sympy.S.One if reduction_numel is None else reduction_numel
        tiling, scores = super().get_tiling_and_scores(
            node_schedule, numel, reduction_numel, coalesce_analysis
        )
        if "y" in tiling and V.graph.sizevars.optimization_hint(
            tiling["x"], fallback=NARROWEST_ROW
        ) < NARROWEST_ROW:  # fmt: skip
            return cls.create_tiling([numel], [reduction_numel]), None
        if "y" not in tiling and reduction_numel == 1:
            tiling = cls.in_rows(node_schedule, numel) or tiling
        return tiling, scores

    @classmethod
    def in_rows(cls, node_schedule: Any, numel: Any) -> Any:
        """Two axes for pointwise nodes that need their rows' indices (a value a channel): along
        y they are the same for a whole warp, and so is all that depends on them alone. None where
        rows are short, or not of one length."""
        for node in node_schedule:
            ranges = node.get_ranges()[0] if isinstance(node, SchedulerNode) else ()
            sizes = [size for size in ranges if size != 1]
            if len(sizes) < 2 or not all(isinstance(size, sympy.Integer) for size in sizes):
                continue
            columns = sizes[-1]
            lanes = -(-int(columns) // WARP) * WARP
            tiling = cls.create_tiling([numel // columns, columns], [sympy.S.One])
            if (
                int(columns) > WARP // 2 and lanes <= MOST_LANES * int(columns)
                and numel // columns <= GRID_LIMIT
                and cls.tiling_is_compatible(node_schedule, numel, sympy.S.One, tiling)
            ):  # fmt: skip
                return tiling
        return None

    def define_kernel(self, src_code: str, node_schedule: Any, kernel: WarpfiveKernel) -> str:
        wrapper = V.graph.wrapper_code
        if src_code in wrapper.src_to_kernel:
            return wrapper.src_to_kernel[src_code]
        fused = get_fused_kernel_name(node_schedule, config.triton.descriptive_names)
        name = "_".join(filter(None, ("wf", fused[:100], wrapper.next_kernel_suffix())))
        wrapper.src_to_kernel[src_code] = name
        wrapper.add_import_once("from warpfive.torch_backend.inductor.graph import Kernels")
        wrapper.add_import_once("wf_kernels = Kernels()")
        origins, details = get_kernel_metadata(node_schedule, wrapper)
        text = src_code.replace(NAME, name)
        module = module_path(aggregate_origins(node_schedule)) if told() else ""
        more = f", {module!r}" if module else ""
        wrapper.define_kernel(name, f"wf_kernels.add({name!r}, r'''\n{text}'''{more})",
                              f"{origins}\n{details}")  # fmt: skip
        return name

    def can_use_multi_kernel(self, *_: Any) -> bool:
        return False
