"""Number formats of the float registers, exactly rounded in every mode.

A register holds 64 bits; a narrower format sits in the low ones with ones above (NaN-boxed).
Functions take and return arrays of register contents. Every NaN they make is the canonical one.

Formats of up to 24 significant bits compute in binary64 "rounded to odd" (an inexact result gets
an odd last bit), from which one more rounding is exact. Binary64 itself is exact by NumPy where
the mode is to nearest, and by rational numbers where it is not.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from warpfive.isa.reference.integers import Lanes, sext

RNE, RTZ, RDN, RUP, RMM = range(5)
DYN = 7
"""The chip's dynamic mode is always to nearest even."""


@dataclass(frozen=True, slots=True)
class Integer:
    """A range of integers that a float is converted to."""

    bits: int
    signed: bool

    @property
    def low(self) -> int:
        """Least value."""
        return -(1 << self.bits - 1) if self.signed else 0

    @property
    def high(self) -> int:
        """Greatest value."""
        return (1 << self.bits - self.signed) - 1


i8, u8 = Integer(8, True), Integer(8, False)
i32, u32 = Integer(32, True), Integer(32, False)
i64, u64 = Integer(64, True), Integer(64, False)


def _bits(values: Lanes) -> Lanes:
    return np.ascontiguousarray(values, np.float64).view(np.uint64)


def odd(nearest: Lanes, error: Lanes) -> Lanes:
    """A sum rounded to odd from its nearest binary64 and the exact rest."""
    even = _bits(nearest) & np.uint64(1) == 0
    toward = np.copysign(np.inf, error)
    adjust = even & (error != 0) & np.isfinite(error)
    return np.where(adjust, np.nextafter(nearest, toward), nearest)


