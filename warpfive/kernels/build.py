"""Builds ``libwarpfive_kernels.so``: our CUDA C++ through our own compiler.

The library lies in a folder of the cache named by a hash of its sources, the compiler and the
chip's library. The compiler keeps objects by their contents, so after an edit only what changed is
compiled.
"""

import io
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr
from pathlib import Path

from warpfive import cache
from warpfive.compiler import fingerprint, main
from warpfive.errors import WarpfiveError

ROOM = Path(__file__).parent
INCLUDE = ROOM / "include"
FLAGS = ("-O3", "-std=c++17", "-Xcompiler", "-fPIC")


def sources() -> list[Path]:
    """The kernels' source files."""
    return sorted((ROOM / "cuda").glob("*.cu"))


def library_path() -> Path:
    """Path of ``libwarpfive_kernels.so``, built if the cache lacks it."""
    from warpfive.chip import library

    chip = library()
    texts = [*sources(), *sorted((ROOM / "cuda").glob("*.cuh")), *sorted(INCLUDE.glob("*.h"))]
    key = cache.digest(*FLAGS, fingerprint(), str(chip), *(path.read_bytes() for path in texts))
    path = cache.root() / "kernels" / key[:16] / "libwarpfive_kernels.so"
    if not path.exists():
        with cache.locked(cache.root() / "kernels" / "lock"):
            if not path.exists():
                _build(path, chip)
    return path


def _build(path: Path, chip: Path) -> None:
    print(
        "warpfive: building the library of kernels; this happens once and takes about a minute",
        file=sys.stderr,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
            objects = list(pool.map(lambda source: _compiled(source, Path(folder)), sources()))
        made = Path(folder) / path.name
        said = io.StringIO()
        with redirect_stderr(said):
            words = ["-shared", *map(str, objects), "-o", str(made)]
            if main(words, lambda: chip):
                raise WarpfiveError(f"the kernels' library does not link:\n{said.getvalue()}")
        made.replace(path)


def _compiled(source: Path, folder: Path) -> Path:
    """A process each: the compiler's own work is Python."""
    target = folder / f"{source.stem}.o"
    words = [sys.executable, "-m", "warpfive.compiler", *FLAGS]
    words += ["-c", str(source), "-o", str(target)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip()
        raise WarpfiveError(f"{source.name} of the kernels does not compile:\n{said}")
    return target
