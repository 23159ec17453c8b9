"""Units every room agrees on: bytes, hertz and seconds as plain floats and ints."""

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB

KILO = 1e3
MEGA = 1e6
GIGA = 1e9
TERA = 1e12

WARP_LANES = 32
"""Threads that step together; CUDA code masks lane ids with 31."""
