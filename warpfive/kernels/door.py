"""``libwarpfive_kernels.so`` through ctypes."""

import ctypes
import functools
from typing import Any

from warpfive.errors import DeviceError, InputError, UnsupportedError
from warpfive.kernels.build import library_path

ERRORS = {1: InputError, 2: UnsupportedError, 3: DeviceError}


@functools.cache
def library() -> ctypes.CDLL:
    """The library, built on first use and loaded once a process."""
    from warpfive.chip import library as chip

    ctypes.CDLL(str(chip()), mode=ctypes.RTLD_GLOBAL)
    loaded = ctypes.CDLL(str(library_path()))
    loaded.wfk_error.restype = ctypes.c_char_p
    return loaded


def call(name: str, *arguments: Any) -> None:
    """Calls ``wfk_NAME``; raises what it reports.

    Structures are passed by reference; device pointers as ``c_void_p`` or ``c_int64`` objects.
    """
    words = [ctypes.byref(a) if isinstance(a, ctypes.Structure) else a for a in arguments]
    status = getattr(library(), f"wfk_{name}")(*words)
    if status:
        raise ERRORS[status](library().wfk_error().decode())
