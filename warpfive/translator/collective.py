"""Warp collectives on values: votes, matches, reductions, shuffles."""

from __future__ import annotations

from warpfive.translator.floating import suffix
from warpfive.translator.memory import Memory
from warpfive.translator.values import BITS, Value, const_vector, vector
from warpfive.units import WARP_LANES

REDUX = {"add": "add", "min": "min", "max": "max", "minu": "umin", "maxu": "umax",
         "and": "and", "or": "or", "xor": "xor"}  # fmt: skip


class Collectives(Memory):
    """Instructions in which the lanes of a warp meet."""

    # -- votes --------------------------------------------------------------------------------

    def ballot(self, pred: Value, members: Value, invert: bool = False) -> Value:
        """Mask of active members whose predicate holds."""
        bits = self.bits_of(self.negate(self.boolean(pred)) if invert else pred)
        if self.mask is not None:
            bits = self.b.emit(f"and i32 {bits}, {self.mask}")
        members = self.low32(members)
        if members.const == -1:
            return self.scalar("z", bits)
        if members.uniform:
            return self.scalar("z", self.b.emit(f"and i32 {bits}, {members.name}"))
        lanes = self.b.splat("i32", bits)
        return self.varying("z", self.b.emit(
            f"and {vector('i32')} {lanes}, {self.vec(members)}"))

    def vote(self, name: str, pred: Value, members: Value) -> Value:
        if name == "ballot":
            return self.ballot(pred, members)
        none = self.const(0)
        some = self.compare("ne", self.ballot(pred, members), none)
        if name == "any":
            return some
        every = self.compare("eq", self.ballot(pred, members, invert=True), none)
        if name == "all":
            return every
        return self.arith("or", self.negate(some), every, 64)

    # -- groups of lanes ----------------------------------------------------------------------

    def _each_group(self, members: Value, results: int, body) -> list[str]:
        """Run `body(leader lane, group mask)` for each group of lanes that share a member mask.

        `body` returns, for each result, an i32 vector to be given to the group's lanes.
        """
        b = self.b
        names = self.vec(self.low32(members))
        table = self.scratch(vector("i32"))
        b.run(f"store {vector('i32')} {names}, ptr {table}, align 64")
        slots = [self.scratch(vector("i32")) for _ in range(results)]
        for slot in slots:
            b.run(f"store {vector('i32')} zeroinitializer, ptr {slot}, align 64")
        left_slot = self.scratch("i32")
        b.run(f"store i32 {self.mask_operand()}, ptr {left_slot}")
        head, inside, done = (self.branch_label(n) for n in ("groups", "group", "grouped"))
        self.goto(f"br label %{head}", head)
        left = b.emit(f"load i32, ptr {left_slot}")
        some = b.emit(f"icmp ne i32 {left}, 0")
        self.goto(f"br i1 {some}, label %{inside}, label %{done}", inside)
        leader = b.emit(f"call i32 @llvm.cttz.i32(i32 {left}, i1 true)")
        place = b.emit(f"getelementptr i32, ptr {table}, i32 {leader}")
        group = b.emit(f"load i32, ptr {place}, align 4")
        group = b.emit(f"and i32 {group}, {self.mask_operand()}")
        own = b.emit(f"shl i32 1, {leader}")
        group = b.emit(f"or i32 {group}, {own}")
        lanes, given = body(leader, group)
        flags = b.emit(f"bitcast i32 {given} to {vector('i1')}")
        for slot, lane_values in zip(slots, lanes, strict=True):
            old = b.emit(f"load {vector('i32')}, ptr {slot}, align 64")
            new = b.emit(f"select {vector('i1')} {flags}, {vector('i32')} {lane_values}, "
                         f"{vector('i32')} {old}")
            b.run(f"store {vector('i32')} {new}, ptr {slot}, align 64")
        rest = b.emit(f"xor i32 {given}, -1")
        rest = b.emit(f"and i32 {left}, {rest}")
        b.run(f"store i32 {rest}, ptr {left_slot}")
        self.goto(f"br label %{head}", done)
        return [b.emit(f"load {vector('i32')}, ptr {slot}, align 64") for slot in slots]

    def redux(self, name: str, value: Value, members: Value) -> Value:
        """A 32-bit reduction over the active members, to every member."""
        op = REDUX[name]
        members = self.low32(members)
        if members.uniform:
            lanes = members.name
            if self.mask is not None:
                lanes = self.b.emit(f"and i32 {lanes}, {self.mask}")
            return self.scalar("w", self.reduce(op, "i32", value, lanes))
        value = self.spread(self.low32(value))

        def body(_leader: str, group: str) -> tuple[list[str], str]:
            total = self.reduce(op, "i32", value, group)
            self.b.splats.clear()
            return [self.b.splat("i32", total)], group

        return self.varying("w", self._each_group(members, 1, body)[0])

    def match(self, name: str, value: Value, members: Value) -> Value:
        """match.any: who holds the lane's value; match.all: the members if all hold one value."""
        b = self.b
        wide = self.vec(self.wide(self.spread(value)))
        table = self.scratch(vector("i64"))
        b.run(f"store {vector('i64')} {wide}, ptr {table}, align 64")

        def body(leader: str, group: str) -> tuple[list[str], str]:
            place = b.emit(f"getelementptr i64, ptr {table}, i32 {leader}")
            mine = b.emit(f"load i64, ptr {place}, align 8")
            b.splats.clear()
            same = b.emit(f"icmp eq {vector('i64')} {wide}, {b.splat('i64', mine)}")
            same = b.emit(f"bitcast {vector('i1')} {same} to i32")
            same = b.emit(f"and i32 {same}, {group}")
            if name == "any":
                return [b.splat("i32", same)], same
            whole = b.emit(f"icmp eq i32 {same}, {group}")
            answer = b.emit(f"select i1 {whole}, i32 {group}, i32 0")
            return [b.splat("i32", answer)], group

        return self.varying("z", self._each_group(members, 1, body)[0])

    # -- shuffles -----------------------------------------------------------------------------

    def shuffle(self, mode: str, value: Value, lane: Value, control: Value) -> Value:
        """CUDA's __shfl_*_sync; an inactive or out-of-range source gives the lane's own value."""
        if value.uniform:
            return value
        if value.type == "b":
            value = self.low32(value)
        if lane.const is not None and control.const is not None and self.mask is None:
            return self._fixed_shuffle(mode, value, lane.const, control.const >> 32)
        source = self._source_lanes(mode, lane, control)
        return self._dynamic_shuffle(value, source)

    def _fixed_shuffle(self, mode: str, value: Value, by: int, width: int) -> Value:
        if mode == "idx" and width == WARP_LANES:  # all lanes get one lane's value
            one = self.b.emit(f"extractelement {vector(value.element)} {self.vec(value)}, "
                              f"i32 {by & (WARP_LANES - 1)}")
            return Value("U", value.type, one)
        picks = []
        for lane in range(WARP_LANES):
            first = lane & ~(width - 1)
            if mode == "idx":
                source = first | (by & (width - 1))
            elif mode == "up":
                source = lane - (by & 0xFFFFFFFF)
                source = source if source >= first else lane
            elif mode == "down":
                source = lane + (by & 0xFFFFFFFF)
                source = source if source < first + width else lane
            else:
                source = lane ^ by
                source = source if 0 <= source < first + width else lane
            picks.append(source & 31)
        kind = vector(value.element)
        lanes = self.vec(value)
        return self.varying(value.type, self.b.emit(
            f"shufflevector {kind} {lanes}, {kind} poison, "
            f"{vector('i32')} {const_vector('i32', picks)}"))

    def _source_lanes(self, mode: str, by: Value, control: Value) -> str:
        b, kind = self.b, vector("i32")
        own = const_vector("i32", list(range(WARP_LANES)))
        by = self.vec(self.low32(by))
        width = self.arith("lshr", self.wide(control), self.const(32), 64)
        width = self.vec(self.low32(width))
        last = b.emit(f"add {kind} {width}, splat (i32 -1)")
        high = b.emit(f"xor {kind} {last}, splat (i32 -1)")
        first = b.emit(f"and {kind} {high}, {own}")
        end = b.emit(f"add {kind} {first}, {last}")
        if mode == "idx":
            within = b.emit(f"and {kind} {by}, {last}")
            return b.emit(f"or {kind} {first}, {within}")
        op = {"up": "sub", "down": "add", "bfly": "xor"}[mode]
        source = b.emit(f"{op} {kind} {own}, {by}")
        low_ok = b.emit(f"icmp sge {kind} {source}, "
                        f"{first if mode == 'up' else 'zeroinitializer'}")
        high_ok = b.emit(f"icmp sle {kind} {source}, {end}")
        ok = b.emit(f"and {vector('i1')} {low_ok}, {high_ok}")
        if mode in ("up", "down"):
            # A delta beyond the warp must not wrap round.
            near = b.emit(f"icmp ult {kind} {by}, splat (i32 32)")
            ok = b.emit(f"and {vector('i1')} {ok}, {near}")
        source = b.emit(f"and {kind} {source}, splat (i32 31)")
        return b.emit(f"select {vector('i1')} {ok}, {kind} {source}, {kind} {own}")

    def _dynamic_shuffle(self, value: Value, source: str) -> Value:
        b, element = self.b, value.element
        kind = vector(element)
        lanes = self.vec(value)
        if self.mask is not None:
            shifted = b.emit(f"lshr {vector('i32')} {b.splat('i32', self.mask)}, {source}")
            there = b.emit(f"trunc {vector('i32')} {shifted} to {vector('i1')}")
            own = const_vector("i32", list(range(WARP_LANES)))
            source = b.emit(f"select {vector('i1')} {there}, {vector('i32')} {source}, "
                            f"{vector('i32')} {own}")
        table = self.scratch(kind)
        b.run(f"store {kind} {lanes}, ptr {table}, align 64")
        index = b.emit(f"sext {vector('i32')} {source} to {vector('i64')}")
        pointers = b.emit(f"getelementptr {element}, ptr {table}, {vector('i64')} {index}")
        mangled, size = suffix(element), BITS[element] // 8
        name = b.emit(
            f"call {kind} @llvm.masked.gather.v{WARP_LANES}{mangled}.v{WARP_LANES}p0"
            f"({vector('ptr')} align {size} {pointers}, {vector('i1')} "
            f"splat (i1 true), {kind} poison)")
        return self.varying(value.type, name)


__all__ = ["Collectives"]
