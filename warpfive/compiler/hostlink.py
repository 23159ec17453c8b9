"""Linking host programs: zig's linker, C library stubs and static C++ library, called directly.

The first link on a machine asks ``zig c++`` how it links, which builds the C++ library (half a
minute of processor time); the parts are then kept in our cache and later links take a tenth of a
second.
"""

import glob
import json
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from warpfive import cache
from warpfive.compiler import toolchain
from warpfive.compiler.archive import without
from warpfive.errors import CompileError

Step = Callable[[], None]
"""Hears that a part of a longer work is done."""


def _quiet() -> None:
    pass


RUNTIME_LIBRARIES = {
    "cudart", "cudart_static", "cuda", "cudadevrt", "cudart_shared", "nvToolsExt", "nvrtc",
    "warpfive",
}  # fmt: skip
"""Names that the chip's library stands for."""

OF_THE_C_LIBRARY = ("memcpy", "memmove", "memset", "memcmp", "bcmp", "strlen")
"""zig's own of these move a byte at a time where they are built for size; glibc's use vectors."""

OPENMP = {"gomp", "omp", "iomp5"}
BUILT_IN = {"c", "m", "pthread", "dl", "rt", "util", "stdc++", "gcc", "gcc_s", "c++", "c++abi",
            "culibos", "stdc++fs"}  # fmt: skip
"""Names that every link has anyway."""

MISSING_CUDA = {
    "cublas": "cuBLAS", "cublasLt": "cuBLASLt", "cufft": "cuFFT", "curand": "cuRAND",
    "cusparse": "cuSPARSE", "cusolver": "cuSOLVER", "cudnn": "cuDNN", "nccl": "NCCL",
    "nvrtc_static": "NVRTC", "nvjpeg": "nvJPEG", "npp": "NPP", "cutensor": "cuTENSOR",
}  # fmt: skip

SYSTEM_FOLDERS = ("/usr/local/lib", "/usr/lib/{arch}-linux-gnu", "/lib/{arch}-linux-gnu",
                  "/usr/lib64", "/lib64", "/usr/lib")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Parts:
    """What goes into every host link: options, the start file, and the libraries at the end."""

    options: tuple[str, ...]
    start: str
    libraries: tuple[str, ...]


def prepare_host(step: Step = _quiet) -> Parts:
    """The parts, prepared on first use; ``step`` hears of every file that is compiled for them."""
    name = cache.digest(toolchain.wheel_version(), toolchain.host_target(), "3")[:16]
    folder = cache.root() / "host" / name
    record = folder / "parts.json"
    if not record.exists():
        with cache.locked(folder.with_suffix(".lock")):
            if not record.exists():
                _prepare(folder, record, step)
    known = json.loads(record.read_text())
    libraries = (_leaner(path) if "compiler_rt" in path else path for path in known["libraries"])
    return Parts(tuple(known["options"]), known["start"], tuple(libraries))


def _leaner(path: str) -> str:
    """The library with what compilers expect of every machine, without what the C library has."""
    target = Path(path).with_name("libcompiler_rt-lean.a")
    if not target.exists():
        cache.write(target, without(Path(path).read_bytes(), OF_THE_C_LIBRARY), 0o755)
    return str(target)


def _prepare(folder: Path, record: Path, step: Step) -> None:
    """Lets zig link a small C++ program, and copies what its command line names."""
    with tempfile.TemporaryDirectory(prefix="wf-") as scratch:
        source = Path(scratch) / "probe.cpp"
        source.write_text("#include <iostream>\nint main() { std::cout << 1; }\n")
        zig_cache = str(cache.root() / "zig")
        environment = {"ZIG_LOCAL_CACHE_DIR": zig_cache, "ZIG_GLOBAL_CACHE_DIR": zig_cache}
        environment |= os.environ | {"ZIG_VERBOSE_LINK": "1", "ZIG_VERBOSE_CC": "1"}
        # -Os: a third less work, for a library that programs spend little time in
        words = [str(toolchain.zig()), "c++", "-Os", "-target", toolchain.host_target()]
        words += [str(source), "-fno-sanitize=all", "-o", str(Path(scratch) / "probe")]
        # zig names its cache relative to the working directory where it lies below it.
        status, lines = _watched(words, environment, scratch, step)
        links = [line for line in lines if line.startswith("ld.lld ")]
        if status or not links:
            said = [line for line in lines if "error" in line] or lines
            raise CompileError(f"the host's C++ library does not build: {' '.join(said).strip()}")
        _record(folder, record, shlex.split(links[-1])[1:])


