"""Builds ``libwarpfive_torch.so``: the part of the PyTorch device that is C++.

It is compiled against the headers in the installed torch, once for its contents and that torch.
torch is built with GNU's C++ library, whose layouts the compiler of the ``ziglang`` wheel does not
share, so this one library needs a host C++ compiler.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from warpfive.cache import locked, root
from warpfive.errors import WarpfiveError
from warpfive.kernels import INCLUDE

NATIVE = Path(__file__).resolve().parent / "native"
FLAGS = (
    "-std=c++20", "-O2", "-fPIC", "-shared", "-fvisibility=hidden", "-Wall", "-Wextra",
    "-Wno-unused-parameter",
)  # fmt: skip


def torch_library() -> Path:
    """Path of the library for the installed torch, built if the cache lacks it."""
    import torch

    place = Path(torch.__file__).parent
    path = root() / "torch" / library_key(torch.__version__) / "libwarpfive_torch.so"
    if not path.exists():
        with locked(root() / "torch" / "lock"):
            if not path.exists():
                build(path, place)
    return path


def library_key(version: str) -> str:
    digest = hashlib.sha256(repr((FLAGS, version)).encode())
    for path in (*sorted(NATIVE.iterdir()), *sorted(INCLUDE.iterdir())):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def host_compiler() -> str:
    """The host's C++ compiler: ``$CXX``, or the first of the usual names."""
    for name in (os.environ.get("CXX", ""), "c++", "g++", "clang++"):
        if name and (found := shutil.which(name)):
            return found
    raise WarpfiveError(
        "no C++ compiler was found, and the PyTorch device needs one once, to build its library "
        "against your torch; install one (Debian, Ubuntu: apt-get install g++) or name it in CXX"
    )


def build(path: Path, torch_root: Path) -> None:
    """Compiles and links the library to ``path``, in one step as others see it.

    All sources are one translation unit: reading torch's headers is most of the work.
    """
    print("warpfive: building the PyTorch device for this torch, once", file=sys.stderr)
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = path.with_name("all.cpp")
    whole.write_text("".join(f'#include "{source}"\n' for source in sorted(NATIVE.glob("*.cpp"))))
    temporary = path.with_name(f".{os.getpid()}.so")
    include = torch_root / "include"
    words = [
        host_compiler(), *FLAGS, f"-I{INCLUDE}", f"-I{include}",
        f"-I{include}/torch/csrc/api/include", str(whole),
        f"-L{torch_root}/lib", "-ltorch_cpu", "-lc10", "-ldl", "-pthread", "-o", str(temporary),
    ]  # fmt: skip
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise WarpfiveError(
            f"the PyTorch device's library does not build with {words[0]}:\n{done.stderr.strip()}"
        )
    os.replace(temporary, path)
