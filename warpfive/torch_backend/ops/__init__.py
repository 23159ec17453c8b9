"""Operators with kernels of their own, registered on torch's CUDA key.

A file is a family. It decorates functions with :func:`~warpfive.torch_backend.ops.registry.op`.
"""

from warpfive.torch_backend.ops.registry import register

__all__ = ["register"]
