"""Handing a warp of fast code over to general code, by writing its registers in canonical form.

The place where fast code gives up only puts the values that are alive into a frame, as they are;
a table says what each is and which register it belongs to, and one function of the object, run
seldom, goes through the table lane by lane. (Written out in place, such code would be most of what
is translated.) Of a uniform or affine value only the scalar is put there, and values with homes in
the warp's state are not even copied.
"""

from __future__ import annotations

from warpfive.translator import abi
from warpfive.translator.counting import Counting
from warpfive.translator.divergence import Region
from warpfive.translator.fast import Fast
from warpfive.translator.flow import EXIT
from warpfive.translator.homes import Homes, size_of
from warpfive.translator.ssa import STACK_POINTER, Variable
from warpfive.translator.values import Value, vector
from warpfive.units import WARP_LANES

WORD, UNSIGNED, SINGLE, HALF, WIDE, FLAG, CONSTANT, STACK_TOP = range(8)
IN_STATE, SCALAR = 16, 32
"""What an entry's value is; whether it lies in the warp's state instead of the frame; whether one
scalar, plus the entry's stride for each lane, stands for all lanes."""
ENTRY = 5
"""Words of an entry: kind, place, stride; target and bytes (`_target`)."""
KINDS = {"w": WORD, "z": UNSIGNED, "s": SINGLE, "h": HALF, "g": HALF, "x": WIDE, "d": WIDE,
         "b": FLAG}  # fmt: skip
THREAD_POINTER = 4
REGISTER_BYTES = 8 * WARP_LANES
Source = tuple[int, int, int]
"""Kind, place and stride of an entry."""


