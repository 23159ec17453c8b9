"""The PyTorch device: code that says ``device="cuda"`` runs on the chip.

:func:`activate` fills the places that a CUDA build of torch would fill. torch itself is imported
only there.
"""

from warpfive.torch_backend.activation import activate
from warpfive.torch_backend.choice import autoload, check_torch, choose, enabled

__all__ = ["activate", "autoload", "check_torch", "choose", "enabled", "prepare"]


def prepare() -> None:
    """Builds the device's C++ library now, which first use would."""
    from warpfive.torch_backend.build import torch_library

    torch_library()
