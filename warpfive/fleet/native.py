"""The compiled part of the simulation."""

import ctypes
import functools
from pathlib import Path

from warpfive.cbuild import c_library

SOURCE = Path(__file__).parent / "native" / "simulate.c"


@functools.cache
def library() -> ctypes.CDLL:
    """The simulation as a shared object, built on first use."""
    loaded = c_library(SOURCE)
    loaded.warpfive_simulate.restype = ctypes.c_int
    return loaded
