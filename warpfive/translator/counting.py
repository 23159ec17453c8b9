"""What counting variants count: the instructions' kinds, the accesses, and the text that counts.

A basic block's counters are exact. What an access does (which memory, how many sectors, ...) is
found by the chip from the lanes' addresses, which the code reports while the warp's progress is
past `WfCtx.capture_from`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from warpfive.isa import Instruction
from warpfive.translator import abi
from warpfive.translator.flow import Flow, NotFast
from warpfive.translator.lowering import BRANCHES
from warpfive.translator.memory import LOADS, STORES
from warpfive.translator.program import Block, Program, explore
from warpfive.translator.ssa import STACK_POINTER, Ssa
from warpfive.translator.tiles import ACCESSES, SHORT, TILE
from warpfive.translator.values import Builder, Value, vector

Where = Callable[[int], tuple[str, int] | None]
"""Source file and line of an offset of the image."""

WIDEST = 16
"""Bytes of the widest access of a lane."""
ATOMIC_BYTES = {"b": 1, "h": 2, "w": 4, "d": 8, "q": 16, "s": 4, "bf16": 2, "h2": 4, "bf2": 4}
FLOP_UNITS = {"d": (0, "fp64"), "s": (1, "fp32"), "h": (2, "fp16"), "bf16": (2, "fp16")}
ARITHMETIC = ("fadd", "fsub", "fmul", "fdiv", "fsqrt")
FUSED = ("fmadd", "fmsub", "fnmadd", "fnmsub")
TENSOR = {"f16": 0, "bf16": 1, "tf32": 2, "s8": 3, "u8": 3}
ROW_UNITS = {"alu": "alu", "mul": "int_mul", "fma": "fp32", "fp64": "fp64", "sfu": "sfu",
             "atomic": "atomic", "branch": "branch", "warp": "warp", "barrier": "barrier",
             "matrix": "tensor", "system": "other"}  # fmt: skip
BYTE_PRODUCTS = ("wf.dp4a.s", "wf.dp4a.u")


@dataclass(frozen=True, slots=True)
class Kind:
    """What an instruction counts as, whatever it accesses (`WfOp` in abi.h)."""

    unit: str
    flop_type: int = 0
    flops: int = 0
    tensor_type: int = 0
    tensor_ops: int = 0


def kind_of(ins: Instruction) -> Kind:
    """The unit of an instruction, and the operations it does; loads and stores as of global."""
    name, unit = ins.name, ins.row.unit
    if unit == "lsu":
        found = access_of(ins)
        return Kind("other" if found is None else
                    "global_store" if found[1] == abi.STORE else "global_load")
    if unit == "matrix":
        source = name.rpartition(".")[2]
        return Kind("tensor", 0, 0, TENSOR[source], 4096 if source == "tf32" else 8192)
    op, _, form = name.partition(".")
    if op == "fcvt":
        return Kind("convert")
    if op in FUSED:
        return Kind(FLOP_UNITS[form][1], FLOP_UNITS[form][0], 2)
    if op in ARITHMETIC:
        type_, scalar = FLOP_UNITS[form]
        slow = op in ("fdiv", "fsqrt") and scalar != "fp64"
        return Kind("sfu" if slow else scalar, type_, 1)
    if unit == "mul" and op.startswith(("div", "rem")):
        return Kind("sfu")
    if unit == "sfu":
        return Kind("sfu", 1, 1)
    return Kind(ROW_UNITS[unit])


@dataclass(frozen=True, slots=True)
class Site:
    """An access of memory: `WfSite` in abi.h."""

    pc: int
    size: int
    kind: int
    parts: int = 1
    offset: int = 0
    columns: int = 0
    registers: int = 0
    turned: bool = False


def access_of(ins: Instruction) -> tuple[int, int] | None:
    """(bytes, kind) of an instruction's access of memory; of a tile's, the bytes of an element."""
    if is_tile(ins):
        return tile_of(ins)[0], abi.LOAD if ins.name[4] == "l" else abi.STORE
    if ins.name in LOADS:
        return LOADS[ins.name].size, abi.LOAD
    if ins.name in STORES:
        return STORES[ins.name].size, abi.STORE
    if ins.row.unit == "atomic":
        return ATOMIC_BYTES[ins.name.rpartition(".")[2]], abi.ATOMIC
    return None


def is_tile(ins: Instruction) -> bool:
    """Whether the instruction moves a tile between memory and registers."""
    return ins.name.startswith(("wf.tld", "wf.tst"))


def tile_of(ins: Instruction) -> tuple[int, int, int, bool]:
    """(bytes of an element, columns, registers, whether it is turned) of a tile that is moved."""
    _, op, form = ins.name.split(".")
    columns, registers = SHORT.get(form, (TILE, 8))
    return ACCESSES[form].size, columns, registers, op.endswith("tt") or op == "tldt"


class Plan:
    """What is static about a kernel's counts: accesses, spills, groups of loads, by offset."""

    def __init__(self, program: Program, kernel: str, flow: Flow | None = None,
                 where: Where | None = None) -> None:
        self.blocks = explore(program, program.entry(kernel))
        self.where = where or (lambda pc: None)
        ssa = registers_of_stack(program, kernel, flow)
        self.spills: set[int] = set()
        self.registers = 0
        self.once: set[int] = set()
        if ssa is not None:
            self.once = outside_loops(ssa.flow)
            self.registers = pressure(ssa)
            if ssa.stack.promoted:
                self.spills = set(stack_accesses(self.blocks.values()))
        self.sites: list[Site] = []
        self.site_of: dict[int, int] = {}
        self.folded: dict[int, int] = {}
        self.opens: set[int] = set()
        for block in self.blocks.values():
            self._find_sites(block)
            self._find_groups(block)

    def _find_sites(self, block: Block) -> None:
        for parts in wide_accesses(block, self.spills):
            lowest = min(imm for _, imm in parts)
            pc, imm = min(parts)
            ins = dict(block.instructions)[pc]
            size, kind = access_of(ins) or (0, 0)
            tile = tile_of(ins)[1:] if is_tile(ins) else ()
            self.site_of[pc] = len(self.sites)
            self.folded.update({other: pc for other, _ in parts if other != pc})
            self.sites.append(Site(pc, size, kind, len(parts), lowest - imm, *tile))

    def _find_groups(self, block: Block) -> None:
        """Loads that are issued with no earlier one outstanding, waiting at first use.

        A slot of the stack that holds one value is a register of a chip with enough of them:
        moving a loaded value there, or to another register, does not wait for it.
        """
        waiting: set = set()
        moved: set = set()  # registers whose waiting value lies in a slot, too
        for pc, ins in block.instructions:
            if pc in self.spills or is_move(ins):
                target, source = moved_by(ins)
                moved.add(source)
                moved.discard(target)
                waiting.discard(target)
                if source in waiting:
                    waiting.add(target)
                continue
            if waiting.intersection(ins.reads) or waiting.intersection(ins.writes) - moved:
                waiting.clear()
            waiting.difference_update(ins.writes)
            moved.difference_update(ins.writes)
            if kind_of(ins).unit == "global_load":
                if not waiting:
                    self.opens.add(pc)
                waiting.update(ins.writes)

    def reports(self, pc: int) -> int | None:
        """The site whose addresses the instruction at `pc` reports."""
        return self.site_of.get(pc)

    # -- tables -------------------------------------------------------------------------------

    def tables(self, blocks: list[tuple[list, int]]) -> str:
        """The tables of `WfCode` for basic blocks given as (instructions, flags)."""
        firsts: dict[tuple, int] = {}
        ops: list[tuple[int, Instruction]] = []
        first, rest = [], {}
        for instructions, _ in blocks:
            key = (instructions[0][0], len(instructions)) if instructions else (0, 0)
            if key not in firsts:
                firsts[key] = len(ops)
                ops += instructions
            first.append(firsts[key])
            for place, (pc, _) in enumerate(instructions):
                # Of a block that is cut, the whole one counts: it adds itself to the progress.
                rest[pc] = max(rest.get(pc, 0), len(instructions) - place)
        lines, files = self._lines(ops)
        rows = [self._op(pc, ins, lines) for pc, ins in ops]
        sites = [f"%wf_site {{ i64 {s.pc}, i32 {s.offset}, i32 {rest.get(s.pc, 0)}, "
                 f"i16 {s.size}, i8 {s.parts}, i8 {s.kind}, i8 {s.columns}, i8 {s.registers}, "
                 f"i8 {int(s.turned)}, i8 {int(s.pc in self.once)} }}" for s in self.sites]
        places = [f"%wf_line {{ i32 {files[file]}, i32 {line} }}" for file, line in lines]
        text = "".join(f"{name}\\00" for name in map(_escaped, files)) or "\\00"
        count = sum(len(name.encode()) + 1 for name in files) or 1
        sizes = [len(instructions) for instructions, _ in blocks]
        return "\n".join([
            "%wf_op = type { i64, i32, i32, i8, i8, i8, i8, i16, i8, i8 }",
            "%wf_site = type { i64, i32, i32, i16, i8, i8, i8, i8, i8, i8 }",
            "%wf_line = type { i32, i32 }",
            _array("block_ops", "i32", [f"i32 {number}" for number in first]),
            _array("block_instructions", "i32", [f"i32 {number}" for number in sizes]),
            _array("block_flags", "i8", [f"i8 {flags}" for _, flags in blocks]),
            _array("ops", "%wf_op", rows), _array("sites", "%wf_site", sites),
            _array("lines", "%wf_line", places),
            f'@files = internal constant [{count} x i8] c"{text}"',
        ]) + "\n"

    def head(self, blocks: list, ops: int) -> str:
        """The part of `wf_code` that the tables are reached by."""
        counts = f"i32 {len(blocks)}, i32 {ops}, i32 {len(self.sites)}, i32 {self.line_count}"
        names = ("block_ops", "block_instructions", "block_flags", "ops", "sites", "lines", "files")
        return f"{counts}, i32 {self.registers}, i32 0, " + ", ".join(f"ptr @{n}" for n in names)

    line_count = 0

    def _lines(self, ops: list) -> tuple[dict[tuple[str, int], int], dict[str, int]]:
        """Numbers of the source lines met, and their files' places in `files`."""
        lines: dict[tuple[str, int], int] = {}
        files: dict[str, int] = {}
        at = 0
        for pc, _ in ops:
            place = self.where(pc)
            if place is None:
                continue
            lines.setdefault(place, len(lines))
            if place[0] not in files:
                files[place[0]] = at
                at += len(place[0].encode()) + 1
        self.line_count = len(lines)
        return lines, files

    def _op(self, pc: int, ins: Instruction, lines: dict) -> str:
        kind = kind_of(ins)
        unit = "spill" if pc in self.spills else kind.unit
        flags = abi.OP_CONDITIONAL * (ins.name in BRANCHES) | abi.OP_OPENS * (pc in self.opens)
        site = self.site_of.get(self.folded.get(pc, pc), -1)
        flags |= abi.OP_FOLDED * (pc in self.folded)
        place = self.where(pc)
        line = -1 if place is None else lines[place]
        return (f"%wf_op {{ i64 {pc}, i32 {line}, i32 {site}, i8 {abi.UNITS.index(unit)}, "
                f"i8 {kind.flop_type}, i8 {kind.flops}, i8 {kind.tensor_type}, "
                f"i16 {kind.tensor_ops}, i8 {flags}, i8 0 }}")


