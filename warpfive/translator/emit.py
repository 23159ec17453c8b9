"""Writes fast code: nodes in sweep order, edges, the loops over blocks and warps, the way out.

Cold parts (traps, handing a warp over to general code) are collected and written at the end.
"""

from __future__ import annotations

from warpfive.isa import Instruction
from warpfive.translator import abi
from warpfive.translator.flow import EXIT, Loop
from warpfive.translator.homes import Homes
from warpfive.translator.lowering import BRANCHES
from warpfive.translator.ssa import STACK_POINTER, Phi
from warpfive.translator.together import Together
from warpfive.translator.values import FLOATS, Builder, Value, vector
from warpfive.units import WARP_LANES

PCS = vector("i64")
FLAGS = vector("i1")


PAGE, LINE = 4096, 64
ROUNDS_AHEAD = 8

BLOCKS_HEAD = ("define i64 @wf_blocks(ptr noundef %ctx, ptr noundef %scratch, "
               "i64 noundef %first, i64 noundef %count) {\nentry:")

NOTE_TRAP = "\n".join([
    "define internal void @wf_note_trap(ptr %ctx, i64 %trap_pc, i32 %trap_code, i32 %trap_lanes, "
    "i64 %trap_addr) noinline cold optnone {",
    *(f"  %{name}.p = getelementptr i8, ptr %ctx, i64 {abi.CTX[name]}\n"
      f"  store {kind} %{name}, ptr %{name}.p"
      for name, kind in (("trap_pc", "i64"), ("trap_code", "i32"), ("trap_lanes", "i32"),
                         ("trap_addr", "i64"))),
    "  ret void", "}"])


