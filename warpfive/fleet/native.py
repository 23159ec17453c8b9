"""The compiled part: built once by the C compiler of the ``ziglang`` wheel, then loaded."""

import ctypes
import functools
import hashlib
import os
import subprocess
import sys
from pathlib import Path

from warpfive.errors import WarpfiveError

SOURCE = Path(__file__).parent / "native" / "simulate.c"
FLAGS = ("-O3", "-shared", "-fPIC", "-mcpu=baseline")


def cache_folder() -> Path:
    """Where built objects are kept: ``WARPFIVE_CACHE``, or the user's cache."""
    root = os.environ.get("WARPFIVE_CACHE") or Path.home() / ".cache" / "warpfive"
    return Path(root) / "fleet"


@functools.cache
def library() -> ctypes.CDLL:
    """The simulation as a shared object, built on first use."""
    digest = hashlib.sha256(SOURCE.read_bytes() + " ".join(FLAGS).encode()).hexdigest()[:16]
    built = cache_folder() / f"simulate-{digest}.so"
    if not built.exists():
        _build(built)
    loaded = ctypes.CDLL(str(built))
    loaded.warpfive_simulate.restype = ctypes.c_int
    return loaded


def _build(target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(f".{os.getpid()}.tmp")
    command = [sys.executable, "-m", "ziglang", "cc", *FLAGS, str(SOURCE), "-o", str(partial)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise WarpfiveError(f"the simulator could not be built: {done.stderr.strip()[-400:]}")
    partial.rename(target)