def op_count(blocks: list[tuple[list, int]]) -> int:
    """Instructions in the tables of these blocks."""
    seen = {(ins[0][0], len(ins)): len(ins) for ins, _ in blocks if ins}
    return sum(seen.values())


def _array(name: str, kind: str, rows: list[str]) -> str:
    return f"@{name} = internal constant [{len(rows)} x {kind}] [{', '.join(rows)}]"


def _escaped(name: str) -> str:
    return "".join(chr(byte) if 32 <= byte < 127 and byte not in (34, 92) else f"\\{byte:02X}"
                   for byte in name.encode())


# -- what code says of itself -------------------------------------------------------------------


def registers_of_stack(program: Program, kernel: str, flow: Flow | None) -> Ssa | None:
    """The kernel's static single assignment, which says what its stack holds; None: unknown."""
    try:
        return Ssa(flow or Flow(program, kernel))
    except NotFast:
        return None


def outside_loops(flow: Flow) -> set[int]:
    """Offsets of instructions that a warp executes once at most."""
    looped = {pc for node in flow.nodes if node.loop for pc, _ in node.instructions}
    return {pc for node in flow.nodes for pc, _ in node.instructions} - looped


def stack_accesses(blocks: Iterable[Block]) -> list[int]:
    """Offsets of loads and stores through the stack pointer."""
    return [pc for block in blocks for pc, ins in block.instructions
            if ins.rs1 == STACK_POINTER and (ins.name in LOADS or ins.name in STORES)]


