"""warpfive: write for NVIDIA, run on RISC-V.

Rooms load on first use: importing this package imports none of them.
"""

__version__ = "0.1.0"
