"""The PyTorch device: code that says ``device="cuda"`` runs on the chip.

:func:`activate` fills the places that a CUDA build of torch would fill. torch itself is imported
only there.
"""

from warpfive.torch_backend.activation import activate
from warpfive.torch_backend.choice import autoload, check_torch, choose, enabled

__all__ = ["activate", "autoload", "check_torch", "choose", "enabled"]
