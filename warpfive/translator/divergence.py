"""Where the lanes of a warp may part, and where what they hold may differ for that reason."""

from __future__ import annotations

from warpfive.translator.flow import EXIT, Flow, Loop, NotFast


class Region:
    """Nodes that may run with a part of the warp's lanes, swept in order until all are done.

    `exit` is the node at which all lanes are together again, or EXIT.
    """

    def __init__(self, nodes: set[int], exit_: int, flow: Flow) -> None:
        self.nodes = nodes
        self.exit = exit_
        self.order = sorted(nodes, key=lambda number: flow.nodes[number].order)


class Divergence:
    """What follows from a set of divergent branches."""

    def __init__(self, flow: Flow, branches: set[int]) -> None:
        self.flow = flow
        self.reach = {branch: self._between(branch) for branch in branches}
        self.masked: set[int] = set().union(*self.reach.values()) if branches else set()
        self.joins: set[int] = set()
        for branch in branches:
            self._find_joins(branch)
        self.divergent_loops = self._divergent_loops(branches)
        self.regions = self._regions(branches)
        self.region_of = {number: region for region in self.regions for number in region.nodes}

    def _between(self, branch: int) -> set[int]:
        """Nodes reachable from a branch before its immediate post-dominator."""
        stop = self.flow.ipdom[branch]
        found: set[int] = set()
        work = list(self.flow.nodes[branch].targets)
        while work:
            number = work.pop()
            if number in (EXIT, stop) or number in found:
                continue
            found.add(number)
            work += self.flow.nodes[number].targets
        return found

    def _find_joins(self, branch: int) -> None:
        """Nodes at which lanes from both sides of the branch meet."""
        flow, reach = self.flow, self.reach[branch]
        label: dict[int, int] = {}
        for target in flow.nodes[branch].targets:
            if target != EXIT:
                label[target] = target
        stop = flow.ipdom[branch]
        for number in flow.order:
            if number not in reach and number != stop:
                continue
            seen = {label[number]} if number in label and self._from_branch(branch, number) \
                else set()
            for source in flow.nodes[number].sources:
                if source in label and source in reach and not flow.is_back_edge(source, number):
                    seen.add(label[source])
            if len(seen) > 1:
                self.joins.add(number)
                label[number] = number
            elif seen:
                label[number] = next(iter(seen))
        for number in reach:
            latches = {label.get(source) for source in flow.nodes[number].sources
                       if source in reach and flow.is_back_edge(source, number)}
            if branch in flow.nodes[number].sources and flow.is_back_edge(branch, number):
                latches.add(number)
            if len(latches) > 1:
                self.joins.add(number)

    def _from_branch(self, branch: int, number: int) -> bool:
        return branch in self.flow.nodes[number].sources

    def _divergent_loops(self, branches: set[int]) -> set[int]:
        """Headers of loops that lanes may leave in different rounds."""
        found = set()
        flow = self.flow
        for branch in branches:
            for target in flow.nodes[branch].targets:
                for loop in flow.left_by(branch, target):
                    found.add(loop.header)
            for number in self.reach[branch]:
                for target in flow.nodes[number].targets:
                    for loop in flow.left_by(number, target):
                        if branch in loop.nodes:
                            found.add(loop.header)
        return found

    def leaves_divergently(self, source: int, target: int) -> list[Loop]:
        """The loops the edge leaves whose lanes may leave at different times."""
        return [loop for loop in self.flow.left_by(source, target)
                if loop.header in self.divergent_loops]

    def _regions(self, branches: set[int]) -> list[Region]:
        """Maximal regions: those of branches that are not masked themselves, overlaps merged."""
        outer = [b for b in branches if b not in self.masked or self._own_round(b)]
        groups: list[tuple[set[int], int]] = []
        for branch in sorted(outer):
            nodes, exit_ = set(self.reach[branch]), self.flow.ipdom[branch]
            rest = []
            for other, other_exit in groups:
                if other & nodes or exit_ in other or other_exit in nodes:
                    exit_ = self._outer_exit(nodes, exit_, other, other_exit)
                    nodes |= other
                else:
                    rest.append((other, other_exit))
            groups = [*rest, (nodes, exit_)]
        return [Region(nodes, exit_, self.flow) for nodes, exit_ in groups]

    def _own_round(self, branch: int) -> bool:
        """A loop's exit branch lies in its own region; it still begins one."""
        return branch in self.reach[branch]

    def _outer_exit(self, a: set[int], a_exit: int, b: set[int], b_exit: int) -> int:
        if a_exit == b_exit:
            return a_exit
        if a_exit in b:
            return b_exit
        if b_exit in a:
            return a_exit
        raise NotFast("divergent regions that overlap without nesting")
