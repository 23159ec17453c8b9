"""The chip: device memory, blocks and warps, counters, faults."""

from warpfive.chip.build import library

__all__ = ["library"]
