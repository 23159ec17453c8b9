"""A second version of divergent regions, for as long as all lanes of the warp go the same way.

Most branches on a thread's index (`if (i < n)`, grid-stride loops) are taken by whole warps. In
this version a node has no mask: a branch asks whether all lanes agree and follows them; where they
do not, the lanes are told apart as everywhere, and the masked version goes on. It returns here
when all lanes meet at the head of a loop. Both versions keep their values in the same places.
"""

from __future__ import annotations

from warpfive.translator.divergence import Region
from warpfive.translator.flow import EXIT
from warpfive.translator.handover import Handover
from warpfive.translator.lowering import BRANCHES
from warpfive.translator.values import Value

REGION_LIMIT, KERNEL_LIMIT = 160, 320
"""Instructions of a region, and of all in a kernel, that are written twice."""


class _Differs(Exception):
    """A value has another form in this version."""


class Together(Handover):
    """Emits the nodes of a region as K-labels, without masks."""

    def choose_regions(self) -> None:
        """Which regions get a second version: short ones, where no warp waits in the middle."""
        self.doubled: list[Region] = []
        room = 0 if self.counts else KERNEL_LIMIT
        for region in self.divergence.regions:
            nodes = [self.flow.nodes[number] for number in region.nodes]
            size = sum(len(node.instructions) for node in nodes)
            if size <= min(REGION_LIMIT, room) and not region.nodes & set(self.barriers):
                self.doubled.append(region)
                room -= size

    def doubled_region(self, number: int) -> Region | None:
        """The region with a second version that a node is in."""
        region = self.divergence.region_of.get(number)
        return region if region in self.doubled else None

    def _everyone(self) -> str:
        return self.full_mask() or "-1"

    def part_together(self, number: int, bits: str, region: Region, here: bool) -> None:
        """Follow the lanes if they agree; else what is emitted next tells them apart.

        `here`: the node is of this version itself.
        """
        b = self.b
        taken = bits if self.mask is None else b.emit(f"and i32 {bits}, {self.mask}")
        all_ = b.emit(f"icmp eq i32 {taken}, {self._everyone()}")
        none = b.emit(f"icmp eq i32 {taken}, 0")
        labels = [self.branch_label(name) for name in ("all", "ask", "none", "mixed")]
        b.run(f"br i1 {all_}, label %{labels[0]}, label %{labels[1]}")
        b.label(labels[1])
        b.run(f"br i1 {none}, label %{labels[2]}, label %{labels[3]}")
        for label, target in zip(labels[::2], self.flow.nodes[number].targets, strict=True):
            self._arm(label, lambda to=target: self.go_together(number, to, region, here))
        b.label(labels[3])
        self.mask_vector_name = None

    def _arm(self, label: str, body) -> None:
        """Emit `body` under a label; what it computes is not at hand elsewhere."""
        loaded, env, splats = dict(self.loaded), dict(self.env), dict(self.b.splats)
        self.b.label(label)
        self.mask_vector_name = None
        self.loaded = {d: v.copy() for d, v in loaded.items()}
        self.env = {v: x.copy() for v, x in env.items()}
        body()
        self.loaded, self.env, self.b.splats = loaded, env, splats

    def go_together(self, number: int, target: int, region: Region, here: bool) -> None:
        """All lanes go on from one node to another."""
        b = self.b
        if target == EXIT:
            b.run("br label %lanes_done")
            return
        self._commit(self._phi_moves(number, target), None, parted=False)
        if target not in region.nodes:
            b.run(f"br label %N{target}")
        elif here and self.flow.is_back_edge(number, target):
            # Whoever asks for the warp now finds its lanes at the loop's head.
            b.run(f"store i32 {self._everyone()}, ptr {self.pending[target]}")
            self._spend(self.flow.header_loop(target), f"K{target}")
        else:
            b.run(f"br label %K{target}")

    def emit_together(self) -> None:
        """The second versions, behind everything else."""
        for region in self.doubled:
            lines, cold, allocas = len(self.b.lines), len(self.cold), len(self.allocas)
            try:
                for number in region.order:
                    self._emit_whole(number, region)
            except _Differs:
                del self.b.lines[lines:], self.cold[cold:], self.allocas[allocas:]
                for number in region.order:
                    self._enter_masked(number)

    def _enter_masked(self, number: int) -> None:
        b = self.b
        b.label(f"K{number}")
        b.run(f"store i32 {self._everyone()}, ptr {self.pending[number]}")
        b.run(f"br label %C{number}")

    def _emit_whole(self, number: int, region: Region) -> None:
        b = self.b
        self.begin_node(number)
        b.label(f"K{number}")
        b.run(f"store i32 0, ptr {self.pending[number]}")
        self.set_mask(self.full_mask())
        self.lower_body(number)
        for variable, definition in self.ssa.written[number].items():
            if variable in self.env and definition in self.crossing:
                self._keep_alike(definition, self.env[variable])
        self._leave_whole(number, region)

    def _keep_alike(self, definition: int, value: Value) -> None:
        """Store a definition where, and as, the masked version does."""
        known = self.values[definition]
        if known.kind == "V" and value.kind != "V":
            value = self.spread(value)
        form, own = ((v.kind, v.type, v.const, v.stride, self.slot_types(v),
                      v.row if isinstance(v.row, int) else None,
                      v.parts[2] if v.parts and v.name is None else None)
                     for v in (known, value))
        if form != own:
            raise _Differs
        for (slot, kind), name in zip(
                self.slots_for(definition), self.operands_of(value), strict=True):
            self.b.run(f"store {kind} {name}, ptr {slot}")

    def _leave_whole(self, number: int, region: Region) -> None:
        node = self.flow.nodes[number]
        if node.instructions:
            self.pc = node.last[0]
        if not node.instructions or node.last[1].name not in BRANCHES or len(node.targets) == 1:
            target = node.targets[0] if node.targets else EXIT
            self.go_together(number, target, region, True)
            return
        condition = self.boolean(self.condition(node.last[1]))
        if condition.const is not None:
            self.go_together(number, node.targets[0 if condition.const else 1], region, True)
        elif condition.uniform:
            labels = [self.branch_label("yes"), self.branch_label("no")]
            self.b.run(f"br i1 {condition.name}, label %{labels[0]}, label %{labels[1]}")
            for label, target in zip(labels, node.targets, strict=True):
                self._arm(label, lambda to=target: self.go_together(number, to, region, True))
        else:
            bits = self.bits_of(condition)
            self.part_together(number, bits, region, True)
            self.tell_apart(number, bits)
            inside = [t for t in node.targets if t in region.nodes]
            first = min(inside, key=lambda t: self.flow.nodes[t].order, default=None)
            self.b.run(f"br label %{self.exits_of(region) if first is None else f'C{first}'}")


__all__ = ["Together"]
