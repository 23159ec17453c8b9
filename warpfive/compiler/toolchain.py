"""Where the compiler's parts are: the clang of the ``ziglang`` wheel, its headers, and our own.

Clang is given folders of headers by links in the cache that are named by what is in them. What it
makes is then the same from every environment that has the same wheel and the same package.
"""

import contextlib
import functools
import os
import platform
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from warpfive import cache
from warpfive.errors import CompileError

INCLUDE = Path(__file__).parent / "include"
LIBRARY = Path(__file__).parent / "lib"

DEVICE_TRIPLE = "riscv64-unknown-linux-gnu"
DEVICE_CPU = "generic-rv64"
DEVICE_ABI = "lp64d"
DEVICE_FEATURES = (
    "m", "a", "f", "d", "zicsr", "zba", "zbb", "zbs", "zicond",
    "zfh", "zfhmin", "zfbfmin", "zacas", "zabha",
)  # fmt: skip
"""Extensions of the chip that clang and LLVM may use; there are no compressed instructions."""


@functools.cache
def zig() -> Path:
    """The ``zig`` program of the wheel; calling it directly spares a Python start."""
    import ziglang

    return Path(ziglang.__file__).parent / "zig"


@functools.cache
def wheel_version() -> str:
    """Version of the ``ziglang`` wheel: part of every cache key."""
    # the folder that pip left beside the package; importlib.metadata takes longer than our work
    found = sorted(path.name for path in zig().parent.parent.glob("ziglang-*.dist-info"))
    return found[-1] if found else str(zig().stat().st_mtime_ns)


def _linked(name: str, folder: Path) -> Path:
    """The cache's link ``name`` to a folder; the folder itself where no link can be made.

    A link to an environment that is gone is made anew.
    """
    link = cache.root() / "toolchain" / name
    if not link.exists():
        new = link.with_name(f".{name}.{os.getpid()}")
        try:
            link.parent.mkdir(parents=True, exist_ok=True)
            new.symlink_to(folder)
            os.replace(new, link)
        except OSError:
            with contextlib.suppress(OSError):
                new.unlink()
            return folder
    return link


@functools.cache
def zig_folder() -> Path:
    """The wheel's folder, as clang is told of it."""
    return _linked(wheel_version().removesuffix(".dist-info"), zig().parent)


@functools.cache
def include() -> Path:
    """The folder of our own headers, as clang is told of it."""
    return _linked(f"include-{contents(INCLUDE)[:16]}", INCLUDE)


@functools.cache
def openmp() -> Path | None:
    """LLVM's OpenMP library, of the ``cmeel-libomp`` package: its folder, with ``include`` and
    ``lib``; None where it is not installed."""
    for place in sys.path:
        folder = Path(place) / "cmeel.prefix"
        if (folder / "lib/libomp.so").exists():
            found = sorted(path.name for path in Path(place).glob("cmeel_libomp-*.dist-info"))
            name = found[-1].removesuffix(".dist-info") if found else "libomp"
            return _linked(f"{name}-{host_machine()}", folder)
    return None


@functools.cache
def contents(folder: Path) -> str:
    """Hash of the names and contents of a folder's files, but for Python's compiled ones."""
    files = sorted(p for p in folder.rglob("*") if p.suffix != ".pyc" and p.is_file())
    return cache.digest(
        *(part for p in files for part in (str(p.relative_to(folder)), p.read_bytes()))
    )


@functools.cache
def glibc_version() -> str:
    """The C library of this machine, which host programs are linked for."""
    name = os.confstr("CS_GNU_LIBC_VERSION") if "CS_GNU_LIBC_VERSION" in os.confstr_names else None
    return name.split()[1] if name else "2.31"


def host_machine() -> str:
    """``x86_64`` or ``aarch64``."""
    machine = platform.machine()
    return {"AMD64": "x86_64", "arm64": "aarch64"}.get(machine, machine)


def host_target() -> str:
    """The host as zig names it, with the C library's version."""
    return f"{host_machine()}-linux-gnu.{glibc_version()}"


def host_triple() -> str:
    """The host as clang names it."""
    return f"{host_machine()}-unknown-linux-gnu"


@dataclass(frozen=True, slots=True)
class SystemHeaders:
    """Include folders and predefined macros of the wheel's C and C++ libraries."""

    cxx: tuple[str, ...]
    c: tuple[str, ...]
    macros: tuple[str, ...]