def is_move(ins: Instruction) -> bool:
    """Whether the instruction copies one register to another."""
    if ins.name.startswith("fsgnj."):
        return ins.rs1 == ins.rs2
    return ins.name == "addi" and not ins.imm and ins.rs1 != STACK_POINTER


def moved_by(ins: Instruction) -> tuple[tuple[str, int], tuple[str, int]]:
    """(to, from) of a move, or of a load or store of a stack slot; a slot is ("stack", offset)."""
    slot = ("stack", ins.imm)
    target = ins.writes[0] if ins.writes else ("x", 0)
    if is_move(ins):
        return target, ins.reads[0] if ins.reads else ("x", 0)
    if ins.name in STORES:
        stored = [register for register in ins.reads if register != ("x", STACK_POINTER)]
        return slot, stored[0] if stored else ("x", 0)
    return target, slot


def wide_accesses(block: Block, spills: set[int]) -> list[list[tuple[int, int]]]:
    """Accesses of a block, those that lie side by side in each lane together: [(pc, offset)].

    Parts share instruction and base register, and make 4, 8 or 16 bytes in a row. The chip counts
    them apart again where the lanes' addresses are not aligned to the whole.
    """
    done: list[list[tuple[int, int]]] = []
    open_: dict[tuple[str, int], list[tuple[int, int]]] = {}
    for pc, ins in block.instructions:
        found = access_of(ins)
        if found is not None and pc not in spills:
            if found[1] == abi.ATOMIC or is_tile(ins):
                done.append([(pc, 0)])
            else:
                open_.setdefault((ins.name, ins.rs1), []).append((pc, ins.imm))
        for file, number in ins.writes:
            if file == "x":
                for key in [key for key in open_ if key[1] == number]:
                    done += _rows(key[0], open_.pop(key))
    for key, accesses in open_.items():
        done += _rows(key[0], accesses)
    return sorted(done)


