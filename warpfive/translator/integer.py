"""Integer arithmetic on values, narrowed to 32 bits and kept uniform or affine where it can be."""

from __future__ import annotations

from collections.abc import Callable

from warpfive.translator.convert import INT32_MAX, INT32_MIN, Converter
from warpfive.translator.values import Value, const_vector, vector, wrap
from warpfive.units import WARP_LANES

FOLD: dict[str, Callable[[int, int, int], int]] = {
    "add": lambda a, b, n: a + b,
    "sub": lambda a, b, n: a - b,
    "mul": lambda a, b, n: a * b,
    "and": lambda a, b, n: a & b,
    "or": lambda a, b, n: a | b,
    "xor": lambda a, b, n: a ^ b,
    "shl": lambda a, b, n: a << (b & (n - 1)),
    "lshr": lambda a, b, n: (a & ((1 << n) - 1)) >> (b & (n - 1)),
    "ashr": lambda a, b, n: a >> (b & (n - 1)),
}

FLIP = {"slt": "sgt", "sgt": "slt", "ult": "ugt", "ugt": "ult", "sge": "sle", "sle": "sge",
        "uge": "ule", "ule": "uge", "eq": "eq", "ne": "ne"}  # fmt: skip


class Integers(Converter):
    """Integer instructions' meanings."""

    # -- bounds -------------------------------------------------------------------------------

    @staticmethod
    def _bounds(op: str, a: Value, b: Value, bits: int) -> tuple[int | None, int | None]:
        """Bounds of `a op b` where they follow without wrapping."""
        if op == "and":
            for one in (a, b):
                if one.const is not None and one.const >= 0:
                    return 0, one.const
        if None in (a.low, a.high, b.low, b.high):
            return None, None
        if op == "add":
            low, high = a.low + b.low, a.high + b.high
        elif op == "sub":
            low, high = a.low - b.high, a.high - b.low
        elif op == "mul":
            corners = [p * q for p in (a.low, a.high) for q in (b.low, b.high)]
            low, high = min(corners), max(corners)
        elif op == "shl" and b.const is not None:
            low, high = a.low << (b.const & (bits - 1)), a.high << (b.const & (bits - 1))
        elif op in ("lshr", "ashr") and b.const is not None and a.low >= 0:
            low, high = a.low >> (b.const & (bits - 1)), a.high >> (b.const & (bits - 1))
        elif op in ("or", "xor") and a.low >= 0 and b.low >= 0:
            low, high = 0, (1 << max(a.high.bit_length(), b.high.bit_length())) - 1
        elif op == "and" and a.low >= 0 and b.low >= 0:
            low, high = 0, min(a.high, b.high)
        else:
            return None, None
        limit = 1 << (bits - 1)
        return (low, high) if -limit <= low and high < limit else (None, None)

    # -- one operation in 32 or 64 bits -------------------------------------------------------

    def arith(self, op: str, a: Value, b: Value, bits: int) -> Value:
        """`a op b` in `bits` bits; the operands are reduced to that width first."""
        if op in ("shl", "lshr", "ashr") and b.const is not None:
            b = self.const(b.const & (bits - 1))
        if op in ("and", "or", "xor") and a.type == "b" and b.type == "b":
            return self._boolean_op(op, a, b)
        if bits == 64 and op in ("and", "or", "xor"):
            narrow = self._narrow_logic(op, a, b)
            if narrow is not None:
                return narrow
        if bits == 32:
            a, b = self.low32(a), self.low32(b)
        if a.const is not None and b.const is not None:
            return self.const(wrap(FOLD[op](a.const, b.const, bits), bits))
        if op in ("add", "mul", "and", "or", "xor") and a.const is not None:
            a, b = b, a
        if b.const == 0 and op not in ("mul", "and"):
            return a
        if bits == 64:
            parts = self._parts_op(op, a, b)
            if parts is not None:
                return parts
            a, b = self.wide(a), self.wide(b)
        low, high = self._bounds(op, a, b, bits)
        type_, element = ("w", "i32") if bits == 32 else ("x", "i64")
        if op in ("shl", "lshr", "ashr") and b.const is None:
            b = self._shift_amount(b, bits)
        if a.uniform and b.uniform:
            name = self.b.emit(f"{op} {element} {a.name}, {b.name}")
            return self.scalar(type_, name, low=low, high=high)
        affine = self._affine_op(op, a, b, element, type_, low, high)
        if affine is not None:
            return affine
        name = self.b.emit(f"{op} {vector(element)} {self.vec(a)}, {self.vec(b)}")
        return self.varying(type_, name, low=low, high=high)

    def _boolean_op(self, op: str, a: Value, b: Value) -> Value:
        if a.uniform and b.uniform:
            return self.scalar("b", self.b.emit(
                f"{op} i1 {self.literal(a)}, {self.literal(b)}"), low=0, high=1)
        name = self.b.emit(f"{op} {vector('i1')} {self.vec(a)}, {self.vec(b)}")
        return self.varying("b", name, low=0, high=1)

    def _narrow_logic(self, op: str, a: Value, b: Value) -> Value | None:
        """Bitwise operations on sign-extended words are words."""
        if a.type == "b" and b.const in (0, 1) or b.type == "b" and a.const in (0, 1):
            flags = [self.boolean(v) for v in (a, b)]
            return self._boolean_op(op, *flags)
        if a.type in "wb" and b.type in "wb":
            return self.arith(op, self.low32(a), self.low32(b), 32)
        if op == "and":
            for one, other in ((a, b), (b, a)):
                if one.const is not None and 0 <= one.const <= INT32_MAX:
                    return self.arith("and", self.low32(other), one, 32)
        return None

    def _shift_amount(self, value: Value, bits: int) -> Value:
        amount = self.arith("and", value, self.const(bits - 1), bits)
        return self.wide(amount) if bits == 64 else self.low32(amount)

    def _parts_op(self, op: str, a: Value, b: Value) -> Value | None:
        """Keep base + (index << shift) apart for vectors of 32-bit indices."""
        high = self._high_half(op, a, b)
        if high is not None:
            return high
        if op == "shl" and b.const is not None and a.kind == "V":
            if a.type in "wz":
                return self._parts("0", a, b.const & 63)
            if a.parts and a.name is None and a.parts[0] == "0":
                base, index, shift = a.parts
                if shift + (b.const & 63) < 32:
                    return self._parts("0", index, shift + (b.const & 63))
        if op in ("lshr", "ashr") and b.const is not None and a.parts:
            return self._from_high_half(op, a, b.const & 63)
        if op == "add":
            for one, other in ((a, b), (b, a)):
                if one.kind == "V" and one.type == "x" and one.parts and other.uniform:
                    base, index, shift = one.parts
                    other = self.wide(other)
                    if base != "0":
                        total = self.b.emit(f"add i64 {base}, {other.name}")
                    else:
                        total = other.name
                    return self._parts(total, index, shift)
                if one.kind == "V" and one.type in "wz" and other.uniform:
                    return self._parts(self.wide(other).name, one, 0)
        return None

    def _from_high_half(self, op: str, a: Value, by: int) -> Value | None:
        """A shift left by 32 and back right: sign or zero extension, and a scale."""
        base, index, shift = a.parts
        amount = 32 - by
        if shift != 32 or base != "0" or not 0 <= amount <= 4:
            return None
        word = self.low32(index)
        known = word.low is not None and word.low >= 0
        word = Value(word.kind, "z" if op == "lshr" else "w", word.name, stride=word.stride,
                     row=word.row, low=word.low if known else None,
                     high=word.high if known else None)
        if amount == 0:
            return word
        if word.kind == "A":
            return self.arith("shl", self.wide(word), self.const(amount), 64)
        return self._parts("0", word, amount)

    def _high_half(self, op: str, a: Value, b: Value) -> Value | None:
        """Words that the compiler keeps in the high half of a register while it adds to them."""
        if op == "shl" and b.const == 32 and not a.uniform and a.type not in "sdhg":
            return self._parts("0", self.low32(a), 32)
        if op == "add":
            for one, other in ((a, b), (b, a)):
                known = other.const is not None and other.const % (1 << 32) == 0
                if known and one.parts and one.name is None and one.parts[::2] == ("0", 32):
                    moved = self.const(other.const >> 32)
                    return self._parts("0", self.arith("add", one.parts[1], moved, 32), 32)
        return None

    def _parts(self, base: str, index: Value, shift: int) -> Value:
        value = self.varying("x", None)
        value.parts = (base, index, shift)
        return value

    def _affine_op(self, op, a, b, element, type_, low, high) -> Value | None:
        if not self.affine or "V" in (a.kind, b.kind):
            return None
        bits = int(element[1:])
        if op in ("add", "sub"):
            sign = 1 if op == "add" else -1
            base = self.b.emit(f"{op} {element} {a.name}, {b.name}")
            row = self._row_op(op, a.row, b.row, element)
            return self.lanes(type_, base, wrap(a.stride + sign * b.stride, bits), row,
                              low=low, high=high)
        if op in ("mul", "shl") and b.uniform:
            factor = b.const
            if factor is not None and op == "shl":
                factor = wrap(1 << (factor & (bits - 1)), bits)
            if factor is None and (a.stride or op == "shl"):
                return None
            by = str(factor) if factor is not None else b.name
            base = self.b.emit(f"mul {element} {a.name}, {by}")
            row = a.row
            if row != 0:
                row = self.b.emit(f"mul {element} {row}, {by}")
            return self.lanes(type_, base, wrap(a.stride * (factor or 0), bits), row,
                              low=low, high=high)
        if op == "mul" and a.uniform:
            return self._affine_op(op, b, a, element, type_, low, high)
        return None

    def _row_op(self, op: str, a: str | int, b: str | int, element: str) -> str | int:
        if b == 0:
            return a
        if isinstance(a, int) and isinstance(b, int):
            return a + b if op == "add" else a - b
        return self.b.emit(f"{op} {element} {a}, {b}")

    # -- comparisons --------------------------------------------------------------------------

    def compare(self, predicate: str, a: Value, b: Value) -> Value:
        """`a predicate b` on whole registers, typed b."""
        if a.const is not None and b.const is not None:
            return self._fold_compare(predicate, a.const, b.const)
        for one, other, flag in ((a, b, predicate), (b, a, FLIP[predicate])):
            if one.type == "b" and other.const == 0 and flag in ("eq", "ne"):
                return one if flag == "ne" else self.negate(one)
        a, b, element, predicate = self._same_width(predicate, a, b)
        abreast = (a.kind == b.kind == "A" and (a.stride, a.row) == (b.stride, b.row)
                   and predicate in ("eq", "ne"))  # their difference is the same in all lanes
        if abreast or (a.uniform and b.uniform):
            return self.scalar("b", self.b.emit(
                f"icmp {predicate} {element} {a.name}, {b.name}"), low=0, high=1)
        name = self.b.emit(f"icmp {predicate} {vector(element)} {self.vec(a)}, {self.vec(b)}")
        return self.varying("b", name, low=0, high=1)

    def _same_width(self, predicate: str, a: Value, b: Value):
        """Sign extension keeps both orders, so words compare as words."""
        a = self.low32(a) if a.type == "b" else a
        b = self.low32(b) if b.type == "b" else b
        if a.type == "w" and b.type == "w":
            return a, b, "i32", predicate
        positive = all(v.type == "z" or (v.const is not None and 0 <= v.const <= INT32_MAX)
                       for v in (a, b))
        if positive:
            return self._bits32(a), self._bits32(b), "i32", predicate.replace("s", "u", 1) \
                if predicate[0] == "s" else predicate
        return self.wide(a), self.wide(b), "i64", predicate

    @staticmethod
    def _bits32(value: Value) -> Value:
        return Value(value.kind, "w", value.name, const=value.const, stride=value.stride,
                     row=value.row)

    def _fold_compare(self, predicate: str, a: int, b: int) -> Value:
        if predicate[0] == "u":
            a, b = a & (2**64 - 1), b & (2**64 - 1)
        order = predicate.lstrip("su") if predicate not in ("eq", "ne") else predicate
        result = {"lt": a < b, "ge": a >= b, "gt": a > b, "le": a <= b,
                  "eq": a == b, "ne": a != b}[order]
        return Value("U", "b", "true" if result else "false", const=int(result), low=0, high=1)

    def negate(self, flag: Value) -> Value:
        """Not, of a boolean."""
        if flag.const is not None:
            return self._fold_compare("eq", flag.const, 0)
        if flag.uniform:
            return self.scalar("b", self.b.emit(f"xor i1 {flag.name}, true"), low=0, high=1)
        return self.varying("b", self.b.emit(
            f"xor {vector('i1')} {self.vec(flag)}, splat (i1 true)"), low=0, high=1)

    def select(self, flag: Value, yes: Value, no: Value) -> Value:
        """flag ? yes : no, in the narrowest common type."""
        flag = self.boolean(flag)
        if flag.const is not None:
            return yes if flag.const else no
        yes, no = self.common(yes, no)
        bounds = {}
        if None not in (yes.low, yes.high, no.low, no.high):
            bounds = {"low": min(yes.low, no.low), "high": max(yes.high, no.high)}
        element = yes.element
        if flag.uniform and yes.uniform and no.uniform:
            return self.scalar(yes.type, self.b.emit(
                f"select i1 {flag.name}, {element} {self.literal(yes)}, "
                f"{element} {self.literal(no)}"), **bounds)
        kind = vector(element)
        name = self.b.emit(f"select {vector('i1')} {self.vec(flag)}, {kind} {self.vec(yes)}, "
                           f"{kind} {self.vec(no)}")
        return self.varying(yes.type, name, **bounds)

    def common(self, a: Value, b: Value) -> tuple[Value, Value]:
        """Both values in one type."""
        if a.type == b.type:
            return a, b
        for one, other in ((a, b), (b, a)):
            if one.type == "z" and other.const is not None and 0 <= other.const <= INT32_MAX:
                as_z = Value("U", "z", other.name, const=other.const,
                             low=other.low, high=other.high)
                return (a, as_z) if one is a else (as_z, b)
        if a.type in "wb" and b.type in "wb":
            return self.low32(a), self.low32(b)
        return self.wide(a), self.wide(b)

    # -- multiply high, divide ----------------------------------------------------------------

    def mul_high(self, a: Value, b: Value, a_signed: bool, b_signed: bool) -> Value:
        """The high 64 bits of the 128-bit product."""
        a, b = self.wide(a), self.wide(b)
        sides = [(a, "sext" if a_signed else "zext"), (b, "sext" if b_signed else "zext")]
        if a.uniform and b.uniform:
            names = [self.b.emit(f"{op} i64 {v.name} to i128") for v, op in sides]
            product = self.b.emit(f"mul i128 {names[0]}, {names[1]}")
            product = self.b.emit(f"lshr i128 {product}, 64")
            return self.scalar("x", self.b.emit(f"trunc i128 {product} to i64"))
        return self._vector_mul_high(a, b, a_signed, b_signed)

    def _vector_mul_high(self, a: Value, b: Value, a_signed: bool, b_signed: bool) -> Value:
        """Schoolbook multiplication of 32-bit halves; there is no vector 64x64 high product."""
        kind, mask = vector("i64"), "splat (i64 4294967295)"
        x, y = self.vec(a), self.vec(b)

        def op(text: str) -> str:
            return self.b.emit(text)

        x0, y0 = (op(f"and {kind} {v}, {mask}") for v in (x, y))
        x1, y1 = (op(f"lshr {kind} {v}, splat (i64 32)") for v in (x, y))
        low = op(f"mul {kind} {x0}, {y0}")
        mid1, mid2 = op(f"mul {kind} {x1}, {y0}"), op(f"mul {kind} {x0}, {y1}")
        high = op(f"mul {kind} {x1}, {y1}")
        carry = op(f"lshr {kind} {low}, splat (i64 32)")
        for mid in (mid1, mid2):
            part = op(f"and {kind} {mid}, {mask}")
            carry = op(f"add {kind} {carry}, {part}")
        carry = op(f"lshr {kind} {carry}, splat (i64 32)")
        for mid in (mid1, mid2):
            part = op(f"lshr {kind} {mid}, splat (i64 32)")
            high = op(f"add {kind} {high}, {part}")
        high = op(f"add {kind} {high}, {carry}")
        for signed, one, other in ((a_signed, x, y), (b_signed, y, x)):
            if signed:
                sign = op(f"ashr {kind} {one}, splat (i64 63)")
                sign = op(f"and {kind} {sign}, {other}")
                high = op(f"sub {kind} {high}, {sign}")
        return self.varying("x", high)

    def divide(self, op: str, a: Value, b: Value, bits: int) -> Value:
        """sdiv/udiv/srem/urem with RISC-V's results for zero divisors and overflow."""
        if bits == 32:
            a, b = self.low32(a), self.low32(b)
        else:
            a, b = self.wide(a), self.wide(b)
        type_, element = ("w", "i32") if bits == 32 else ("x", "i64")
        if a.uniform and b.uniform:
            return self._safe_divide(op, a.name, b.name, element, element, type_, "U")
        if bits == 32:
            return self._divide_words(op, a, b)
        return self._safe_divide(op, self.vec(a), self.vec(b), vector(element), element,
                                 type_, "V")

    def _safe_divide(self, op, x, y, kind, element, type_, lanes) -> Value:
        flag = "i1" if lanes == "U" else vector("i1")
        one, zero = ("1", "0") if lanes == "U" else (f"splat ({element} 1)", "zeroinitializer")
        bits = int(element[1:])
        is_zero = self.b.emit(f"icmp eq {kind} {y}, {zero}")
        bad = is_zero
        if op[0] == "s":
            least = self._literal(lanes, element, -(1 << (bits - 1)))
            minus = self._literal(lanes, element, -1)
            least_x = self.b.emit(f"icmp eq {kind} {x}, {least}")
            minus_y = self.b.emit(f"icmp eq {kind} {y}, {minus}")
            overflow = self.b.emit(f"and {flag} {least_x}, {minus_y}")
            bad = self.b.emit(f"or {flag} {bad}, {overflow}")
        # Dividing by 1 instead gives RISC-V's answers for overflow: x and remainder 0.
        safe = self.b.emit(f"select {flag} {bad}, {kind} {one}, {kind} {y}")
        result = self.b.emit(f"{op} {kind} {x}, {safe}")
        for_zero = x if op.endswith("rem") else self._literal(lanes, element, -1)
        result = self.b.emit(f"select {flag} {is_zero}, {kind} {for_zero}, {kind} {result}")
        return Value(lanes, type_, result)

    @staticmethod
    def _literal(lanes: str, element: str, value: int) -> str:
        return str(value) if lanes == "U" else f"splat ({element} {value})"

    def _divide_words(self, op: str, a: Value, b: Value) -> Value:
        """32-bit quotients are exact through float64, which hosts divide as vectors."""
        kind, floats = vector("i32"), vector("double")
        x, y = self.vec(a), self.vec(b)
        convert = "si" if op[0] == "s" else "ui"
        is_zero = self.b.emit(f"icmp eq {kind} {y}, zeroinitializer")
        safe = self.b.emit(f"select {vector('i1')} {is_zero}, {kind} splat (i32 1), {kind} {y}")
        fx = self.b.emit(f"{convert}tofp {kind} {x} to {floats}")
        fy = self.b.emit(f"{convert}tofp {kind} {safe} to {floats}")
        quotient = self.b.emit(f"fdiv {floats} {fx}, {fy}")
        # Through 64 bits: INT_MIN / -1 is 2^31, whose low word is RISC-V's answer.
        whole = self.b.emit(f"fptosi {floats} {quotient} to {vector('i64')}")
        result = self.b.emit(f"trunc {vector('i64')} {whole} to {kind}")
        for_zero = "splat (i32 -1)"
        if op.endswith("rem"):
            back = self.b.emit(f"mul {kind} {result}, {safe}")
            result = self.b.emit(f"sub {kind} {x}, {back}")
            for_zero = x
        result = self.b.emit(
            f"select {vector('i1')} {is_zero}, {kind} {for_zero}, {kind} {result}")
        return self.varying("w", result)

    # -- bits ---------------------------------------------------------------------------------

    def unary_intrinsic(self, name: str, value: Value, bits: int, extra: str = "",
                        bound: int | None = None) -> Value:
        """An LLVM integer intrinsic applied to 32 or 64 bits."""
        value = self.low32(value) if bits == 32 else self.wide(value)
        type_ = "w" if bits == 32 else "x"
        element = value.element
        bounds = {"low": 0, "high": bound} if bound is not None else {}
        if value.uniform:
            return self.scalar(type_, self.b.emit(
                f"call {element} @llvm.{name}.{element}({element} {value.name}{extra})"), **bounds)
        kind = vector(element)
        return self.varying(type_, self.b.emit(
            f"call {kind} @llvm.{name}.v{WARP_LANES}{element}({kind} {self.vec(value)}{extra})"),
            **bounds)

    def binary_intrinsic(self, name: str, a: Value, b: Value, bits: int, third: Value | None = None
                         ) -> Value:
        """An LLVM integer intrinsic of two or three operands."""
        reduce = self.low32 if bits == 32 else self.wide
        values = [reduce(v) for v in (a, b, third) if v is not None]
        type_ = "w" if bits == 32 else "x"
        element = values[0].element
        if all(v.uniform for v in values):
            text = ", ".join(f"{element} {v.name}" for v in values)
            return self.scalar(type_, self.b.emit(f"call {element} @llvm.{name}.{element}({text})"))
        kind = vector(element)
        text = ", ".join(f"{kind} {self.vec(v)}" for v in values)
        return self.varying(type_, self.b.emit(
            f"call {kind} @llvm.{name}.v{WARP_LANES}{element}({text})"))

    def extend_low(self, value: Value, bits: int, signed: bool) -> Value:
        """The low 8 or 16 bits extended, typed w."""
        value = self.low32(value)
        if not signed:
            return self.arith("and", value, self.const((1 << bits) - 1), 32)
        shift = self.const(32 - bits)
        result = self.arith("ashr", self.arith("shl", value, shift, 32), shift, 32)
        result.low, result.high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
        return result

    def zero_extend_word(self, value: Value) -> Value:
        """The low 32 bits, typed z."""
        if value.type == "z":
            return value
        word = self.low32(value)
        if word.const is not None:
            return self.const(word.const & 0xFFFFFFFF)
        if word.low is not None and word.low >= 0:
            return word
        name = self.vec(word) if word.kind == "V" else word.name
        return Value(word.kind, "z", name, stride=word.stride, row=word.row)

    def lane_numbers(self) -> str:
        return const_vector("i32", list(range(WARP_LANES)))


__all__ = ["INT32_MAX", "INT32_MIN", "Integers"]
