"""PyTorch's compilers, for the chip: ``torch.compile`` and C++ extensions."""

import logging
from types import ModuleType

from warpfive.torch_backend.late import after_import


def install() -> None:
    """Prepares both; each is set up when PyTorch imports it. Extensions that are built already
    are loaded without it, and find their libraries at once."""
    from warpfive.torch_backend.extension.toolkit import preload_built

    preload_built()
    # it warns at import that there is no Triton, which nothing here would use
    logging.getLogger("torch.utils.flop_counter").setLevel(logging.ERROR)
    after_import("torch._inductor.compile_fx", inductor)
    after_import("torch._dynamo.backends.registry", backend)
    after_import("torch.utils.cpp_extension", extensions)


def inductor(_: ModuleType) -> None:
    from warpfive.torch_backend.inductor.setup import register

    register()


def backend(registry: ModuleType) -> None:
    def warpfive(graph, inputs, **options):  # type: ignore[no-untyped-def]
        from warpfive.torch_backend.inductor.backend import warpfive as compile_graph

        return compile_graph(graph, inputs, **options)

    registry.register_backend(warpfive, name="warpfive")


def extensions(cpp_extension: ModuleType) -> None:
    from warpfive.torch_backend.extension.toolkit import adopt

    adopt(cpp_extension)
