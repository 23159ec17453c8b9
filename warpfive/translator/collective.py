"""Warp collectives on values: votes, matches, reductions, shuffles, tile products."""

from __future__ import annotations

from warpfive.translator.floating import suffix
from warpfive.translator.memory import Memory
from warpfive.translator.values import BITS, Value, const_vector, vector
from warpfive.units import WARP_LANES

REDUX = {"add": "add", "min": "min", "max": "max", "minu": "umin", "maxu": "umax",
         "and": "and", "or": "or", "xor": "xor"}  # fmt: skip
TILE = 16


class Collectives(Memory):
    """Instructions in which the lanes of a warp meet."""

    tile_products: set[str]

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

    # -- tiles --------------------------------------------------------------------------------

    def tile_product(self, name: str, c: list[Value], a: list[Value], b: list[Value]
                     ) -> list[Value]:
        """C += A B by a helper function that holds C's rows in host registers."""
        out, left, right = name.split(".")[2], name.split(".")[3], name.split(".")[3]
        integer = out == "s32"
        element = "i32" if integer else "float"
        self.tile_products.add("tf32" if left == "tf32" else ("int" if integer else "float"))
        rows_a = 4 if left == "tf32" else 8
        slots = [self.scratch(f"[256 x {element}]") for _ in range(3)]
        operands = ((c, out, 8), (a[:rows_a], left, rows_a), (b[:rows_a], right, rows_a))
        for slot, (values, type_, count) in zip(slots, operands, strict=True):
            for j in range(count):
                lanes = self._tile_element(values[j], type_)
                place = self.b.emit(f"getelementptr {vector(element)}, ptr {slot}, i32 {j}")
                self.b.run(f"store {vector(element)} {lanes}, ptr {place}, align 64")
        kind = "tf32" if left == "tf32" else ("int" if integer else "float")
        self.b.run(f"call void @wf_tile_{kind}(ptr {slots[0]}, ptr {slots[1]}, ptr {slots[2]})")
        results = []
        for j in range(8):
            place = self.b.emit(f"getelementptr {vector(element)}, ptr {slots[0]}, i32 {j}")
            lanes = self.b.emit(f"load {vector(element)}, ptr {place}, align 64")
            value = self.varying("w" if integer else "s", lanes)
            if out == "f16":
                value = self.fcast("fptrunc", value, "h")
            if integer:
                value = self._bitcast(value, "float", "s")
            results.append(value)
        return results

    def _tile_element(self, value: Value, type_: str) -> str:
        """One fragment register as float32 (or i32) lanes."""
        if type_ in ("f16", "bf16"):
            half = self.as_float(value, "h" if type_ == "f16" else "g")
            return self.vec(self.fcast("fpext", half, "s"))
        single = self.as_float(value, "s")
        if type_ == "f32":
            return self.vec(single)
        bits = self.float_bits(single)
        if type_ == "tf32":
            kind = vector("i32")
            # Round to nearest even at bit 13: tf32 keeps 10 bits of mantissa.
            lanes = self.vec(bits)
            odd = self.b.emit(f"lshr {kind} {lanes}, splat (i32 13)")
            odd = self.b.emit(f"and {kind} {odd}, splat (i32 1)")
            total = self.b.emit(f"add {kind} {lanes}, splat (i32 4095)")
            total = self.b.emit(f"add {kind} {total}, {odd}")
            total = self.b.emit(f"and {kind} {total}, splat (i32 -8192)")
            return self.b.emit(f"bitcast {kind} {total} to {vector('float')}")
        if type_ in ("s8", "u8"):
            return self.vec(self.extend_low(bits, 8, type_ == "s8"))
        return self.vec(bits)


def tile_function(kind: str) -> str:
    """LLVM text of `wf_tile_KIND(C, A, B)`: row-major tiles in memory, C += A B in order of k."""
    element, depth = ("i32" if kind == "int" else "float"), (8 if kind == "tf32" else 16)
    row = f"<{TILE} x {element}>"
    lines = [f"define internal void @wf_tile_{kind}(ptr noalias %c, ptr noalias %a, "
             "ptr noalias %b) noinline {"]
    count = 0

    def emit(text: str) -> str:
        nonlocal count
        count += 1
        lines.append(f"  %v{count} = {text}")
        return f"%v{count}"

    rows = []
    for r in range(TILE):
        place = emit(f"getelementptr {row}, ptr %c, i32 {r}")
        rows.append(emit(f"load {row}, ptr {place}, align 64"))
    for k in range(depth):
        place = emit(f"getelementptr {row}, ptr %b, i32 {k}")
        right = emit(f"load {row}, ptr {place}, align 64")
        for r in range(TILE):
            place = emit(f"getelementptr {element}, ptr %a, i32 {r * depth + k}")
            one = emit(f"load {element}, ptr {place}, align 4")
            first = emit(f"insertelement {row} poison, {element} {one}, i32 0")
            left = emit(f"shufflevector {row} {first}, {row} poison, "
                        f"<{TILE} x i32> zeroinitializer")
            if kind == "int":
                product = emit(f"mul {row} {left}, {right}")
                rows[r] = emit(f"add {row} {rows[r]}, {product}")
            else:
                rows[r] = emit(f"call {row} @llvm.fma.v16f32({row} {left}, {row} {right}, "
                               f"{row} {rows[r]})")
    for r in range(TILE):
        place = emit(f"getelementptr {row}, ptr %c, i32 {r}")
        lines.append(f"  store {row} {rows[r]}, ptr {place}, align 64")
    return "\n".join([*lines, "  ret void", "}"])


__all__ = ["Collectives", "tile_function"]
