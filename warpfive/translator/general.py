"""Code that can run any kernel from any state, one basic block at a time.

Registers live in memory in canonical form (`WfWarp`). A dispatcher picks the lanes to run: those
at the lowest program counter, or after a yield another group, so that lanes that wait for one
another progress. Everything fast code cannot do ends up here.
"""

from __future__ import annotations

from warpfive.isa import Instruction
from warpfive.translator import abi
from warpfive.translator.counting import Counting
from warpfive.translator.lowering import BRANCHES, TRAP_CODES, Lowering
from warpfive.translator.program import Block, stands_alone
from warpfive.translator.specials import Specials
from warpfive.translator.values import Builder, Value, vector
from warpfive.units import WARP_LANES

PCS = vector("i64")


class General(Counting, Specials, Lowering):
    """Emits `i32 @wf_general(ptr %ctx, ptr %warp)`."""

    def __init__(self, blocks: dict[int, Block], shape: tuple[int, int, int], counts: bool,
                 precise: bool) -> None:
        super().__init__(Builder(), WARP_LANES, affine=False)
        self.blocks = blocks
        self.block_shape = shape
        self.counts = counts
        self.precise = precise
        self.index = {start: number for number, start in enumerate(blocks)}
        self.cache: dict[tuple[str, int], Value] = {}
        self.dirty: set[tuple[str, int]] = set()
        self.labels = 0
        self.allocas: list[str] = []

    # -- the function -------------------------------------------------------------------------

    def function(self) -> str:
        self.begin_counting()
        if self.counts:
            self.load_progress()
        self._dispatcher()
        for block in self.blocks.values():
            self._emit_block(block)
        head = "define i32 @wf_general(ptr noundef %ctx, ptr noundef %warp) {\nentry:\n"
        return head + "\n".join(self.allocas + self.b.lines) + "\n}\n"

    def warp_field(self, name: str, extra: int = 0) -> str:
        return self.b.emit(f"getelementptr i8, ptr %warp, i64 {abi.WARP[name] + extra}")

    def _load_field(self, name: str) -> str:
        return self.b.emit(f"load i32, ptr {self.warp_field(name)}")

    def _store_field(self, name: str, operand: str) -> None:
        self.b.run(f"store i32 {operand}, ptr {self.warp_field(name)}")

    def _return(self, status: int) -> None:
        self.save_progress()
        self._store_field("status", str(status))
        self.b.run(f"ret i32 {status}")

    def _dispatcher(self) -> None:
        b = self.b
        budget = self.scratch("i32")
        limit = b.emit(f"load i32, ptr {self.ctx_pointer('budget')}")
        b.run(f"store i32 {limit}, ptr {budget}")
        self.budget = budget
        b.run("br label %dispatch")
        b.label("dispatch")
        self._ask(budget, limit)
        live = self._load_field("live")
        parked, released = self._load_field("parked"), self._load_field("released")
        waiting = b.emit(f"xor i32 {released}, -1")
        waiting = b.emit(f"and i32 {parked}, {waiting}")
        blocked = self._load_field("blocked")
        idle = b.emit(f"or i32 {waiting}, {blocked}")
        runnable = b.emit(f"xor i32 {idle}, -1")
        runnable = b.emit(f"and i32 {runnable}, {live}")
        some = b.emit(f"icmp ne i32 {runnable}, 0")
        b.run(f"br i1 {some}, label %pick, label %idle")
        self._idle(live, waiting, blocked)
        self._pick(live, waiting, runnable)

    def _ask(self, budget: str, limit: str) -> None:
        """When the budget of backward steps is spent, poll says whether to go on."""
        b = self.b
        left = b.emit(f"load i32, ptr {budget}")
        enough = b.emit(f"icmp sgt i32 {left}, 0")
        b.run(f"br i1 {enough}, label %ready, label %asked")
        b.label("asked")
        b.run(f"store i32 {limit}, ptr {budget}")
        poll = b.emit(f"load ptr, ptr {self.ctx_pointer('poll')}")
        answer = b.emit(f"call i32 {poll}(ptr {self.ctx})")
        b.run(f"switch i32 {answer}, label %stop [ i32 0, label %ready i32 1, label %yield ]")
        b.label("yield")
        self._return(abi.YIELD)
        b.label("stop")
        self._return(abi.STOP)
        b.label("ready")

    def _idle(self, live: str, waiting: str, blocked: str) -> None:
        """No lane can run: blocked ones are let go, else the warp waits or has ended."""
        b = self.b
        b.label("idle")
        stuck = b.emit(f"and i32 {blocked}, {live}")
        some = b.emit(f"icmp ne i32 {stuck}, 0")
        b.run(f"br i1 {some}, label %force, label %ended")
        b.label("force")
        self._store_field("blocked", "0")
        b.run(f"store i1 true, ptr {self._forced()}")
        b.run("br label %dispatch")
        b.label("ended")
        left = b.emit(f"and i32 {waiting}, {live}")
        some = b.emit(f"icmp ne i32 {left}, 0")
        b.run(f"br i1 {some}, label %barrier, label %exit")
        b.label("barrier")
        self._return(abi.BARRIER)
        b.label("exit")
        self._return(abi.EXIT)

    def _forced(self) -> str:
        if not hasattr(self, "forced_slot"):
            self.forced_slot = self.scratch("i1")
            self.allocas.append(f"  store i1 false, ptr {self.forced_slot}")
        return self.forced_slot

    def _pick(self, live: str, waiting: str, runnable: str) -> None:
        b = self.b
        b.label("pick")
        pcs = b.emit(f"load {PCS}, ptr {self.warp_field('pc')}, align 16")
        flags = b.emit(f"bitcast i32 {runnable} to {vector('i1')}")
        masked = b.emit(f"select {vector('i1')} {flags}, {PCS} {pcs}, {PCS} splat (i64 -1)")
        lowest = b.emit(f"call i64 @llvm.vector.reduce.umin.v{WARP_LANES}i64({PCS} {masked})")
        rotate = self._load_field("rotate")
        plain = b.emit(f"icmp eq i32 {rotate}, 0")
        b.run(f"br i1 {plain}, label %chosen, label %rotated")
        b.label("rotated")
        # The rotate-th runnable lane, counted round: every group gets its turn.
        turn = b.emit(f"and i32 {rotate}, 31")
        spun = b.emit(f"call i32 @llvm.fshr.i32(i32 {runnable}, i32 {runnable}, i32 {turn})")
        first = b.emit(f"call i32 @llvm.cttz.i32(i32 {spun}, i1 false)")
        lane = b.emit(f"add i32 {first}, {turn}")
        lane = b.emit(f"and i32 {lane}, 31")
        place = b.emit(f"getelementptr i64, ptr {self.warp_field('pc')}, i32 {lane}")
        other = b.emit(f"load i64, ptr {place}")
        b.run("br label %chosen")
        b.label("chosen")
        pc = b.emit(f"phi i64 [ {lowest}, %pick ], [ {other}, %rotated ]")
        same = b.emit(f"icmp eq {PCS} {pcs}, {b.splat('i64', pc)}")
        same = b.emit(f"bitcast {vector('i1')} {same} to i32")
        idle = b.emit(f"xor i32 {waiting}, -1")
        mask = b.emit(f"and i32 {same}, {live}")
        self.picked = b.emit(f"and i32 {mask}, {idle}")
        cases = " ".join(f"i64 {start}, label %B{start}" for start in self.blocks)
        b.run(f"switch i64 {pc}, label %badpc [ {cases} ]")
        b.label("badpc")
        b.run(f"store i64 {pc}, ptr {self.ctx_pointer('trap_pc')}")
        b.run(f"store i32 {self.picked}, ptr {self.ctx_pointer('trap_lanes')}")
        b.run(f"store i32 {abi.TRAP_BAD_PC}, ptr {self.ctx_pointer('trap_code')}")
        self._return(abi.TRAP)

    # -- hooks --------------------------------------------------------------------------------

    def warp_number(self) -> str:
        return self._load_field("index")

    def guard(self, ok: str) -> None:
        raise AssertionError("general code makes no assumptions")

    def trap_unless(self, ok: str, code: int, address: str, lanes: str) -> None:
        bad, good = self.branch_label("trap"), self.branch_label("fine")
        self.goto(f"br i1 {ok}, label %{good}, label %{bad}", bad)
        self._trap(str(code), lanes, address)
        self.b.label(good)

    def _trap(self, code: str, lanes: str, address: str = "0") -> None:
        b = self.b
        b.run(f"store i64 {self.pc}, ptr {self.ctx_pointer('trap_pc')}")
        b.run(f"store i32 {lanes}, ptr {self.ctx_pointer('trap_lanes')}")
        b.run(f"store i64 {address}, ptr {self.ctx_pointer('trap_addr')}")
        b.run(f"store i32 {code}, ptr {self.ctx_pointer('trap_code')}")
        self._return(abi.TRAP)

    def get(self, file: str, number: int) -> Value:
        key = (file, number)
        if key not in self.cache:
            place = self.warp_field(file, number * 8 * WARP_LANES)
            self.cache[key] = self.varying("x", self.b.emit(
                f"load {PCS}, ptr {place}, align 64"))
        return self.cache[key]

    def put(self, file: str, number: int, value: Value) -> None:
        # Parts are joined at once: the value must outlive this spot in the text.
        if value.kind == "V":
            self.vec(value)
        self.cache[file, number] = value
        self.dirty.add((file, number))

    def flush(self) -> None:
        """Write the registers this block changed, in the active lanes."""
        for file, number in sorted(self.dirty):
            lanes = self.register_vector(self.cache[file, number])
            place = self.warp_field(file, number * 8 * WARP_LANES)
            self._masked_store(lanes, place)
        self.dirty.clear()

    def _masked_store(self, lanes: str, place: str) -> None:
        self.b.run(f"call void @llvm.masked.store.v{WARP_LANES}i64.p0({PCS} {lanes}, "
                   f"ptr align 16 {place}, {vector('i1')} {self.mask_vector()})")

    # -- blocks -------------------------------------------------------------------------------

    def _emit_block(self, block: Block) -> None:
        b = self.b
        b.label(f"B{block.start}")
        self.cache, self.dirty, self.tile_slots, self.checked = {}, set(), {}, set()
        self.set_mask(self.picked)
        pc, ins = block.instructions[0]
        self.pc = pc
        if stands_alone(ins) and self._meets(block, ins):
            return
        self._count(block)
        for self.pc, ins in block.instructions:
            if ins is block.last[1] and self._ends(block, ins):
                return
            self.lower(ins)
        self.flush()
        self._go(str(block.targets[0]))

    def _counters(self) -> str:
        return self.b.emit(f"load ptr, ptr {self.ctx_pointer('counters')}")

    def _count(self, block: Block) -> None:
        """Collectives count when the lanes that meet go on, barriers when lanes arrive."""
        if self.counts:
            self.count_block(self._counters(), self.index[block.start], len(block.instructions),
                             self.mask_operand())

    def counted_blocks(self) -> list[tuple[list[tuple[int, Instruction]], int]]:
        """(instructions, flags) of each basic block that has counters."""
        return [(block.instructions, 0) for block in self.blocks.values()]

    def _go(self, target: str) -> None:
        """All active lanes go on at one offset."""
        lanes = self.b.splat("i64", target)
        self._masked_store(lanes, self.warp_field("pc"))
        self.b.run("br label %dispatch")

    def _ends(self, block: Block, ins: Instruction) -> bool:
        if ins.name in BRANCHES:
            self._branch(block, ins)
        elif ins.name in ("jal", "jalr"):
            self._jump(block, ins)
        elif ins.name == "wf.exit":
            self.flush()
            self._leave(self.mask)
            self.b.run("br label %dispatch")
        elif ins.name in ("wf.trap", "ebreak", "ecall", "unimp"):
            self._explicit_trap(ins)
        else:
            return False
        return True

    def _leave(self, lanes: str) -> None:
        live = self._load_field("live")
        gone = self.b.emit(f"xor i32 {lanes}, -1")
        self._store_field("live", self.b.emit(f"and i32 {live}, {gone}"))

    def _explicit_trap(self, ins: Instruction) -> None:
        code = str(abi.TRAP_TRAP if ins.name == "ebreak" else abi.TRAP_ILLEGAL_INSTRUCTION)
        if ins.name == "wf.trap":
            given = self.low32(self.x(ins.rs1))
            name = given.name if given.uniform else self.last_lane(given)
            failed = self.b.emit(f"icmp eq i32 {name}, 1")
            code = self.b.emit(f"select i1 {failed}, i32 {TRAP_CODES[1]}, i32 {TRAP_CODES[2]}")
        self._trap(code, self.mask)

    def _branch(self, block: Block, ins: Instruction) -> None:
        flag = self.condition(ins)
        taken, after = block.targets
        self.flush()
        if min(block.targets) <= self.pc:
            self._spend()
        flags = self.vec(flag)
        if self.counts and taken != after:
            self._count_branch(block, flag)
        lanes = self.b.emit(f"select {vector('i1')} {flags}, {PCS} splat (i64 {taken}), "
                            f"{PCS} splat (i64 {after})")
        self._masked_store(lanes, self.warp_field("pc"))
        self.b.run("br label %dispatch")

    def _count_branch(self, block: Block, flag: Value) -> None:
        bits = self.bits_of(flag)
        other = self.b.emit(f"xor i32 {bits}, -1")
        masks = [self.b.emit(f"and i32 {side}, {self.mask}") for side in (bits, other)]
        self.count_parting(self._counters(), self.index[block.start], (masks[0], masks[1]))

    def _jump(self, block: Block, ins: Instruction) -> None:
        b = self.b
        target = None
        if block.indirect:
            target = self.arith("add", self.x(ins.rs1), self.const(ins.imm), 64)
            target = self.vec(self.wide(target))
        if ins.rd:
            base = self.ctx_value("module_base", "i64")
            self.set_x(ins.rd, self.arith("add", base, self.const(self.pc + 4), 64))
        self.flush()
        if target is None:
            if block.targets[0] <= self.pc:
                self._spend()
            self._go(str(block.targets[0]))
            return
        home = b.emit(f"icmp eq {PCS} {target}, zeroinitializer")
        home = b.emit(f"bitcast {vector('i1')} {home} to i32")
        home = b.emit(f"and i32 {home}, {self.mask}")
        self._leave(home)
        base = b.emit(f"load i64, ptr {self.ctx_pointer('module_base')}")
        lanes = b.emit(f"sub {PCS} {target}, {b.splat('i64', base)}")
        self._masked_store(lanes, self.warp_field("pc"))
        self._spend()
        b.run("br label %dispatch")

    def _spend(self) -> None:
        """Count a backward step; the next dispatch asks when the budget is spent."""
        b = self.b
        left = b.emit(f"load i32, ptr {self.budget}")
        less = b.emit(f"sub i32 {left}, 1")
        b.run(f"store i32 {less}, ptr {self.budget}")

    # -- meeting places -----------------------------------------------------------------------

    def _meets(self, block: Block, ins: Instruction) -> bool:
        """Barriers end the block here; other collectives first wait for their members."""
        if ins.row.unit == "barrier":
            self._barrier(block, ins)
            return True
        members = self._members(ins)
        if members is not None:
            self._wait_for(members)
        return False

    def _members(self, ins: Instruction) -> Value | None:
        if ins.name.startswith("wf.shfl"):
            return self.low32(self.x(ins.rs3))
        if ins.name == "wf.warp.sync":
            return self.low32(self.x(ins.rs1))
        if ins.name.startswith(("wf.vote", "wf.match", "wf.redux")):
            return self.low32(self.x(ins.rs2))
        return None

    def _wait_for(self, members: Value) -> None:
        """Block lanes whose live members have not all come here."""
        b, kind = self.b, vector("i32")
        lanes = self.vec(members)
        live = self._load_field("live")
        absent = b.emit(f"xor i32 {self.mask}, -1")
        absent = b.emit(f"and i32 {absent}, {live}")
        missing = b.emit(f"and {kind} {lanes}, {b.splat('i32', absent)}")
        wait = b.emit(f"icmp ne {kind} {missing}, zeroinitializer")
        wait = b.emit(f"bitcast {vector('i1')} {wait} to i32")
        wait = b.emit(f"and i32 {wait}, {self.mask}")
        forced = b.emit(f"load i1, ptr {self._forced()}")
        wait = b.emit(f"select i1 {forced}, i32 0, i32 {wait}")
        b.run(f"store i1 false, ptr {self._forced()}")
        blocked = self._load_field("blocked")
        cleared = b.emit(f"xor i32 {self.mask}, -1")
        blocked = b.emit(f"and i32 {blocked}, {cleared}")
        self._store_field("blocked", b.emit(f"or i32 {blocked}, {wait}"))
        going = b.emit(f"xor i32 {wait}, -1")
        going = b.emit(f"and i32 {going}, {self.mask}")
        go = self.branch_label("meet")
        some = b.emit(f"icmp ne i32 {going}, 0")
        self.goto(f"br i1 {some}, label %{go}, label %dispatch", go)
        self.set_mask(going)

    def _barrier(self, block: Block, ins: Instruction) -> None:
        """Lanes whose barrier has opened go on; the others park."""
        b = self.b
        released = self._load_field("released")
        through = b.emit(f"and i32 {released}, {self.mask}")
        opened = self.branch_label("open")
        park = self.branch_label("park")
        some = b.emit(f"icmp ne i32 {through}, 0")
        self.goto(f"br i1 {some}, label %{opened}, label %{park}", opened)
        everyone, before = self.mask, dict(self.cache)
        self.set_mask(through)
        kept = b.emit(f"xor i32 {through}, -1")
        for field in ("released", "parked"):
            old = self._load_field(field)
            self._store_field(field, b.emit(f"and i32 {old}, {kept}"))
        if ins.name.startswith("wf.bar.red"):
            result = self.scalar("w", self._load_field("barrier_result"))
            self.set_x(ins.rd, result)
            self.flush()
        self._go(str(self.pc + 4))
        self.cache = before
        b.label(park)
        self.set_mask(everyone)
        self._count(block)
        self._park(ins)
        b.run("br label %dispatch")

    def _park(self, ins: Instruction) -> None:
        b = self.b
        parked = self._load_field("parked")
        self._store_field("parked", b.emit(f"or i32 {parked}, {self.mask}"))
        identity, threads, op = self._barrier_operands(ins)
        for field, value in (("barrier_id", identity), ("barrier_threads", threads)):
            place = self.warp_field(field)
            b.run(f"call void @llvm.masked.store.v{WARP_LANES}i32.p0({vector('i32')} {value}, "
                  f"ptr align 4 {place}, {vector('i1')} {self.mask_vector()})")
        self._store_field("barrier_op", str(op))
        if op:
            bits = self.bits_of(self.x(ins.rs1))
            bits = b.emit(f"and i32 {bits}, {self.mask}")
            old = self._load_field("pred")
            cleared = b.emit(f"xor i32 {self.mask}, -1")
            old = b.emit(f"and i32 {old}, {cleared}")
            self._store_field("pred", b.emit(f"or i32 {old}, {bits}"))

    def _barrier_operands(self, ins: Instruction) -> tuple[str, str, int]:
        zero = "zeroinitializer"
        if ins.name == "wf.grid.sync":
            return "splat (i32 -1)", zero, 0
        if ins.name.startswith("wf.bar.red"):
            return zero, zero, {"popc": 1, "and": 2, "or": 3}[ins.name.split(".")[3]]
        identity = self.vec(self.low32(self.x(ins.rs1)))
        threads = self.vec(self.low32(self.x(ins.rs2)))
        if ins.name == "wf.bar.arrive":
            threads = self.b.emit(
                f"or {vector('i32')} {threads}, splat (i32 {abi.BARRIER_ARRIVE})")
        return identity, threads, 0
