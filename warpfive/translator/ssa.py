"""Static single assignment over registers and promoted stack slots.

A variable is ("x", n), ("f", n) or ("m", (offset from the stack's top, size)). Every definition
gets a number. Besides the usual places, phis stand at every loop exit for what the loop defines:
lanes may leave a loop in different rounds, and their values must be caught as they leave.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from warpfive.isa import Instruction
from warpfive.translator.flow import EXIT, Flow, NotFast
from warpfive.translator.memory import LOADS, STORES

Variable = tuple[str, int | tuple[int, int]]
Slot = tuple[int, int]
STACK_POINTER = 2


@dataclass(slots=True)
class Phi:
    """A merge at a node: one definition for each of the node's sources."""

    variable: Variable
    definition: int
    operands: dict[int, int] = field(default_factory=dict)


class Stack:
    """Which stack slots can be kept as variables: a slot is (offset, size).

    Slots can be if the stack pointer is used for nothing but loads and stores at constant offsets
    and its own adjustment, and every load reads what one store wrote, whole or its low part. (The
    compiler gives the same bytes to values of different sizes at different times.)
    """

    def __init__(self, flow: Flow) -> None:
        self.delta: dict[int, int] = {0: 0}
        self.events: dict[int, list[tuple[int, Slot, bool]]] = {}  # pc, slot, whether stored
        self.wider: dict[tuple[int, int], Slot] = {}  # by node and pc: loads of a slot's low part
        self.floats: set[int] = set()  # pcs of float loads: they take a slot whole or not at all
        self.promoted = self._scan(flow) and self._consistent(flow)

    def _scan(self, flow: Flow) -> bool:
        for number in flow.order:
            if number not in self.delta:
                return False
            delta = self.delta[number]
            events = self.events.setdefault(number, [])
            for pc, ins in flow.nodes[number].instructions:
                if ins.name in LOADS and ins.name[0] == "f":
                    self.floats.add(pc)
                moved = self._step(pc, ins, delta, events)
                if moved is None:
                    return False
                delta = moved
            for target in flow.nodes[number].targets:
                if target != EXIT and self.delta.setdefault(target, delta) != delta:
                    return False
        return True

    @staticmethod
    def _step(pc: int, ins: Instruction, delta: int,
              events: list[tuple[int, Slot, bool]]) -> int | None:
        uses = [r for r in ins.reads if r == ("x", STACK_POINTER)]
        if ins.name == "addi" and ins.rd == STACK_POINTER and ins.rs1 == STACK_POINTER:
            return delta + ins.imm
        if ("x", STACK_POINTER) in ins.writes:
            return None
        if not uses:
            return delta
        access = LOADS.get(ins.name) or STORES.get(ins.name)
        stored = ins.name in STORES and ins.name[0] != "f" and ins.rs2 == STACK_POINTER
        if access is None or ins.rs1 != STACK_POINTER or stored:
            return None
        events.append((pc, (delta + ins.imm, access.size), ins.name in STORES))
        return delta

    def _consistent(self, flow: Flow) -> bool:
        """Whether at every load its slot was stored last, whole, on every path."""
        slots = {slot for events in self.events.values() for _, slot, _ in events}
        rivals = {slot: {other for other in slots if other != slot
                         and other[0] < slot[0] + slot[1] and slot[0] < other[0] + other[1]}
                  for slot in slots}
        valid: dict[int, set[Slot]] = {0: set()}
        work = [0]
        while work:
            number = work.pop()
            now = set(valid[number])
            for _, slot, stored in self.events[number]:
                if stored:
                    now -= rivals[slot]
                    now.add(slot)
            for target in flow.nodes[number].targets:
                if target == EXIT:
                    continue
                before = valid.get(target)
                after = now if before is None else before & now
                if after != before:
                    valid[target] = set(after)
                    work.append(target)
        return all(self._loads_valid(number, now, rivals) for number, now in valid.items())

    def _loads_valid(self, number: int, now: set[Slot], rivals: dict[Slot, set[Slot]]) -> bool:
        now = set(now)
        for pc, slot, stored in self.events[number]:
            if stored:
                now -= rivals[slot]
                now.add(slot)
            elif slot not in now:
                around = [other for other in rivals[slot] & now
                          if other[0] == slot[0] and other[1] > slot[1]]
                if not around or pc in self.floats:
                    return False
                self.wider[number, pc] = around[0]
        return True


