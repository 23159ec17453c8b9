"""Takes torch's CUDA device: from here on ``device="cuda"`` is the chip."""

import atexit
import ctypes
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from warpfive.errors import WarpfiveError
from warpfive.torch_backend.choice import check_torch

done = False
fallbacks: Counter[str] = Counter()
keep: list[Any] = []


def fallback_allowed() -> bool:
    return os.environ.get("WARPFIVE_TORCH_FALLBACK", "0") not in ("", "0")


def activate() -> None:
    """Makes the chip torch's CUDA device in this process. A second call does nothing."""
    global done
    if done:
        return
    check_torch()
    from warpfive.runtime import library
    from warpfive.torch_backend.compiling import described
    from warpfive.torch_backend.native import PRODUCTS, REPORT, call, compile_callback

    compiler = compile_callback(described)
    listener = REPORT(note_fallback) if fallback_allowed() else None
    products = PRODUCTS(find_products)
    keep.extend((compiler, listener, products))
    call("wf_start", str(library()).encode(), compiler, listener, products)
    if listener:
        atexit.register(print_fallbacks)
    fill_stubs()
    register_operators()
    from warpfive.torch_backend import compilers, cuda

    cuda.install()
    compilers.install()
    done = True
    if os.environ.get("WARPFIVE_TORCH_REPORT") == "1":
        from warpfive.torch_backend import report

        report.install()


def fill_stubs() -> None:
    """Points torch's dispatch stubs at the generated kernels; the rest say what is missing."""
    import torch

    from warpfive.torch_backend.formulas import STUBS
    from warpfive.torch_backend.native import call
    from warpfive.torch_backend.tables import mangled, stub_symbols

    root = Path(torch.__file__).parent
    library = ctypes.CDLL(str(root / "lib" / "libtorch_cpu.so"))
    for name, (signature, kernel) in STUBS.items():
        address = stub_address(library, mangled(name))
        if address is None:
            raise WarpfiveError(f"torch {torch.__version__} has no stub {name}")
        call("wf_fill_stub", address, signature.encode(), kernel.encode())
    for name in stub_symbols(root):
        if (address := stub_address(library, mangled(name))) is not None:
            call("wf_mark_missing", address, name.encode())


def stub_address(library: ctypes.CDLL, symbol: str) -> int | None:
    try:
        return ctypes.addressof(ctypes.c_char.in_dll(library, symbol))
    except ValueError:
        return None


def register_operators() -> None:
    """Our own operators first, then those that torch shares between CPU and CUDA."""
    import torchgen

    from warpfive.torch_backend import ops
    from warpfive.torch_backend.native import native
    from warpfive.torch_backend.tables import shared_operators

    ours = ops.register()
    share = native().wf_share
    for name, host, chip in shared_operators(Path(torchgen.__file__).parent):
        if (name, chip) not in ours:
            base, _, overload = name.partition(".")
            share(f"aten::{base}".encode(), overload.encode(), host.encode(), chip.encode())


def find_products(entries: Any) -> None:
    """Fills in the kernel library's wfk_gemm and wfk_error (`Products` in native/products.h)."""
    from warpfive.kernels import library

    for place, name in enumerate(("wfk_gemm", "wfk_error")):
        entries[place] = ctypes.cast(getattr(library(), name), ctypes.c_void_p).value


def note_fallback(name: bytes) -> None:
    fallbacks[name.decode()] += 1


def print_fallbacks() -> None:
    """At exit: what the host computed because the chip has no kernel for it."""
    if fallbacks:
        print("computed on the host, for want of a kernel on the chip:", file=sys.stderr)
        for name, count in fallbacks.most_common():
            print(f"  {name:40} {count} call{'s' if count > 1 else ''}", file=sys.stderr)
