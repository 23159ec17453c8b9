"""Builds ``libwarpfive.so``: the chip and the CUDA layer over it, in C++.

Every source is compiled once for its contents, its headers and the flags; the finished library
lies in a folder of the cache named by a hash of all of them. Programs linked to a library keep
the one they were linked to. The C++ library that zig builds for the host is made at the same time.
"""

import functools
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from warpfive import cache, compiler
from warpfive.catalog import chip, chip_path
from warpfive.errors import WarpfiveError
from warpfive.perf import figures_text

PACKAGE = Path(__file__).resolve().parents[1]
SOURCE_DIRS = tuple(PACKAGE / room / "native" for room in ("chip", "runtime", "perf"))
FLAGS = (
    "-std=c++20", "-O2", "-g1", "-fPIC", "-fvisibility=hidden", "-fvisibility-inlines-hidden",
    "-fno-sanitize=all", "-fno-omit-frame-pointer", "-pthread", "-Wall", "-Wextra",
    "-Wno-unused-parameter", "-Wno-missing-field-initializers",
)  # fmt: skip
STANDARD = (
    "algorithm", "atomic", "condition_variable", "cstdio", "cstdlib", "cstring", "deque",
    "fstream", "functional", "map", "memory", "mutex", "sstream", "string",
    "thread", "unordered_map", "unordered_set", "vector",
)  # fmt: skip
INCLUDE = re.compile(r'^#include "([^"]+)"', re.MULTILINE)
OBJECT_BYTES = 256 << 20  # objects of earlier sources that are kept
LINK_FLAGS = ["-soname", "libwarpfive.so", "-O2"]
NAMES = ("libcudart.so", "libcuda.so", "libcudart.so.12", "libcuda.so.1", "libcudart.so.13")


Step = Callable[[str], None]
"""Hears of progress: the name of a part of the work, once for every file of it that is done."""


def library(step: Step | None = None) -> Path:
    """Path of ``libwarpfive.so``, built if the cache lacks it; ``step`` hears of the building.

    Names that programs link by (``libcudart.so``, ``libcuda.so``) lie beside it. The file
    ``server`` beside it says how to start the translator's process, the file ``chip`` has the
    figures of the catalog's default chip, by which the clock runs.
    """
    path = library_path()
    if not path.exists():
        with cache.locked(cache.root() / "lib" / "lock"):
            if not path.exists():
                build(path, step or announced())
    record_server(path.parent)
    return path


def library_path() -> Path:
    """Where ``libwarpfive.so`` lies or would lie."""
    return cache.root() / "lib" / library_key() / "libwarpfive.so"


def announced() -> Step:
    """Says on stderr, where nobody shows progress, why nothing happens for a while."""
    print(
        "warpfive: building the chip's library and the host's C++ library; this happens once "
        "and takes about a minute",
        file=sys.stderr,
    )
    return lambda part: None


@functools.cache
def library_key() -> str:
    """Hash of everything the library is made from."""
    digest = hashlib.sha256(repr((FLAGS, LINK_FLAGS, NAMES, compiler.host_target())).encode())
    found: set[Path] = {chip_path()}
    for path in sources():
        included(path, found)
    for path in sorted(found):
        digest.update(str(path.relative_to(PACKAGE)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def sources() -> list[Path]:
    return sorted(path for folder in SOURCE_DIRS for path in folder.glob("*.cpp"))


def build(path: Path, step: Step) -> None:
    """Compiles and links the library to ``path``, in one step as others see it."""
    pool = ThreadPoolExecutor(max_workers=os.cpu_count() or 1)
    try:
        headers = standard_headers()
        jobs = [pool.submit(compiled, source, headers, step) for source in sources()]
        compiler.prepare_host(lambda: step("C++ library"))
        objects = [str(job.result()) for job in jobs]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    for name in NAMES:
        link = path.parent / name
        if not link.is_symlink():
            link.symlink_to(path.name)
    cache.write(path.parent / "chip", figures_text(chip()).encode())
    temporary = path.with_name(f".{os.getpid()}.so")
    compiler.link_host(objects, str(temporary), extra=LINK_FLAGS, runtime=None, shared=True)
    os.replace(temporary, path)
    cache.bound(cache.root() / "lib" / "objects", OBJECT_BYTES)
    shutil.rmtree(cache.root() / "zig", ignore_errors=True)  # what is needed of it lies elsewhere


def compiled(source: Path, headers: Path, step: Step) -> Path:
    """Object of one source file, from the cache when its contents and headers are known."""
    digest = hashlib.sha256(repr((FLAGS, compiler.host_target())).encode())
    for path in sorted(included(source)):
        digest.update(path.read_bytes())
    path = cache.root() / "lib" / "objects" / f"{source.stem}-{digest.hexdigest()[:16]}.o"
    if not path.exists():
        words = []
        if b"#include <" in source.read_bytes():
            # Of the same version; installed again, the wheel's files have other times.
            words = ["-include-pch", str(headers), "-Xclang", "-fno-validate-pch"]
        made(path, [*words, f"-I{PACKAGE.parent}", "-c", str(source)])
    step("chip")
    return path


def standard_headers() -> Path:
    """The C++ library's headers that most sources include, precompiled: half of their time."""
    made_from = repr((FLAGS, STANDARD, compiler.host_target(), compiler.wheel_version()))
    digest = hashlib.sha256(made_from.encode()).hexdigest()
    path = cache.root() / "lib" / "objects" / f"standard-{digest[:16]}.pch"
    if not path.exists():
        header = path.with_suffix(".h")
        cache.write(header, "".join(f"#include <{name}>\n" for name in STANDARD).encode())
        made(path, ["-x", "c++-header", str(header)])
    return path


def made(path: Path, words: list[str]) -> None:
    """What zig compiles with ``words``, at ``path`` once it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        zig(["c++", *FLAGS, *words, "-o", str(temporary)])
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def included(source: Path, found: set[Path] | None = None) -> set[Path]:
    """The file and every file of the package that it includes, directly or not."""
    found = set() if found is None else found
    found.add(source)
    for name in INCLUDE.findall(source.read_text(encoding="utf-8")):
        for header in ((source.parent / name).resolve(), PACKAGE.parent / name):
            if header not in found and header.exists():
                included(header, found)
    return found


def zig(arguments: list[str]) -> None:
    """Runs the toolchain of the ``ziglang`` wheel."""
    place = str(cache.root() / "zig")
    environment = os.environ | {"ZIG_LOCAL_CACHE_DIR": place, "ZIG_GLOBAL_CACHE_DIR": place}
    words = [sys.executable, "-m", "ziglang", arguments[0], "-target", compiler.host_target()]
    done = subprocess.run(
        [*words, *arguments[1:]], capture_output=True, text=True, check=False, env=environment
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip()
        raise WarpfiveError(f"the chip's library does not build:\n{said}")
    if done.stderr and os.environ.get("WARPFIVE_DEBUG"):
        print(done.stderr, file=sys.stderr)


def record_server(folder: Path) -> None:
    """Notes beside the library which Python and package answer its requests."""
    content = f"{sys.executable}\n{PACKAGE.parent}\n".encode()
    path = folder / "server"
    if not path.exists() or path.read_bytes() != content:
        cache.write(path, content)
