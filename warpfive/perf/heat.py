"""Where in the source the time goes: each line's share of what bounds its kernel."""

from dataclasses import dataclass, replace

from warpfive.perf.comparison import Comparison, KernelComparison
from warpfive.perf.counters import SourceLine

_MEMORY = ("dram", "l2", "latency")
"""Terms that a line causes by the sectors it touches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineHeat:
    """A source line's part in the program's kernel time on the first chip."""

    file: str
    line: int
    share: float
    """Of the kernel time of the whole program, 0 to 1."""
    note: str
    """What is wrong with it; empty where nothing is."""


def line_heat(found: Comparison) -> list[LineHeat]:
    """Lines with a share, by file and line."""
    total = found.total_s[0]
    shares: dict[tuple[str, int], float] = {}
    sums: dict[tuple[str, int], SourceLine] = {}
    for kernel in found.kernels:
        part = kernel.total_s[0] / total if total else 0.0
        for line, share in _shares(kernel):
            key = (line.file, line.line)
            shares[key] = shares.get(key, 0.0) + part * share
            sums[key] = _add(sums[key], line) if key in sums else line
    return [
        LineHeat(
            file=file, line=number, share=shares[file, number], note=note_of(sums[file, number])
        )
        for file, number in sorted(shares)
    ]


def _shares(kernel: KernelComparison) -> list[tuple[SourceLine, float]]:
    """Each line's share of its kernel's time, by the resource that bounds the kernel."""
    bound = kernel.times[0].bound
    lines = [line for line in kernel.counters.lines if line.file]
    costs = [_cost(line, bound) for line in lines]
    if not any(costs):
        costs = [line.warp_instructions for line in lines]
    total = sum(costs)
    return [(line, cost / total) for line, cost in zip(lines, costs, strict=True) if total]


def _cost(line: SourceLine, bound: str) -> float:
    if bound in _MEMORY:
        return line.sectors
    if bound == "l1":
        return max(line.sectors / 4, line.requests) + line.wavefronts
    if bound == "atomics":
        return line.atomic_lanes
    return line.warp_instructions


def _add(one: SourceLine, other: SourceLine) -> SourceLine:
    names = [name for name in SourceLine.__dataclass_fields__ if name not in ("file", "line")]
    return replace(one, **{name: getattr(one, name) + getattr(other, name) for name in names})


def note_of(line: SourceLine) -> str:
    """What a person would want to know of the line, in a few words."""
    notes = []
    if line.requests and line.sectors > 1.3 * line.ideal_sectors:
        touched, enough = line.sectors / line.requests, line.ideal_sectors / line.requests
        notes.append(f"{touched:.0f} sectors a warp where {max(enough, 1):.0f} would do")
    if line.wavefronts > 1.1 * line.ideal_wavefronts:
        notes.append(f"{line.wavefronts / line.ideal_wavefronts:.3g}-way bank conflicts")
    if line.divergent_branches > 0.05 * line.branches:
        notes.append(f"{line.divergent_branches / line.branches:.0%} of branches diverge")
    slots = 32 * line.warp_instructions
    if slots and line.lane_instructions < 0.9 * slots:
        notes.append(f"{1 - line.lane_instructions / slots:.0%} of lanes idle")
    if line.atomic_lanes > 1.2 * line.atomic_addresses > 0:
        notes.append(
            f"{line.atomic_lanes / line.atomic_addresses:.3g} atomics an address in a warp"
        )
    return "; ".join(notes)
