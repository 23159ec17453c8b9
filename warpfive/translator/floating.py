"""Floating-point instructions on values, with the rounding RISC-V asks for."""

from __future__ import annotations

from warpfive.translator.integer import Integers
from warpfive.translator.narrow import function_name
from warpfive.translator.values import BITS, ELEMENT, INT_OF, Value, vector
from warpfive.units import WARP_LANES

RNE, RTZ, RDN, RUP, RMM, DYN = 0, 1, 2, 3, 4, 7
ROUNDERS = {RNE: "roundeven", RTZ: "trunc", RDN: "floor", RUP: "ceil", RMM: "round",
            DYN: "roundeven"}  # fmt: skip


def suffix(element: str) -> str:
    return {"float": "f32", "double": "f64", "half": "f16", "bfloat": "bf16"}.get(element, element)


class Floats(Integers):
    """Floating-point instructions' meanings."""

    # -- building blocks ----------------------------------------------------------------------

    def op(self, text: str, result: str, *values: Value) -> Value:
        """`text` applied to floats of one type, e.g. "fadd"; `result` is the type letter."""
        element = values[0].element
        if all(v.uniform for v in values):
            operands = ", ".join(v.name for v in values)
            return self.scalar(result, self.b.emit(f"{text} {element} {operands}"))
        operands = ", ".join(self.vec(v) for v in values)
        return self.varying(result, self.b.emit(f"{text} {vector(element)} {operands}"))

    def intrinsic(self, name: str, *values: Value) -> Value:
        """An LLVM intrinsic of floats of one type that returns the same type."""
        element = values[0].element
        if all(v.uniform for v in values):
            text = ", ".join(f"{element} {v.name}" for v in values)
            return self.scalar(values[0].type, self.b.emit(
                f"call {element} @llvm.{name}.{suffix(element)}({text})"))
        kind = vector(element)
        text = ", ".join(f"{kind} {self.vec(v)}" for v in values)
        return self.varying(values[0].type, self.b.emit(
            f"call {kind} @llvm.{name}.v{WARP_LANES}{suffix(element)}({text})"))

    def float_const(self, type_: str, value: float) -> Value:
        """A constant; float32 and float64 only."""
        import struct

        bits = struct.unpack("<Q", struct.pack("<d", _to_single(value) if type_ == "s" else value))
        return self.scalar(type_, f"0x{bits[0]:016X}")

    def fcompare(self, predicate: str, a: Value, b: Value) -> Value:
        element = a.element
        if a.uniform and b.uniform:
            return self.scalar("b", self.b.emit(
                f"fcmp {predicate} {element} {a.name}, {b.name}"), low=0, high=1)
        return self.varying("b", self.b.emit(
            f"fcmp {predicate} {vector(element)} {self.vec(a)}, {self.vec(b)}"), low=0, high=1)

    def fcast(self, op: str, value: Value, type_: str) -> Value:
        """fpext or fptrunc."""
        to = ELEMENT[type_]
        function = function_name(value.type, type_, not value.uniform)
        if op == "fptrunc" and function:
            if value.uniform:
                return self.scalar(type_, self.b.emit(
                    f"call {to} {function}({value.element} {value.name})"))
            return self.varying(type_, self.b.emit(
                f"call {vector(to)} {function}({vector(value.element)} {self.vec(value)})"))
        if value.uniform:
            return self.scalar(type_, self.b.emit(f"{op} {value.element} {value.name} to {to}"))
        return self.varying(type_, self.b.emit(
            f"{op} {vector(value.element)} {self.vec(value)} to {vector(to)}"))

    # -- arithmetic ---------------------------------------------------------------------------

    def farith(self, name: str, type_: str, rm: int, *operands: Value) -> Value:
        """add sub mul div sqrt madd msub nmadd nmsub in a format, correctly rounded."""
        values = [self.as_float(v, type_) for v in operands]
        if rm not in (RNE, DYN) and type_ == "s" and name not in ("add", "sub"):
            wide = [self.fcast("fpext", v, "d") for v in values]
            total = self._signed_zero(name, rm, wide, self._sticky(name, wide))
            return self.float_to_float(total, "d", type_, rm)
        if rm not in (RNE, DYN) and type_ in "sd":
            return self._directed(name, type_, rm, values)
        fused = name not in ("add", "sub", "mul", "div", "sqrt")
        if type_ in "hg" and (fused or rm not in (RNE, DYN)):
            # One rounding: a product of halves and a sum are exact enough in float64 to round to
            # nearest; in other directions what is lost far below the sum counts, too.
            wide = [self.fcast("fpext", v, "d") for v in values]
            directed = fused and rm not in (RNE, DYN)
            total = self._sticky(name, wide) if directed else self._exact(name, wide)
            total = self._signed_zero(name, rm, wide, total)
            return self.float_to_float(total, "d", type_, rm)
        return self._exact(name, values)

    def _exact(self, name: str, values: list[Value]) -> Value:
        type_ = values[0].type
        if name in ("add", "sub", "mul", "div"):
            return self.op(f"f{name}", type_, *values)
        if name == "sqrt":
            return self.intrinsic("sqrt", *values)
        a, b, c = values
        if name in ("nmadd", "nmsub"):
            a = self.fneg(a)
        if name in ("msub", "nmadd"):
            c = self.fneg(c)
        return self.intrinsic("fma", a, b, c)

    def _sticky(self, name: str, values: list[Value]) -> Value:
        """A result of float32 operands in float64 that lies on the exact one's side of every
        float32: quotients, roots and products do; a fused sum gets an odd last place."""
        if name in ("mul", "div", "sqrt"):
            return self._exact(name, values)
        a, b, c = values
        product = self.op("fmul", "d", self.fneg(a) if name in ("nmadd", "nmsub") else a, b)
        other = self.fneg(c) if name in ("msub", "nmadd") else c
        total = self.op("fadd", "d", product, other)
        part = self.op("fsub", "d", total, product)
        left = self.op("fsub", "d", product, self.op("fsub", "d", total, part))
        error = self.op("fadd", "d", left, self.op("fsub", "d", other, part))
        zero = self.float_const("d", 0.0)
        last = self.arith("and", self.float_bits(total), self.const(1), 64)
        even = self.compare("eq", last, self.const(0))
        up = self.arith("and", self.fcompare("ogt", error, zero), even, 64)
        down = self.arith("and", self.fcompare("olt", error, zero), even, 64)
        result = self.select(up, self._step(total, True), total)
        return self.select(down, self._step(total, False), result)

    def fneg(self, value: Value) -> Value:
        return self.op("fneg", value.type, value)

    def _directed(self, name: str, type_: str, rm: int, values: list[Value]) -> Value:
        """Round to nearest, find which side the exact result lies on, step there if asked."""
        near = self._exact(name, values)
        error = self._residual(name, values, near)
        zero = self.float_const(type_, 0.0)
        above = self.fcompare("ogt", error, zero)  # the exact result lies above `near`
        below = self.fcompare("olt", error, zero)
        finite = self.fcompare("olt", self.intrinsic("fabs", near),
                               self.float_const(type_, float("inf")))
        above, below = (self.arith("and", side, finite, 64) for side in (above, below))
        stepped = self._choose(near, above, below, rm)
        stepped = self._signed_zero(name, rm, values, stepped)
        return self._overflowed(name, type_, rm, values, near, stepped)

    def _signed_zero(self, name: str, rm: int, values: list[Value], total: Value) -> Value:
        """Rounding down, a sum that cancels is -0; only +0 plus +0 is +0."""
        if rm != RDN or name in ("mul", "div", "sqrt"):
            return total
        type_ = total.type
        if len(values) == 3:
            left = self.op("fmul", type_, values[0], values[1])
            left = self.fneg(left) if name in ("nmadd", "nmsub") else left
            right = self.fneg(values[2]) if name in ("msub", "nmadd") else values[2]
        else:
            left, right = values[0], self.fneg(values[1]) if name == "sub" else values[1]
        width = 32 if type_ == "s" else 64
        zero = self.fcompare("oeq", total, self.float_const(type_, 0.0))
        signs = self.arith("or", self.float_bits(left), self.float_bits(right), width)
        signed = self.compare("slt", signs, self.const(0))
        both = self.arith("and", zero, signed, 64)
        return self.select(both, self.fneg(self.intrinsic("fabs", total)), total)

    def _never(self) -> Value:
        return Value("U", "b", "false", const=0, low=0, high=1)

    def _overflowed(self, name, type_, rm, values, near, stepped) -> Value:
        """Towards zero (or away from the overflow's side) infinity becomes the greatest number."""
        infinity = self.float_const(type_, float("inf"))
        is_inf = self.fcompare("oeq", self.intrinsic("fabs", near), infinity)
        for value in values:
            finite = self.fcompare("olt", self.intrinsic("fabs", value), infinity)
            is_inf = self.arith("and", is_inf, finite, 64)
        if name == "div":
            nonzero = self.fcompare("une", values[1], self.float_const(type_, 0.0))
            is_inf = self.arith("and", is_inf, nonzero, 64)
        greatest = self.float_const(
            type_, 3.4028234663852886e38 if type_ == "s" else 1.7976931348623157e308)
        negative = self.fcompare("olt", near, self.float_const(type_, 0.0))
        if rm == RUP:
            is_inf = self.arith("and", is_inf, negative, 64)
        elif rm == RDN:
            is_inf = self.arith("and", is_inf, self.negate(negative), 64)
        signed = self.select(negative, self.fneg(greatest), greatest)
        return self.select(is_inf, signed, stepped)

    def _step(self, value: Value, up: bool) -> Value:
        """The neighbouring number above or below."""
        bits = self.float_bits(value)
        width = 32 if value.type == "s" else 64
        zero = self.fcompare("oeq", value, self.float_const(value.type, 0.0))
        negative = self.fcompare("olt", value, self.float_const(value.type, 0.0))
        away = self.arith("add", bits, self.const(1), width)
        toward = self.arith("sub", bits, self.const(1), width)
        moved = self.select(negative, toward, away) if up else self.select(negative, away, toward)
        sign = 0 if up else -(1 << (width - 1))
        tiny = self.const(sign | 1) if width == 64 else self.const32(sign | 1)
        moved = self.select(zero, tiny, moved)
        return self.as_float(moved if width == 64 else self.low32(moved), value.type) \
            if width == 64 else self._bitcast(self.low32(moved), "float", "s")

    def _residual(self, name: str, values: list[Value], near: Value) -> Value:
        """A number with the sign of (exact result - near)."""
        if name in ("add", "sub"):
            a, b = values
            b = self.fneg(b) if name == "sub" else b
            return self._sum_error(a, b, near)
        if name == "mul":
            return self.intrinsic("fma", values[0], values[1], self.fneg(near))
        if name == "div":
            left = self.intrinsic("fma", self.fneg(near), values[1], values[0])
            flip = self.fcompare("olt", values[1], self.float_const(near.type, 0.0))
            return self.select(flip, self.fneg(left), left)
        if name == "sqrt":
            return self.intrinsic("fma", self.fneg(near), near, values[0])
        a, b, c = values
        a = self.fneg(a) if name in ("nmadd", "nmsub") else a
        c = self.fneg(c) if name in ("msub", "nmadd") else c
        high = self.op("fmul", a.type, a, b)
        low = self.intrinsic("fma", a, b, self.fneg(high))
        total = self.op("fadd", a.type, high, c)
        error = self._sum_error(high, c, total)
        rest = self.op("fsub", a.type, total, near)
        return self.op("fadd", a.type, rest, self.op("fadd", a.type, error, low))

    def _sum_error(self, a: Value, b: Value, total: Value) -> Value:
        """Knuth's two-sum: the exact error of a rounded sum."""
        t = a.type
        virtual = self.op("fsub", t, total, a)
        back = self.op("fsub", t, total, virtual)
        left = self.op("fsub", t, a, back)
        right = self.op("fsub", t, b, virtual)
        return self.op("fadd", t, left, right)

    # -- sign, minimum, comparison ------------------------------------------------------------

    def sign_inject(self, name: str, type_: str, a: Value, b: Value, same: bool) -> Value:
        """fsgnj, fsgnjn, fsgnjx; `same`: both operands are one register."""
        a = self.as_float(a, type_)
        if same:
            if name == "fsgnj":
                return a
            return self.fneg(a) if name == "fsgnjn" else self.intrinsic("fabs", a)
        b = self.as_float(b, type_)
        if name == "fsgnjn":
            b = self.fneg(b)
        if name == "fsgnjx":
            bits = INT_OF[a.element]
            low = -(1 << (int(bits[1:]) - 1))
            x, y = (self._as_int(v, bits) for v in (a, b))
            sign = self._int_op("and", y, f"{low}", bits)
            return self._from_int(self._int_op("xor", x, sign, bits), bits, a.element, type_)
        return self.intrinsic("copysign", a, b)

    def _as_int(self, value: Value, bits: str) -> str:
        return self.b.emit(
            f"bitcast {vector(value.element)} {self.vec(value)} to {vector(bits)}")

    def _int_op(self, op: str, x: str, y: str, bits: str) -> str:
        other = y if y.startswith("%") else f"splat ({bits} {y})"
        return self.b.emit(f"{op} {vector(bits)} {x}, {other}")

    def _from_int(self, name: str, bits: str, element: str, type_: str) -> Value:
        return self.varying(type_, self.b.emit(
            f"bitcast {vector(bits)} {name} to {vector(element)}"))

    def fminmax(self, name: str, type_: str, a: Value, b: Value) -> Value:
        """IEEE 754-2019 minimumNumber and maximumNumber."""
        a, b = self.as_float(a, type_), self.as_float(b, type_)
        return self.intrinsic("minimumnum" if name == "fmin" else "maximumnum", a, b)

    # -- conversions --------------------------------------------------------------------------

    def float_to_int(self, value: Value, type_: str, kind: str, rm: int) -> Value:
        """fcvt.{w,wu,l,lu}: saturating; NaN gives the greatest number."""
        value = self.as_float(value, type_)
        if type_ in "hg":
            value, type_ = self.fcast("fpext", value, "s"), "s"
        if rm != RTZ:
            value = self.intrinsic(ROUNDERS[rm], value)
        signed = kind in ("w", "l")
        element = "i32" if kind in ("w", "wu") else "i64"
        bits = int(element[1:])
        name = f"fpto{'s' if signed else 'u'}i.sat"
        greatest = ((1 << (bits - 1)) - 1) if signed else -1
        result_type = "w" if bits == 32 else "x"
        if value.uniform:
            source = f"{element}.{suffix(value.element)}"
            result = self.scalar(result_type, self.b.emit(
                f"call {element} @llvm.{name}.{source}({value.element} {value.name})"))
        else:
            source = f"v{WARP_LANES}{element}.v{WARP_LANES}{suffix(value.element)}"
            result = self.varying(result_type, self.b.emit(
                f"call {vector(element)} @llvm.{name}.{source}"
                f"({vector(value.element)} {self.vec(value)})"))
        nan = self.fcompare("uno", value, value)
        limit = Value("U", result_type, str(greatest), const=greatest)
        return self.select(nan, limit, result)

    def int_to_float(self, value: Value, kind: str, type_: str, rm: int) -> Value:
        """fcvt from w, wu, l or lu."""
        source = self.low32(value) if kind in ("w", "wu") else self.wide(value)
        op = "sitofp" if kind in ("w", "l") else "uitofp"
        to = ELEMENT[type_]
        if type_ in "hg":
            # Through float64 an integer below 2^53 rounds once; halves overflow far below.
            return self.float_to_float(self.int_to_float(value, kind, "d", RNE), "d", type_, rm)
        if source.uniform:
            near = self.scalar(type_, self.b.emit(
                f"{op} {source.element} {source.name} to {to}"))
        else:
            near = self.varying(type_, self.b.emit(
                f"{op} {vector(source.element)} {self.vec(source)} to {vector(to)}"))
        if rm in (RNE, DYN) or (type_ == "d" and kind in ("w", "wu")):
            return near
        return self._direct_integer(source, kind, near, rm)

    def _direct_integer(self, source: Value, kind: str, near: Value, rm: int) -> Value:
        """Directed rounding of an integer: compare the rounded number with it, then step."""
        back = self.float_to_int(near, near.type, "l" if kind != "lu" else "lu", RTZ)
        whole = self.zero_extend_word(source) if kind == "wu" else source
        less, greater = ("ult", "ugt") if kind == "lu" else ("slt", "sgt")
        low = self.compare(less, back, whole)
        high = self.compare(greater, back, whole)
        # A number rounded up to the power of two beyond the range comes back saturated.
        limit = self.float_const(near.type, 2.0**64 if kind == "lu" else 2.0**63)
        high = self.arith("or", high, self.fcompare("oge", near, limit), 64)
        return self._choose(near, low, high, rm)

    def float_to_float(self, value: Value, source: str, target: str, rm: int) -> Value:
        """fcvt between formats."""
        value = self.as_float(value, source)
        if BITS[ELEMENT[target]] > BITS[ELEMENT[source]]:
            return self.fcast("fpext", value, target)
        near = self.fcast("fptrunc", value, target)
        if rm in (RNE, DYN) or target != "s":
            if rm in (RNE, DYN):
                return near
            return self._direct_half(value, source, target, rm, near)
        back = self.fcast("fpext", near, "d")
        above = self.fcompare("ogt", value, back)
        below = self.fcompare("olt", value, back)
        return self._choose(near, above, below, rm)

    def _choose(self, near: Value, above: Value, below: Value, rm: int) -> Value:
        """`near` or its neighbour, by the side the exact value lies on."""
        negative = self.fcompare("olt", near, self.float_const(near.type, 0.0))
        if rm == RUP:
            up, down = above, self._never()
        elif rm == RDN:
            up, down = self._never(), below
        else:
            up = self.arith("and", above, negative, 64)
            down = self.arith("and", below, self.negate(negative), 64)
        result = self.select(up, self._step(near, True), near)
        return self.select(down, self._step(near, False), result)

    def _direct_half(self, value, source, target, rm, near) -> Value:
        """Directed rounding to half or bfloat16, by stepping the 16-bit pattern."""
        wide = self.fcast("fpext", value, "d") if source != "d" else value
        back = self.fcast("fpext", near, "d")
        bits = self._as_int(self.spread(near), "i16")
        above = self.vec(self.spread(self.fcompare("ogt", wide, back)))
        below = self.vec(self.spread(self.fcompare("olt", wide, back)))
        flags, kind = vector("i1"), vector("i16")
        negative = self.b.emit(f"icmp slt {kind} {bits}, zeroinitializer")
        positive = self.b.emit(f"xor {flags} {negative}, splat (i1 true)")
        toward = self.b.emit(f"add {kind} {bits}, splat (i16 -1)")
        away = self.b.emit(f"add {kind} {bits}, splat (i16 1)")
        grow = shrink = None
        if rm in (RTZ, RUP):
            shrink = self.b.emit(f"and {flags} {negative}, {above}")
        if rm in (RTZ, RDN):
            more = self.b.emit(f"and {flags} {positive}, {below}")
            shrink = more if shrink is None else self.b.emit(f"or {flags} {shrink}, {more}")
        if rm == RUP:
            grow = self.b.emit(f"and {flags} {positive}, {above}")
        if rm == RDN:
            grow = self.b.emit(f"and {flags} {negative}, {below}")
        result = self.b.emit(f"select {flags} {shrink}, {kind} {toward}, {kind} {bits}")
        if grow is not None:
            result = self.b.emit(f"select {flags} {grow}, {kind} {away}, {kind} {result}")
        return self._from_int(result, "i16", ELEMENT[target], target)

    def fclass(self, value: Value, type_: str) -> Value:
        """RISC-V's ten classes as one bit."""
        value = self.spread(self.as_float(value, type_))
        element = value.element
        result = self.const(0)
        # LLVM's class bits: sNaN qNaN -inf -normal -subnormal -0 +0 +subnormal +normal +inf.
        for llvm_bit, bit in enumerate((8, 9, 0, 1, 2, 3, 4, 5, 6, 7)):
            kind = vector(element)
            flag = self.varying("b", self.b.emit(
                f"call {vector('i1')} @llvm.is.fpclass.v{WARP_LANES}{suffix(element)}"
                f"({kind} {value.name}, i32 {1 << llvm_bit})"))
            result = self.select(flag, self.const(1 << bit), result)
        return result

    # -- approximations (the special function unit) -------------------------------------------

    def polynomial(self, x: Value, coefficients: list[float]) -> Value:
        """Horner's rule, highest power first."""
        total = self.float_const("s", coefficients[0])
        for coefficient in coefficients[1:]:
            total = self.intrinsic("fma", total, x, self.float_const("s", coefficient))
        return total


def _to_single(value: float) -> float:
    import struct

    return struct.unpack("<f", struct.pack("<f", value))[0]
