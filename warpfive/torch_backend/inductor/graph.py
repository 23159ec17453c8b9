"""The kernels of one compiled graph: built together at their first use, launched from Python."""

import ctypes
import struct
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import torch

from warpfive.cuda import RawKernel, RawModule


@cache
def prelude() -> str:
    """The header that every generated kernel starts from."""
    return (Path(__file__).parent / "inductor.cuh").read_text(encoding="utf-8")


watch: Callable[["Kernel", Callable[[], None]], None] | None = None
"""Set by a report: is given every launch of a generated kernel, and makes it."""
here = ""
"""The path of module classes that an operator of a compiled graph comes from, while it runs in a
program that was compiled for a report."""


def at(module: str) -> None:
    """What ``here`` is from now on."""
    global here
    here = module


class Kernels:
    """Collects a graph's kernels, so that they are compiled in one translation unit."""

    def __init__(self) -> None:
        self.sources: list[str] = []
        self.kernels: list[Kernel] = []
        self.lock = threading.Lock()
        self.module: RawModule | None = None

    def add(self, name: str, source: str, module: str = "") -> "Kernel":
        """``module``: the path of module classes that the kernel's operators come from."""
        self.sources.append(source)
        kernel = Kernel(self, name, module)
        self.kernels.append(kernel)
        return kernel

    def build(self) -> None:
        """Compiles and loads what has been added; done once, by whichever launch comes first."""
        with self.lock:
            if self.module is not None:
                return
            module = RawModule(code="\n".join((prelude(), *self.sources)))
            for kernel in self.kernels:
                kernel.function = module.get_function(kernel.name)
            self.module = module


class Kernel:
    """A kernel of the graph: ``kernel(grid, block, *arguments)``, on PyTorch's current stream."""

    def __init__(self, owner: Kernels, name: str, module: str = "") -> None:
        self.owner, self.name, self.module = owner, name, module
        self.function: RawKernel | None = None
        self.slots = threading.local()

    def __call__(self, grid: tuple[int, ...], block: tuple[int, ...], *arguments: Any) -> None:
        if self.function is None:
            self.owner.build()
        if 0 in grid:
            return
        try:
            values, pointers = self.slots.pair
        except AttributeError:
            values, pointers = self.slots.pair = slots(len(arguments))
        function: RawKernel = self.function  # type: ignore[assignment]
        for place, argument in enumerate(arguments):
            values[place] = word(argument, function.param_bytes[place])
        if watch is None:
            function.launch(grid, block, pointers, current_stream(0))
        else:
            watch(self, lambda: function.launch(grid, block, pointers, current_stream(0)))


def slots(count: int) -> tuple[Any, Any]:
    """Words for the arguments, and the array of their addresses that a launch takes."""
    values = (ctypes.c_uint64 * max(count, 1))()
    base = ctypes.addressof(values)
    return values, (ctypes.c_void_p * max(count, 1))(*(base + 8 * i for i in range(count)))


def word(argument: Any, size: int) -> int:
    """An argument's bytes as one number: a tensor's address, or the number itself."""
    if isinstance(argument, int):
        return argument & 0xFFFFFFFFFFFFFFFF
    if isinstance(argument, float):
        return int.from_bytes(struct.pack("<f" if size == 4 else "<d", argument), "little")
    return argument.data_ptr()


current_stream = torch._C.__dict__.get("_cuda_getCurrentRawStream", lambda device: 0)
