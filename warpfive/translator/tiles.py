"""Tensor tiles: moves between memory and registers, and products.

Element j of lane l of a 16x16 tile is in row 2 j + l / 16, column l mod 16: a register holds two
rows. A product keeps the 16 rows of C in host registers and goes through k: every row gets the
k-th row of B times an element of A, which is broadcast from memory.
"""

from __future__ import annotations

from warpfive.translator.collective import Collectives
from warpfive.translator.memory import Access
from warpfive.translator.pairs import PAIR_PRODUCTS
from warpfive.translator.values import Value, const_vector, vector
from warpfive.units import WARP_LANES

TILE = 16
ACCESSES = {
    "h": Access("half", 2, "h"), "w": Access("float", 4, "s"),
    "b": Access("i8", 1, "w"), "bu": Access("i8", 1, "w", signed=False),
    "w8": Access("float", 4, "s"), "w16": Access("float", 4, "s"),
}  # fmt: skip
SHORT = {"w8": (8, 4), "w16": (16, 4)}
"""Columns and registers of the tiles that are no square."""


class Tiles(Collectives):
    """Tile instructions' meanings."""

    tile_slots: dict[tuple, str]
    """Where operands of products lie in memory, for as long as the block of code lasts."""

    # -- memory -------------------------------------------------------------------------------

    def tile_load(self, name: str, base: Value, stride: Value) -> list[Value]:
        """The registers that a tile load writes."""
        _, op, form = name.split(".")
        access = ACCESSES[form]
        self.report_tile(base, stride)
        columns, count = SHORT.get(form, (TILE, 8))
        place = self._one_place(base, stride, access.size)
        if place is None:
            found = [self.load(access, self._tile_address(base, stride, access.size, columns, j,
                                                          op == "tldt"), 0)
                     for j in range(count)]
        else:
            names = self._load_tile_rows(access.element, *place, columns, count)
            if op == "tldt":
                names = self._turned(access.element, names)
            found = [self._loaded(access, each, "V") for each in names]
        return [self._bitcast(self.spread(value), "float", "s") if value.type == "w" else value
                for value in found]

    def tile_store(self, name: str, base: Value, stride: Value, values: list[Value]) -> None:
        """What a tile store does."""
        _, op, form = name.split(".")
        access = ACCESSES[form]
        self.report_tile(base, stride)
        place = self._one_place(base, stride, access.size)
        if place is None:
            for j, value in enumerate(values):
                self.store(access, self._tile_address(base, stride, access.size, TILE, j,
                                                      op == "tstt"), 0, value)
            return
        lanes = [self.vec(self._stored(access, value)) for value in values]
        if op == "tstt":
            lanes = self._turned(access.element, lanes)
        for row, pointer in enumerate(self._tile_rows(*place, TILE)):
            half = self._half(access.element, lanes[row // 2], row % 2)
            self.b.run(f"store <{TILE} x {access.element}> {half}, ptr {pointer}, "
                       f"align {access.size}")

    def _one_place(self, base: Value, stride: Value, size: int) -> tuple[str, str] | None:
        """Base and stride as scalars, in fast code; None where every lane has its own address."""
        if self.precise or not self.affine:
            return None
        base, stride = self.wide(base), self.wide(stride)
        sure = [self.b.emit(f"icmp eq i32 {self.mask}, -1")] if self.mask is not None else []
        names = []
        for value in (base, stride):
            if value.uniform:
                names.append(value.name)
                continue
            lanes = self.vec(value)
            names.append(self.b.emit(f"extractelement {vector('i64')} {lanes}, i32 0"))
            same = self.b.emit(
                f"icmp eq {vector('i64')} {lanes}, {self.b.splat('i64', names[-1])}")
            same = self.b.emit(f"bitcast {vector('i1')} {same} to i32")
            sure.append(self.b.emit(f"icmp eq i32 {same}, -1"))
        if sure:
            ok = sure[0]
            for other in sure[1:]:
                ok = self.b.emit(f"and i1 {ok}, {other}")
            self.guard(ok)
        following = self.b.emit(f"add i64 {names[0]}, {names[1]}")
        for name in (names[0], following):
            self.begin_access(self.scalar("x", name), size)
        return names[0], names[1]

    def _tile_address(self, base: Value, stride: Value, size: int, columns: int, register: int,
                      turned: bool) -> Value:
        """Each lane's address of its element in a register."""
        places = range(register * WARP_LANES, (register + 1) * WARP_LANES)
        lines, along = [p // columns for p in places], [p % columns for p in places]
        if turned:
            lines, along = along, lines
        line = self.varying("x", const_vector("i64", lines))
        offset = self.varying("x", const_vector("i64", [size * each for each in along]))
        far = self.arith("mul", line, self.wide(self.spread(self.wide(stride))), 64)
        first = self.arith("add", far, self.wide(self.spread(self.wide(base))), 64)
        return self.arith("add", first, offset, 64)

    def _tile_rows(self, base: str, stride: str, rows: int) -> list[str]:
        """Pointers to the rows of a tile."""
        found = []
        for row in range(rows):
            if row:
                base = self.b.emit(f"add i64 {base}, {stride}")
            found.append(self.pointer(base))
        return found

    def _load_tile_rows(self, element: str, base: str, stride: str, columns: int, count: int
                        ) -> list[str]:
        each = WARP_LANES // columns
        rows = [self.b.emit(f"load <{columns} x {element}>, ptr {pointer}, "
                            f"align {ACCESS_BYTES[element]}")
                for pointer in self._tile_rows(base, stride, each * count)]
        found = []
        for register in range(count):
            pieces, width = rows[register * each : (register + 1) * each], columns
            while len(pieces) > 1:
                pieces = [self._concat(element, width, *pieces[i : i + 2])
                          for i in range(0, len(pieces), 2)]
                width *= 2
            found += pieces
        return found

    def _turned(self, element: str, registers: list[str]) -> list[str]:
        """The transpose of a 16x16 tile: each step exchanges a bit of the register's number with
        one of the lane's."""
        kind = vector(element)
        for bit in range(3):
            new = list(registers)
            for low in range(8):
                if low >> bit & 1:
                    continue
                high = low | 1 << bit
                for side, target in enumerate((low, high)):
                    picks = const_vector("i32", [_source(lane, bit, side) for lane in range(32)])
                    new[target] = self.b.emit(
                        f"shufflevector {kind} {registers[low]}, {kind} {registers[high]}, "
                        f"{vector('i32')} {picks}")
            registers = new
        return registers

    def _half(self, element: str, lanes: str, half: int) -> str:
        picks = const_vector("i32", [half * TILE + i for i in range(TILE)])
        kind = vector(element)
        return self.b.emit(f"shufflevector {kind} {lanes}, {kind} poison, "
                           f"<{TILE} x i32> {picks}")

    # -- products -----------------------------------------------------------------------------

    def tile_product(self, name: str, c: list[Value], a: list[Value], b: list[Value]
                     ) -> list[Value]:
        """C += A B, summed in the order of k."""
        _, _, out, operand = name.split(".")
        integer = out == "s32"
        depth = 8 if operand == "tf32" else TILE
        left = self._operand(a, operand, f"[{TILE} x [{depth} x float]]", paired=False)
        right = self._operand(b, operand, f"[{depth} x <{TILE} x float>]", paired=integer)
        element = "i32" if integer else "float"
        lanes = [self._tile_element(value, out) for value in c]
        rows = self._accumulate(element, lanes, left, right, depth // 2 if integer else depth)
        found = []
        for j in range(8):
            value = self.varying("w" if integer else "s",
                                 self._concat(element, TILE, rows[2 * j], rows[2 * j + 1]))
            if out == "f16":
                value = self.fcast("fptrunc", value, "h")
            found.append(self._bitcast(value, "float", "s") if integer else value)
        return found

    def _accumulate(self, element: str, c: list[str], left: str, right: str, depth: int
                    ) -> list[str]:
        """A loop over k with the rows of C as its variables; `depth` 32-bit columns of A."""
        b, kind = self.b, f"<{TILE} x {element}>"
        counter = self.scratch("i64")
        slots = [self.scratch(kind) for _ in range(TILE)]
        for row, slot in enumerate(slots):
            b.run(f"store {kind} {self._half(element, c[row // 2], row % 2)}, ptr {slot}, align 64")
        b.run(f"store i64 0, ptr {counter}")
        head, done = self.branch_label("product"), self.branch_label("produced")
        self.goto(f"br label %{head}", head)
        k = b.emit(f"load i64, ptr {counter}")
        place = b.emit(f"getelementptr {kind}, ptr {right}, i64 {k}")
        line = b.emit(f"load {kind}, ptr {place}, align 64")
        for row, slot in enumerate(slots):
            place = b.emit(f"getelementptr [{depth} x {element}], ptr {left}, i64 {row}, i64 {k}")
            one = b.emit(f"load {element}, ptr {place}, align 4")
            first = b.emit(f"insertelement {kind} poison, {element} {one}, i32 0")
            every = b.emit(f"shufflevector {kind} {first}, {kind} poison, "
                           f"<{TILE} x i32> zeroinitializer")
            old = b.emit(f"load {kind}, ptr {slot}, align 64")
            new = self._pair_sum(old, every, line) if element == "i32" else b.emit(
                f"call {kind} @llvm.fma.v16f32({kind} {every}, {kind} {line}, {kind} {old})")
            b.run(f"store {kind} {new}, ptr {slot}, align 64")
        following = b.emit(f"add i64 {k}, 1")
        b.run(f"store i64 {following}, ptr {counter}")
        more = b.emit(f"icmp ult i64 {following}, {depth}")
        self.goto(f"br i1 {more}, label %{head}, label %{done}", done)
        return [b.emit(f"load {kind}, ptr {slot}, align 64") for slot in slots]

    def _pair_sum(self, total: str, left: str, right: str) -> str:
        """total + the sums of products of pairs of 16-bit numbers, a host's own instruction."""
        kind = f"<{TILE} x i32>"
        pairs = self.b.emit(f"call {kind} @{PAIR_PRODUCTS}({kind} {left}, {kind} {right})")
        return self.b.emit(f"add {kind} {total}, {pairs}")

    def _operand(self, values: list[Value], type_: str, kind: str, paired: bool) -> str:
        """Memory that holds A or B as the product reads it, written once in a block of code."""
        key = (type_, kind, paired, *((v.kind, v.type, v.name) for v in values))
        if key in self.tile_slots:
            return self.tile_slots[key]
        slot = self.tile_slots[key] = self.scratch(kind)
        for j, value in enumerate(values):
            lanes = self._tile_element(value, type_)
            element = "float"
            if type_ in ("s8", "u8"):
                element = "i16"
                lanes = self.b.emit(f"trunc {vector('i32')} {lanes} to {vector('i16')}")
            if paired:
                # The rows 2 j and 2 j + 1 side by side: an element of A's pair for each.
                picks = const_vector("i32", [i // 2 + i % 2 * TILE for i in range(WARP_LANES)])
                lanes = self.b.emit(f"shufflevector {vector('i16')} {lanes}, {vector('i16')} "
                                    f"poison, {vector('i32')} {picks}")
            place = self.b.emit(f"getelementptr {vector(element)}, ptr {slot}, i32 {j}")
            self.b.run(f"store {vector(element)} {lanes}, ptr {place}, align 64")
        return slot

    def _tile_element(self, value: Value, type_: str) -> str:
        """One register of a tile as float32 (or i32) lanes."""
        if type_ in ("f16", "bf16"):
            half = self.as_float(value, "h" if type_ == "f16" else "g")
            return self.vec(self.fcast("fpext", half, "s"))
        single = self.as_float(value, "s")
        if type_ == "f32":
            return self.vec(single)
        bits = self.float_bits(single)
        if type_ == "tf32":
            kind = vector("i32")
            kept = self.b.emit(f"and {kind} {self.vec(bits)}, splat (i32 -8192)")
            return self.b.emit(f"bitcast {kind} {kept} to {vector('float')}")
        if type_ in ("s8", "u8"):
            return self.vec(self.extend_low(bits, 8, type_ == "s8"))
        return self.vec(bits)


ACCESS_BYTES = {"half": 2, "float": 4, "i8": 1}


def _source(lane: int, bit: int, side: int) -> int:
    """Where a lane of the pair's register `side` comes from, in step `bit` of a transposition.

    The steps exchange bit `bit` of the register's number with bit `bit` + 1 of the lane's; the
    first also exchanges the lane's bits 0 and 4, which say odd or even of column and row.
    """
    if bit == 0:
        lane = lane & ~17 | (lane & 1) << 4 | lane >> 4
    moved = bit + 1
    other = lane >> moved & 1
    return other * WARP_LANES + (lane & ~(1 << moved) | side << moved)


__all__ = ["Tiles"]
