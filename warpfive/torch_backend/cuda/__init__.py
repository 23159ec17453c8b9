"""What ``torch.cuda`` finds below it: the functions of ``torch._C`` that a CPU build leaves out.

``torch/cuda/__init__.py`` itself stays as it is.
"""

from warpfive.torch_backend.cuda.install import install

__all__ = ["install"]