class Handover(Counting, Fast):
    """The ways out of fast code at guards, split barriers and spent budgets."""

    homes: Homes | None = None
    state: str
    tables: list[str]
    frame_bytes: int
    region_spills: set[int]

    def begin_handover(self) -> None:
        self.tables = []
        self.frame_bytes = 0
        self.region_spills = set()
        self.written_spills: set[int] = set()

    def guard(self, ok: str) -> None:
        """Fast code's assumption does not hold: general code goes on at this instruction."""
        super().guard(ok)
        if not self.b.on:
            return
        cold, fine = self.branch_label("deopt"), self.branch_label("sure")
        self.goto(f"br i1 {ok}, label %{fine}, label %{cold}, !prof !1", fine)
        self.cold_spill(cold, self.pc)

    def cold_spill(self, label: str, pc: int) -> None:
        """Emit later, under `label`: spill the active lanes at `pc`, then the waiting ones."""
        number, mask, delta = self.number, self.mask, self.delta
        env = {variable: value.copy() for variable, value in self.env.items()}
        loaded = {d: value.copy() for d, value in self.loaded.items()}
        changed = set(self.changed)

        def write() -> None:
            self.b.label(label)
            self.begin_node(number)
            self.env, self.loaded, self.delta, self.changed = env, loaded, delta, changed
            self.set_mask(mask)
            if self.counts:
                self._undo_count(number, pc)
            self.begin_spill()
            self.spill_group(pc, self._live_at(number, pc))
            region = self.divergence.region_of.get(number)
            if region is None:
                self.b.run("br label %spilled")
            else:
                self.to_region_spill(region)

        self.cold.append(write)

    def _live_at(self, number: int, pc: int) -> set[Variable]:
        """Variables needed from the instruction at `pc` on."""
        live: set[Variable] = set()
        for target in self.flow.nodes[number].targets:
            if target != EXIT:
                live |= self.ssa.live_in[target]
        for at, _, reads, writes in reversed(list(self.ssa.accesses(number))):
            live -= set(writes)
            live |= set(reads)
            if at == pc:
                break
        return live

    def state_field(self, name: str, extra: int = 0) -> str:
        return self.b.emit(f"getelementptr i8, ptr {self.state}, i64 {abi.WARP[name] + extra}")

    def set_state(self, name: str, operand: str) -> None:
        self.b.run(f"store i32 {operand}, ptr {self.state_field(name)}")

    def begin_spill(self) -> None:
        """No lane is in the state yet."""
        self.b.run(f"call void @wf_spill_none(ptr {self.state}, i32 {self.warp_number()})")

    def spill_group(self, pc: int, variables: set[Variable]) -> None:
        """Write the active lanes' registers and program counters in canonical form."""
        self._spill_from(_Frame(), pc, variables)

    def _spill_from(self, frame: _Frame, pc: int, variables: set[Variable]) -> None:
        """The same, with what is put into the frame beside what is there already."""
        entries = [(CONSTANT, pc, 0, abi.WARP["pc"], 0)]
        for variable in sorted(variables):
            entries.append((*self._source(variable, frame), *_target(variable)))
        if self.ssa.stack.promoted:
            entries.append((STACK_TOP, self.delta, 0, *_target(("x", STACK_POINTER))))
        shared = self.wide(self.scalar("x", self.shared_base()))
        entries.append((WIDE + SCALAR, self._put(frame, "i64", shared.name), 0,
                        *_target(("x", THREAD_POINTER))))
        self.frame_bytes = max(self.frame_bytes, frame.size)
        rows = ", ".join(f"i64 {word}" for entry in entries for word in entry)
        name = f"@spilled{len(self.tables)}"
        kind = f"[{ENTRY * len(entries)} x i64]"
        self.tables.append(f"{name} = internal constant {kind} [{rows}]")
        self.b.run(f"call void @wf_spill(ptr %ctx, ptr {self.state}, ptr %frame, ptr {name}, "
                   f"i64 {len(entries)}, i32 {self.mask_operand()}, i32 {self.warp_number()})")

    def _source(self, variable: Variable, frame: _Frame) -> Source:
        """Where a variable's value is; it is put into the frame if it has no home."""
        definition = self.ssa.entry[self.number].get(variable)
        if variable not in self.changed:
            if (at := self._home_of(definition)) is not None:
                value = self.values[definition]
                scalar = 0 if value.kind == "V" else SCALAR
                return KINDS[value.type] + IN_STATE + scalar, at, value.stride
            if definition in frame.places:
                return frame.places[definition]
        value = self.get_variable(variable)
        if value.uniform and value.const is not None:
            return CONSTANT, value.const, 0
        if _one_scalar(value):
            place = self._put(frame, value.element, value.name)
            return KINDS[value.type] + SCALAR, place, value.stride
        if value.uniform:
            return WIDE + SCALAR, self._put(frame, "i64", self.wide(value).name), 0
        return KINDS[value.type], self._put(frame, vector(value.element), self.vec(value)), 0

    def _home_of(self, definition: int | None) -> int | None:
        """The offset in the warp's state of a definition that has a home there."""
        if self.homes is None or definition not in self.values:
            return None
        value, places = self.values[definition], self.homes.taken.get(definition)
        if not places or value.name is None or not (value.kind == "V" or _one_scalar(value)):
            return None
        return abi.WARP["fast_state"] + places[0][0]

    def _put(self, frame: _Frame, kind: str, name: str) -> int:
        offset = frame.room(kind)
        place = self.b.emit(f"getelementptr i8, ptr %frame, i64 {offset}")
        self.b.run(f"store {kind} {name}, ptr {place}")
        return offset

    def to_region_spill(self, region: Region) -> None:
        index = self.divergence.regions.index(region)
        self.region_spills.add(index)
        self.b.run(f"br label %SR{index}")

    def emit_region_spill(self, index: int) -> None:
        """Spill every lane that waits in a region."""
        b = self.b
        region = self.divergence.regions[index]
        b.label(f"SR{index}")
        waits = region.order + ([region.exit] if region.exit != EXIT else [])
        # Nodes need much the same values: each goes into the frame once, whoever waits.
        frame = _Frame()
        for number in waits:
            self.begin_node(number)
            for variable in sorted(self.ssa.live_in[number]):
                definition = self.ssa.entry[number].get(variable)
                if definition is not None and definition not in frame.places:
                    frame.places[definition] = self._source(variable, frame)
        for number in waits:
            mask = b.emit(f"load i32, ptr {self.pending[number]}")
            some = b.emit(f"icmp ne i32 {mask}, 0")
            here, after = self.branch_label("spill"), self.branch_label("after")
            b.run(f"br i1 {some}, label %{here}, label %{after}")
            b.label(here)
            self.begin_node(number)
            self.set_mask(mask)
            self._spill_from(frame, self.flow.nodes[number].start, self.ssa.live_in[number])
            b.run(f"br label %{after}")
            b.label(after)
        b.run("br label %spilled")

    def handover_allocas(self) -> list[str]:
        return [f"  %frame = alloca [{self.frame_bytes} x i8], align 64"] if self.tables else []

    def handover_text(self) -> str:
        """The tables and the functions that go through them."""
        return "\n".join([*self.tables, _spill_function()]) if self.tables else ""


