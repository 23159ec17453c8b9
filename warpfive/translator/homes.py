"""Where values that live across barriers are kept: in the warp's state, not on the host's stack.

A warp that waits returns from its function, so such a value has a home in `WfWarp.fast_state`. It
is written where it is made and read where it is used; a barrier itself has nothing to save.
Definitions that are never alive together share a home.
"""

from __future__ import annotations

from warpfive.translator.divergence import Divergence
from warpfive.translator.flow import EXIT
from warpfive.translator.ssa import Ssa
from warpfive.units import WARP_LANES

BITS = {"i1": 1, "i32": 32, "i64": 64, "half": 16, "bfloat": 16, "float": 32, "double": 64}
LINE = 64


def size_of(kind: str) -> tuple[int, int]:
    """(bytes, alignment) of an LLVM type in a home."""
    if kind[0] != "<":
        return 8, 8
    bits = BITS[kind.split()[2].rstrip(">")] * WARP_LANES
    return -(-bits // (8 * LINE)) * LINE, LINE


class Homes:
    """The definitions that have homes, and the homes' offsets in the fast state."""

    def __init__(self, ssa: Ssa, divergence: Divergence, barriers: list[int]) -> None:
        self.ssa = ssa
        self.definitions = {d for number in barriers for d in self._across(number)}
        self.bytes = 0
        self.taken: dict[int, list[tuple[int, int]]] = {}
        self.rivals: dict[int, set[int]] = {d: set() for d in self.definitions}
        for nodes in self._together(divergence):
            alive = set().union(*map(self._alive, nodes))
            for definition in alive:
                self.rivals[definition] |= alive

    def _across(self, number: int) -> set[int]:
        """Definitions from before a barrier that are needed behind it."""
        live = set()
        for target in self.ssa.flow.nodes[number].targets:
            if target != EXIT:
                live |= self.ssa.live_in[target]
        entry, written = self.ssa.entry[number], self.ssa.written[number]
        return {entry[v] for v in live if v in entry and v not in written}

    def _together(self, divergence: Divergence) -> list[set[int]]:
        """Nodes whose values must not share: lanes can be in any node of a region at a time."""
        alone = set(range(len(self.ssa.flow.nodes)))
        groups = []
        for region in divergence.regions:
            groups.append(region.nodes)
            alone -= region.nodes
        return groups + [{number} for number in alone]

    def _alive(self, number: int) -> set[int]:
        """Definitions with homes that a node reads, keeps or writes, its targets' phis too."""
        ssa = self.ssa
        found = set(ssa.entry[number].values()) | set(ssa.written[number].values())
        for place in (number, *ssa.flow.nodes[number].targets):
            if place != EXIT:
                found |= {phi.definition for phi in ssa.phis[place].values()}
        return found & self.definitions

    def place(self, definition: int, kinds: list[str]) -> list[int]:
        """The offsets of a definition's operands."""
        found: list[tuple[int, int]] = []
        used = sorted(span for rival in self.rivals[definition]
                      for span in self.taken.get(rival, ()))
        for kind in kinds:
            size, align = size_of(kind)
            at = 0
            for begin, end in sorted([*used, *found]):
                if at + size <= begin:
                    break
                at = max(at, -(-end // align) * align)
            found.append((at, at + size))
        self.taken[definition] = found
        self.bytes = max([self.bytes, *(end for _, end in found)])
        return [begin for begin, _ in found]