@functools.cache
def system_headers() -> SystemHeaders:
    """What ``zig c++`` would pass to clang for the host, in its order; those of the compiler that
    ``WARPFIVE_HOST_CXX`` names, where objects have to fit what it compiles."""
    if compiler := os.environ.get("WARPFIVE_HOST_CXX"):
        return headers_of(compiler)
    lib = zig_folder() / "lib"
    arch = {"x86_64": "x86"}.get(host_machine(), host_machine())
    c = [
        lib / "include",
        lib / "libc/include" / f"{arch}-linux-gnu",
        lib / "libc/include/generic-glibc",
        lib / "libc/include" / f"{arch}-linux-any",
        lib / "libc/include/any-linux-any",
    ]
    cxx = [lib / "libcxx/include", lib / "libcxxabi/include", *c, lib / "libunwind/include"]
    macros = [
        f"__GLIBC_MINOR__={glibc_version().split('.')[1]}",
        "_LIBCPP_ABI_VERSION=1",
        "_LIBCPP_ABI_NAMESPACE=__1",
        "_LIBCPP_HAS_THREADS=1",
        "_LIBCPP_HAS_MONOTONIC_CLOCK",
        "_LIBCPP_HAS_TERMINAL",
        "_LIBCPP_HAS_MUSL_LIBC=0",
        "_LIBCXXABI_DISABLE_VISIBILITY_ANNOTATIONS",
        "_LIBCPP_DISABLE_VISIBILITY_ANNOTATIONS",
        "_LIBCPP_HAS_VENDOR_AVAILABILITY_ANNOTATIONS=0",
        "_LIBCPP_HAS_FILESYSTEM=1",
        "_LIBCPP_HAS_RANDOM_DEVICE",
        "_LIBCPP_HAS_LOCALIZATION",
        "_LIBCPP_HAS_UNICODE",
        "_LIBCPP_HAS_WIDE_CHARACTERS",
        "_LIBCPP_HAS_NO_STD_MODULES",
        "_LIBCPP_HAS_TIME_ZONE_DATABASE",
        "_LIBCPP_PSTL_BACKEND_SERIAL",
        "_LIBCPP_HARDENING_MODE=_LIBCPP_HARDENING_MODE_NONE",
        "_LIBCPP_ASSERTION_SEMANTIC_DEFAULT=_LIBCPP_ASSERTION_SEMANTIC_IGNORE",
    ]
    return SystemHeaders(tuple(map(str, cxx)), tuple(map(str, c)), tuple(macros))


def headers_of(compiler: str) -> SystemHeaders:
    """The C and C++ headers of a gcc, with clang's own in the place of gcc's built-in ones."""
    command = [compiler, "-E", "-v", "-x", "c++", os.devnull]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as failure:
        raise CompileError(
            f"the C++ compiler {compiler} cannot be started: {failure.strerror}"
        ) from None
    listed = done.stderr.partition("<...> search starts here:")[2].partition("End of search")[0]
    own = str(zig_folder() / "lib" / "include")
    folders = [line.strip() for line in listed.splitlines() if line.strip()]
    folders = [own if "/gcc/" in folder or "/clang/" in folder else folder for folder in folders]
    if not folders:
        raise CompileError(f"the C++ compiler {compiler} does not list its header folders")
    unique = tuple(dict.fromkeys(folders))
    return SystemHeaders(unique, tuple(name for name in unique if "c++" not in name), ())


def machine_headers() -> list[str]:
    """The machine's own header folders, searched after the wheel's; absent ones left out."""
    folders = ["/usr/local/include", f"/usr/include/{host_machine()}-linux-gnu", "/usr/include"]
    return [folder for folder in folders if os.path.isdir(folder)]


def run_clang(
    arguments: list[str], stdin: bytes | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Runs ``clang -cc1`` and returns what it did; its diagnostics are in ``stderr``."""
    command = [str(zig()), "clang", "-cc1", *arguments]
    try:
        return subprocess.run(command, input=stdin, capture_output=True, check=False)
    except OSError as failure:
        raise CompileError(
            f"the compiler {command[0]} cannot be started: {failure.strerror}; "
            "install the ziglang package again"
        ) from None


def plain(said: str) -> str:
    """Diagnostics without what only says how we call the compiler."""
    return re.sub(r" when compiling for (?:host|generic-rv64)\.", ".", said)


def changeable(files: list[str], source: str) -> list[str]:
    """The files that ``source`` depends on, less the wheel's and our own: the fingerprint stands
    for those."""
    fixed = (str(zig_folder()), str(include()), "/dev/")
    made = (".pch", ".prefix.h")
    return [source, *(n for n in files if not n.startswith(fixed) and not n.endswith(made))]


def needed(path: Path) -> list[str]:
    """The files that a make rule names after its colon."""
    text = path.read_text().replace("\\\n", " ").partition(": ")[2]
    names = re.findall(r"(?:[^\s\\]|\\.)+", text)
    return [re.sub(r"\\(.)", r"\1", name) for name in names]
