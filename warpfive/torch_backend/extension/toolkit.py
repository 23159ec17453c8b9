"""The CUDA_HOME that ``torch.utils.cpp_extension`` builds with.

``bin/nvcc`` is our compiler, told to use the headers of the host's C++ compiler (objects have to
fit what it makes of the extension's other sources); ``lib64`` has ``libc10_cuda.so`` and
``libtorch_cuda.so``, built once from ``c10_cuda.cpp`` by that compiler.
"""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType

from warpfive.errors import InputError

HERE = Path(__file__).parent
COMPILERS = ("c++", "g++", "clang++")
LINKED_NAMES = ("libc10_cuda.so", "libtorch_cuda.so")


def host_compiler() -> str:
    """The C++ compiler that PyTorch would use: ``$CXX``, or the first of the usual names."""
    names = [os.environ["CXX"]] if os.environ.get("CXX") else list(COMPILERS)
    for name in names:
        if found := shutil.which(shlex.split(name)[0]):
            return found
    raise InputError(
        f"a CUDA extension of PyTorch needs a C++ compiler, and there is no {' or '.join(names)}; "
        "install one (the package g++ on Debian and Ubuntu) or set CXX"
    )


@cache
def home() -> Path:
    """The folder, made if it is not there; the libraries come with :func:`libraries`."""
    from warpfive import cache as store
    from warpfive.chip import library
    from warpfive.compiler import INCLUDE

    compiler = host_compiler()
    key = store.digest(sys.executable, str(HERE), compiler, torch_version())
    root = store.root() / "torch" / f"cuda-{key[:12]}"
    for name in ("bin", "include", "lib64"):
        (root / name).mkdir(parents=True, exist_ok=True)
    for folder in (HERE / "include", INCLUDE):
        for path in folder.iterdir():
            link(root / "include" / path.name, path)
    for path in library().parent.glob("*.so*"):
        link(root / "lib64" / path.name, path)
    store.write(root / "bin" / "nvcc", shim(compiler).encode(), 0o755)
    return root


def shim(compiler: str) -> str:
    """A shell script: our compiler, for objects that are linked with the host compiler's."""
    python, root = shlex.quote(sys.executable), shlex.quote(str(HERE.parents[2]))
    return (
        "#!/bin/sh\n"
        f"WARPFIVE_HOST_CXX={shlex.quote(compiler)} "
        f'PYTHONPATH={root}"${{PYTHONPATH:+:$PYTHONPATH}}" exec {python} -m warpfive cc "$@"\n'
    )


def libraries() -> Path:
    """``lib64``, with the libraries that extensions are linked to; built at their first use."""
    from warpfive import cache as store

    built = library_place()
    folder = built.parent
    with store.locked(folder / "lock"):
        if not built.exists():
            whole(built, build)
    for name in LINKED_NAMES:
        link(folder / name, built)
    return folder


def library_place() -> Path:
    """Where what :func:`build` makes is kept."""
    from warpfive import cache as store

    digest = store.digest((HERE / "c10_cuda.cpp").read_bytes(), torch_version())
    return home() / "lib64" / f"warpfive-{digest[:12]}.so"


def build(output: Path) -> None:
    """Compiles ``c10_cuda.cpp``; the compiler's own words if that fails."""
    import torch

    root = Path(torch.__file__).parent
    if not (root / "include" / "ATen").is_dir():
        raise InputError(f"a CUDA extension needs PyTorch's headers, and {root}/include has none")
    words = [host_compiler(), "-std=c++20", "-O1", "-fPIC", "-shared", str(HERE / "c10_cuda.cpp")]
    words += [f"-D_GLIBCXX_USE_CXX11_ABI={int(torch.compiled_with_cxx11_abi())}"]
    for folder in (root / "include", root / "include/torch/csrc/api/include", home() / "include"):
        words += ["-isystem", str(folder)]
    words += ["-Wl,-soname,libc10_cuda.so", f"-L{root / 'lib'}", "-lc10", "-ltorch_cpu"]
    done = subprocess.run([*words, "-o", str(output)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise InputError(f"{words[0]} does not build {HERE / 'c10_cuda.cpp'}:\n{done.stderr}")


def adopt(cpp_extension: ModuleType) -> None:
    """Makes ``torch.utils.cpp_extension`` build with the chip's toolkit."""
    join = cpp_extension._join_cuda_home

    def join_cuda_home(*paths: str) -> str:
        cpp_extension.CUDA_HOME = str(home())
        if paths and paths[0] in ("lib64", "lib"):
            libraries()
            preload()
        return join(*paths)

    cpp_extension._join_cuda_home = join_cuda_home
    try:
        cpp_extension.CUDA_HOME = str(home())
    except InputError:  # said again, in full, where something is to be built
        cpp_extension.CUDA_HOME = None


def preload() -> None:
    """Loads what extensions link to, so that they find it without a search path."""
    import ctypes

    folder = libraries()
    for name in ("libcudart.so", LINKED_NAMES[0]):
        ctypes.CDLL(str(folder / name), mode=ctypes.RTLD_GLOBAL)


def preload_built() -> None:
    """The same for extensions that another process built, if any was: a CUDA build of PyTorch has
    these libraries in every process."""
    try:
        built = library_place()
    except InputError:  # no host compiler: nothing was built
        return
    if built.exists():
        preload()


def torch_version() -> str:
    import torch

    return str(torch.__version__)


def link(path: Path, target: Path) -> None:
    if path.is_symlink() and os.readlink(path) == str(target):
        return
    whole(path, lambda temporary: temporary.symlink_to(target))


def whole(path: Path, make: Callable[[Path], object]) -> None:
    """Makes a file under another name and moves it to its place."""
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    temporary.unlink(missing_ok=True)
    make(temporary)
    os.replace(temporary, path)
