"""A small machine for tests: a kernel's text in, memory and registers out."""

from dataclasses import dataclass, field

import numpy as np

from warpfive.isa import assemble, labels_of
from warpfive.isa.reference import Counts, Launch, Segments, Slot, run_grid

CODE, ARGS, DATA, SHARED, STACK = 0x10000, 0x20000, 0x100000, 0x800000, 0x1000000
SHARED_BYTES, STACK_BYTES = 0x4000, 512


@dataclass
class Run:
    """A kernel that is given the address of ``data`` as its argument block, in a0."""

    text: str
    data: bytes
    grid: tuple[int, int, int] = (1, 1, 1)
    block: tuple[int, int, int] = (32, 1, 1)
    slots: int = 2
    launch: dict = field(default_factory=dict)
    counts: Counts | None = None

    def __call__(self) -> np.ndarray:
        """Runs it; the data afterwards."""
        memory = Segments()
        memory.add(CODE, assemble(self.text, base=CODE))
        data = memory.add(DATA, self.data)
        slots = []
        for number in range(self.slots):
            shared, stack = SHARED + number * SHARED_BYTES, STACK + number * STACK_BYTES * 1024
            memory.add(shared, SHARED_BYTES)
            memory.add(stack, STACK_BYTES * 1024)
            slots.append(Slot(shared=shared, stack=stack, core=number))
        entry = labels_of(self.text, base=CODE).get("kernel", CODE)
        launch = Launch(
            entry=entry, grid=self.grid, block=self.block, slots=tuple(slots), args=DATA,
            stack_bytes=STACK_BYTES, **self.launch,
        )  # fmt: skip
        self.counts = run_grid(launch, memory)
        return np.frombuffer(bytes(data), np.uint64)


PER_THREAD = """
    wf.sr t0, tid.x
    wf.sr t1, ctaid.x
    wf.sr t2, ntid.x
    mul t1, t1, t2
    add t0, t0, t1
    sh3add t1, t0, a0
"""
"""t0: the thread's number in a 1-D grid; t1: the address of its 8 bytes of data."""


def run(text: str, words: int = 32, **options) -> np.ndarray:
    """The data words after a kernel ran over ``words`` zeros."""
    return Run(PER_THREAD + text, bytes(8 * words), **options)()
