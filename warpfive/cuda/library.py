"""``libwarpfive.so`` through ctypes: loading it, calling it, checking what it returns."""

import ctypes
import functools
from typing import Any

from warpfive.cuda.errors import CudaError

P, SIZE, INT, UINT = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_uint

ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "cudaMalloc": (P, SIZE),
    "cudaFree": (P,),
    "cudaMemcpy": (P, P, SIZE, INT),
    "cudaMemcpyAsync": (P, P, SIZE, INT, P),
    "cudaMemsetAsync": (P, INT, SIZE, P),
    "cudaMemGetInfo": (P, P),
    "cudaDeviceGetAttribute": (P, INT, INT),
    "cudaStreamCreateWithPriority": (P, UINT, INT),
    "cudaStreamDestroy": (P,),
    "cudaStreamQuery": (P,),
    "cudaStreamSynchronize": (P,),
    "cudaStreamWaitEvent": (P, P, UINT),
    "cudaEventCreateWithFlags": (P, UINT),
    "cudaEventDestroy": (P,),
    "cudaEventRecord": (P, P),
    "cudaEventQuery": (P,),
    "cudaEventSynchronize": (P,),
    "cudaEventElapsedTime": (P, P, P),
    "cuModuleLoadData": (P, P),
    "cuModuleUnload": (P,),
    "cuModuleGetFunction": (P, P, ctypes.c_char_p),
    "cuModuleGetGlobal": (P, P, P, ctypes.c_char_p),
    "cuFuncGetAttribute": (P, INT, P),
    "cuFuncSetAttribute": (P, INT, INT),
    "cuLaunchKernel": (P, *[UINT] * 7, P, P, P),
    "cuLaunchCooperativeKernel": (P, *[UINT] * 7, P, P),
    "wf_module_kernel": (P, INT, INT),
    "wf_function_params": (P, P, INT),
    "wf_launches": (),
}

NOT_READY = 600


@functools.cache
def library() -> ctypes.CDLL:
    """The library, loaded once a process."""
    from warpfive.runtime import library as path

    loaded = ctypes.CDLL(str(path()))
    for name, types in ARGUMENTS.items():
        getattr(loaded, name).argtypes = types
    for name in ("cudaGetErrorName", "cudaGetErrorString", "wf_module_kernel"):
        getattr(loaded, name).restype = ctypes.c_char_p
    loaded.wf_launches.restype = ctypes.c_uint64
    return loaded


def call(name: str, *arguments: Any) -> int:
    """Calls ``name`` and raises what it returns, unless that is success or "not ready"."""
    code = getattr(library(), name)(*arguments)
    if code not in (0, NOT_READY):
        library().cudaGetLastError()
        raise error(code)
    return code


def error(code: int) -> CudaError:
    """The exception for a code of the runtime or the driver API: their numbers agree."""
    loaded = library()
    name, text = loaded.cudaGetErrorName(code), loaded.cudaGetErrorString(code)
    return CudaError(code, name.decode(), text.decode())


def made(name: str, *arguments: Any) -> int:
    """Calls a function whose first parameter receives a handle or an address; returns that."""
    out = ctypes.c_void_p()
    call(name, ctypes.byref(out), *arguments)
    return out.value or 0


def wait(query: str, handle: int, synchronise: str) -> None:
    """Waits for a stream or an event in short steps, so that Ctrl-C reaches Python.

    Ctrl-C stops the kernels that run.
    """
    import time

    step_s = 0.0
    try:
        while call(query, handle) == NOT_READY:
            time.sleep(step_s)
            step_s = min(step_s + 20e-6, 5e-3)
    except KeyboardInterrupt:
        library().wf_stop_launches()
        raise
    except CudaError:
        getattr(library(), synchronise)(handle)  # what the kernels printed says why
        raise
    call(synchronise, handle)  # nothing to wait for: it prints what kernels printed
