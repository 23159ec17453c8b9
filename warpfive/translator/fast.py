"""Whole-kernel code: registers in host registers, masks only where lanes can part.

The kernel's flow graph is swept in an order in which loops are contiguous. A node outside every
divergent region runs with all lanes of the warp and branches as scalar code does. Inside a region
each node has a mask of the lanes that wait for it; the nodes are visited in order, those without
waiting lanes are skipped, and a loop goes round while lanes wait at its header. Lanes meet again
at the region's exit.

Values that several nodes need live in stack slots, which LLVM turns into registers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from warpfive.isa import Instruction
from warpfive.translator import abi
from warpfive.translator.divergence import Divergence, Region
from warpfive.translator.flow import EXIT, Flow, Loop, NotFast
from warpfive.translator.lowering import BRANCHES, TRAP_CODES, Lowering
from warpfive.translator.memory import LOADS, STORES
from warpfive.translator.specials import Specials
from warpfive.translator.ssa import STACK_POINTER, Phi, Ssa, Variable
from warpfive.translator.values import ELEMENT, FLOATS, Builder, Value, vector
from warpfive.units import WARP_LANES

PASS_LIMIT = 24
GRID_AXIS_LIMIT = 1 << 30
"""Fast code assumes that no axis of the grid has more threads; others run as general code."""
WAIT_UNITS = ("lsu", "atomic")


@dataclass(frozen=True, slots=True)
class Shape:
    """What a phi holds: kind, type, stride and row (None: a row in a slot of its own)."""

    kind: str
    type: str
    stride: int = 0
    row: int | None = 0
    const: int | None = None


def run_length(shape: tuple[int, int, int]) -> int:
    """Neighbouring lanes that share a row of the block, where rows divide the warp."""
    x, y, z = shape
    if x % WARP_LANES == 0 or y * z == 1 or WARP_LANES % x or x < 2:
        return WARP_LANES
    return x


class Fast(Specials, Lowering):
    """Emits `@wf_blocks` (no barriers to wait at) or `@wf_fast` (resumable at barriers)."""

    def __init__(self, flow: Flow, shape: tuple[int, int, int], counts: bool) -> None:
        super().__init__(Builder(on=False), run_length(shape), affine=True)
        self.flow = flow
        self.ssa = Ssa(flow)
        self.block_shape = shape
        self.counts = counts
        self.threads = shape[0] * shape[1] * shape[2]
        self.warps = (self.threads + WARP_LANES - 1) // WARP_LANES
        self.barriers = [node.number for node in flow.nodes
                         if any(ins.row.unit == "barrier" for _, ins in node.instructions)]
        self.resumable = bool(self.barriers) and (self.warps > 1 or self._has_grid_sync())
        self.shapes: dict[int, Shape] = {}
        self.divergence = Divergence(flow, set())
        self.guards: set[int] = set()
        self.waits: dict[int, bool] = {}
        self._analyse()

    def _has_grid_sync(self) -> bool:
        return any(ins.name == "wf.grid.sync" for node in self.flow.nodes
                   for _, ins in node.instructions)

    # -- analysis: the emission, run without writing, until the shapes of phis settle ----------

    def _analyse(self) -> None:
        for _ in range(PASS_LIMIT):
            before = (dict(self.shapes), set(self.divergence.reach))
            self._reset()
            for number in self.flow.order:
                self._pass_node(number)
            for number in self.flow.order:
                for phi in self.ssa.phis[number].values():
                    self._settle(number, phi)
            branches = set(self.divergence.reach) | self.parting
            if branches != set(self.divergence.reach):
                self.divergence = Divergence(self.flow, branches)
            if before == (self.shapes, branches):
                return
        raise NotFast("the shapes of its values do not settle")

    def _reset(self) -> None:
        self.values: dict[int, Value] = {}
        self.parting: set[int] = set()
        self.loaded: dict[int, Value] = {}
        self.env: dict[Variable, Value] = {}
        self.prologue: list[str] = []
        self.prologue_names: dict[tuple, str] = {}
        self.prologue_values: set[str] = set()
        self.cold: list[Callable[[], None]] = []
        self.slots: dict[int, list[tuple[str, str]]] = {}
        self.pending: dict[int, str] = {}
        self.checked: set[tuple] = set()
        self.allocas: list[str] = []
        self.labels = 0
        self.initial_values()

    def _pass_node(self, number: int) -> None:
        self.begin_node(number)
        for phi in self.ssa.phis[number].values():
            self._settle(number, phi)
            if phi.definition in self.shapes:
                self.values[phi.definition] = self.phi_value(phi.definition)
        node = self.flow.nodes[number]
        self.set_mask("%m" if number in self.divergence.masked else self.full_mask())
        self.lower_body(number)
        if node.instructions and node.last[1].name in BRANCHES and len(node.targets) == 2:
            self.pc = node.last[0]
            condition = self.condition(node.last[1])
            if not condition.uniform:
                self.parting.add(number)
        self.end_node(number)

    def _settle(self, number: int, phi: Phi) -> None:
        """Join the shapes of a phi's operands into its own."""
        operands = [(source, definition, self.values[definition])
                    for source, definition in phi.operands.items() if definition in self.values]
        if not operands:
            return
        forced = self._parted(number, phi)
        shape = self.shapes.get(phi.definition)
        distinct = {definition for _, definition, _ in operands}
        for _, _, value in operands:
            shape = _join(shape, value, forced and len(distinct) > 1,
                          phi.variable[0] != "x")
        if forced and self._left(number, phi) and shape.const is None:
            shape = Shape("V", shape.type)
        self.shapes[phi.definition] = shape

    def _parted(self, number: int, phi: Phi) -> bool:
        return number in self.divergence.joins or self._left(number, phi)

    def _left(self, number: int, phi: Phi) -> bool:
        """Whether an operand is made in a loop that lanes leave at different times."""
        for source, definition in phi.operands.items():
            for loop in self.divergence.leaves_divergently(source, number):
                if self.ssa.home[definition] in loop.nodes:
                    return True
        return False

    # -- values across nodes ------------------------------------------------------------------

    def initial_values(self) -> None:
        """What the registers hold when the kernel starts."""
        for variable, definition in self.ssa.initial.items():
            if variable == ("x", 10):
                value = self.ctx_value("args", "i64")
            elif variable == ("x", 4):
                value = self.ctx_value("shared", "i64")
            elif variable == ("x", STACK_POINTER):
                value = Value("V", "x", "%sp")
            else:
                value = self.const(0)
            self.values[definition] = value

    def phi_value(self, definition: int) -> Value:
        """A phi's content, as names that `reload` fills in."""
        shape = self.shapes[definition]
        if shape.const is not None:
            return self.const(shape.const)
        row = "%row" if shape.row is None else shape.row
        return Value(shape.kind, shape.type, "%phi", stride=shape.stride, row=row)

    def slot_types(self, value: Value) -> list[str]:
        """The LLVM types of the operands a value is kept in."""
        if value.kind == "V" and value.parts and value.name is None:
            base, index, _ = value.parts
            return (["i64"] if base.startswith("%") else []) + self.slot_types(index)
        if not value.name.startswith("%") or value.name in self.prologue_values:
            return []
        if value.kind == "V":
            return [vector(value.element)]
        rows = [value.element] if isinstance(value.row, str) else []
        return [value.element, *rows]

    def operands_of(self, value: Value) -> list[str]:
        """The operands themselves, in the order of `slot_types`."""
        if value.kind == "V" and value.parts and value.name is None:
            base, index, _ = value.parts
            return ([base] if base.startswith("%") else []) + self.operands_of(index)
        if not self.slot_types(value):
            return []
        rows = [value.row] if isinstance(value.row, str) else []
        return [value.name, *rows]

    def with_operands(self, value: Value, names: list[str]) -> Value:
        """A copy of `value` made of other operands."""
        if value.kind == "V" and value.parts and value.name is None:
            base, index, shift = value.parts
            rest = list(names)
            if base.startswith("%"):
                base = rest.pop(0)
            copy = Value("V", "x", None, low=value.low, high=value.high)
            copy.parts = (base, self.with_operands(index, rest), shift)
            return copy
        if not names:
            return value
        row = names[1] if len(names) > 1 else value.row
        return Value(value.kind, value.type, names[0], value.const, value.stride, row,
                     value.low, value.high)

    def slots_for(self, definition: int) -> list[tuple[str, str]]:
        """(pointer, type) of each operand of a definition."""
        if definition not in self.slots:
            self.slots[definition] = [
                (self.scratch(kind), kind) for kind in self.slot_types(self.values[definition])]
        return self.slots[definition]

    def keep(self, definition: int, value: Value) -> None:
        """Store a definition where other nodes find it."""
        self.values[definition] = value = value.copy()
        for (slot, kind), name in zip(
                self.slots_for(definition), self.operands_of(value), strict=True):
            self.b.run(f"store {kind} {name}, ptr {slot}")

    def reload(self, definition: int) -> Value:
        """A definition of another node (or a phi), loaded once a node."""
        if definition not in self.loaded:
            if definition not in self.values:
                return self.const(0)
            value = self.values[definition]
            names = [self.b.emit(f"load {kind}, ptr {slot}")
                     for slot, kind in self.slots_for(definition)]
            self.loaded[definition] = self.with_operands(value, names)
        return self.loaded[definition]

    def get(self, file: str, number: int) -> Value:
        return self.get_variable((file, number))

    def get_variable(self, variable: Variable) -> Value:
        if variable not in self.env:
            definition = self.ssa.entry[self.number].get(variable)
            self.env[variable] = self.const(0) if definition is None else self.reload(definition)
        return self.env[variable]

    def put(self, file: str, number: int, value: Value) -> None:
        self.env[file, number] = value
        self.changed.add((file, number))

    # -- one node -----------------------------------------------------------------------------

    def begin_node(self, number: int) -> None:
        self.number = number
        self.env = {}
        self.changed: set[Variable] = set()
        self.loaded = {}
        self.checked = set()
        self.b.splats = {}
        self.tile_slots: dict[tuple, str] = {}
        self.delta = self.ssa.stack.delta.get(number, 0)

    def lower_body(self, number: int) -> None:
        """Everything but the control transfer at the end."""
        node = self.flow.nodes[number]
        for index, (self.pc, ins) in enumerate(node.instructions):
            last = index == len(node.instructions) - 1
            if last and ins.name in BRANCHES:
                return
            if last and ins.name in ("jal", "jalr"):
                if ins.rd:
                    base = self.ctx_value("module_base", "i64")
                    self.set_x(ins.rd, self.arith("add", base, self.const(self.pc + 4), 64))
                return
            self._lower_one(ins)

    def _lower_one(self, ins: Instruction) -> None:
        if ins.row.unit == "barrier":
            self.barrier(ins)
        elif ins.name == "wf.exit":
            return
        elif ins.name in ("wf.trap", "ebreak", "ecall", "unimp"):
            self.explicit_trap(ins)
        elif self.ssa.stack.promoted and self._stack_access(ins):
            return
        else:
            self.lower(ins)

    def _stack_access(self, ins: Instruction) -> bool:
        """Loads and stores of promoted slots move registers."""
        if ins.name == "addi" and ins.rd == STACK_POINTER:
            self.delta += ins.imm
            return True
        slot = self.ssa.slot(self.number, self.pc, ins, self.delta)
        if slot is None:
            return False
        if ins.name in STORES:
            value = self.f(ins.rs2) if ins.name[0] == "f" else self.x(ins.rs2)
            access = STORES[ins.name]
            self.put(*slot, self._stored(access, value) if access.type in "sdh" else value)
        else:
            access = LOADS[ins.name]
            value = self._from_slot(access, self.get_variable(slot))
            (self.set_f if ins.name[0] == "f" else self.set_x)(ins.rd, value)
        return True

    def _from_slot(self, access, value: Value) -> Value:
        if access.type in "sdh":
            return self.as_float(value, access.type)
        if access.size == 8:
            return self.raw(value) if value.type in FLOATS else value
        if access.size < 4:
            return self.extend_low(self._word_of(value), 8 * access.size, access.signed)
        word = self._word_of(value)
        return self.zero_extend_word(word) if access.type == "z" else word

    def _word_of(self, value: Value) -> Value:
        return self.low32(self.float_bits(value) if value.type in FLOATS else value)

    def end_node(self, number: int) -> None:
        """Record the node's definitions."""
        for variable, definition in self.ssa.written[number].items():
            if variable in self.env:
                self.values[definition] = self.env[variable]

    # -- hooks --------------------------------------------------------------------------------

    def full_mask(self) -> str | None:
        return None if self.threads % WARP_LANES == 0 else "%live"

    def warp_number(self) -> str:
        return "%w" if self.warps > 1 else "0"

    def grid_bound(self, axis: int) -> int:
        return GRID_AXIS_LIMIT // self.block_shape[axis] - 1

    def ctx_value(self, field: str, element: str, extra: int = 0) -> Value:
        """Launch constants are loaded once, at the function's start."""
        if field == "ctaid":
            return self.scalar("w", f"%ctaid{extra // 4}")
        key = (field, extra)
        if key not in self.prologue_names:
            name = f"%ctx.{field}.{extra}"
            self.prologue += [
                f"  {name}.p = getelementptr i8, ptr %ctx, i64 {abi.CTX[field] + extra}",
                f"  {name} = load {element}, ptr {name}.p"]
            self.prologue_names[key] = name
            self.prologue_values.add(name)
        return self.scalar("w" if element == "i32" else "x", self.prologue_names[key])

    def shared_base(self) -> str:
        return self.ctx_value("shared", "i64").name

    def guard(self, ok: str) -> None:
        self.guards.add(self.pc)

    def trap_unless(self, ok: str, code: int, address: str, lanes: str) -> None:
        return

    def barrier(self, ins: Instruction) -> None:
        """In analysis only the result matters."""
        if ins.name.startswith("wf.bar.red"):
            self.set_x(ins.rd, self.scalar("w", self.b.fresh()))

    def explicit_trap(self, ins: Instruction) -> None:
        return

    def exits_of(self, region: Region) -> str:
        return "lanes_done" if region.exit == EXIT else f"N{region.exit}"

    def loop_may_wait(self, loop: Loop | None) -> bool:
        """Whether a loop, or one around it, may be waiting for what others write: a branch in it
        depends on what was read there."""
        while loop is not None:
            if loop.header not in self.waits:
                self.waits[loop.header] = self._branches_on_reads(loop)
            if self.waits[loop.header]:
                return True
            loop = loop.parent
        return False

    def _branches_on_reads(self, loop: Loop) -> bool:
        read: set[int] = set()
        """Definitions that depend on memory."""
        before = -1
        while before != len(read):
            before = len(read)
            for number in loop.nodes:
                read |= {phi.definition for phi in self.ssa.phis[number].values()
                         if read & set(phi.operands.values())}
                known = {variable for variable, definition in self.ssa.entry[number].items()
                         if definition in read}
                for _, ins, reads, writes in self.ssa.accesses(number):
                    slot = any(variable[0] == "m" for variable in (*reads, *writes))
                    if known & set(reads) or (ins.row.unit in WAIT_UNITS and not slot):
                        if ins.name in BRANCHES:
                            return True
                        known |= set(writes)
                    else:
                        known -= set(writes)
                read |= {definition for variable, definition in self.ssa.written[number].items()
                         if variable in known}
        return False

    @property
    def spins(self) -> bool:
        return any(self.loop_may_wait(loop) for loop in self.flow.loops)

    def trap_code(self, ins: Instruction) -> str:
        """The WfTrap operand of a trap instruction."""
        if ins.name != "wf.trap":
            code = abi.TRAP_TRAP if ins.name == "ebreak" else abi.TRAP_ILLEGAL_INSTRUCTION
            return str(code)
        given = self.low32(self.x(ins.rs1))
        name = given.name if given.uniform else self.last_lane(given)
        failed = self.b.emit(f"icmp eq i32 {name}, 1")
        return self.b.emit(f"select i1 {failed}, i32 {TRAP_CODES[1]}, i32 {TRAP_CODES[2]}")


