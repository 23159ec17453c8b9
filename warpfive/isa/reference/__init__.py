"""The slow reference: runs a launch by the meanings in the instruction table.

Obvious rather than fast. Memory, lanes and warps act one after another in a fixed order, so that
a run repeats exactly. The translator is held against it.
"""

from warpfive.isa.reference.grid import Counts, run_grid
from warpfive.isa.reference.launch import Fault, Launch, Observer, Slot, Stopped, Trap
from warpfive.isa.reference.memory import BadAddress, Memory, Segments
from warpfive.isa.reference.warp import Warp

__all__ = [
    "BadAddress",
    "Counts",
    "Fault",
    "Launch",
    "Memory",
    "Observer",
    "Segments",
    "Slot",
    "Stopped",
    "Trap",
    "Warp",
    "run_grid",
]
