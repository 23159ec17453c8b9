"""The CUDA runtime and driver API: C++ in ``native/``, part of ``libwarpfive.so``."""

from warpfive.chip import library

__all__ = ["library"]