def _rows(name: str, accesses: list[tuple[int, int]]) -> list[list[tuple[int, int]]]:
    """Accesses through one base, cut into rows of neighbours, the widest first."""
    size = (LOADS.get(name) or STORES[name]).size
    by_offset: dict[int, int] = {}
    rows = []
    for pc, imm in accesses:
        if imm in by_offset:
            rows.append([(pc, imm)])
        else:
            by_offset[imm] = pc
    while by_offset:
        at = min(by_offset)
        width = WIDEST // size
        while width > 1 and not all(at + size * i in by_offset for i in range(width)):
            width //= 2
        if size * width < 4:
            width = 1
        rows.append([(by_offset.pop(at + size * i), at + size * i) for i in range(width)])
    return rows


ARGUMENTS = ("x", 10)
"""Where a kernel finds the pointer to its arguments."""
NARROW = ("w", ".uw")
WORDS = {"lb", "lbu", "lh", "lhu", "lw", "lwu", "lui", "slt", "sltu", "slti", "sltiu", "fmv.x.w",
         "fmv.x.h", "wf.sr"}  # fmt: skip
SAME_WIDTH = {"addi", "andi", "ori", "xori", "and", "or", "xor", "andn", "orn", "xnor", "min",
              "max", "minu", "maxu", "czero.eqz", "czero.nez", "srli", "srai"}  # fmt: skip


