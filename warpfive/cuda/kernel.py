"""Kernels from source or image, launched with Python and NumPy values."""

import ctypes
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from warpfive.cuda.array import DeviceArray
from warpfive.cuda.library import call, library, made
from warpfive.cuda.program import Program
from warpfive.cuda.stream import Stream
from warpfive.errors import InputError

MAX_DYNAMIC_SHARED = 8  # CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
STATIC_SHARED = 1
USE = "__wf_use_"


class RawModule:
    """An image with kernels and variables, from CUDA C++ (``code``) or an ELF file (``path``).

    ``name_expressions`` are instances of the code's templates, such as ``scale<float, 3>``, which
    are made for it; `get_function` knows them by the same words.
    """

    def __init__(
        self, *, code: str | None = None, path: str | Path | None = None,
        options: Sequence[str] = (), name_expressions: Sequence[str] = (),
    ) -> None:  # fmt: skip
        if (code is None) == (path is None):
            raise InputError("RawModule takes either code= or path=")
        if code is not None:
            image = Program(code + uses(name_expressions), options).compile()
        elif name_expressions:
            raise InputError("name_expressions= are made from code=, not from a file")
        else:
            image = Path(str(path)).read_bytes()
        self.expressions = used_names(image, name_expressions)
        self.handle = made("cuModuleLoadData", image)

    @property
    def names(self) -> dict[str, str]:
        """Kernels by the name a person knows, parameters left out, to the mangled name."""
        return {short: mangled for short, mangled in self._kernels()}

    def _kernels(self) -> Iterator[tuple[str, str]]:
        ask = library().wf_module_kernel
        index = 0
        while (mangled := ask(self.handle, index, 0)) is not None:
            yield plain_name(ask(self.handle, index, 1).decode()), mangled.decode()
            index += 1

    def get_function(self, name: str) -> "RawKernel":
        """The kernel of this name: mangled or not; ``scale<float>`` for a template's instance."""
        known = self.names
        wanted = self.expressions.get(name) or known.get(name.replace(" ", ""), name)
        if wanted not in known.values():
            there = ", ".join(sorted(known)) or "none"
            raise InputError(f"the module has no kernel {name!r}; it has {there}")
        return RawKernel.of(self, made("cuModuleGetFunction", self.handle, wanted.encode()), name)

    def get_global(self, name: str) -> int:
        """Device address of a ``__device__`` or ``__constant__`` variable."""
        return made("cuModuleGetGlobal", None, self.handle, name.encode())

    def __del__(self) -> None:
        if getattr(self, "handle", 0):
            library().cuModuleUnload(self.handle)


def launches() -> int:
    """Kernel launches that have begun in this process; synchronise to have counted them all."""
    return library().wf_launches()


def uses(expressions: Sequence[str]) -> str:
    """Variables that point to instances of templates, so that these are compiled."""
    return "".join(
        f"\n__device__ __attribute__((used)) auto {USE}{i} = &{name};"
        for i, name in enumerate(expressions)
    )


def used_names(image: bytes, expressions: Sequence[str]) -> dict[str, str]:
    """The mangled name of each instance: that of the function its variable points to."""
    if not expressions:
        return {}
    from warpfive.isa import read_image

    whole = read_image(image)
    targets = dict(whole.relative)
    found = {}
    for i, name in enumerate(expressions):
        symbol = whole.symbol_at(targets[whole.variables[f"{USE}{i}"].address])
        assert symbol is not None
        found[name] = symbol.name
    return found


def plain_name(demangled: str) -> str:
    """``scale<float>`` of ``void scale<float>(float*, int)``, without blanks."""
    text = demangled.removeprefix("void ")
    depth = 0
    for place, letter in enumerate(text):
        depth += (letter == "<") - (letter == ">")
        if letter == "(" and depth == 0 and not text[place:].startswith("(anonymous"):
            text = text[:place]
            break
    return text.replace(" ", "")


