"""The chip from Python: a thin view of ``libwarpfive.so`` for tests, tools, ``warpfive.cuda``."""

import ctypes
import json
import struct
from collections.abc import Callable, Sequence
from ctypes import (
    POINTER,
    byref,
    c_char,
    c_char_p,
    c_double,
    c_int,
    c_int32,
    c_size_t,
    c_uint32,
    c_uint64,
    c_void_p,
)  # fmt: skip
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from typing import Any

from warpfive.chip.build import library
from warpfive.errors import DeviceError, ImageError

Shape = int | Sequence[int]
MEMORY_KINDS = ("device", "managed", "pinned", "image", "system")


class Fault(IntEnum):
    """What ended a launch; the values are CUDA's error codes."""

    NONE = 0
    INVALID_VALUE = 1
    OUT_OF_MEMORY = 2
    INVALID_CONFIGURATION = 9
    INVALID_IMAGE = 200
    NO_KERNEL_IMAGE = 209
    ILLEGAL_ADDRESS = 700
    LAUNCH_OUT_OF_RESOURCES = 701
    LAUNCH_TIMEOUT = 702
    ASSERT_FAILED = 710
    STACK_OVERFLOW = 714
    ILLEGAL_INSTRUCTION = 715
    MISALIGNED_ADDRESS = 716
    INVALID_PC = 718
    LAUNCH_FAILURE = 719
    COOPERATIVE_TOO_LARGE = 720
    UNKNOWN = 999


class _Outcome(ctypes.Structure):
    _fields_ = [("fault", c_int32), ("reserved", c_uint32), ("blocks", c_uint64),
                ("host_s", c_double), ("message", c_char * 1024)]  # fmt: skip


class _Launch(ctypes.Structure):
    _fields_ = [("image", c_uint64), ("kernel", c_char_p), ("grid", c_uint32 * 3),
                ("block", c_uint32 * 3), ("args", c_char_p), ("dynamic_shared_bytes", c_uint64),
                ("stack_limit_bytes", c_uint64), ("runtime_area", c_uint64),
                ("flags", c_uint32)]  # fmt: skip