def _watched(
    words: list[str], environment: dict[str, str], folder: str, step: Step
) -> tuple[int, list[str]]:
    """Runs a command; its status and what it wrote to stderr. ``step`` hears of every line."""
    child = subprocess.Popen(
        words, env=environment, cwd=folder, text=True, stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        assert child.stderr is not None
        lines = []
        for line in child.stderr:
            lines.append(line.rstrip())
            step()
        return child.wait(), lines
    finally:
        child.kill()
        child.wait()


def _record(folder: Path, record: Path, words: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    options, libraries, start = [], [], ""
    skip = False
    for at, word in enumerate(words):
        if skip or word in ("-o", "-L/") or word.endswith("probe.o"):
            skip = word == "-o"
            continue
        if word.startswith("/") and Path(word).is_file() and "ld-linux" not in word:
            kept = folder / Path(word).name
            cache.write(kept, Path(word).read_bytes(), 0o755)
            if kept.name == "crt1.o":
                start = str(kept)
                for stub in glob.glob(str(Path(word).parent / "*crt1.o")):
                    shutil.copy(stub, folder)
            elif kept.suffix == ".a" or ".so" in kept.name:
                libraries.append(str(kept))
            if kept.name.startswith("libc.so"):
                libraries += _stubs(Path(word).parent, folder, libraries, words[at:])
        elif not word.startswith("--image-base"):
            options.append(word)
    content = {"options": options, "start": start, "libraries": libraries}
    cache.write(record, json.dumps(content, indent=1).encode())


def _stubs(source: Path, folder: Path, have: list[str], later: list[str]) -> list[str]:
    """The C library's other parts (libpthread and so on) in old versions."""
    added = []
    for path in sorted(source.glob("lib*.so*")):
        target = str(folder / path.name)
        if target not in have and not any(word.endswith("/" + path.name) for word in later):
            cache.write(Path(target), path.read_bytes(), 0o755)
            added.append(target)
    return added


def system_folders() -> list[str]:
    """Folders of the machine's own libraries."""
    names = [name.format(arch=toolchain.host_machine()) for name in SYSTEM_FOLDERS]
    return [name for name in dict.fromkeys(names) if os.path.isdir(name)]


def standard_library() -> str | None:
    """The machine's libstdc++, for objects that its g++ made."""
    for folder in system_folders():
        path = Path(folder) / "libstdc++.so.6"
        if path.exists():
            return str(path)
    return None


def link_host(
    order: list[str], output: str, *, extra: list[str], runtime: Path | None, shared: bool
) -> None:
    """Links host objects and ``-l``/``-L`` words, in their order, to ``output``.

    ``runtime`` is the chip's library; the program finds it by its full folder at run time.
    """
    words = command(order, output, extra=extra, runtime=runtime, shared=shared)
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CompileError(_complaint(done.stderr))


def command(
    order: list[str], output: str, *, extra: list[str], runtime: Path | None, shared: bool
) -> list[str]:
    """The linker's command line."""
    common = prepare_host()
    words = [str(toolchain.zig()), "ld.lld", *_options(common, shared)]
    words += ["--allow-shlib-undefined", "-o", output, *extra]
    folders = [word[2:] for word in order if word.startswith("-L")]
    words += [f"-L{name}" for name in [*folders, *system_folders()]]
    for word in order:
        if word.startswith("-l"):
            words += _library(word[2:], folders)
        elif not word.startswith("-L"):
            words.append(word)
    if runtime:
        words += [str(runtime), "-rpath", str(runtime.parent)]
    words += ["--as-needed", *common.libraries]
    stdcxx = standard_library()
    if stdcxx and _foreign(order):
        words.append(stdcxx)
    return words


def _openmp() -> list[str]:
    """LLVM's OpenMP library, and where programs find it."""
    folder = toolchain.openmp()
    return [str(folder / "lib/libomp.so"), "-rpath", str(folder / "lib")] if folder else []


def _options(common: Parts, shared: bool) -> list[str]:
    if not shared:
        return [*common.options, common.start]
    dropped = {"--entry": 1, "--dynamic-linker": 1, "-static": 0}
    kept, skip = ["-shared"], 0
    for word in common.options:
        if skip:
            skip -= 1
        elif word in dropped:
            skip = dropped[word]
        else:
            kept.append(word)
    return kept


def _library(name: str, folders: list[str]) -> list[str]:
    found = any(
        (Path(folder) / f"lib{name}{suffix}").exists()
        for folder in folders
        for suffix in (".so", ".a")
    )
    if not found and name in OPENMP:
        return _openmp()
    if not found and (name in RUNTIME_LIBRARIES or name in BUILT_IN):
        return []
    if not found and name in MISSING_CUDA:
        raise CompileError(
            f"-l{name}: {MISSING_CUDA[name]} is not part of warpfive yet; "
            "write the operation as a kernel, or give a folder that has the library with -L"
        )
    return [f"-l{name}"]


def _foreign(order: list[str]) -> bool:
    """Whether an input was made with the machine's own C++ library."""
    for word in order:
        path = Path(word)
        if path.suffix in (".o", ".a", ".so") and path.is_file():
            data = path.read_bytes()
            if b"_ZSt4cout" in data or b"__cxx11" in data or b"_ZNSt6__ndk" in data:
                return True
    return False


def _complaint(text: str) -> str:
    lines = [line.replace("ld.lld: ", "").replace("zig: ", "") for line in text.splitlines()]
    said = "\n".join(line for line in lines if line.strip())
    return "the program does not link:\n" + re.sub(r"\S*/wf-[^/]+/\d+/", "", said)