class RawKernel:
    """A kernel, called as ``kernel(grid, block, arguments, shared_mem=0, stream=None)``.

    Arguments are NumPy arrays (copied to the device before the launch, and back after it unless
    they are read-only; the call then waits), :class:`DeviceArray` and anything with
    ``__cuda_array_interface__`` (passed as they are; the call does not wait), numbers, NumPy
    scalars, and ctypes structures.
    """

    def __init__(self, code: str, name: str, options: Sequence[str] = ()) -> None:
        kernel = RawModule(code=code, options=options).get_function(name)
        self.__dict__.update(kernel.__dict__)

    @classmethod
    def of(cls, module: RawModule, handle: int, name: str) -> "RawKernel":
        """The kernel behind a driver API handle."""
        kernel = cls.__new__(cls)
        kernel.module, kernel.handle, kernel.name = module, handle, name
        ask = library().wf_function_params
        sizes = (ctypes.c_uint32 * 4096)()
        kernel.param_bytes = tuple(sizes[: ask(handle, sizes, len(sizes))])
        return kernel

    module: RawModule
    handle: int
    name: str
    param_bytes: tuple[int, ...]

    @property
    def shared_size_bytes(self) -> int:
        """Static shared memory of a block."""
        out = ctypes.c_int()
        call("cuFuncGetAttribute", ctypes.byref(out), STATIC_SHARED, self.handle)
        return out.value

    @property
    def max_dynamic_shared_size_bytes(self) -> int:
        """Dynamic shared memory that a launch may ask for; set it for more than 48 KB in all."""
        out = ctypes.c_int()
        call("cuFuncGetAttribute", ctypes.byref(out), MAX_DYNAMIC_SHARED, self.handle)
        return out.value

    @max_dynamic_shared_size_bytes.setter
    def max_dynamic_shared_size_bytes(self, count: int) -> None:
        call("cuFuncSetAttribute", self.handle, MAX_DYNAMIC_SHARED, count)

    def __call__(
        self, grid: int | Sequence[int], block: int | Sequence[int], args: Sequence[Any] = (), *,
        shared_mem: int = 0, stream: Stream | None = None, cooperative: bool = False,
    ) -> None:  # fmt: skip
        """Launches the kernel over ``grid`` blocks of ``block`` threads, up to 3-D each."""
        if len(args) != len(self.param_bytes):
            raise InputError(
                f"{self.name} takes {len(self.param_bytes)} arguments, not {len(args)}"
            )
        stream = stream or Stream.null
        borrowed: list[tuple[np.ndarray, DeviceArray]] = []
        packed = [
            pack(argument, size, borrowed, f"argument {place} of {self.name}")
            for place, (argument, size) in enumerate(zip(args, self.param_bytes, strict=True), 1)
        ]
        self._launch(dim3(grid), dim3(block), packed, shared_mem, stream, cooperative)
        if borrowed:
            stream.synchronize()
            for host, device in borrowed:
                if host.flags.writeable:
                    host[...] = device.get(stream)

    def _launch(
        self, grid: tuple[int, ...], block: tuple[int, ...], packed: list[Any], shared_mem: int,
        stream: Stream, cooperative: bool,
    ) -> None:  # fmt: skip
        pointers = (ctypes.c_void_p * max(len(packed), 1))(
            *[ctypes.addressof(value) for value in packed]
        )
        if cooperative:
            words = (self.handle, *grid, *block, shared_mem, stream.handle, pointers)
            call("cuLaunchCooperativeKernel", *words)
        else:
            self.launch(grid, block, pointers, stream.handle, shared_mem)

    def launch(
        self, grid: Sequence[int], block: Sequence[int], pointers: Any, stream: int = 0,
        shared_mem: int = 0,
    ) -> None:  # fmt: skip
        """The launch alone, for callers that keep their arguments packed.

        ``grid`` and ``block`` are three sizes each, ``pointers`` a ctypes array with the address
        of each argument, ``stream`` a handle.
        """
        call("cuLaunchKernel", self.handle, *grid, *block, shared_mem, stream, pointers, None)


def dim3(sizes: int | Sequence[int]) -> tuple[int, int, int]:
    """Three sizes from one to three."""
    given = (sizes,) if isinstance(sizes, int) else tuple(int(size) for size in sizes)
    if not 1 <= len(given) <= 3 or any(size < 0 for size in given):
        raise InputError(f"a grid or block is one to three sizes, not {sizes!r}")
    x, y, z = (*given, 1, 1)[:3]
    return x, y, z


def pack(value: Any, size: int, borrowed: list[tuple[np.ndarray, DeviceArray]], what: str) -> Any:
    """A ctypes object holding the argument; NumPy arrays are noted in ``borrowed``."""
    if isinstance(value, np.ndarray):
        device = DeviceArray(value.shape, value.dtype).set(value)
        borrowed.append((value, device))
        return ctypes.c_void_p(device.ptr)
    if hasattr(value, "__cuda_array_interface__"):
        return ctypes.c_void_p(value.__cuda_array_interface__["data"][0])
    if value is None:
        return ctypes.c_void_p(0)
    if isinstance(value, ctypes.Structure | ctypes.Union | ctypes.Array | ctypes._SimpleCData):
        return sized(value, ctypes.sizeof(value), size, what)
    return number(value, size, what)


def number(value: Any, size: int, what: str) -> Any:
    """A Python or NumPy scalar with the width of the parameter."""
    if isinstance(value, np.generic):
        raw = value.tobytes()
        return sized((ctypes.c_char * len(raw)).from_buffer_copy(raw), len(raw), size, what)
    if isinstance(value, bool | int):
        if size not in (1, 2, 4, 8):
            raise InputError(f"{what} has {size} bytes; an integer cannot be passed for it")
        raw = (int(value) % (1 << (8 * size))).to_bytes(size, "little")
        return (ctypes.c_char * size).from_buffer_copy(raw)
    if isinstance(value, float):
        kinds = {2: np.float16, 4: np.float32, 8: np.float64}
        if size not in kinds:
            raise InputError(f"{what} has {size} bytes; a float cannot be passed for it")
        return (ctypes.c_char * size).from_buffer_copy(kinds[size](value).tobytes())
    raise InputError(f"{what} is a {type(value).__name__}; pass an array, a number or a structure")


def sized(value: Any, given: int, wanted: int, what: str) -> Any:
    if given != wanted:
        raise InputError(f"{what} has {wanted} bytes, but the value has {given}")
    return value