class _Frame:
    """Offsets for the values of one spill; where definitions are that several nodes need."""

    def __init__(self) -> None:
        self.size = 0
        self.places: dict[int, Source] = {}

    def room(self, kind: str) -> int:
        size, align = size_of(kind)
        offset = -(-self.size // align) * align
        self.size = offset + size
        return offset


def _one_scalar(value: Value) -> bool:
    """Whether a scalar and a stride are all of a value."""
    return value.kind in "UA" and value.row == 0 and value.type != "b"


def _target(variable: Variable) -> tuple[int, int]:
    """(offset in the state, 0) of a register; (offset from the stack's top, bytes) of a slot."""
    file, number = variable
    if file == "m":
        return number
    return abi.WARP[file] + number * REGISTER_BYTES, 0


def _spill_function() -> str:
    cleared = ("live", "parked", "released", "pred", "blocked", "mode", "rotate")
    clear = "\n".join(f"  %{name} = getelementptr i8, ptr %state, i64 {abi.WARP[name]}\n"
                      f"  store i32 0, ptr %{name}" for name in cleared)
    return f"""
define internal void @wf_spill_none(ptr %state, i32 %w) noinline cold optnone {{
{clear}
  %index = getelementptr i8, ptr %state, i64 {abi.WARP["index"]}
  store i32 %w, ptr %index
  ret void
}}
define internal void @wf_spill(ptr %ctx, ptr %state, ptr %frame, ptr %table, i64 %count, i32 %mask,
                               i32 %w) noinline cold optnone {{
entry:
  %live.p = getelementptr i8, ptr %state, i64 {abi.WARP["live"]}
  %live = load i32, ptr %live.p
  %all = or i32 %live, %mask
  store i32 %all, ptr %live.p
  %stack.p = getelementptr i8, ptr %ctx, i64 {abi.CTX["stack"]}
  %stack = load i64, ptr %stack.p
  %bytes.p = getelementptr i8, ptr %ctx, i64 {abi.CTX["stack_bytes"]}
  %bytes = load i64, ptr %bytes.p
  %w64 = zext i32 %w to i64
  %first = mul i64 %w64, {WARP_LANES}
  br label %entries
entries:
  %n = phi i64 [ 0, %entry ], [ %n.next, %entry.done ]
  %row = mul i64 %n, {ENTRY}
  %kind.p = getelementptr i64, ptr %table, i64 %row
  %kind.all = load i64, ptr %kind.p
  %source.p = getelementptr i64, ptr %kind.p, i64 1
  %source = load i64, ptr %source.p
  %stride.p = getelementptr i64, ptr %kind.p, i64 2
  %stride = load i64, ptr %stride.p
  %target.p = getelementptr i64, ptr %kind.p, i64 3
  %target = load i64, ptr %target.p
  %size.p = getelementptr i64, ptr %kind.p, i64 4
  %size = load i64, ptr %size.p
  %kind = and i64 %kind.all, 15
  %home.bit = and i64 %kind.all, {IN_STATE}
  %homed = icmp ne i64 %home.bit, 0
  %scalar.bit = and i64 %kind.all, {SCALAR}
  %scalar = icmp ne i64 %scalar.bit, 0
  %base = select i1 %homed, ptr %state, ptr %frame
  %data = getelementptr i8, ptr %base, i64 %source
  br label %lanes
lanes:
  %lane = phi i64 [ 0, %entries ], [ %lane.next, %lane.done ]
  %lane32 = trunc i64 %lane to i32
  %bit = shl i32 1, %lane32
  %own = and i32 %bit, %mask
  %active = icmp ne i32 %own, 0
  br i1 %active, label %read, label %lane.done
read:
  %thread = add i64 %first, %lane
  %above = add i64 %thread, 1
  %below = mul i64 %above, %bytes
  %top = add i64 %stack, %below
  %step = mul i64 %stride, %lane
  %step32 = trunc i64 %step to i32
  %at.lane = select i1 %scalar, i64 0, i64 %lane
  %p16 = getelementptr i16, ptr %data, i64 %at.lane
  %p32 = getelementptr i32, ptr %data, i64 %at.lane
  %p64 = getelementptr i64, ptr %data, i64 %at.lane
  switch i64 %kind, label %top_kind [
    i64 {WORD}, label %word i64 {UNSIGNED}, label %unsigned i64 {SINGLE}, label %single
    i64 {HALF}, label %short i64 {WIDE}, label %wide i64 {FLAG}, label %flag
    i64 {CONSTANT}, label %write ]
word:
  %v0 = load i32, ptr %p32
  %v0.l = add i32 %v0, %step32
  %word.v = sext i32 %v0.l to i64
  br label %write
unsigned:
  %v1 = load i32, ptr %p32
  %v1.l = add i32 %v1, %step32
  %unsigned.v = zext i32 %v1.l to i64
  br label %write
single:
  %v2 = load i32, ptr %p32
  %v2.w = zext i32 %v2 to i64
  %single.v = or i64 %v2.w, {-(1 << 32)}
  br label %write
short:
  %v3 = load i16, ptr %p16
  %v3.w = zext i16 %v3 to i64
  %short.v = or i64 %v3.w, {-(1 << 16)}
  br label %write
wide:
  %v4 = load i64, ptr %p64
  %wide.v = add i64 %v4, %step
  br label %write
flag:
  %v5 = load i32, ptr %data
  %v5.l = lshr i32 %v5, %lane32
  %v5.b = and i32 %v5.l, 1
  %flag.v = zext i32 %v5.b to i64
  br label %write
top_kind:
  %top.v = add i64 %top, %source
  br label %write
write:
  %v = phi i64 [ %word.v, %word ], [ %unsigned.v, %unsigned ], [ %single.v, %single ],
    [ %short.v, %short ], [ %wide.v, %wide ], [ %flag.v, %flag ],
    [ %source, %read ], [ %top.v, %top_kind ]
  %at = add i64 %top, %target
  %slot = inttoptr i64 %at to ptr
  switch i64 %size, label %register [ i64 1, label %s1 i64 2, label %s2 i64 4, label %s4
    i64 8, label %s8 ]
register:
  %file = getelementptr i8, ptr %state, i64 %target
  %place = getelementptr i64, ptr %file, i64 %lane
  store i64 %v, ptr %place
  br label %lane.done
s1:
  %c1 = trunc i64 %v to i8
  store i8 %c1, ptr %slot
  br label %lane.done
s2:
  %c2 = trunc i64 %v to i16
  store i16 %c2, ptr %slot
  br label %lane.done
s4:
  %c4 = trunc i64 %v to i32
  store i32 %c4, ptr %slot
  br label %lane.done
s8:
  store i64 %v, ptr %slot
  br label %lane.done
lane.done:
  %lane.next = add i64 %lane, 1
  %lanes.left = icmp ult i64 %lane.next, {WARP_LANES}
  br i1 %lanes.left, label %lanes, label %entry.done
entry.done:
  %n.next = add i64 %n, 1
  %more = icmp ult i64 %n.next, %count
  br i1 %more, label %entries, label %done
done:
  ret void
}}
"""


__all__ = ["Handover"]
