"""Special registers as values, from what is known of the block's shape."""

from __future__ import annotations

from warpfive.translator.convert import Converter
from warpfive.translator.values import Value, const_vector, vector
from warpfive.units import WARP_LANES

GRID_LIMITS = ((1 << 31) - 1, 65535, 65535)


class Specials(Converter):
    """Reads of `wf.sr`. Needs `block_shape`, `ctx_value` and `warp_number` of its engine."""

    block_shape: tuple[int, int, int]

    def warp_number(self) -> str:
        """The i32 operand that holds the warp's index in its block."""
        raise NotImplementedError

    def special(self, number: int) -> Value:
        x, y, z = self.block_shape
        if number < 3:
            return self.thread_coordinate(number)
        if number < 6:
            return self.const(self.block_shape[number - 3])
        if number < 12:
            return self._grid(number)
        if number == 27:
            return self.const((x * y * z + WARP_LANES - 1) // WARP_LANES)
        if number == 12:
            return self.lanes_of(list(range(WARP_LANES)), "0", WARP_LANES - 1)
        if number in LANE_MASKS:
            return self.varying("w", const_vector("i32", [
                _signed(LANE_MASKS[number](lane)) for lane in range(WARP_LANES)]))
        return self._runtime(number)

    def _grid(self, number: int) -> Value:
        axis = number % 3
        field = "ctaid" if number < 9 else "grid"
        value = self.ctx_value(field, "i32", 4 * axis)
        # A grid axis times the block's is kept below 2^31 by the launch check of fast code.
        value.low = 0
        value.high = min(GRID_LIMITS[axis], self.grid_bound(axis))
        return value

    def grid_bound(self, axis: int) -> int:
        """The most blocks along an axis that the code is made for."""
        return GRID_LIMITS[axis]

    def thread_coordinate(self, axis: int) -> Value:
        x, y, z = self.block_shape
        extent = self.block_shape[axis]
        if extent == 1:
            return self.const(0)
        warp = self.warp_number()
        first = self.b.emit(f"mul i32 {warp}, {WARP_LANES}")
        if x * y * z <= WARP_LANES:
            first = "0"
        below = (1, x, x * y)[axis]
        if below % WARP_LANES == 0:
            return self._uniform_coordinate(first, below, extent)
        if axis == 0 and x % WARP_LANES == 0:
            base = self.b.emit(f"urem i32 {first}, {x}") if first != "0" and x < x * y * z \
                else first
            return self.lanes_of(list(range(WARP_LANES)), base, extent - 1)
        if WARP_LANES % x == 0:
            return self._pattern(axis, first, below, extent)
        if y * z == 1:
            return self.lanes_of(list(range(WARP_LANES)), first, extent - 1)
        return self._divided(first, below, extent)

    def _uniform_coordinate(self, first: str, below: int, extent: int) -> Value:
        if first == "0":
            return self.const(0)
        base = self.b.emit(f"udiv i32 {first}, {below}")
        base = self.b.emit(f"urem i32 {base}, {extent}")
        return self.scalar("w", base, low=0, high=extent - 1)

    def _pattern(self, axis: int, first: str, below: int, extent: int) -> Value:
        """Rows of x lanes tile the warp: the pattern in a warp is fixed."""
        x = self.block_shape[0]
        if axis == 0:
            return self.lanes_of([lane % x for lane in range(WARP_LANES)], "0", extent - 1)
        if axis == 1 and (extent * x) % WARP_LANES == 0 or first == "0" and axis == 1:
            base = "0"
            if first != "0":
                base = self.b.emit(f"udiv i32 {first}, {x}")
                base = self.b.emit(f"urem i32 {base}, {extent}")
            rows = [lane // x % extent for lane in range(WARP_LANES)]
            return self.lanes_of(rows, base, extent - 1)
        return self._divided(first, below, extent)

    def lanes_of(self, pattern: list[int], base: str, high: int) -> Value:
        """base + pattern, affine where the pattern is."""
        run = self.run
        stride = pattern[1] - pattern[0] if run > 1 else 0
        row = pattern[run] - pattern[0] if run < WARP_LANES else 0
        affine = [pattern[0] + stride * (lane % run) + row * (lane // run)
                  for lane in range(WARP_LANES)]
        if affine == pattern and self.affine:
            return self.lanes("w", base, stride, row, low=0, high=high)
        lanes = const_vector("i32", pattern)
        if base != "0":
            lanes = self.b.emit(f"add {vector('i32')} {self.b.splat('i32', base)}, {lanes}")
        return self.varying("w", lanes, low=0, high=high)

    def _divided(self, first: str, below: int, extent: int) -> Value:
        lanes = const_vector("i32", list(range(WARP_LANES)))
        kind = vector("i32")
        if first != "0":
            lanes = self.b.emit(f"add {kind} {self.b.splat('i32', first)}, {lanes}")
        lanes = self.b.emit(f"udiv {kind} {lanes}, splat (i32 {below})")
        lanes = self.b.emit(f"urem {kind} {lanes}, splat (i32 {extent})")
        return self.varying("w", lanes, low=0, high=extent - 1)

    def _runtime(self, number: int) -> Value:
        if number == 13:
            return self.scalar("w", self.warp_number(), low=0, high=31)
        if number in CTX_FIELDS:
            field, element = CTX_FIELDS[number]
            return self.ctx_value(field, element)
        if number == 22:
            return self.scalar("z", self.b.emit(f"add i32 {self.mask_operand()}, 0"))
        if number in (23, 24):
            return self.scalar("x", self.call_ctx("clock64" if number == 23 else "globaltimer"))
        static = self.ctx_value("static_shared_bytes", "i32")
        return self.arith("add", static, self.ctx_value("dyn_shared_bytes", "i32"), 32)


def _signed(mask: int) -> int:
    return mask - (1 << 32) if mask >> 31 else mask


LANE_MASKS = {
    17: lambda lane: 1 << lane,
    18: lambda lane: (1 << lane) - 1,
    19: lambda lane: (2 << lane) - 1,
    20: lambda lane: 0xFFFFFFFF & ~((2 << lane) - 1),
    21: lambda lane: 0xFFFFFFFF & ~((1 << lane) - 1),
}
CTX_FIELDS = {14: ("smid", "i32"), 15: ("nsm", "i32"), 16: ("dyn_shared", "i64"),
              25: ("dyn_shared_bytes", "i32"), 26: ("grid_id", "i64"),
              28: ("runtime_area", "i64"), 29: ("shared", "i64")}  # fmt: skip