class Emitter(Together):
    """The text of one kernel's fast function."""

    def function(self) -> str:
        self.b = Builder()
        self._reset()
        for phis in self.ssa.phis:
            for phi in phis.values():
                self.values[phi.definition] = self.phi_value(phi.definition)
        self.state = "%warp" if self.resumable else "%scratch"
        self.crossing = self._crossing()
        self.homes = Homes(self.ssa, self.divergence, self.barriers) if self.resumable else None
        self.plain_barriers = True
        self.resumes: list[str] = []
        self.begin_handover()
        self.traps = False
        self.full_nodes: set[int] = set()
        self.undone: list[list[tuple[int, Instruction]]] = []
        self.begin_counting()
        self.pending = {number: self._mask_slot(number) for number in self._tracked()}
        self.budget = self.scratch("i32")
        self._place_loop_ends()
        self.choose_regions()
        self.keep_initial()
        self._kept_initial, self.b.lines = self.b.lines, []
        self.b.run(f"br label %{self._entry_label()}")
        for number in self.flow.order:
            self._emit_node(number)
            for loop in self.loop_ends.get(number, ()):
                self._emit_loop_end(loop)
        self.emit_together()
        self._emit_cold()
        return self._assemble()

    def _crossing(self) -> set[int]:
        """Definitions that other nodes read."""
        found = set()
        for number, entry in enumerate(self.ssa.entry):
            found |= {d for d in entry.values() if self.ssa.home[d] != number}
        return found

    def _tracked(self) -> set[int]:
        """Nodes lanes can wait at: the masked ones and the regions' exits."""
        found = set(self.divergence.masked)
        for region in self.divergence.regions:
            if region.exit != EXIT:
                found.add(region.exit)
        return found

    def _mask_slot(self, number: int) -> str:
        name = f"%pend{number}"
        self.allocas.append(f"  {name} = alloca i32")
        self.allocas.append(f"  store i32 0, ptr {name}")
        return name

    def keep_initial(self) -> None:
        for definition in self.ssa.initial.values():
            self.keep(definition, self.values[definition])

    def _entry_label(self) -> str:
        return "C0" if 0 in self.divergence.masked else "N0"

    # -- where to go next ---------------------------------------------------------------------

    def _place_loop_ends(self) -> None:
        """After which node a masked loop asks whether lanes wait at its header."""
        self.loop_ends: dict[int, list[Loop]] = {}
        order = {number: place for place, number in enumerate(self.flow.order)}
        for loop in sorted(self.flow.loops, key=lambda loop: len(loop.nodes)):
            region = self.divergence.region_of.get(loop.header)
            if region is not None:
                last = max(loop.nodes & region.nodes, key=order.__getitem__)
                self.loop_ends.setdefault(last, []).append(loop)

    def _after(self, number: int) -> str:
        """Where the sweep goes on after a masked node."""
        loops = self.loop_ends.get(number)
        return f"E{loops[0].header}" if loops else self._next_check(number)

    def _next_check(self, number: int) -> str:
        region = self.divergence.region_of[number]
        place = region.order.index(number)
        if place + 1 < len(region.order):
            return f"C{region.order[place + 1]}"
        return self.exits_of(region)

    def _emit_loop_end(self, loop: Loop) -> None:
        b = self.b
        header = loop.header
        last = next(n for n, loops in self.loop_ends.items() if loop in loops)
        loops = self.loop_ends[last]
        place = loops.index(loop)
        after = f"E{loops[place + 1].header}" if place + 1 < len(loops) \
            else self._next_check(last)
        b.label(f"E{header}")
        waiting = b.emit(f"load i32, ptr {self.pending[header]}")
        some = b.emit(f"icmp ne i32 {waiting}, 0")
        again = self.branch_label("again")
        b.run(f"br i1 {some}, label %{again}, label %{after}")
        b.label(again)
        if self.doubled_region(header) is not None:
            masked, whole = self.branch_label("apart"), self.branch_label("whole")
            full = b.emit(f"icmp eq i32 {waiting}, {self.full_mask() or '-1'}")
            b.run(f"br i1 {full}, label %{whole}, label %{masked}")
            b.label(whole)
            self._spend(loop, f"K{header}")
            b.label(masked)
        self._spend(loop, f"C{header}")

    # -- nodes --------------------------------------------------------------------------------

    def _emit_node(self, number: int) -> None:
        b = self.b
        self.begin_node(number)
        if number in self.divergence.masked:
            b.label(f"C{number}")
            mask = b.emit(f"load i32, ptr {self.pending[number]}")
            some = b.emit(f"icmp ne i32 {mask}, 0")
            b.run(f"br i1 {some}, label %B{number}, label %{self._after(number)}")
            b.label(f"B{number}")
            b.run(f"store i32 0, ptr {self.pending[number]}")
            self.set_mask(mask)
        else:
            b.label(f"N{number}")
            if number in self.pending:
                b.run(f"store i32 0, ptr {self.pending[number]}")
            self.set_mask(self.full_mask())
        if self.counts:
            self._count(number)
        self.lower_body(number)
        for variable, definition in self.ssa.written[number].items():
            value = self.env.get(variable)
            if value is not None:
                self.values[definition] = value
                if definition in self.crossing:
                    self.keep(definition, value)
        self._leave_node(number)

    def _counters(self) -> str:
        return self.pointer(self.ctx_value("counters", "i64").name)

    def _count(self, number: int) -> None:
        if self.mask is None:
            self.full_nodes.add(number)
        size = len(self.flow.nodes[number].instructions)
        self.count_block(self._counters(), number, size, self.mask)

    def _undo_count(self, number: int, pc: int) -> None:
        """The node's instructions from `pc` on will be counted by general code."""
        rest = [(at, ins) for at, ins in self.flow.nodes[number].instructions if at >= pc]
        index = len(self.flow.nodes) + len(self.undone)
        self.undone.append(rest)
        self.count_block(self._counters(), index, len(rest), self.mask_operand(), -1)

    def counted_blocks(self) -> list[tuple[list[tuple[int, Instruction]], int]]:
        """(instructions, flags) of each basic block that has counters."""
        nodes = [(node.instructions, abi.BLOCK_FULL * (node.number in self.full_nodes))
                 for node in self.flow.nodes]
        return nodes + [(rest, abi.BLOCK_UNDO) for rest in self.undone]

    def _leave_node(self, number: int) -> None:
        node = self.flow.nodes[number]
        if node.instructions:
            self.pc = node.last[0]
        branch = node.instructions and node.last[1].name in BRANCHES
        if not branch or len(node.targets) == 1:
            self._take(number, node.targets[0] if node.targets else EXIT)
            return
        condition = self.boolean(self.condition(node.last[1]))
        if condition.const is not None:
            self._take(number, node.targets[0 if condition.const else 1])
        elif condition.uniform:
            yes, no = self.branch_label("yes"), self.branch_label("no")
            self.b.run(f"br i1 {condition.name}, label %{yes}, label %{no}")
            for label, target in ((yes, node.targets[0]), (no, node.targets[1])):
                loaded, env = dict(self.loaded), dict(self.env)
                values = {d: v.copy() for d, v in loaded.items()}
                self.b.label(label)
                self.mask_vector_name = None
                self.loaded = values
                self.env = {v: x.copy() for v, x in env.items()}
                self._take(number, target)
                self.loaded, self.env = loaded, env
        else:
            self._part(number, condition)

    def _part(self, number: int, condition: Value) -> None:
        """A branch at which lanes may go both ways."""
        bits = self.bits_of(condition)
        inside = [t for t in self.flow.nodes[number].targets if t in self.divergence.masked]
        if number in self.divergence.masked:
            self.tell_apart(number, bits)
            self.b.run(f"br label %{self._after(number)}")
            return
        region = self.doubled_region(inside[0])
        if region is not None:
            self.part_together(number, bits, region, False)
        self.tell_apart(number, bits)
        first = min(inside, key=lambda t: self.flow.nodes[t].order)
        self.b.run(f"br label %C{first}")

    def tell_apart(self, number: int, bits: str) -> None:
        """The lanes of `bits` wait at a branch's first target, the others at its second."""
        b = self.b
        targets = self.flow.nodes[number].targets
        other = b.emit(f"xor i32 {bits}, -1")
        masks = [bits, other] if self.mask is None else [
            b.emit(f"and i32 {side}, {self.mask}") for side in (bits, other)]
        if self.counts:
            self.count_parting(self._counters(), number, (masks[0], masks[1]))
        moves = [self._phi_moves(number, target) for target in targets]
        for target, mask, move in zip(targets, masks, moves, strict=True):
            if target == EXIT:
                continue
            self._commit(move, mask, parted=True)
            self._wait_at(target, mask)

    def _wait_at(self, target: int, mask: str) -> None:
        slot = self.pending[target]
        old = self.b.emit(f"load i32, ptr {slot}")
        self.b.run(f"store i32 {self.b.emit(f'or i32 {old}, {mask}')}, ptr {slot}")

    def _take(self, number: int, target: int) -> None:
        """All active lanes go on to one node."""
        b = self.b
        masked = number in self.divergence.masked
        if target == EXIT:
            b.run(f"br label %{self._after(number) if masked else 'lanes_done'}")
            return
        moves = self._phi_moves(number, target)
        self._commit(moves, self.mask_operand() if masked else None, parted=False)
        if target in self.divergence.masked or masked:
            self._wait_at(target, self.mask_operand())
            where = self._after(number) if masked else f"C{target}"
            b.run(f"br label %{where}")
        elif self.flow.is_back_edge(number, target):
            loop = self.flow.header_loop(target)
            self._spend(loop, f"N{target}")
        else:
            b.run(f"br label %N{target}")

    # -- phis ---------------------------------------------------------------------------------

    def _phi_moves(self, number: int, target: int) -> list[tuple[Phi, list[str]]]:
        """What the target's phis get along the edge; all read before any is written."""
        if target == EXIT:
            return []
        moves = []
        for phi in self.ssa.phis[target].values():
            if number in phi.operands:
                value = self.get_variable(phi.variable)
                moves.append((phi, self._conform(value, phi.definition)))
        return moves

    def _conform(self, value: Value, definition: int) -> list[str]:
        """The operands of `value` in a phi's shape."""
        shape = self.shapes[definition]
        if shape.const is not None:
            return []
        if shape.kind == "V" and value.kind == "A":
            value = self.spread(value)
        value = self._to_type(value, shape.type)
        if shape.kind == "V":
            return [self.vec(value)]
        if shape.kind == "U":
            return [self.literal(value)]
        return [value.name, str(value.row)] if shape.row is None else [value.name]

    def _to_type(self, value: Value, type_: str) -> Value:
        if type_ in FLOATS:
            return self.as_float(value, type_)
        if type_ == "w":
            return self.low32(value)
        if type_ == "z":
            return self.zero_extend_word(value)
        if type_ == "b":
            return self.boolean(value)
        return self.raw(value) if value.type in FLOATS else self.wide(value)

    def _commit(self, moves: list[tuple[Phi, list[str]]], mask: str | None, parted: bool) -> None:
        b = self.b
        flags = some = None
        for phi, names in moves:
            slots = self.slots_for(phi.definition)
            vectors = self.shapes[phi.definition].kind == "V"
            for (slot, kind), name in zip(slots, names, strict=True):
                if mask is not None and vectors:
                    if flags is None:
                        flags = b.emit(f"bitcast i32 {mask} to {FLAGS}")
                    old = b.emit(f"load {kind}, ptr {slot}")
                    name = b.emit(f"select {FLAGS} {flags}, {kind} {name}, {kind} {old}")
                elif mask is not None and parted:
                    if some is None:
                        some = b.emit(f"icmp ne i32 {mask}, 0")
                    old = b.emit(f"load {kind}, ptr {slot}")
                    name = b.emit(f"select i1 {some}, {kind} {name}, {kind} {old}")
                b.run(f"store {kind} {name}, ptr {slot}")

    # -- budget -------------------------------------------------------------------------------

    def _spend(self, loop: Loop, label: str) -> None:
        """Take a back edge; at the end of the budget ask whether to go on."""
        b = self.b
        left = b.emit(f"load i32, ptr {self.budget}")
        left = b.emit(f"sub i32 {left}, 1")
        b.run(f"store i32 {left}, ptr {self.budget}")
        spent = b.emit(f"icmp sle i32 {left}, 0")
        ask = self.branch_label("ask")
        b.run(f"br i1 {spent}, label %{ask}, label %{label}, !prof !0")
        self.cold.append(lambda: self._ask(loop, label, ask))

    def _ask(self, loop: Loop, label: str, ask: str) -> None:
        b = self.b
        b.label(ask)
        limit = self.ctx_value("budget", "i32").name
        b.run(f"store i32 {limit}, ptr {self.budget}")
        poll = self.pointer(self.ctx_value("poll", "i64").name)
        answer = b.emit(f"call i32 {poll}(ptr %ctx)")
        give_way = label
        if self.loop_may_wait(loop):
            give_way = self.branch_label("yield")
        b.run(f"switch i32 {answer}, label %stopped [ i32 0, label %{label} "
              f"i32 1, label %{give_way} ]")
        if give_way == label:
            return
        b.label(give_way)
        self.begin_spill()
        region = self.divergence.region_of.get(loop.header)
        if region is None:
            self.begin_node(loop.header)
            self.set_mask(self.full_mask())
            self.spill_group(self.flow.nodes[loop.header].start, self.ssa.live_in[loop.header])
            b.run("br label %spilled")
        else:
            self.to_region_spill(region)

    def _stack_tops(self) -> str:
        """Each lane's stack top."""
        b = self.b
        bytes_ = self.ctx_value("stack_bytes", "i64").name
        first = b.emit(f"mul i32 {self.warp_number()}, {WARP_LANES}")
        first = b.emit(f"add i32 {first}, 1")
        first = b.emit(f"zext i32 {first} to i64")
        lanes = "<" + ", ".join(f"i64 {lane}" for lane in range(WARP_LANES)) + ">"
        numbers = b.emit(f"add {PCS} {b.splat('i64', first)}, {lanes}")
        offsets = b.emit(f"mul {PCS} {numbers}, {b.splat('i64', bytes_)}")
        base = self.ctx_value("stack", "i64").name
        return b.emit(f"add {PCS} {offsets}, {b.splat('i64', base)}")

    # -- memory -------------------------------------------------------------------------------

    def look_ahead(self, address: str, size: int) -> None:
        """Fetch what the loop will load some rounds later, if rounds are pages apart.

        Grid-stride loops are: the warps of a chip read side by side, but here one after another.
        """
        loop = self.flow.nodes[self.number].loop
        if not self.b.on or loop is None or loop.nodes & set(self.barriers):
            return
        b = self.b
        before = self.scratch("i64")
        last = b.emit(f"load i64, ptr {before}")
        b.run(f"store i64 {address}, ptr {before}")
        step = b.emit(f"sub i64 {address}, {last}")
        far = b.emit(f"add i64 {step}, {PAGE - 1}")
        far = b.emit(f"icmp ugt i64 {far}, {2 * PAGE - 2}")
        fetch, on = self.branch_label("fetch"), self.branch_label("fetched")
        self.goto(f"br i1 {far}, label %{fetch}, label %{on}", fetch)
        ahead = b.emit(f"mul i64 {step}, {ROUNDS_AHEAD}")
        ahead = b.emit(f"add i64 {ahead}, {address}")
        for offset in range(0, size, LINE):
            place = self.pointer(b.emit(f"add i64 {ahead}, {offset}"))
            b.run(f"call void @llvm.prefetch.p0(ptr {place}, i32 0, i32 3, i32 1)")
        self.goto(f"br label %{on}", on)

    # -- traps and barriers -------------------------------------------------------------------

    def trap_unless(self, ok: str, code: int, address: str, lanes: str) -> None:
        if not self.b.on:
            return
        cold, fine = self.branch_label("trap"), self.branch_label("fine")
        self.goto(f"br i1 {ok}, label %{fine}, label %{cold}, !prof !1", fine)
        pc = self.pc
        self.cold.append(lambda: (self.b.label(cold),
                                  self._trap(pc, str(code), lanes, address)))

    def _trap(self, pc: int, code: str, lanes: str, address: str) -> None:
        self.traps = True
        self.b.run(f"call void @wf_note_trap(ptr %ctx, i64 {pc}, i32 {code}, i32 {lanes}, "
                   f"i64 {address})")
        self.b.run("br label %trapped")

    def explicit_trap(self, ins: Instruction) -> None:
        if not self.b.on:
            return
        self._trap(self.pc, self.trap_code(ins), self.mask_operand(), "0")
        self.b.label(self.branch_label("dead"))

    def barrier(self, ins: Instruction) -> None:
        if not self.b.on:
            super().barrier(ins)
            return
        if not self.resumable:
            self._lone_barrier(ins)
            return
        self._all_here()
        self._suspend(ins)

    def _lone_barrier(self, ins: Instruction) -> None:
        """A block of one warp waits for nobody."""
        if not ins.name.startswith("wf.bar.red"):
            return
        pred = self.ballot(self.x(ins.rs1), self.const(-1))
        op = ins.name.split(".")[3]
        if op == "popc":
            count = self.b.emit(f"call i32 @llvm.ctpop.i32(i32 {pred.name})")
            self.set_x(ins.rd, self.scalar("w", count))
            return
        want = self.scalar("z", "0") if op == "or" else self.scalar("z", self.mask_operand())
        flag = self.b.emit(
            f"icmp {'ne' if op == 'or' else 'eq'} i32 {pred.name}, {want.name}")
        self.set_x(ins.rd, self.low32(self.scalar("b", flag)))

    def _all_here(self) -> None:
        """If lanes of the warp wait elsewhere, the barrier needs general code."""
        region = self.divergence.region_of.get(self.number)
        if region is None:
            return
        b = self.b
        waits = region.order + ([region.exit] if region.exit != EXIT else [])
        total = "0"
        for number in waits:
            if number != self.number:
                mask = b.emit(f"load i32, ptr {self.pending[number]}")
                total = mask if total == "0" else b.emit(f"or i32 {total}, {mask}")
        if total == "0":
            return
        none = b.emit(f"icmp eq i32 {total}, 0")
        cold, fine = self.branch_label("split"), self.branch_label("whole")
        self.goto(f"br i1 {none}, label %{fine}, label %{cold}, !prof !1", fine)
        self.cold_spill(cold, self.pc)

    def _suspend(self, ins: Instruction) -> None:
        """Park the warp: what lives across the barrier is in its home; return, resume behind."""
        b = self.b
        self.resumes.append(f"R{self.number}")
        mask = self.mask_operand()
        if self._is_plain(ins):
            b.run(f"store i32 {len(self.resumes)}, ptr {self.state_field('resume')}")
            b.run(f"store i32 {mask}, ptr {self.state_field('live')}")
            b.run("br label %parked")
        else:
            self.plain_barriers = False
            self._park(ins, mask)
        b.label(f"R{self.number}")
        for name in ("parked", "released"):
            self.set_state(name, "0")
        masked = self.number in self.divergence.masked
        self.begin_node_after_barrier()
        self.set_mask(b.emit(f"load i32, ptr {self.state_field('live')}") if masked
                      else self.full_mask())
        if ins.name.startswith("wf.bar.red"):
            self.set_x(ins.rd, self.scalar("w", b.emit(
                f"load i32, ptr {self.state_field('barrier_result')}")))

    def _is_plain(self, ins: Instruction) -> bool:
        """Whether it is the barrier of the whole block."""
        return ins.name == "wf.bar.sync" and all(
            self.low32(self.x(number)).const == 0 for number in (ins.rs1, ins.rs2))

    def _park(self, ins: Instruction, mask: str) -> None:
        for name, operand in (("live", mask), ("resume", str(len(self.resumes)))):
            self.set_state(name, operand)
        self._barrier_fields(ins, mask)
        self._parked(mask)

    def _parked(self, mask: str) -> None:
        for name, operand in (("parked", mask), ("released", "0"),
                              ("status", str(abi.BARRIER))):
            self.set_state(name, operand)
        self.save_progress()
        self.b.run(f"ret i32 {abi.BARRIER}")

    def _plain_park(self) -> None:
        """Where every barrier of the whole block leaves: it has no fields of its own."""
        b = self.b
        b.label("parked")
        self.set_state("barrier_op", "0")
        for name in ("barrier_id", "barrier_threads"):
            b.run(f"store {vector('i32')} zeroinitializer, ptr {self.state_field(name)}, align 4")
        self._parked(b.emit(f"load i32, ptr {self.state_field('live')}"))

    @property
    def saved_bytes(self) -> int:
        """What a warp keeps in its state besides canonical registers."""
        return self.homes.bytes if self.homes else 0

    def begin_node_after_barrier(self) -> None:
        """Nothing computed before the barrier is at hand behind it."""
        self.env, self.loaded = {}, {}

    def slots_for(self, definition: int) -> list[tuple[str, str]]:
        if self.homes is None or definition not in self.homes.definitions:
            return super().slots_for(definition)
        if definition not in self.slots:
            kinds = self.slot_types(self.values[definition])
            self.slots[definition] = [
                (self._home(definition, index, offset), kind)
                for index, (offset, kind) in enumerate(
                    zip(self.homes.place(definition, kinds), kinds, strict=True))]
        return self.slots[definition]

    def _home(self, definition: int, index: int, offset: int) -> str:
        name = f"%home{definition}.{index}"
        self.prologue.append(f"  {name} = getelementptr i8, ptr {self.state}, "
                             f"i64 {abi.WARP['fast_state'] + offset}")
        return name

    def _barrier_fields(self, ins: Instruction, mask: str) -> None:
        b = self.b
        op, identity, threads = 0, "zeroinitializer", "zeroinitializer"
        if ins.name == "wf.grid.sync":
            identity = f"splat (i32 {-1})"
        elif ins.name.startswith("wf.bar.red"):
            op = {"popc": 1, "and": 2, "or": 3}[ins.name.split(".")[3]]
            bits = self.bits_of(self.x(ins.rs1))
            self.set_state("pred", b.emit(f"and i32 {bits}, {mask}"))
        else:
            numbers = [self.low32(self.x(n)) for n in (ins.rs1, ins.rs2)]
            identity, threads = (self.vec(n) for n in numbers)
            if ins.name == "wf.bar.arrive":
                threads = b.emit(f"or {vector('i32')} {threads}, "
                                 f"splat (i32 {abi.BARRIER_ARRIVE})")
        self.set_state("barrier_op", str(op))
        for name, value in (("barrier_id", identity), ("barrier_threads", threads)):
            b.run(f"store {vector('i32')} {value}, ptr {self.state_field(name)}, align 4")

    # -- cold code and the frame --------------------------------------------------------------

    def _emit_cold(self) -> None:
        done = 0
        while done < len(self.cold) or self.region_spills:
            if done < len(self.cold):
                self.cold[done]()
                done += 1
                continue
            pending, self.region_spills = self.region_spills, set()
            for index in sorted(pending - self.written_spills):
                self.written_spills.add(index)
                self.emit_region_spill(index)

    def _return(self, status: int) -> None:
        self.save_progress()
        self.set_state("status", str(status))
        if self.resumable:
            self.b.run(f"ret i32 {status}")
            return
        index = self.b.emit("load i64, ptr %index")
        done = self.b.emit(f"sub i64 {index}, %first")
        self.b.run(f"ret i64 {done}")

    def _endings(self) -> None:
        b = self.b
        for label, status in (("spilled", abi.YIELD), ("stopped", abi.STOP),
                              ("trapped", abi.TRAP)):
            b.label(label)
            self._return(status)

    def _assemble(self) -> str:
        body = self.b.lines
        self.b.lines = []
        self._endings()
        if self.resumable:
            self._plain_park()
        endings = self.b.lines
        self.b.lines = []
        frame = self._warp_frame() if self.resumable else self._blocks_frame()
        prologue = ["  ; launch constants", *self.prologue]
        allocas = [*self.allocas, *self.handover_allocas()]
        return "\n".join([frame[0], *allocas, *prologue, *frame[1], *body, *frame[2],
                          *endings, "}", NOTE_TRAP, self.handover_text()]) + "\n"

    def _per_warp(self) -> list[str]:
        """The warp's live lanes and stack, where the code needs them."""
        lines = self.b.lines
        b = self.b
        if self.full_mask() is not None:
            tail = (1 << (self.threads % WARP_LANES)) - 1
            last = b.emit(f"icmp eq i32 {self.warp_number()}, {self.warps - 1}")
            b.run(f"%live = select i1 {last}, i32 {tail}, i32 -1")
        if ("x", STACK_POINTER) in self.ssa.initial:
            b.run(f"%sp = add {PCS} {self._stack_tops()}, zeroinitializer")
        self.b.lines = []
        return lines

    def _warp_frame(self) -> tuple[str, list[str], list[str]]:
        head = "define i32 @wf_fast(ptr noundef %ctx, ptr noalias noundef %warp) noinline {\nentry:"
        b = self.b
        for axis in range(3):
            place = self.ctx_pointer("ctaid", 4 * axis)
            b.run(f"%ctaid{axis} = load i32, ptr {place}")
        b.run(f"%w = load i32, ptr {self.state_field('index')}")
        if self.counts:
            self.load_progress()
        limit = self.ctx_value("budget", "i32").name
        b.run(f"store i32 {limit}, ptr {self.budget}")
        resume = b.emit(f"load i32, ptr {self.state_field('resume')}")
        start = b.lines
        b.lines = []
        start += self._per_warp()
        start += self._kept_initial
        cases = " ".join(f"i32 {n + 1}, label %{label}" for n, label in enumerate(self.resumes))
        start += [f"  switch i32 {resume}, label %start [ {cases} ]", "start:"]
        start += self._start_mask()
        b.label("lanes_done")
        self.set_state("live", "0")
        self._return(abi.EXIT)
        end = b.lines
        b.lines = []
        return head, start, end

    def _start_mask(self) -> list[str]:
        if 0 in self.divergence.masked:
            return [f"  store i32 {self.full_mask() or '-1'}, ptr {self.pending[0]}"]
        return []

    def _blocks_frame(self) -> tuple[str, list[str], list[str]]:
        b = self.b
        limit = self.ctx_value("budget", "i32").name
        b.run(f"store i32 {limit}, ptr {self.budget}")
        grid = self._block_loop()
        for axis in range(3):
            b.run(f"%ctaid{axis} = load i32, ptr %at{axis}")
        b.run("store i32 0, ptr %wslot")
        b.run("br label %warp_head")
        b.label("warp_head")
        b.run("%w = load i32, ptr %wslot")
        b.run(f"store i32 %w, ptr {self.ctx_pointer('warp_index')}")
        if self.counts:
            b.run(f"store i64 0, ptr {self.progress}")
            b.run(f"store i64 0, ptr {self.capture}")
        for slots in self.slots.values():
            for slot, kind in slots:
                # Nothing is carried from one warp to the next.
                b.run(f"store {kind} undef, ptr {slot}")
        start = b.lines
        b.lines = []
        start += self._per_warp() + self._kept_initial + self._start_mask()
        self._advance(grid)
        end = b.lines
        b.lines = []
        return BLOCKS_HEAD, start, end

    def _block_loop(self) -> list[str]:
        """The loop over blocks down to the place where one begins; the grid's operands."""
        b = self.b
        b.run("%index = alloca i64")
        b.run("store i64 %first, ptr %index")
        b.run("%end = add i64 %first, %count")
        grid = [self.ctx_value("grid", "i32", 4 * axis).name for axis in range(3)]
        wide = [b.emit(f"zext i32 {name} to i64") for name in grid[:2]]
        x = b.emit(f"urem i64 %first, {wide[0]}")
        rest = b.emit(f"udiv i64 %first, {wide[0]}")
        y = b.emit(f"urem i64 {rest}, {wide[1]}")
        z = b.emit(f"udiv i64 {rest}, {wide[1]}")
        for axis, name in enumerate((x, y, z)):
            b.run(f"%at{axis} = alloca i32")
            b.run(f"store i32 {b.emit(f'trunc i64 {name} to i32')}, ptr %at{axis}")
        b.run("%wslot = alloca i32")
        b.run("br label %block_head")
        b.label("block_head")
        now = b.emit("load i64, ptr %index")
        more = b.emit(f"icmp ult i64 {now}, %end")
        stop = b.emit(f"load volatile i32, ptr {self.ctx_pointer('stop')}")
        going = b.emit(f"icmp eq i32 {stop}, 0")
        b.run(f"br i1 {more}, label %block_ask, label %all_done")
        b.label("block_ask")
        b.run(f"br i1 {going}, label %block_go, label %stopped")
        b.label("block_go")
        for axis in range(3):
            at = b.emit(f"load i32, ptr %at{axis}")
            b.run(f"store i32 {at}, ptr {self.ctx_pointer('ctaid', 4 * axis)}")
        b.run(f"store i64 {now}, ptr {self.ctx_pointer('block_index')}")
        return grid

    def _advance(self, grid: list[str]) -> None:
        """The next warp, then the next block."""
        b = self.b
        b.label("lanes_done")
        if self.counts:
            self.save_progress()
            ended = b.emit(f"load ptr, ptr {self.ctx_pointer('warp_end')}")
            b.run(f"call void {ended}(ptr %ctx)")
        after = b.emit("add i32 %w, 1")
        b.run(f"store i32 {after}, ptr %wslot")
        more = b.emit(f"icmp ult i32 {after}, {self.warps}")
        b.run(f"br i1 {more}, label %warp_head, label %block_done")
        self._next_block(grid)

    def _next_block(self, grid: list[str]) -> None:
        b = self.b
        b.label("block_done")
        now = b.emit("load i64, ptr %index")
        b.run(f"store i64 {b.emit(f'add i64 {now}, 1')}, ptr %index")
        for axis in range(3):
            at = b.emit(f"load i32, ptr %at{axis}")
            at = b.emit(f"add i32 {at}, 1")
            carry = b.emit(f"icmp eq i32 {at}, {grid[axis]}")
            carried = self.branch_label("carry")
            kept = b.emit(f"select i1 {carry}, i32 0, i32 {at}")
            b.run(f"store i32 {kept}, ptr %at{axis}")
            if axis == 2:
                b.run("br label %block_head")
            else:
                b.run(f"br i1 {carry}, label %{carried}, label %block_head")
                b.label(carried)
        b.label("all_done")
        self.set_state("status", str(abi.EXIT))
        b.run("ret i64 %count")

    # -- blocks whose warps meet at barriers --------------------------------------------------

    def rounds_function(self) -> str:
        """`@wf_blocks` over `@wf_fast`: each round runs every warp up to its next barrier.

        Only where every barrier is the whole block's: then a round's end opens it. `scratch` is
        an array of the block's warps.
        """
        self.b = Builder()
        self.prologue, self.prologue_names, self.prologue_values = [], {}, set()
        self.labels = 0
        b, self.state = self.b, "%scratch"
        stride = -(-(abi.WARP["fast_state"] + self.saved_bytes) // 64) * 64
        grid = self._block_loop()
        b.run("%any = alloca i32")
        self._each_warp("fresh", stride, "round", self._start_one)
        b.label("round")
        b.run("store i32 0, ptr %any")
        self._each_warp("turn", stride, "round_end", self._turn_one)
        b.label("round_end")
        any_ = b.emit("load i32, ptr %any")
        again = b.emit(f"icmp ne i32 {any_}, 0")
        b.run(f"br i1 {again}, label %round, label %block_done")
        self._next_block(grid)
        self.resumable = False
        b.label("stopped")
        self._return(abi.STOP)
        self.resumable = True
        return "\n".join([BLOCKS_HEAD, *self.prologue, *b.lines, "}"]) + "\n"

    def _each_warp(self, name: str, stride: int, after: str, body) -> None:
        b = self.b
        b.run("store i32 0, ptr %wslot")
        b.run(f"br label %{name}")
        b.label(name)
        warp = b.emit("load i32, ptr %wslot")
        more = b.emit(f"icmp ult i32 {warp}, {self.warps}")
        b.run(f"br i1 {more}, label %{name}_go, label %{after}")
        b.label(f"{name}_go")
        following = b.emit(f"add i32 {warp}, 1")
        b.run(f"store i32 {following}, ptr %wslot")
        wide = b.emit(f"zext i32 {warp} to i64")
        offset = b.emit(f"mul i64 {wide}, {stride}")
        body(warp, b.emit(f"getelementptr i8, ptr %scratch, i64 {offset}"), name)

    def _start_one(self, warp: str, pointer: str, name: str) -> None:
        b = self.b
        live = "-1"
        if self.threads % WARP_LANES:
            last = b.emit(f"icmp eq i32 {warp}, {self.warps - 1}")
            tail = (1 << (self.threads % WARP_LANES)) - 1
            live = b.emit(f"select i1 {last}, i32 {tail}, i32 -1")
        first = {"index": warp, "mode": "1", "live": live}
        for field in ("index", "mode", "resume", "live", "parked", "released", "pred",
                      "barrier_result", "barrier_op", "status", "blocked", "rotate"):
            place = b.emit(f"getelementptr i8, ptr {pointer}, i64 {abi.WARP[field]}")
            b.run(f"store i32 {first.get(field, '0')}, ptr {place}")
        b.run(f"br label %{name}")

    def _turn_one(self, warp: str, pointer: str, name: str) -> None:
        b = self.b
        place = b.emit(f"getelementptr i8, ptr {pointer}, i64 {abi.WARP['live']}")
        live = b.emit(f"load i32, ptr {place}")
        ended = b.emit(f"icmp eq i32 {live}, 0")
        b.run(f"br i1 {ended}, label %{name}, label %run")
        b.label("run")
        b.run(f"store i32 {warp}, ptr {self.ctx_pointer('warp_index')}")
        status = b.emit(f"call i32 @wf_fast(ptr %ctx, ptr {pointer})")
        b.run(f"switch i32 {status}, label %left [ i32 {abi.EXIT}, label %{name} "
              f"i32 {abi.BARRIER}, label %waits ]")
        b.label("waits")
        b.run("store i32 1, ptr %any")
        b.run(f"br label %{name}")
        b.label("left")
        b.run(f"store i32 {status}, ptr {self.state_field('status')}")
        index = b.emit("load i64, ptr %index")
        b.run(f"ret i64 {b.emit(f'sub i64 {index}, %first')}")