def two_sum(a: Lanes, b: Lanes) -> tuple[Lanes, Lanes]:
    """The nearest binary64 of a + b, and what it lacks (Knuth)."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


@dataclass(frozen=True, slots=True)
class Format:
    """An IEEE binary format: ``precision`` counts the implied bit."""

    name: str
    bits: int
    precision: int

    @property
    def least(self) -> int:
        """Exponent of the last place of a subnormal."""
        return 3 - (1 << self.bits - self.precision - 1) - self.precision

    @property
    def infinity(self) -> int:
        """The bits of +infinity."""
        return ((1 << self.bits - self.precision) - 1) << self.precision - 1

    @property
    def nan(self) -> int:
        """The bits of the canonical NaN."""
        return self.infinity | 1 << self.precision - 2

    @property
    def sign(self) -> int:
        """The sign bit."""
        return 1 << self.bits - 1

    def box(self, bits: Lanes) -> Lanes:
        """Register contents that hold the low bits of ``bits``."""
        if self.bits == 64:
            return bits
        ones = np.uint64((1 << 64) - (1 << self.bits))
        return bits | ones

    def unbox(self, register: Lanes) -> Lanes:
        """The format's bits in a register; one that is not boxed holds the canonical NaN."""
        if self.bits == 64:
            return register
        low = np.uint64((1 << self.bits) - 1)
        return np.where(register | low == np.uint64(2**64 - 1), register & low, self.nan)

    def value(self, register: Lanes) -> Lanes:
        """The numbers in a register, as binary64; exact."""
        bits = self.unbox(register)
        if self.bits == 64:
            return np.ascontiguousarray(bits).view(np.float64)
        field = (bits & np.uint64(self.sign - 1)).astype(np.int64)
        exponent = field >> self.precision - 1
        fraction = field & (1 << self.precision - 1) - 1
        significand = fraction + ((exponent > 0).astype(np.int64) << self.precision - 1)
        number = np.ldexp(
            significand.astype(np.float64), (np.maximum(exponent, 1) - 1 + self.least)
        )
        number = np.where(field == self.infinity, np.inf, number)
        number = np.where(field > self.infinity, np.nan, number)
        return np.where(bits & np.uint64(self.sign) != 0, -number, number)

    def round(self, number: Lanes, mode: int) -> Lanes:
        """Register contents of numbers given exactly, or rounded to odd, in binary64."""
        if self.bits == 64:
            return np.where(np.isnan(number), np.uint64(self.nan), _bits(number))
        negative = np.signbit(number)
        finite = np.where(np.isfinite(number), np.abs(number), 0.0)
        _, exponent = np.frexp(finite)
        place = np.maximum(exponent - self.precision, self.least)
        place = np.where(finite == 0, self.least, place)
        scaled = np.ldexp(finite, -place)
        whole = np.floor(scaled)
        rest, even = scaled - whole, np.mod(whole, 2) == 0
        up = _rounds_up(rest, even, negative, mode)
        significand = whole.astype(np.int64) + up
        bits = ((place - self.least).astype(np.int64) << self.precision - 1) + significand
        most = np.where(_overflows(negative, mode), self.infinity, self.infinity - 1)
        bits = np.where(bits >= self.infinity, most, bits)
        bits = np.where(np.isinf(number), self.infinity, bits).astype(np.uint64)
        bits = bits | np.where(negative, np.uint64(self.sign), np.uint64(0))
        return self.box(np.where(np.isnan(number), np.uint64(self.nan), bits))

    def add(self, a: Lanes, b: Lanes, mode: int) -> Lanes:
        """a + b."""
        x, y = self.value(a), self.value(b)
        if self.bits == 64:
            return self._exact(_zero(x + y, x, y, mode), mode, lambda p, q: p + q, x, y)
        return self.round(_zero(odd(*two_sum(x, y)), x, y, mode), mode)

    def mul(self, a: Lanes, b: Lanes, mode: int) -> Lanes:
        """a * b."""
        x, y = self.value(a), self.value(b)
        if self.bits == 64:
            return self._exact(x * y, mode, lambda p, q: p * q, x, y)
        return self.round(x * y, mode)

    def fma(self, a: Lanes, b: Lanes, c: Lanes, mode: int) -> Lanes:
        """a * b + c, rounded once."""
        x, y, z = self.value(a), self.value(b), self.value(c)
        product = x * y
        if self.bits < 64:
            return self.round(_zero(odd(*two_sum(product, z)), product, z, mode), mode)
        inner = np.isfinite(x) & np.isfinite(y) & ~np.isfinite(z)
        nearest = np.where(inner, z, product + z)
        nearest = _zero(nearest, product, z, mode)
        return self._exact(nearest, mode, lambda p, q, r: p * q + r, x, y, z, always=True)

    def div(self, a: Lanes, b: Lanes, mode: int) -> Lanes:
        """a / b. A quotient in binary64 never looks like a shorter number that it is not."""
        x, y = self.value(a), self.value(b)
        if self.bits == 64:
            return self._exact(x / y, mode, lambda p, q: p / q if q else None, x, y)
        return self.round(x / y, mode)

    def sqrt(self, a: Lanes, mode: int) -> Lanes:
        """The square root of a."""
        x = self.value(a)
        if self.bits == 64:
            return self._exact(np.sqrt(x), mode, _root, x)
        return self.round(np.sqrt(x), mode)

    def _exact(
        self,
        nearest: Lanes,
        mode: int,
        operation: Callable[..., Fraction | None],
        *operands: Lanes,
        always: bool = False,
    ) -> Lanes:
        """binary64: ``nearest`` serves to-nearest; other modes go through rational numbers."""
        if mode in (RNE, DYN) and not always:
            return self.round(nearest, mode)
        out = self.round(nearest, mode)
        finite = np.logical_and.reduce([np.isfinite(operand) for operand in operands])
        for lane in np.flatnonzero(finite):
            exact = operation(*(Fraction(float(operand[lane])) for operand in operands))
            if exact:
                out[lane] = _round_fraction(exact, mode)
        return out

    def neg(self, a: Lanes) -> Lanes:
        """a with its sign changed."""
        return self.box(self.unbox(a) ^ np.uint64(self.sign))

    def sgnj(self, a: Lanes, b: Lanes) -> Lanes:
        """a with the sign of b."""
        low = np.uint64(self.sign - 1)
        return self.box(self.unbox(a) & low | self.unbox(b) & np.uint64(self.sign))

    def sgnjx(self, a: Lanes, b: Lanes) -> Lanes:
        """a, its sign flipped where b is negative."""
        return self.box(self.unbox(a) ^ self.unbox(b) & np.uint64(self.sign))

    def min(self, a: Lanes, b: Lanes) -> Lanes:
        """The lesser; a number rather than a NaN; -0 before +0."""
        return self._choose(a, b, lambda x, y: (x < y) | (x == y) & np.signbit(x))

    def max(self, a: Lanes, b: Lanes) -> Lanes:
        """The greater; a number rather than a NaN; +0 before -0."""
        return self._choose(a, b, lambda x, y: (x > y) | (x == y) & ~np.signbit(x))

    def _choose(self, a: Lanes, b: Lanes, first: Callable[[Lanes, Lanes], Lanes]) -> Lanes:
        x, y = self.value(a), self.value(b)
        chosen = np.where(first(x, y) | np.isnan(y), self.unbox(a), self.unbox(b))
        nan = np.isnan(x) & np.isnan(y)
        return self.box(np.where(nan, np.uint64(self.nan), chosen))

    def eq(self, a: Lanes, b: Lanes) -> Lanes:
        """Where a equals b."""
        return self.value(a) == self.value(b)

    def lt(self, a: Lanes, b: Lanes) -> Lanes:
        """Where a is less than b."""
        return self.value(a) < self.value(b)

    def le(self, a: Lanes, b: Lanes) -> Lanes:
        """Where a is less than b or equal."""
        return self.value(a) <= self.value(b)

    def classify(self, a: Lanes) -> Lanes:
        """The bit of fclass: -inf, -normal, -subnormal, -0, +0, ..., +inf, sNaN, qNaN."""
        bits = self.unbox(a)
        field = bits & np.uint64(self.sign - 1)
        negative = bits & np.uint64(self.sign) != 0
        kind = np.select(
            [field == 0, field < 1 << self.precision - 1, field < self.infinity,
             field == self.infinity],
            [4, 5, 6, 7], default=8,
        )  # fmt: skip
        kind = np.where(negative & (kind < 8), 7 - kind, kind)
        quiet = (field & np.uint64(1 << self.precision - 2)) != 0
        kind = np.where((kind == 8) & quiet, 9, kind)
        return np.uint64(1) << kind.astype(np.uint64)

    def to_int(self, a: Lanes, kind: Integer, mode: int) -> Lanes:
        """The integer, saturating; a NaN gives the greatest. 32 bits come back sign-extended."""
        number = _integral(self.value(a), mode)
        above = np.isnan(number) | (number >= float(kind.high + 1))
        below = number < float(kind.low)
        inside = np.where(above | below, 0.0, number)
        whole = inside.astype(np.int64 if kind.signed else np.uint64).astype(np.uint64)
        whole = np.where(above, np.uint64(kind.high), whole)
        whole = np.where(below, np.uint64(kind.low & 2**64 - 1), whole)
        return sext(whole, kind.bits)

    def of_int(self, a: Lanes, mode: int) -> Lanes:
        """The float nearest an integer array, signed or unsigned by its type."""
        high = (a >> a.dtype.type(32)).astype(np.float64) * 2.0**32
        low = (a & a.dtype.type(0xFFFFFFFF)).astype(np.float64)
        if self.bits == 64:
            return self._exact(high + low, mode, lambda p, q: p + q, high, low)
        return self.round(odd(*two_sum(high, low)), mode)

    def of(self, other: "Format", a: Lanes, mode: int) -> Lanes:
        """A value of another format in this one."""
        return self.round(other.value(a), mode)


