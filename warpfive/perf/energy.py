"""Power of a chip from what it does: idle, bytes moved, operations done."""

from warpfive.catalog import ChipSpec, memory_technology

TDP_LOAD = 0.6
"""Share of memory bandwidth taken to be busy when a chip at full arithmetic draws its TDP."""


def power_w(chip: ChipSpec, bytes_per_s: float, flops_per_s: float, dtype: str) -> float | None:
    """Watts of a chip that moves and computes so much; None where the catalog has no TDP."""
    if chip.tdp_w is None:
        return None
    idle = chip.idle_w if chip.idle_w is not None else 0.18 * chip.tdp_w
    byte = memory_technology(chip.memory.technology).joules_per_byte
    peak = chip.rate(dtype)
    left = chip.tdp_w - idle - TDP_LOAD * chip.memory.bandwidth * byte
    flop = max(left, 0.2 * chip.tdp_w) / peak
    return min(chip.tdp_w, idle + bytes_per_s * byte + flops_per_s * flop)
