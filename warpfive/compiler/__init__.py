"""The CUDA compiler: our own headers, the nvcc-compatible driver, and the device linker."""

from warpfive.compiler.builtins import fingerprint
from warpfive.compiler.compile import compile_text
from warpfive.compiler.device import DeviceOptions, compile_device
from warpfive.compiler.driver import main
from warpfive.compiler.hostlink import link as link_host
from warpfive.compiler.hostlink import parts as prepare_host
from warpfive.compiler.lines import Line, read_lines
from warpfive.compiler.listing import disassemble, listing
from warpfive.compiler.toolchain import INCLUDE, host_target, wheel_version

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
    "listing",
    "main",
    "prepare_host",
    "read_lines",
    "wheel_version",
]
