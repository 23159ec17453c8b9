"""The control flow of a whole kernel: calls inlined, loops nested, an order to sweep blocks in.

Fast code needs a reducible flow graph without recursion or indirect calls; `NotFast` says what is
in the way, and general code serves instead.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from warpfive.isa import Instruction
from warpfive.translator.program import Program, explore, is_return

EXIT = -1
INSTRUCTION_LIMIT = 24_000


class NotFast(Exception):
    """Why a kernel has no fast code."""


@dataclass(slots=True)
class Node:
    """A basic block in one inlined context. `targets` are node numbers; EXIT ends the lane."""

    number: int
    start: int
    instructions: list[tuple[int, Instruction]]
    targets: list[int] = field(default_factory=list)
    sources: list[int] = field(default_factory=list)
    loop: Loop | None = None
    order: int = 0

    @property
    def last(self) -> tuple[int, Instruction]:
        return self.instructions[-1]


@dataclass(slots=True, eq=False)
class Loop:
    """A natural loop: its header, its nodes (inner loops' too) and the loop around it."""

    header: int
    nodes: set[int]
    parent: Loop | None = None

    def within(self, other: Loop) -> bool:
        loop: Loop | None = self
        while loop is not None and loop is not other:
            loop = loop.parent
        return loop is other


class Flow:
    """Nodes, dominators, post-dominators, loops and the sweep order of a kernel."""

    def __init__(self, program: Program, kernel: str) -> None:
        self.blocks = explore(program, program.entry(kernel))
        self.nodes: list[Node] = []
        self._inline(program.entry(kernel))
        self._join_latches()
        self.idom = _dominators(len(self.nodes), 0, [node.targets for node in self.nodes])
        self.ipdom = self._post_dominators()
        self.loops = self._find_loops()
        self.order = self._sweep(None, set(range(len(self.nodes))))
        for place, number in enumerate(self.order):
            self.nodes[number].order = place

    # -- inlining -----------------------------------------------------------------------------

    def _inline(self, entry: int) -> None:
        """Clone blocks per call site. A context is (parent context, callee, return offset)."""
        numbers: dict[tuple, int] = {}
        pending: list[tuple] = []
        total = 0

        def node(context: tuple | None, start: int) -> int:
            nonlocal total
            key = (context, start)
            if key not in numbers:
                block = self.blocks[start]
                numbers[key] = len(self.nodes)
                self.nodes.append(Node(len(self.nodes), start, block.instructions))
                pending.append(key)
                total += len(block.instructions)
                if total > INSTRUCTION_LIMIT:
                    raise NotFast(f"more than {INSTRUCTION_LIMIT} instructions after inlining")
            return numbers[key]

        node(None, entry)
        while pending:
            context, start = pending.pop()
            self.nodes[numbers[context, start]].targets = self._targets(context, start, node)
        for each in self.nodes:
            for target in each.targets:
                if target != EXIT:
                    self.nodes[target].sources.append(each.number)

    def _targets(self, context: tuple | None, start: int, node) -> list[int]:
        block = self.blocks[start]
        _, ins = block.last
        if block.indirect:
            if not is_return(ins):
                raise NotFast("a call or jump through a register")
            return [EXIT] if context is None else [node(context[0], context[2])]
        if ins.name in ("wf.exit", "wf.trap", "ebreak", "ecall", "unimp"):
            return [EXIT]
        if block.call_return is not None:
            callee, outer = block.targets[0], context
            while outer is not None:
                if outer[1] == callee:
                    raise NotFast("recursion")
                outer = outer[0]
            return [node((context, callee, block.call_return), callee)]
        found = []
        for target in block.targets:
            number = node(context, target)
            if number not in found:
                found.append(number)
        return found

    def _join_latches(self) -> None:
        """Give every loop one back edge: lanes that continue early wait for the round's end."""
        self.idom = _dominators(len(self.nodes), 0, [node.targets for node in self.nodes])
        latches: dict[int, list[int]] = {}
        for node in self.nodes:
            for target in node.targets:
                if target != EXIT and self.dominates(target, node.number):
                    latches.setdefault(target, []).append(node.number)
        for header, sources in latches.items():
            if len(sources) < 2:
                continue
            new = Node(len(self.nodes), self.nodes[header].start, [], [header], sources)
            self.nodes.append(new)
            for source in sources:
                targets = self.nodes[source].targets
                targets[targets.index(header)] = new.number
                self.nodes[header].sources.remove(source)
            self.nodes[header].sources.append(new.number)

    # -- dominance ----------------------------------------------------------------------------

    def dominates(self, above: int, below: int) -> bool:
        number = below
        while number != above:
            parent = self.idom[number]
            if parent == number:
                return False
            number = parent
        return True

    def _post_dominators(self) -> list[int]:
        """Immediate post-dominators; EXIT is the virtual end. Endless loops get an edge to it."""
        count = len(self.nodes)
        edges = [[] for _ in range(count + 1)]
        reaches = set()
        work = []
        for node in self.nodes:
            for target in node.targets:
                to = count if target == EXIT else target
                edges[to].append(node.number)
                if target == EXIT:
                    work.append(node.number)
        while True:
            while work:
                number = work.pop()
                if number in reaches:
                    continue
                reaches.add(number)
                work += self.nodes[number].sources
            lost = [n for n in range(count) if n not in reaches]
            if not lost:
                break
            edges[count].append(lost[-1])
            work.append(lost[-1])
        parents = _dominators(count + 1, count, edges)
        return [EXIT if parents[n] == count else parents[n] for n in range(count)]

    # -- loops --------------------------------------------------------------------------------

    def _find_loops(self) -> list[Loop]:
        bodies: dict[int, set[int]] = {}
        place = _reverse_postorder(len(self.nodes), 0, [node.targets for node in self.nodes])
        for node in self.nodes:
            for target in node.targets:
                if target == EXIT or place[target] > place[node.number]:
                    continue
                if not self.dominates(target, node.number):
                    raise NotFast("a loop with more than one entry")
                body = bodies.setdefault(target, {target})
                work = [node.number]
                while work:
                    number = work.pop()
                    if number not in body:
                        body.add(number)
                        work += self.nodes[number].sources
        loops = [Loop(header, nodes) for header, nodes in bodies.items()]
        loops.sort(key=lambda loop: len(loop.nodes))
        for index, loop in enumerate(loops):
            for outer in loops[index + 1 :]:
                if loop.header in outer.nodes:
                    loop.parent = outer
                    break
            for number in loop.nodes:
                if self.nodes[number].loop is None:
                    self.nodes[number].loop = loop
        return loops

    def left_by(self, source: int, target: int) -> list[Loop]:
        """The loops that the edge leaves."""
        found, loop = [], self.nodes[source].loop
        while loop is not None and (target == EXIT or target not in loop.nodes):
            found.append(loop)
            loop = loop.parent
        return found

    def is_back_edge(self, source: int, target: int) -> bool:
        loop = self.nodes[target].loop
        while loop is not None:
            if loop.header == target:
                return source in loop.nodes
            loop = loop.parent
        return False

    def header_loop(self, number: int) -> Loop | None:
        """The loop a node is the header of."""
        loop = self.nodes[number].loop
        while loop is not None and loop.header != number:
            loop = loop.parent
        return loop

    # -- order --------------------------------------------------------------------------------

    def _sweep(self, loop: Loop | None, nodes: set[int]) -> list[int]:
        """A topological order (back edges left out) in which every loop is contiguous."""
        children: dict[int, Loop] = {}
        for inner in self.loops:
            if inner.parent is loop and inner.header in nodes:
                for number in inner.nodes:
                    children[number] = inner

        def unit(number: int) -> int:
            return children[number].header if number in children else number

        follows: dict[int, set[int]] = {unit(number): set() for number in nodes}
        waits = dict.fromkeys(follows, 0)
        for number in nodes:
            for target in self.nodes[number].targets:
                if target == EXIT or target not in nodes:
                    continue
                if loop is not None and target == loop.header:
                    continue
                a, b = unit(number), unit(target)
                if a != b and b not in follows[a]:
                    follows[a].add(b)
                    waits[b] += 1
        ready = [u for u, count in waits.items() if count == 0]
        result: list[int] = []
        while ready:
            ready.sort(key=lambda u: (-self.nodes[u].start, -u))
            here = ready.pop()
            result += self._sweep(children[here], children[here].nodes) \
                if here in children else [here]
            for after in follows[here]:
                waits[after] -= 1
                if waits[after] == 0:
                    ready.append(after)
        return result


def _reverse_postorder(count: int, root: int, edges: list[list[int]]) -> dict[int, int]:
    seen, post, stack = {root}, [], [(root, iter(edges[root]))]
    while stack:
        number, targets = stack[-1]
        for target in targets:
            if target != EXIT and target not in seen:
                seen.add(target)
                stack.append((target, iter(edges[target])))
                break
        else:
            post.append(number)
            stack.pop()
    return {number: place for place, number in enumerate(reversed(post))}


def _dominators(count: int, root: int, edges: list[list[int]]) -> list[int]:
    """Immediate dominators (Cooper, Harvey and Kennedy); unreachable nodes get themselves."""
    place = _reverse_postorder(count, root, edges)
    sources: list[list[int]] = [[] for _ in range(count)]
    for number in place:
        for target in edges[number]:
            if target != EXIT:
                sources[target].append(number)
    parent = {root: root}
    order = sorted(place, key=place.__getitem__)
    changed = True
    while changed:
        changed = False
        for number in order:
            if number == root:
                continue
            new = None
            for source in sources[number]:
                if source in parent:
                    new = source if new is None else _meet(parent, place, new, source)
            if parent.get(number) != new:
                parent[number] = new
                changed = True
    return [parent.get(number, number) for number in range(count)]


def _meet(parent: dict[int, int], place: dict[int, int], a: int, b: int) -> int:
    while a != b:
        while place[a] > place[b]:
            a = parent[a]
        while place[b] > place[a]:
            b = parent[b]
    return a
