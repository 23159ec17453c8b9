"""Makes Inductor compile for the chip: registration and settings."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

SETTINGS: dict[str, Any] = {
    "compile_threads": 1,  # there is no Triton to warm up
    "shape_padding": False,  # the chip's tiles take any shape
    "split_reductions": False,  # one kernel a reduction
    "inplace_buffers": False,
    "online_softmax": False,  # two passes over a row in the cache are cheaper than rescaling
    "fallback_random": True,  # random numbers are those of the eager kernels
    "layout_optimization": False,
    "size_asserts": False,  # dynamo's guards have checked the inputs
    "alignment_asserts": False,
    # Neighbours are worth fusing; looking further is a quarter of a long graph's compilation.
    "max_fusion_buffer_group_pairwise_attempts": 8,
    "triton.cudagraphs": False,
    "triton.autotune_at_compile_time": False,
}
MODE_OPTIONS_WITHOUT_MEANING = (
    "triton.cudagraphs", "max_autotune", "max_autotune_gemm", "max_autotune_pointwise",
    "coordinate_descent_tuning",
)  # fmt: skip


def register() -> None:
    """Called once Inductor is imported, before it compiles anything."""
    import torch
    import torch._inductor as inductor
    from torch._inductor import compile_fx, config, lowering, scheduler, utils
    from torch._inductor.codegen.common import register_backend_for_device

    from warpfive.torch_backend.inductor import flex
    from warpfive.torch_backend.inductor.fusion import FusePass
    from warpfive.torch_backend.inductor.origin import Wrapper
    from warpfive.torch_backend.inductor.scheduling import WarpfiveScheduling

    register_backend_for_device("cuda", WarpfiveScheduling, Wrapper)
    scheduler.has_triton = lambda: True  # asked before any backend but its own is made
    for name, value in SETTINGS.items():
        config_set(config, name, value)
    config.post_grad_custom_post_pass = FusePass()
    compile_fx._warn_tf32_disabled = lambda: None  # advice for another chip
    utils.is_big_gpu = lambda _=0: False  # asked whether Triton's products are worth trying
    torch._C._dynamo.guards._empty_strided_cuda = empty_strided  # left out of CPU builds
    lowering.use_two_step_variance = lambda *_, **__: True  # no division an element
    without_kernels(lowering)
    flex.install()
    options = inductor.list_mode_options

    def list_mode_options(mode: str | None = None, dynamic: bool | None = None) -> Any:
        """What ``mode=`` sets, less what speaks of Triton's tuning and CUDA's graphs."""
        found = options(mode, dynamic)
        if mode is None:
            return {name: meaningful(each) for name, each in found.items()}
        return meaningful(found)

    inductor.list_mode_options = list_mode_options


def empty_strided(size: Any, stride: Any, dtype: Any) -> Any:
    import torch

    return torch.empty_strided(size, stride, dtype=dtype, device="cuda")


def meaningful(options: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value for name, value in options.items() if name not in MODE_OPTIONS_WITHOUT_MEANING
    }


def config_set(config: Any, name: str, value: Any) -> None:
    owner, _, last = name.rpartition(".")
    setattr(getattr(config, owner) if owner else config, last, value)


def without_kernels(lowering: Any) -> None:
    """Operators whose scalar function we do not generate are left to the eager kernels."""
    import torch

    from warpfive.torch_backend.inductor.ops import WITHOUT_KERNEL

    for name in WITHOUT_KERNEL:
        for space in (torch.ops.aten, torch.ops.prims):
            packet = getattr(space, f"special_{name}", None) or getattr(space, name, None)
            if packet is None:
                continue
            for overload in packet.overloads():
                operator = getattr(packet, overload)
                if operator in lowering.lowerings:
                    del lowering.lowerings[operator]
                    lowering.make_fallback(operator, warn=False, override_decomp=True)


@cache
def version() -> str:
    """Changes with the code that decides what is generated: part of every cache key."""
    import warpfive
    from warpfive.torch_backend.inductor.origin import told

    digest = hashlib.sha256(f"{warpfive.__version__} {told()}".encode())
    for path in sorted(Path(__file__).parent.iterdir()):
        if path.suffix in (".py", ".cuh"):
            digest.update(path.read_bytes())
    return digest.hexdigest()