def pressure(ssa: Ssa) -> int:
    """The most 32-bit registers that are live at once; what a value is made by tells its width.

    Kernel arguments, and copies of them, take none: they are operands.
    """
    widths: dict = {ARGUMENTS: 0}
    constant = {ARGUMENTS}
    most = 0
    for number in ssa.flow.order:
        live: set = set()
        for target in ssa.flow.nodes[number].targets:
            if target >= 0:
                live |= ssa.live_in[target]
        rows = list(ssa.accesses(number))
        for _, ins, reads, writes in rows:
            free = bool(reads) and constant.issuperset(reads) and (
                ins.name in LOADS or ins.name in STORES or is_move(ins)
            )  # fmt: skip
            for variable in writes:
                widths[variable] = 0 if free else _width(ins, variable, reads, widths)
                (constant.add if free else constant.discard)(variable)
        for _, _, reads, writes in reversed(rows):
            most = max(most, sum(widths.get(v, 1) for v in live | set(writes)))
            live -= set(writes)
            live |= set(reads)
        most = max(most, sum(widths.get(v, 1) for v in live))
    return most


def _width(ins: Instruction, variable, reads: list, widths: dict) -> int:
    """32-bit registers of what an instruction writes."""
    if variable[0] == "m":
        return 2 if variable[1][1] == 8 else 1
    if variable[0] == "f":
        form = ins.name.removeprefix("wf.").split(".")[1:2]
        return 2 if ins.name == "fld" or form == ["d"] else 1
    name = ins.name
    if name in SAME_WIDTH:
        return max((widths.get(v, 1) for v in reads), default=1)
    if name in WORDS or name.endswith(NARROW) or name.startswith(("wf.", "fcvt.w", "f")):
        return 1
    return 2


# -- the text -----------------------------------------------------------------------------------