SIGNATURES: dict[str, tuple[Any, list[Any]]] = {
    "wf_alloc": (c_uint64, [c_uint64, c_uint32, c_uint64]),
    "wf_free": (c_int, [c_uint64]),
    "wf_find": (c_int, [c_uint64, POINTER(c_uint64)]),
    "wf_allocated": (c_uint64, []),
    "wf_capacity": (c_uint64, []),
    "wf_memory_reset": (None, []),
    "wf_shared_file": (c_int, []),
    "wf_range": (None, [POINTER(c_uint64)]),
    "wf_load_image": (c_uint64, [c_char_p, c_uint64, c_char_p, c_uint64]),
    "wf_unload_image": (None, [c_uint64]),
    "wf_variable": (c_uint64, [c_uint64, c_char_p]),
    "wf_run": (None, [POINTER(_Launch), POINTER(_Outcome)]),
    "wf_report": (c_uint64, [c_char_p, c_uint64]),
    "wf_clear_records": (None, []),
    "wf_set_counting": (None, [c_int]),
    "wf_stop_launches": (None, []),
    "wf_cycles": (c_uint64, []),
    "wf_set": (c_int, [c_char_p, c_char_p]),
    "wf_set_reference": (None, [c_void_p]),
}  # fmt: skip
ANSWER = ctypes.CFUNCTYPE(None, c_char_p, c_void_p, c_size_t)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a launch came to; ``message`` is the line that was printed, without its prefix."""

    fault: Fault
    blocks: int
    host_s: float
    message: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """An image in device memory."""

    handle: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchOptions:
    """What a launch may have beside its grid, block and arguments."""

    shared_bytes: int = 0  # dynamic
    cooperative: bool = False
    stack_bytes: int = 0  # limit per thread for kernels of unknown stack; 0: the default
    runtime_area: int = 0  # device address for special register 28


class Device:
    """The one chip of this process.

    >>> device = Device()                                  # doctest: +SKIP
    >>> image = device.load(Path("kernels.elf").read_bytes())
    >>> device.run(image, "_Z5saxpyifPKfPf", 64, 256, args).fault
    <Fault.NONE: 0>
    """

    def __init__(self) -> None:
        self.lib = open_library()

    def alloc(self, size: int, kind: str = "device", align: int = 512) -> int:
        """Address of ``size`` bytes of device memory."""
        base = self.lib.wf_alloc(size, MEMORY_KINDS.index(kind), align)
        if not base:
            raise DeviceError(f"the chip's memory has no room for {size} bytes; free some first")
        return int(base)

    def free(self, base: int) -> None:
        if not self.lib.wf_free(base):
            raise DeviceError(f"no allocation begins at {base:#x}")

    def find(self, address: int) -> tuple[int, int, str] | None:
        """Base, size and kind of the allocation that holds ``address``."""
        found = (c_uint64 * 3)()
        if not self.lib.wf_find(address, found):
            return None
        return found[0], found[1], MEMORY_KINDS[found[2]]

    @property
    def allocated_bytes(self) -> int:
        return int(self.lib.wf_allocated())

    def load(self, elf: bytes) -> Loaded:
        """Loads a kernel image."""
        why = ctypes.create_string_buffer(512)
        handle = self.lib.wf_load_image(elf, len(elf), why, len(why))
        if not handle:
            raise ImageError(why.value.decode())
        return Loaded(handle)

    def unload(self, image: Loaded) -> None:
        self.lib.wf_unload_image(image.handle)

    def variable(self, image: Loaded, name: str) -> int:
        """Address of a variable of an image."""
        address = self.lib.wf_variable(image.handle, name.encode())
        if not address:
            raise ImageError(f"the image has no variable {name!r}")
        return int(address)

    def run(
        self,
        image: Loaded,
        kernel: str,
        shape: tuple[Shape, Shape],
        args: bytes = b"",
        options: LaunchOptions | None = None,
    ) -> Outcome:
        """Runs a launch of (grid, block) to its end. ``args`` is the whole argument block."""
        options = options or LaunchOptions()
        outcome = _Outcome()
        launch = _Launch(
            image.handle, kernel.encode(), triple(shape[0]), triple(shape[1]), args,
            options.shared_bytes, options.stack_bytes, options.runtime_area,
            int(options.cooperative),
        )  # fmt: skip
        self.lib.wf_run(byref(launch), byref(outcome))
        message = outcome.message.decode(errors="replace")
        return Outcome(Fault(outcome.fault), outcome.blocks, outcome.host_s, message)

    def records(self) -> list[dict[str, Any]]:
        """What was run since `count` began: records as `perf.Counters.from_json` reads them."""
        size = 0
        while True:
            text = ctypes.create_string_buffer(size + 1)
            needed = int(self.lib.wf_report(text, len(text)))
            if needed <= len(text):
                return [json.loads(line) for line in text.value.decode().splitlines()]
            size = needed

    def count(self, exact: bool = False, on: bool = True) -> None:
        """Begins new records of what runs, counted on a sample of the blocks or on all."""
        self.set("WARPFIVE_EXACT", "1" if exact else "0")
        self.lib.wf_clear_records()
        self.lib.wf_set_counting(on)

    def set(self, name: str, value: str) -> None:
        """Changes a setting by the name of its environment variable."""
        if not self.lib.wf_set(name.encode(), value.encode()):
            raise DeviceError(f"the chip has no setting {name!r}")


def triple(shape: Shape) -> Any:
    """Three extents, ones added."""
    extents = [shape] if isinstance(shape, int) else list(shape)
    return (c_uint32 * 3)(*extents, *[1] * (3 - len(extents)))


def pack_args(params: Sequence[tuple[int, int]], values: Sequence[bytes]) -> bytes:
    """An argument block from each parameter's (offset, size) and bytes."""
    size = max((offset + size for offset, size in params), default=0)
    block = bytearray(size + 16)
    for (offset, size), value in zip(params, values, strict=True):
        block[offset : offset + size] = value[:size].ljust(size, b"\0")
    return bytes(block)


def pointer(address: int) -> bytes:
    """The bytes of a pointer argument."""
    return struct.pack("<Q", address)


@cache
def open_library() -> ctypes.CDLL:
    """The library, with its functions' types; this process runs the reference engine itself."""
    lib = ctypes.CDLL(str(library()))
    for name, (result, arguments) in SIGNATURES.items():
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments
    lib.wf_set_reference(ctypes.cast(_answer, c_void_p))
    return lib


def _give(request: bytes, reply: int, size: int) -> None:
    from warpfive.chip.server import answer

    text = answer(request.decode()).encode()[: size - 1] + b"\0"
    ctypes.memmove(reply, text, len(text))


_serve: Callable[..., None] = _give
_answer = ANSWER(_serve)
