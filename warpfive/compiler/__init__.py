"""The CUDA compiler: our own headers, the nvcc-compatible driver, and the device linker."""

from warpfive.compiler.device import DeviceOptions, compile_device
from warpfive.compiler.driver import main
from warpfive.compiler.image import Image, ImageVariable, KernelEntry, read
from warpfive.compiler.lines import Line, read_lines
from warpfive.compiler.listing import disassemble, listing
from warpfive.compiler.toolchain import host_target

__all__ = [
    "DeviceOptions",
    "Image",
    "ImageVariable",
    "KernelEntry",
    "Line",
    "compile_device",
    "disassemble",
    "host_target",
    "listing",
    "main",
    "read",
    "read_lines",
]
