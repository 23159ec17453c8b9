"""The CUDA compiler: our own headers, the nvcc-compatible driver, and the device linker.

What a name stands for is loaded when it is first asked for: a program that is built already starts
without its compiler.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from warpfive.compiler.builtins import fingerprint
    from warpfive.compiler.compile import compile_text
    from warpfive.compiler.device import DeviceOptions, compile_device
    from warpfive.compiler.driver import main
    from warpfive.compiler.hostlink import link_host, prepare_host
    from warpfive.compiler.lines import Line, read_lines
    from warpfive.compiler.listing import disassemble
    from warpfive.compiler.toolchain import INCLUDE, host_target, wheel_version

_HOMES = {
    "INCLUDE": "toolchain",
    "DeviceOptions": "device",
    "Line": "lines",
    "compile_device": "device",
    "compile_text": "compile",
    "disassemble": "listing",
    "fingerprint": "builtins",
    "host_target": "toolchain",
    "link_host": "hostlink",
    "main": "driver",
    "prepare_host": "hostlink",
    "read_lines": "lines",
    "wheel_version": "toolchain",
}

__all__ = [
    "INCLUDE",
    "DeviceOptions",
    "Line",
    "compile_device",
    "compile_text",
    "disassemble",
    "fingerprint",
    "host_target",
    "link_host",
    "main",
    "prepare_host",
    "read_lines",
    "wheel_version",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"warpfive.compiler.{_HOMES[name]}"), name)
