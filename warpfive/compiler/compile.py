"""Compiling one source by nvcc's options: to a host object, or to its device code alone.

Results come from the cache while the source, what it includes and the options are as they were.
"""

import json
import os
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from warpfive import cache
from warpfive.compiler import device, embed, host, toolchain
from warpfive.compiler.builtins import fingerprint
from warpfive.compiler.options import Options, Source, parse
from warpfive.errors import CompileError, InputError


@dataclass(frozen=True, slots=True)
class Compiled:
    """An object or an image, what the compilers said, and the files that it depends on."""

    data: bytes
    said: str
    files: list[str]


def device_options(options: Options) -> device.DeviceOptions:
    """The device side of the options."""
    flags = [*options.preprocess, *host.QUIET, "-w"]
    if options.per_thread:
        flags.append("-DCUDA_API_PER_THREAD_DEFAULT_STREAM=1")
    if options.openmp:
        flags.append(f"-D_OPENMP={host.OPENMP}")
    standard = options.standard
    if standard and "++" in standard:
        flags.append(f"-std={standard}")
    return device.DeviceOptions(
        flags=tuple(flag for flag in flags if not flag.startswith("-Wno-") or flag in host.QUIET),
        level=0 if options.device_debug else 3,
        arch=options.arch,
        fast_math=options.fast_math,
        fmad=options.fmad,
        relocatable=options.relocatable,
    )


def compile_source(source: Source, options: Options) -> Compiled:
    """A source as a host object with its device code inside."""
    assert source.language
    words = host.arguments(source.path, source.language, options)
    inside = device.clang_arguments(source.path, device_options(options))
    choices = [words, inside, options.relocatable, options.device_debug, os.getcwd()]
    return _remembered("objects", source.path, choices, lambda: _compiled(source, words, options))


def device_image(path: str, options: Options) -> Compiled:
    """The kernel image of a source's device code."""
    choices = [device.clang_arguments(path, device_options(options)), os.getcwd()]
    return _remembered("images", path, choices, lambda: _image(path, options))


def _image(path: str, options: Options) -> Compiled:
    sides = device_options(options)
    with tempfile.TemporaryDirectory(prefix="wf-") as scratch:
        depend = Path(scratch) / "device.d"
        unit, said = device.compile_unit(path, sides, depend)
        files = toolchain.changeable(toolchain.needed(depend), path)
    return Compiled(device.build_image([unit], sides.level), said, files)


def compile_text(code: str, name: str = "program.cu", words: Sequence[str] = ()) -> bytes:
    """The kernel image of CUDA source text, called ``name`` in diagnostics.

    >>> compile_text("__global__ void k() {}")[:4]
    b'\\x7fELF'
    """
    key = cache.digest(fingerprint(), name, json.dumps([*words]), os.getcwd(), code)
    memo = cache.Memo("texts")
    known = memo.get(key)
    if known:
        return known[0]
    with tempfile.TemporaryDirectory(prefix="wf-") as folder:
        source = Path(folder) / name
        source.write_text(code, encoding="utf-8")
        try:
            done = _image(str(source), parse(["-cubin", *words, str(source)]))
        except (CompileError, InputError) as failure:
            said = str(failure).replace(f"{folder}/", "").strip()
            raise type(failure)(f"{name} does not compile:\n{said}") from None
        memo.put(key, [file for file in done.files if file != str(source)], done.data)
    return done.data


def _remembered(
    kind: str, path: str, choices: list[object], build: Callable[[], Compiled]
) -> Compiled:
    """What ``build`` gives, from the cache where nothing that it is made from has changed."""
    key = cache.digest(fingerprint(), json.dumps(choices), Path(path).read_bytes())
    memo = cache.Memo(kind)
    known = memo.get(key)
    if known is None:
        done = build()
        said = done.said.encode()
        memo.put(key, done.files, len(said).to_bytes(4, "little") + said + done.data)
        return done
    size = int.from_bytes(known[0][:4], "little")
    return Compiled(known[0][4 + size :], known[0][4 : 4 + size].decode(), known[1])


def _compiled(source: Source, words: list[str], options: Options) -> Compiled:
    """Compiles one source, device and host code at the same time."""
    with tempfile.TemporaryDirectory(prefix="wf-") as scratch:
        lists = [Path(scratch) / "host.d", Path(scratch) / "device.d"]
        action = ["-emit-obj", "-o", "-"]
        action += ["-dependency-file", str(lists[0]), "-sys-header-deps", "-MT", "x"]
        if source.language != "cuda":
            data, said = host.compile_host(words, source.path, action)
        else:
            placeholder = Path(scratch) / "device"
            placeholder.write_bytes(embed.PLACEHOLDER)
            action += ["-fcuda-include-gpubinary", str(placeholder)]
            with ThreadPoolExecutor(max_workers=1) as pool:
                inside = pool.submit(_device_code, source, options, lists[1])
                data, said = host.compile_host(words, source.path, action)
                data = embed.fill(data, inside.result())
        found = [name for path in lists if path.exists() for name in toolchain.needed(path)]
        return Compiled(data, said, toolchain.changeable(found, source.path))


def _device_code(source: Source, options: Options, depend: Path) -> bytes:
    """What goes into the object: an image, or a unit for the device link."""
    sides = device_options(options)
    unit, _ = device.compile_unit(source.path, sides, depend)
    return embed.pack(unit) if options.relocatable else device.build_image([unit], sides.level)
