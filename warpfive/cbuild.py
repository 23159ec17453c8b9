"""C and plain C++ files of the package as libraries, built once by the ``ziglang`` wheel."""

import ctypes
import functools
import os
import subprocess
import sys
from pathlib import Path

from warpfive import cache
from warpfive.errors import WarpfiveError

FLAGS = ("-O3", "-shared", "-fPIC", "-mcpu=baseline")


@functools.cache
def c_library(source: Path) -> ctypes.CDLL:
    """The library of one file and the headers beside it, built on first use."""
    files = (source, *sorted(source.parent.glob("*.h")))
    key = cache.digest(*FLAGS, *(path.read_bytes() for path in files))
    built = cache.root() / "native" / f"{source.stem}-{key[:16]}.so"
    if not built.exists():
        _build(source, built)
    return ctypes.CDLL(str(built))


def _build(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(f".{os.getpid()}.tmp")
    command = [sys.executable, "-m", "ziglang", "cc", *FLAGS, str(source), "-o", str(partial)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise WarpfiveError(f"{source.name} could not be built: {done.stderr.strip()[-400:]}")
    partial.rename(target)
