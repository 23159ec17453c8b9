"""``warpfive info``: the chip, the host, the caches."""

import os
import platform
from pathlib import Path

from warpfive import __version__
from warpfive.units import GIB, KIB, MIB


def print_info() -> None:
    """Prints what programs run on and where things are kept."""
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    table = Table(box=SIMPLE, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in [("warpfive", __version__), *chip_rows(), *host_rows(), *cache_rows()]:
        table.add_row(name, value)
    Console(highlight=False).print(table)


def chip_rows() -> list[tuple[str, str]]:
    from warpfive.cuda import Device

    chip = Device(0).properties
    return [
        ("chip", chip.name),
        ("compute capability", f"{chip.major}.{chip.minor} (the CUDA features that are offered)"),
        ("compute units", f"{chip.multiProcessorCount} at {chip.clockRate / 1e6:.2f} GHz, "
                          f"warps of {chip.warpSize}"),
        ("memory", f"{chip.totalGlobalMem / GIB:.0f} GiB, committed when touched"),
        ("shared memory", f"{chip.sharedMemPerBlock // KIB} KiB a block, "
                          f"{chip.sharedMemPerBlockOptin // KIB} KiB on request"),
    ]  # fmt: skip


def host_rows() -> list[tuple[str, str]]:
    return [
        ("host", f"{processor()}, {len(os.sched_getaffinity(0))} cores"),
        ("vector units", vector_units()),
        ("python", f"{platform.python_version()} on {platform.system()} {platform.machine()}"),
    ]


def processor() -> str:
    """The processor's name as the kernel tells it."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.machine()


def vector_units() -> str:
    if platform.machine() in ("aarch64", "arm64"):
        return "NEON"
    try:
        flags = set(Path("/proc/cpuinfo").read_text().split())
    except OSError:
        return "unknown"
    return "AVX-512" if "avx512f" in flags else "AVX2" if "avx2" in flags else "too old: no AVX2"


def cache_rows() -> list[tuple[str, str]]:
    from warpfive import cache
    from warpfive.chip import library_path

    root = cache.root()
    rows = [("library", str(library_path())), ("cache", f"{root} ({size(folder_bytes(root))})")]
    for path in sorted(root.iterdir()):
        if path.is_dir() and not path.name.startswith("."):
            rows.append((f"  {path.name}", size(folder_bytes(path))))
    return rows


def folder_bytes(folder: Path) -> int:
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(place, name)).st_size
            except OSError:  # another process cleans up
                continue
    return total


def size(count: int) -> str:
    return f"{count / MIB:.1f} MiB" if count >= MIB else f"{count / KIB:.0f} KiB"
