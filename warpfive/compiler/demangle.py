"""C++ names as people write them."""

import ctypes
import functools


@functools.cache
def _library() -> ctypes.CDLL | None:
    """The machine's C++ library, which reads mangled names; many machines have one."""
    for name in ("libstdc++.so.6", "libc++abi.so.1"):
        try:
            library = ctypes.CDLL(name)
        except OSError:
            continue
        library.__cxa_demangle.restype = ctypes.c_void_p
        return library
    return None


def demangle(name: str) -> str:
    """The declaration behind a mangled name; the name itself where that cannot be told."""
    library = _library()
    if library is None or not name.startswith("_Z"):
        return name
    status = ctypes.c_int()
    found = library.__cxa_demangle(name.encode(), None, None, ctypes.byref(status))
    if not found:
        return name
    text = ctypes.string_at(found).decode()
    ctypes.CDLL(None).free(ctypes.c_void_p(found))
    return text