def _zero(total: Lanes, x: Lanes, y: Lanes, mode: int) -> Lanes:
    """Gives an exact zero from opposite terms the sign that rounding down wants."""
    if mode != RDN:
        return total
    return np.where((total == 0) & (np.signbit(x) | np.signbit(y)), -0.0, total)


def _rounds_up(rest: Lanes, even: Lanes, negative: Lanes, mode: int) -> Lanes:
    """Where a magnitude with ``rest`` of a last place left over goes up."""
    if mode in (RNE, DYN):
        return (rest > 0.5) | (rest == 0.5) & ~even
    if mode == RMM:
        return rest >= 0.5
    if mode == RTZ:
        return np.zeros_like(even)
    return (rest > 0) & (negative == (mode == RDN))


def _overflows(negative: Lanes, mode: int) -> Lanes:
    """Where too great a magnitude becomes infinite rather than the greatest number."""
    if mode in (RNE, RMM, DYN):
        return np.ones_like(negative)
    if mode == RTZ:
        return np.zeros_like(negative)
    return negative == (mode == RDN)


def _integral(number: Lanes, mode: int) -> Lanes:
    if mode in (RNE, DYN):
        return np.rint(number)
    if mode == RMM:
        return np.where(np.abs(number) < 2.0**52, _away(number), number)
    return {RTZ: np.trunc, RDN: np.floor, RUP: np.ceil}[mode](number)


def _away(number: Lanes) -> Lanes:
    """To the nearest integer, halves away from zero."""
    whole = np.trunc(number)
    return whole + np.where(np.abs(number - whole) >= 0.5, np.copysign(1.0, number), 0.0)


def _root(number: Fraction) -> Fraction | None:
    """A square root rounded to odd at 2**-1200 of a place that is fine enough for binary64."""
    if number < 0:
        return None
    scaled = number * Fraction(4) ** 640
    whole = scaled.numerator // scaled.denominator
    root = math.isqrt(whole)
    inexact = root * root != scaled
    return Fraction(root | inexact) / Fraction(2) ** 640


def _round_fraction(exact: Fraction, mode: int) -> np.uint64:
    """The binary64 bits of a rational number."""
    size = abs(exact)
    exponent = size.numerator.bit_length() - size.denominator.bit_length()
    exponent += size >= Fraction(2) ** exponent
    place = max(exponent - 53, D.least)
    scaled = size / Fraction(2) ** place
    whole = scaled.numerator // scaled.denominator
    rest = scaled - whole
    negative = exact < 0
    up = bool(_rounds_up(rest, whole % 2 == 0, negative, mode) if rest else False)
    bits = (place - D.least << 52) + whole + up
    if bits >= D.infinity:
        bits = D.infinity - (not _overflows(np.bool_(negative), mode))
    return np.uint64(bits | (D.sign if negative else 0))


H = Format("binary16", 16, 11)
B = Format("bfloat16", 16, 8)
S = Format("binary32", 32, 24)
D = Format("binary64", 64, 53)