def _join(shape: Shape | None, value: Value, forced: bool, is_float: bool) -> Shape:
    """The least shape that holds both."""
    row = None if isinstance(value.row, str) else value.row
    type_ = value.type
    if is_float and type_ not in FLOATS:
        type_ = "x"
    kind = value.kind
    const = value.const if not is_float else None
    new = Shape(kind, type_, value.stride, row if kind == "A" else 0, const)
    if shape is None or shape == new:
        return _plain(new, forced)
    type_ = _join_types(shape, new, is_float)
    if "V" in (shape.kind, new.kind) or forced:
        return Shape("V", type_)
    if shape.const is not None and shape.const == new.const:
        return shape
    if shape.kind == new.kind == "U":
        return Shape("U", type_)
    # Affine in 32 bits need not be affine in 64: a change of width makes a vector.
    same = shape.kind == new.kind and shape.stride == new.stride and type_ == shape.type == new.type
    if not same:
        return Shape("V", type_)
    return Shape("A", type_, shape.stride, shape.row if shape.row == new.row else None)


def _plain(shape: Shape, forced: bool) -> Shape:
    if forced and shape.const is None:
        return Shape("V", shape.type)
    return shape


def _join_types(a: Shape, b: Shape, is_float: bool) -> str:
    if a.type == b.type:
        return a.type
    if is_float:
        return "x"
    for one, other in ((a, b), (b, a)):
        if other.const is not None and other.type == "w":
            if one.type == "b" and other.const in (0, 1):
                return "w"
            if one.type == "z" and other.const >= 0:
                return "z"
    if {a.type, b.type} <= {"w", "b"}:
        return "w"
    return "x"


__all__ = ["ELEMENT", "Fast", "Shape"]
