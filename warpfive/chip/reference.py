"""Launches on the reference engine: the interpreter over the chip's own memory."""

import ctypes
import json
import os
import select
import time
from bisect import bisect_right
from functools import cache
from pathlib import Path
from urllib.parse import unquote

from warpfive.errors import InputError
from warpfive.isa import reference as isa

PROT_READ_WRITE, MAP_SHARED, MAP_NORESERVE, MAP_FIXED_NOREPLACE = 3, 1, 0x4000, 0x100000


class ChipMemory:
    """Device memory: bytes at host addresses, inside the ranges that are allocated."""

    def __init__(self, ranges: list[int]) -> None:
        pairs = sorted(zip(ranges[::2], ranges[1::2], strict=True))
        self.bases = [base for base, _ in pairs]
        self.ends = [end for _, end in pairs]

    def _check(self, address: int, size: int) -> None:
        place = bisect_right(self.bases, address) - 1
        if place < 0 or address + size > self.ends[place]:
            raise isa.BadAddress(f"nothing at {address:#x}")

    def read(self, address: int, size: int) -> bytes:
        """The bytes at ``address``."""
        self._check(address, size)
        return ctypes.string_at(address, size)

    def write(self, address: int, data: bytes) -> None:
        """Replaces the bytes at ``address``."""
        self._check(address, len(data))
        ctypes.memmove(address, data, len(data))


def run_reference(path: Path) -> str:
    """Runs the launch that a file describes; the reply's words after ``ok``."""
    job = json.loads(path.read_text())
    if job["process"] != os.getpid():
        map_memory(job["process"], job["file"], job["base"], job["bytes"])
    counting = counting_of(job) if job["elf"] else None
    launch = launch_of(job, counting)
    try:
        isa.run_grid(launch, ChipMemory(job["ranges"]))
    except isa.Fault as fault:
        return "fault " + " ".join(map(str, fault_words(fault, launch, job["image"])))
    except isa.Stopped:
        return "stopped"
    if counting is None:
        return "done"
    path.write_text(counting.reply())
    return "counts"


def counting_of(job: dict):
    """Who counts the launch. The chip names the image's file only where it wants counts."""
    from warpfive.chip.counting import Counting
    from warpfive.chip.lines import LineTable

    image = Path(unquote(job["elf"])).read_bytes()
    return Counting(job, image, LineTable(image).where)


def launch_of(job: dict, observer: isa.Observer | None) -> isa.Launch:
    pairs = zip(job["slots"][::2], job["slots"][1::2], strict=True)
    slots = [
        isa.Slot(shared=shared, stack=stack, core=number % job["cores"])
        for number, (shared, stack) in enumerate(pairs)
    ]
    return isa.Launch(
        entry=job["image"] + job["entry"], grid=tuple(job["grid"]), block=tuple(job["block"]),
        slots=tuple(slots), args=job["args"], stack_bytes=job["stack_bytes"],
        shared_bytes=job["shared_bytes"], dynamic_bytes=job["dynamic_bytes"],
        runtime_area=job["runtime_area"], grid_id=job["grid_id"], cores=job["cores"],
        clock_hz=job["clock_hz"], stop=stopper(job), observer=observer,
    )  # fmt: skip


def stopper(job: dict):
    """Says whether the launch is to end: its time is up, or its program is gone."""
    end = time.monotonic() + job["timeout_s"] if job["timeout_s"] else None
    line = select.poll()
    child = job["process"] != os.getpid()
    if child:
        line.register(0, select.POLLHUP)

    def stop() -> bool:
        late = end is not None and time.monotonic() > end
        return late or (child and bool(line.poll(0)))

    return stop


def fault_words(fault: isa.Fault, launch: isa.Launch, base: int) -> list[int]:
    """Trap, pc in the image, address, block number, warp and lanes, as the chip reads them."""
    x, y, _ = launch.grid
    block = fault.block[0] + x * (fault.block[1] + y * fault.block[2])
    lanes = sum(1 << lane for lane in fault.lanes)
    return [int(fault.trap), fault.pc - base, fault.address, block, fault.warp, lanes]


@cache
def map_memory(process: int, file: int, base: int, size: int) -> None:
    """Maps the chip's memory of another process at the same addresses."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    handle = os.open(f"/proc/{process}/fd/{file}", os.O_RDWR)
    flags = MAP_SHARED | MAP_NORESERVE | MAP_FIXED_NOREPLACE
    got = libc.mmap(base, size, PROT_READ_WRITE, flags, handle, 0)
    os.close(handle)
    if got != base:
        raise InputError(f"the chip's memory cannot be mapped at {base:#x}; set WARPFIVE_MEMORY")
