"""The CUDA compiler: our own headers, the nvcc-compatible driver, and the device linker."""

from warpfive.compiler.device import DeviceOptions, compile_device
from warpfive.compiler.image import Image, ImageVariable, KernelEntry, read

__all__ = ["DeviceOptions", "Image", "ImageVariable", "KernelEntry", "compile_device", "read"]
