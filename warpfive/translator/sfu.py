"""The special function unit's approximations as vector polynomials.

Allowed error: 2 ulp of the correctly rounded float32 (sin and cos: for arguments below 2**17).
"""

from __future__ import annotations

from math import factorial, log, log2, pi

from warpfive.translator.floating import Floats
from warpfive.translator.values import Value

MAGIC = 12582912.0  # 1.5 * 2**23: adding it rounds a small float32 to an integer in its low bits
MAGIC_BITS = 0x4B400000
EXP2 = [log(2.0) ** k / factorial(k) for k in range(7, -1, -1)]
LOG2 = [2.0 / log(2.0) / (2 * k + 1) for k in range(5, -1, -1)]
SIN = [(-1) ** k / factorial(2 * k + 1) for k in range(4, -1, -1)]
COS = [(-1) ** k / factorial(2 * k) for k in range(5, -1, -1)]
TANH = [443861162 / -1856156927625, 6404582 / 10854718875, -929569 / 638512875, 21844 / 6081075,
        -1382 / 155925, 62 / 2835, -17 / 315, 2 / 15, -1 / 3, 1.0]  # fmt: skip
HALF_PI = (1.5707962512969971, 7.549789415861596e-08, 5.390302529957765e-15)
"""pi/2 as a sum of three float32 numbers."""


class Sfu(Floats):
    """ex2 lg2 sin cos rcp rsqrt sqrt tanh on float32."""

    def approximate(self, name: str, value: Value) -> Value:
        return getattr(self, f"_sfu_{name}")(self.as_float(value, "s"))

    def _c(self, value: float) -> Value:
        return self.float_const("s", value)

    def _word(self, value: int) -> Value:
        return self.const32(value)

    def _bits(self, value: Value) -> Value:
        return self.float_bits(value)

    def _float(self, value: Value) -> Value:
        return self._bitcast(self.low32(value), "float", "s")

    def _sfu_rcp(self, x: Value) -> Value:
        return self.op("fdiv", "s", self._c(1.0), x)

    def _sfu_sqrt(self, x: Value) -> Value:
        return self.intrinsic("sqrt", x)

    def _sfu_rsqrt(self, x: Value) -> Value:
        return self.op("fdiv", "s", self._c(1.0), self.intrinsic("sqrt", x))

    def _sfu_ex2(self, x: Value) -> Value:
        low, high = self._c(-151.0), self._c(129.0)
        x = self.select(self.fcompare("olt", x, low), low, x)
        x = self.select(self.fcompare("ogt", x, high), high, x)
        shifted = self.op("fadd", "s", x, self._c(MAGIC))
        whole = self.op("fsub", "s", shifted, self._c(MAGIC))
        power = self.arith("sub", self._bits(shifted), self._word(MAGIC_BITS), 32)
        fraction = self.op("fsub", "s", x, whole)
        mantissa = self.polynomial(fraction, EXP2)
        # Two factors, because 2**power itself may be subnormal or infinite.
        half = self.arith("ashr", power, self._word(1), 32)
        rest = self.arith("sub", power, half, 32)
        for part in (half, rest):
            biased = self.arith("add", part, self._word(127), 32)
            scale = self._float(self.arith("shl", biased, self._word(23), 32))
            mantissa = self.op("fmul", "s", mantissa, scale)
        return mantissa

    def _sfu_lg2(self, x: Value) -> Value:
        zero, infinity = self._c(0.0), self._c(float("inf"))
        tiny = self.fcompare("olt", x, self._c(2.0**-126))
        scaled = self.select(tiny, self.op("fmul", "s", x, self._c(2.0**24)), x)
        bits = self._bits(scaled)
        # sqrt(1/2) as the lower end keeps the polynomial's argument small on both sides.
        power = self.arith("ashr", self.arith("sub", bits, self._word(0x3F3504F3), 32),
                           self._word(23), 32)
        mantissa = self._float(self.arith(
            "sub", bits, self.arith("shl", power, self._word(23), 32), 32))
        power = self.arith("sub", power, self.select(tiny, self._word(24), self._word(0)), 32)
        f = self.op("fsub", "s", mantissa, self._c(1.0))
        s = self.op("fdiv", "s", f, self.op("fadd", "s", f, self._c(2.0)))
        series = self.polynomial(self.op("fmul", "s", s, s), LOG2)
        whole = self.int_to_float(power, "w", "s", 0)
        # The leading term 2s/ln2 in two parts: s's rounding error matters where power is 0.
        residue = self.intrinsic("fma", self.fneg(s),
                                 self.op("fadd", "s", f, self._c(2.0)), f)
        fix = self.op("fdiv", "s", residue, self.op("fadd", "s", f, self._c(2.0)))
        fraction = self.intrinsic("fma", s, series,
                                  self.op("fmul", "s", fix, self._c(2.0 / log(2.0))))
        result = self.op("fadd", "s", whole, fraction)
        result = self.select(self.fcompare("oeq", x, zero), self._c(float("-inf")), result)
        result = self.select(self.fcompare("oeq", x, infinity), infinity, result)
        bad = self.fcompare("ult", x, zero)
        return self.select(bad, self.op("fsub", "s", infinity, infinity), result)

    def _reduce(self, x: Value) -> tuple[Value, Value]:
        """x as quadrant * pi/2 + rest."""
        scaled = self.intrinsic("fma", x, self._c(2 / pi), self._c(MAGIC))
        quadrant = self.op("fsub", "s", scaled, self._c(MAGIC))
        rest = x
        for part in HALF_PI:
            rest = self.intrinsic("fma", self.fneg(quadrant), self._c(part), rest)
        return self._bits(scaled), rest

    def _sine(self, x: Value, shift: int) -> Value:
        quadrant, rest = self._reduce(x)
        quadrant = self.arith("add", quadrant, self._word(shift), 32)
        square = self.op("fmul", "s", rest, rest)
        sine = self.op("fmul", "s", rest, self.polynomial(square, SIN))
        cosine = self.polynomial(square, COS)
        odd = self.boolean(self.arith("and", quadrant, self._word(1), 32))
        sign = self.arith("shl", self.arith("and", quadrant, self._word(2), 32),
                          self._word(30), 32)
        chosen = self.select(odd, cosine, sine)
        return self._float(self.arith("xor", self._bits(chosen), sign, 32))

    def _sfu_sin(self, x: Value) -> Value:
        result = self._sine(x, 0)
        # sin(-0) is -0; the reduction would lose the sign.
        return self.select(self.fcompare("oeq", x, self._c(0.0)), x, result)

    def _sfu_cos(self, x: Value) -> Value:
        return self._sine(x, 1)

    def _sfu_tanh(self, x: Value) -> Value:
        size = self.intrinsic("fabs", x)
        square = self.op("fmul", "s", x, x)
        small = self.op("fmul", "s", x, self.polynomial(square, TANH))
        power = self._sfu_ex2(self.op("fmul", "s", size, self._c(2.0 * log2(2.718281828459045))))
        ratio = self.op("fdiv", "s", self._c(2.0), self.op("fadd", "s", power, self._c(1.0)))
        large = self.intrinsic("copysign", self.op("fsub", "s", self._c(1.0), ratio), x)
        return self.select(self.fcompare("olt", size, self._c(0.55)), small, large)
