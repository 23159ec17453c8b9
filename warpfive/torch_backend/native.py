"""The native library through ctypes: starting it, and what Python asks of it."""

import ctypes
import functools
from collections.abc import Callable
from typing import Any

from warpfive.errors import WarpfiveError
from warpfive.torch_backend.build import torch_library

P, INT, LONG, TEXT = ctypes.c_void_p, ctypes.c_int, ctypes.c_int64, ctypes.c_char_p
COMPILE = ctypes.CFUNCTYPE(LONG, TEXT, P, LONG)
REPORT = ctypes.CFUNCTYPE(None, TEXT)
PRODUCTS = ctypes.CFUNCTYPE(None, ctypes.POINTER(P))

FUNCTIONS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "wf_error": (TEXT, ()),
    "wf_start": (INT, (TEXT, COMPILE, P, PRODUCTS)),
    "wf_share": (INT, (TEXT, TEXT, TEXT, TEXT)),
    "wf_fill_stub": (INT, (P, TEXT, TEXT)),
    "wf_mark_missing": (INT, (P, TEXT)),
    "wf_memory_stats": (TEXT, ()),
    "wf_memory_snapshot": (TEXT, ()),
    "wf_reset_peaks": (None, ()),
    "wf_reset_accumulated": (None, ()),
    "wf_empty_cache": (None, ()),
    "wf_memory_fraction": (INT, (ctypes.c_double,)),
    "wf_begin_pool": (None, (LONG,)),
    "wf_end_pool": (None, ()),
    "wf_release_pool": (None, (LONG,)),
    "wf_device_synchronize": (INT, ()),
    "wf_current_stream": (P, ()),
    "wf_set_stream": (None, (P,)),
    "wf_launch": (INT, (P, P, P, ctypes.c_uint, TEXT)),
    "wf_allocate": (P, (ctypes.c_size_t,)),
    "wf_free": (None, (P,)),
}


@functools.cache
def native() -> ctypes.CDLL:
    """The library, loaded once a process; torch is imported first."""
    loaded = ctypes.CDLL(str(torch_library()))
    for name, (result, arguments) in FUNCTIONS.items():
        function = getattr(loaded, name)
        function.restype, function.argtypes = result, arguments
    return loaded


def call(name: str, *arguments: Any) -> None:
    """Calls a function that can fail, and raises its reason."""
    if not getattr(native(), name)(*arguments):
        raise WarpfiveError(native().wf_error().decode())


def compile_callback(function: Callable[[str], int]) -> Any:
    """A C callback: the kernel's handle for a description, or 0 and the reason in the buffer."""

    def answer(description: bytes, error: int, error_bytes: int) -> int:
        try:
            return function(description.decode())
        except BaseException as caught:  # it must not leave through C
            text = (str(caught) or type(caught).__name__).encode()[: error_bytes - 1]
            ctypes.memmove(error, text + b"\0", len(text) + 1)
            return 0

    return COMPILE(answer)