class Counting:
    """Text that counts, for both engines. Needs their builder, labels, `ctx` and `mask`."""

    b: Builder
    counts = False
    plan: Plan | None = None
    pc: int

    def begin_counting(self) -> None:
        """Room for the warp's progress, and for when its accesses are reported."""
        if self.counts:
            self.progress, self.capture = self.scratch("i64"), self.scratch("i64")

    def load_progress(self) -> None:
        for name, slot in (("progress", self.progress), ("capture_from", self.capture)):
            value = self.b.emit(f"load i64, ptr {self.ctx_pointer(name)}")
            self.b.run(f"store i64 {value}, ptr {slot}")

    def save_progress(self) -> None:
        if self.counts:
            value = self.b.emit(f"load i64, ptr {self.progress}")
            self.b.run(f"store i64 {value}, ptr {self.ctx_pointer('progress')}")

    def count_block(self, table: str, index: int, instructions: int, mask: str | None,
                    sign: int = 1) -> None:
        """A basic block ran for the lanes of `mask` (None: all 32, which are not counted)."""
        amounts = [(0, str(sign))]
        if mask is not None:
            lanes = self.b.emit(f"call i32 @llvm.ctpop.i32(i32 {mask})")
            lanes = self.b.emit(f"zext i32 {lanes} to i64")
            amounts.append((1, lanes if sign > 0 else self.b.emit(f"sub i64 0, {lanes}")))
        for slot, amount in amounts:
            self.add_to(self.b.emit(f"getelementptr i64, ptr {table}, i64 {3 * index + slot}"),
                        amount)
        self.add_to(self.progress, str(sign * instructions))

    def count_parting(self, table: str, index: int, masks: tuple[str, str]) -> None:
        """A branch counts as divergent where lanes go both ways."""
        some = [self.b.emit(f"icmp ne i32 {mask}, 0") for mask in masks]
        both = self.b.emit(f"and i1 {some[0]}, {some[1]}")
        place = self.b.emit(f"getelementptr i64, ptr {table}, i64 {3 * index + 2}")
        self.add_to(place, self.b.emit(f"zext i1 {both} to i64"))

    def add_to(self, place: str, amount: str) -> None:
        old = self.b.emit(f"load i64, ptr {place}")
        self.b.run(f"store i64 {self.b.emit(f'add i64 {old}, {amount}')}, ptr {place}")

    def report_access(self, address: Value) -> None:
        """Tells the chip of an access, once the warp's progress has come to where it wants to."""
        site = self._site(tile=False)
        if site is None:
            return
        address = address.copy()
        if address.uniform:
            self._tell("access_one", lambda: f"i32 {site}, i32 {self.mask_operand()}, "
                                             f"i64 {self.literal(address)}")
            return

        def arguments() -> str:
            self.b.run(f"store {vector('i64')} {self.vec(address)}, "
                       f"ptr {self.ctx_pointer('access_addr')}, align 64")
            return f"i32 {site}, i32 {self.mask_operand()}"

        self._tell("access", arguments)

    def report_tile(self, base: Value, stride: Value) -> None:
        """Of a tile the chip is told the first active lane's base and stride."""
        site = self._site(tile=True)
        if site is None:
            return
        operands = [base.copy(), stride.copy()]

        def arguments() -> str:
            for place, value in enumerate(operands):
                self.b.run(f"store i64 {self._first_lane(self.wide(value))}, "
                           f"ptr {self.ctx_pointer('access_addr', 8 * place)}")
            return f"i32 {site}, i32 {self.mask_operand()}"

        self._tell("access", arguments)

    def _site(self, tile: bool) -> int | None:
        if not (self.counts and self.plan and self.b.on):
            return None
        site = self.plan.reports(self.pc)
        return site if site is not None and bool(self.plan.sites[site].columns) == tile else None

    def _first_lane(self, value: Value) -> str:
        if value.uniform:
            return self.literal(value)
        lanes, lane = self.vec(value), "0"
        if self.mask is not None:
            lane = self.b.emit(f"call i32 @llvm.cttz.i32(i32 {self.mask}, i1 false)")
        return self.b.emit(f"extractelement {vector('i64')} {lanes}, i32 {lane}")

    def _tell(self, callback: str, arguments: Callable[[], str]) -> None:
        b = self.b
        now = b.emit(f"load i64, ptr {self.progress}")
        start = b.emit(f"load i64, ptr {self.capture}")
        wanted = "true" if self.pc in self.plan.once else b.emit(f"icmp uge i64 {now}, {start}")
        tell, after = self.branch_label("tell"), self.branch_label("told")
        splats = dict(b.splats)
        b.run(f"br i1 {wanted}, label %{tell}, label %{after}")
        b.label(tell)
        b.splats = dict(splats)
        b.run(f"store i64 {now}, ptr {self.ctx_pointer('progress')}")
        given = arguments()
        function = b.emit(f"load ptr, ptr {self.ctx_pointer(callback)}")
        b.run(f"call void {function}(ptr {self.ctx}, {given})")
        later = b.emit(f"load i64, ptr {self.ctx_pointer('capture_from')}")
        b.run(f"store i64 {later}, ptr {self.capture}")
        b.run(f"br label %{after}")
        b.label(after)
        b.splats = splats