class Ssa:
    """Definitions, phis and liveness of a flow graph."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.stack = Stack(flow)
        count = len(flow.nodes)
        self.uses: list[set[Variable]] = [set() for _ in range(count)]
        self.defs: list[set[Variable]] = [set() for _ in range(count)]
        for node in flow.nodes:
            self._scan(node.number)
        self.live_in: list[set[Variable]] = [set() for _ in range(count)]
        self._liveness()
        self.phis: list[dict[Variable, Phi]] = [{} for _ in range(count)]
        self.home: list[int] = []  # node of each definition
        self._place_phis()
        self.entry: list[dict[Variable, int]] = [{} for _ in range(count)]
        self.written: list[dict[Variable, int]] = [{} for _ in range(count)]
        self._rename()

    # -- accesses -----------------------------------------------------------------------------

    def slot(self, number: int, pc: int, ins: Instruction, delta: int) -> Variable | None:
        """The promoted slot a load or store touches."""
        access = LOADS.get(ins.name) or STORES.get(ins.name)
        if self.stack.promoted and ins.rs1 == STACK_POINTER and access is not None:
            own = (delta + ins.imm, access.size)
            return ("m", self.stack.wider.get((number, pc), own))
        return None

    def accesses(self, number: int):
        """(offset, instruction, variables read, variables written) of each instruction."""
        delta = self.stack.delta.get(number, 0)
        for pc, ins in self.flow.nodes[number].instructions:
            reads, writes = list(ins.reads), list(ins.writes)
            if self.stack.promoted:
                slot = self.slot(number, pc, ins, delta)
                if ins.name == "addi" and ins.rd == STACK_POINTER:
                    delta += ins.imm
                hidden = ("x", STACK_POINTER)
                reads = [r for r in reads if r != hidden]
                writes = [w for w in writes if w != hidden]
                if slot is not None:
                    (reads if ins.name in LOADS else writes).append(slot)
            yield pc, ins, reads, writes

    def _scan(self, number: int) -> None:
        used, defined = self.uses[number], self.defs[number]
        for _, _, reads, writes in self.accesses(number):
            used.update(r for r in reads if r not in defined)
            defined.update(writes)

    def _liveness(self) -> None:
        changed = True
        while changed:
            changed = False
            for number in reversed(self.flow.order):
                live = set(self.uses[number])
                for target in self.flow.nodes[number].targets:
                    if target != EXIT:
                        live |= self.live_in[target] - self.defs[number]
                if live != self.live_in[number]:
                    self.live_in[number] = live
                    changed = True

    # -- phis ---------------------------------------------------------------------------------

    def _define(self, number: int) -> int:
        self.home.append(number)
        return len(self.home) - 1

    def _place_phis(self) -> None:
        frontier = self._frontiers()
        exits = self._loop_exits()
        sites: dict[Variable, set[int]] = {}
        for number, defined in enumerate(self.defs):
            for variable in defined:
                sites.setdefault(variable, set()).add(number)
        for variable, where in sites.items():
            work = list(where | {0})
            while work:
                number = work.pop()
                for target in frontier[number] | exits[number]:
                    if variable in self.phis[target] or variable not in self.live_in[target]:
                        continue
                    self.phis[target][variable] = Phi(variable, self._define(target))
                    work.append(target)

    def _frontiers(self) -> list[set[int]]:
        flow = self.flow
        found: list[set[int]] = [set() for _ in flow.nodes]
        for node in flow.nodes:
            if len(node.sources) < 2 and not (node.number == 0 and node.sources):
                continue
            for source in node.sources:
                runner = source
                while runner != flow.idom[node.number] or node.number == 0:
                    found[runner].add(node.number)
                    if runner == flow.idom[runner]:
                        break
                    runner = flow.idom[runner]
        return found

    def _loop_exits(self) -> list[set[int]]:
        """For each node, where the loops around it are left to."""
        flow = self.flow
        leaves: dict[int, set[int]] = {}
        for node in flow.nodes:
            for target in node.targets:
                if target != EXIT:
                    for loop in flow.left_by(node.number, target):
                        leaves.setdefault(loop.header, set()).add(target)
        found: list[set[int]] = []
        for node in flow.nodes:
            targets: set[int] = set()
            loop = node.loop
            while loop is not None:
                targets |= leaves.get(loop.header, set())
                loop = loop.parent
            found.append(targets)
        return found

    def _rename(self) -> None:
        flow = self.flow
        self.initial: dict[Variable, int] = {}
        if flow.nodes[0].sources:
            raise NotFast("a jump back to the kernel's first instruction")
        children: list[list[int]] = [[] for _ in flow.nodes]
        for number in range(1, len(flow.nodes)):
            children[flow.idom[number]].append(number)
        for variable in self.live_in[0]:
            self.initial[variable] = self._define(0)
        pending: list[tuple[int, dict[Variable, int]]] = [(0, dict(self.initial))]
        while pending:
            number, current = pending.pop()
            for variable, phi in self.phis[number].items():
                current[variable] = phi.definition
            self.entry[number] = {v: current[v] for v in self.live_in[number] if v in current}
            for variable in sorted(self.defs[number]):
                definition = self._define(number)
                self.written[number][variable] = definition
                current[variable] = definition
            for target in flow.nodes[number].targets:
                if target != EXIT:
                    for variable, phi in self.phis[target].items():
                        if variable in current:
                            phi.operands[number] = current[variable]
            pending += [(child, dict(current)) for child in children[number]]

    def at_end(self, number: int, variable: Variable) -> int | None:
        """The definition of a variable at the end of a node."""
        found = self.written[number].get(variable)
        return found if found is not None else self.entry[number].get(variable)
