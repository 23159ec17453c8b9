"""``warpfive build``: what first use would build, made beforehand, with a view of its progress."""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from warpfive.errors import WarpfiveError

Step = Callable[[str], None]


def build_libraries() -> None:
    """Builds ``libwarpfive.so``, the device library and the host's start files into the cache."""
    from warpfive.cli.cc import cc

    start_s = time.monotonic()
    path = chip_library()
    with tempfile.TemporaryDirectory(prefix="warpfive-") as folder:
        source = Path(folder) / "nothing.cu"
        source.write_text("__global__ void nothing() {}\nint main() { nothing<<<1, 1>>>(); }\n")
        if cc([str(source), "-o", str(source.with_suffix(""))]):
            raise WarpfiveError("a first program does not compile; the lines above say why")
    print(f"{path} ({time.monotonic() - start_s:.1f} s)")


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
