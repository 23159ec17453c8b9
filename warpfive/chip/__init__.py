"""The chip: device memory, blocks and warps, counters, faults."""

from warpfive.chip.build import library
from warpfive.chip.cache import cache_dir

__all__ = ["cache_dir", "library"]
