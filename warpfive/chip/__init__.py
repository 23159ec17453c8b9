"""The chip: device memory, blocks and warps, counters, faults."""

from warpfive.chip.build import library, library_path

__all__ = ["library", "library_path"]
