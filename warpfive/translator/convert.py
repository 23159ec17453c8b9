"""Conversions between the kinds and types of values; the base every lowering builds on."""

from __future__ import annotations

from warpfive.translator.values import (
    FLOATS,
    INT_OF,
    Builder,
    Value,
    const_vector,
    vector,
    wrap,
)
from warpfive.units import WARP_LANES

AFFINE_STRIDE_LIMIT = 4096
"""Larger strides come from hashing, not from indexing; they are kept as vectors."""

INT32_MIN, INT32_MAX = -(1 << 31), (1 << 31) - 1


class Converter:
    """Turns values into the kind and type an instruction needs."""

    def __init__(self, builder: Builder, run: int, affine: bool) -> None:
        self.b = builder
        self.run = run
        self.affine = affine
        self.mask: str | None = None  # i32 operand; None: all 32 lanes are active
        self.mask_vector_name: str | None = None
        self.low_lanes = [lane % run for lane in range(WARP_LANES)]
        self.high_lanes = [lane // run for lane in range(WARP_LANES)]

    # -- hooks the engines provide ------------------------------------------------------------

    def guard(self, ok: str) -> None:
        """Leave fast code unless the i1 operand `ok` holds."""
        raise NotImplementedError

    # -- making values ------------------------------------------------------------------------

    def const(self, value: int) -> Value:
        value = wrap(value, 64)
        if INT32_MIN <= value <= INT32_MAX:
            return Value("U", "w", str(value), const=value, low=value, high=value)
        return Value("U", "x", str(value), const=value, low=value, high=value)

    def const32(self, value: int) -> Value:
        return self.const(wrap(value, 32))

    def scalar(self, type_: str, name: str, **more: int | None) -> Value:
        return Value("U", type_, name, **more)

    def varying(self, type_: str, name: str, **more: int | None) -> Value:
        return Value("V", type_, name, **more)

    def lanes(self, type_: str, base: str, stride: int, row: str | int = 0, **more) -> Value:
        """An affine value, or a vector where affine values are off."""
        value = Value("A", type_, base, stride=stride, row=row, **more)
        if stride == 0 and row == 0:
            value.kind = "U"
        elif not self.affine or (type_ in "wz" and abs(stride) > AFFINE_STRIDE_LIMIT):
            return self.varying(type_, self.vec(value), low=value.low, high=value.high)
        return value

    # -- masks --------------------------------------------------------------------------------

    def mask_vector(self) -> str:
        """The active lanes as a vector of i1."""
        if self.mask is None:
            return "splat (i1 true)"
        if self.mask_vector_name is None:
            self.mask_vector_name = self.b.emit(f"bitcast i32 {self.mask} to {vector('i1')}")
        return self.mask_vector_name

    def mask_operand(self) -> str:
        return "-1" if self.mask is None else self.mask

    def set_mask(self, mask: str | None) -> None:
        self.mask = mask
        self.mask_vector_name = None

    def bits_of(self, value: Value) -> str:
        """A boolean value as an i32 mask over all lanes (inactive lanes undefined)."""
        value = self.boolean(value)
        if value.kind == "U":
            return self.b.emit(f"sext i1 {value.name} to i32")
        return self.b.emit(f"bitcast {vector('i1')} {value.name} to i32")

    # -- vectors ------------------------------------------------------------------------------

    def vec(self, value: Value) -> str:
        """The value as a 32-lane vector of its own element type."""
        if value.kind == "V":
            if value.name is None:
                value.name = self._join_parts(value.parts)
            return value.name
        element = value.element
        if value.kind == "U":
            return self.b.splat(element, self.literal(value))
        name = self.b.splat(element, value.name)
        if value.stride:
            offsets = const_vector(element, [lane * value.stride for lane in self.low_lanes])
            name = self.b.emit(f"add {vector(element)} {name}, {offsets}")
        if value.row != 0:
            rows = self.b.splat(element, str(value.row))
            high = const_vector(element, self.high_lanes)
            if isinstance(value.row, int):
                high = const_vector(element, [lane * value.row for lane in self.high_lanes])
            else:
                high = self.b.emit(f"mul {vector(element)} {rows}, {high}")
            name = self.b.emit(f"add {vector(element)} {name}, {high}")
        return name

    def literal(self, value: Value) -> str:
        """The operand text of a uniform value (booleans as true/false)."""
        if value.const is not None and value.type == "b":
            return "true" if value.const else "false"
        return value.name

    def _join_parts(self, parts: tuple) -> str:
        base, index, shift = parts
        wide = self.extend_vector(index)
        if shift:
            wide = self.b.emit(f"shl {vector('i64')} {wide}, splat (i64 {shift})")
        if base != "0":
            wide = self.b.emit(f"add {vector('i64')} {wide}, {self.b.splat('i64', base)}")
        return wide

    def extend_vector(self, value: Value) -> str:
        """A 32-bit or boolean value as a vector of i64."""
        name = self.vec(value)
        if value.type == "x":
            return name
        op = "sext" if value.type == "w" else "zext"
        return self.b.emit(f"{op} {vector(value.element)} {name} to {vector('i64')}")

    # -- integers -----------------------------------------------------------------------------

    def low32(self, value: Value) -> Value:
        """The low 32 bits, typed w."""
        if value.type == "w":
            return value
        if value.const is not None:
            return self.const32(value.const)
        if value.type == "z":
            keep = value.high is not None and value.high <= INT32_MAX
            bounds = (value.low, value.high) if keep else (None, None)
            return Value(value.kind, "w", self._own(value), stride=value.stride, row=value.row,
                         low=bounds[0], high=bounds[1])
        if value.type == "b":
            return self._cast(value, "zext", "w", 0, 1)
        if value.type in FLOATS:
            return self.low32(self.raw(value))
        if value.kind == "A":
            row = value.row
            if isinstance(row, str):
                row = self.b.emit(f"trunc i64 {row} to i32")
            base = self.b.emit(f"trunc i64 {value.name} to i32")
            stride = wrap(value.stride, 32)
            low, high = self._int32_bounds(value)
            return self.lanes("w", base, stride, row, low=low, high=high)
        if value.kind == "V" and value.parts is not None and value.name is None:
            base, index, shift = value.parts
            if shift < 32 and base == "0":
                name = self.b.emit(f"shl {vector('i32')} {self.vec(self.low32(index))}, "
                                   f"splat (i32 {shift})")
                return self.varying("w", name)
        low, high = self._int32_bounds(value)
        return self._cast(value, "trunc", "w", low, high)

    @staticmethod
    def _int32_bounds(value: Value) -> tuple[int | None, int | None]:
        if value.low is None or value.high is None:
            return None, None
        if value.low < INT32_MIN or value.high > INT32_MAX:
            return None, None
        return value.low, value.high

    def _own(self, value: Value) -> str:
        return self.vec(value) if value.kind == "V" else value.name

    def _cast(self, value: Value, op: str, type_: str, low=None, high=None) -> Value:
        to = Value("U", type_, "").element
        if value.kind == "U":
            name = self.b.emit(f"{op} {value.element} {self.literal(value)} to {to}")
            return self.scalar(type_, name, low=low, high=high)
        name = self.b.emit(f"{op} {vector(value.element)} {self.vec(value)} to {vector(to)}")
        return self.varying(type_, name, low=low, high=high)

    def wide(self, value: Value) -> Value:
        """The whole 64-bit register, typed x."""
        if value.type == "x":
            return value
        if value.const is not None:
            return Value("U", "x", str(value.const), const=value.const,
                         low=value.const, high=value.const)
        if value.type in FLOATS:
            return self.raw(value)
        if value.type == "b":
            return self._cast(value, "zext", "x", 0, 1)
        if value.kind == "A":
            return self._widen_affine(value)
        if value.kind == "V":
            wide = self.varying("x", None, low=value.low, high=value.high)
            wide.parts = ("0", value, 0)
            return wide
        op = "sext" if value.type == "w" else "zext"
        low, high = value.low, value.high
        if value.type == "z" and low is None:
            low, high = 0, (1 << 32) - 1
        return self._cast(value, op, "x", low, high)

    def _widen_affine(self, value: Value) -> Value:
        """base + stride * lane stays affine in 64 bits only if no lane wraps in 32."""
        op = "sext" if value.type == "w" else "zext"
        base = self.b.emit(f"{op} i32 {value.name} to i64")
        row: str | int = value.row
        if isinstance(row, str):
            row = self.b.emit(f"sext i32 {row} to i64")
        if value.low is None:
            self._guard_widening(value, base, row)
        return self.lanes("x", base, value.stride, row, low=value.low, high=value.high)

    def _guard_widening(self, value: Value, base: str, row: str | int) -> None:
        corners = []
        reach = value.stride * (self.run - 1)
        if reach:
            corners.append(self.b.emit(f"add i64 {base}, {reach}"))
        if row != 0:
            last = WARP_LANES // self.run - 1
            far = self.b.emit(f"mul i64 {row}, {last}")
            far = self.b.emit(f"add i64 {base}, {far}")
            corners.append(far)
            if reach:
                corners.append(self.b.emit(f"add i64 {far}, {reach}"))
        oks = []
        for corner in corners:
            low = self.b.emit(f"trunc i64 {corner} to i32")
            op = "sext" if value.type == "w" else "zext"
            back = self.b.emit(f"{op} i32 {low} to i64")
            oks.append(self.b.emit(f"icmp eq i64 {back}, {corner}"))
        ok = oks[0]
        for other in oks[1:]:
            ok = self.b.emit(f"and i1 {ok}, {other}")
        self.guard(ok)

    def boolean(self, value: Value) -> Value:
        """Whether the register is non-zero, typed b."""
        if value.type == "b":
            return value
        if value.const is not None:
            flag = int(value.const != 0)
            return Value("U", "b", "true" if flag else "false", const=flag, low=0, high=1)
        element = value.element
        if value.type in FLOATS:
            return self.boolean(self.raw(value))
        if value.kind == "U":
            return self.scalar("b", self.b.emit(f"icmp ne {element} {value.name}, 0"))
        name = self.b.emit(f"icmp ne {vector(element)} {self.vec(value)}, zeroinitializer")
        return self.varying("b", name)

    # -- floats -------------------------------------------------------------------------------

    def as_float(self, value: Value, type_: str) -> Value:
        """The register read as a float of `type_`."""
        if value.type == type_:
            return value
        to = Value("U", type_, "").element
        bits = INT_OF[to]
        if value.type in FLOATS:
            own = INT_OF[value.element]
            if own == bits:
                return self._bitcast(value, to, type_)
            value = self.raw(value)
        if value.type != "x":
            value = self.wide(value)
        if bits != "i64":
            if value.kind == "U":
                name = self.b.emit(f"trunc i64 {value.name} to {bits}")
            else:
                name = self.b.emit(f"trunc {vector('i64')} {self.vec(value)} to {vector(bits)}")
            if value.kind == "U":
                return self.scalar(type_, self.b.emit(f"bitcast {bits} {name} to {to}"))
            return self.varying(type_, self.b.emit(
                f"bitcast {vector(bits)} {name} to {vector(to)}"))
        return self._bitcast(value, to, type_)

    def _bitcast(self, value: Value, to: str, type_: str) -> Value:
        if value.kind == "U":
            return self.scalar(type_, self.b.emit(f"bitcast {value.element} {value.name} to {to}"))
        name = self.b.emit(f"bitcast {vector(value.element)} {self.vec(value)} to {vector(to)}")
        return self.varying(type_, name)

    def float_bits(self, value: Value) -> Value:
        """The low 32 (float32) or 64 (float64) bits of a float register as an integer."""
        if value.type == "s":
            return self._bitcast(value, "i32", "w")
        if value.type == "d":
            return self._bitcast(value, "i64", "x")
        return self.raw(value)

    def raw(self, value: Value) -> Value:
        """A float register's 64 bits, NaN-boxed."""
        if value.type not in FLOATS:
            return self.wide(value)
        if value.type == "d":
            return self._bitcast(value, "i64", "x")
        bits = INT_OF[value.element]
        box = -(1 << int(bits[1:]))
        if value.kind == "U":
            name = self.b.emit(f"bitcast {value.element} {value.name} to {bits}")
            name = self.b.emit(f"zext {bits} {name} to i64")
            return self.scalar("x", self.b.emit(f"or i64 {name}, {box}"))
        name = self.b.emit(
            f"bitcast {vector(value.element)} {self.vec(value)} to {vector(bits)}")
        name = self.b.emit(f"zext {vector(bits)} {name} to {vector('i64')}")
        name = self.b.emit(f"or {vector('i64')} {name}, splat (i64 {box})")
        return self.varying("x", name)

    def register_vector(self, value: Value) -> str:
        """The value as the 64-bit registers of 32 lanes, the canonical form."""
        if value.type in FLOATS:
            value = self.raw(value)
        elif value.kind == "A":
            # Exact also where an affine value would wrap in 32 bits.
            value = self.varying(value.type, self.vec(value))
        return self.extend_vector(value)

    def spread(self, value: Value) -> Value:
        """The value as a vector of the same type."""
        if value.kind == "V":
            return value
        return Value("V", value.type, self.vec(value), low=value.low, high=value.high)
