"""``warpfive build``: what first use would build, made beforehand, with a view of its progress."""

import importlib.util
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from warpfive.errors import WarpfiveError

Step = Callable[[str], None]


def build_libraries() -> None:
    """Builds ``libwarpfive.so``, the device library and the host's start files into the cache.

    Where torch is installed, the library of kernels and the PyTorch device too.
    """
    from warpfive.cli.cc import cc

    start_s = time.monotonic()
    path = chip_library()
    with tempfile.TemporaryDirectory(prefix="warpfive-") as folder:
        source = Path(folder) / "nothing.cu"
        source.write_text("__global__ void nothing() {}\nint main() { nothing<<<1, 1>>>(); }\n")
        if cc([str(source), "-o", str(source.with_suffix(""))]):
            raise WarpfiveError("a first program does not compile; the lines above say why")
    if importlib.util.find_spec("torch"):
        build_for_torch()
    print(f"{path} ({time.monotonic() - start_s:.1f} s)")


def build_for_torch() -> None:
    """The library of kernels and, where the installed torch can have it, its device."""
    from warpfive.kernels import library_path
    from warpfive.torch_backend import check_torch, prepare

    library_path()
    try:
        check_torch()
        prepare()
    except WarpfiveError as error:
        print(f"warpfive: without the PyTorch device: {error}", file=sys.stderr)


def chip_library() -> Path:
    """The chip's library; a terminal sees how far its building is."""
    from warpfive.chip import library, library_path

    if library_path().exists() or not sys.stderr.isatty():
        return library()
    with progress() as step:
        return library(step)


@contextmanager
def progress() -> Iterator[Step]:
    """A line for every part of the work, with the number of files done in it."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TextColumn("{task.completed:.0f} files"),
        TimeElapsedColumn(),
    )
    names = {"chip": "chip and CUDA runtime", "C++ library": "C++ library for host programs"}
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        shown.console.print("Building what every program needs, once:")
        tasks = {name: shown.add_task(text, total=None) for name, text in names.items()}
        yield lambda name: shown.advance(tasks[name])
