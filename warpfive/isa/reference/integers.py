"""Integer words of the vocabulary: what ``w``, ``sext``, ``mulh`` and the like mean in a row.

Each takes and returns arrays with one uint64 a lane, or views of them as int64.
"""

import numpy as np

Lanes = np.ndarray
"""One uint64 a lane: the contents of a register."""

_LOW = np.uint64(0xFFFFFFFF)


def s(a: Lanes) -> Lanes:
    """The same bits, read as signed."""
    return a.view(np.int64)


def u(a: Lanes) -> Lanes:
    """The same bits, read as unsigned."""
    return a.view(np.uint64)


def sext(a: Lanes, bits: int) -> Lanes:
    """The low bits, sign-extended to 64."""
    shift = np.int64(64 - bits)
    return (s(u(a) << np.uint64(shift)) >> shift).view(np.uint64)


def w(a: Lanes) -> Lanes:
    """A 32-bit result: the low half, sign-extended."""
    return sext(a, 32)


def uw(a: Lanes) -> Lanes:
    """The low 32 bits, zero-extended."""
    return u(a) & _LOW


def even(a: Lanes) -> Lanes:
    """A jump's target: the lowest bit is cleared."""
    return a & ~np.uint64(1)


def pick(condition: Lanes, yes: Lanes | int, no: Lanes | int) -> Lanes:
    """``yes`` in the lanes where the condition holds, ``no`` in the others."""
    return np.where(condition, np.uint64(yes), np.uint64(no))


def bit(number: Lanes) -> Lanes:
    """A one at position ``number``, counted within 64."""
    return np.uint64(1) << (number & np.uint64(63))


def mulh(a: Lanes, b: Lanes) -> Lanes:
    """The high 64 bits of the product of two arrays, each signed or not by its type."""
    low, high = a.astype(object), b.astype(object)
    return np.array([int(x) * int(y) >> 64 & 2**64 - 1 for x, y in zip(low, high, strict=True)],
                    np.uint64)  # fmt: skip


def div(a: Lanes, b: Lanes) -> Lanes:
    """The quotient towards zero; by zero all ones; the one that overflows is the dividend."""
    return _divide(a, b, lambda x, y: -1 if y == 0 else _quotient(x, y))


def rem(a: Lanes, b: Lanes) -> Lanes:
    """The remainder with the dividend's sign; by zero the dividend."""
    return _divide(a, b, lambda x, y: x if y == 0 else x - y * _quotient(x, y))


def _quotient(x: int, y: int) -> int:
    size = abs(x) // abs(y)
    return size if (x < 0) == (y < 0) else -size


def _divide(a: Lanes, b: Lanes, operation) -> Lanes:
    pairs = zip(a.tolist(), b.tolist(), strict=True)
    return np.array([operation(x, y) & 2**64 - 1 for x, y in pairs], np.uint64)


def max(a: Lanes, b: Lanes) -> Lanes:
    """The greater."""
    return np.maximum(a, b)


def min(a: Lanes, b: Lanes) -> Lanes:
    """The lesser."""
    return np.minimum(a, b)


def cpop(a: Lanes) -> Lanes:
    """How many ones."""
    return np.bitwise_count(a).astype(np.uint64)


def ctz(a: Lanes, bits: int) -> Lanes:
    """Zeros below the lowest one; ``bits`` where there is none."""
    lowest = a & (~a + np.uint64(1))
    return pick(a == 0, bits, cpop(lowest - np.uint64(1)))


def clz(a: Lanes, bits: int) -> Lanes:
    """Zeros above the highest one within ``bits``."""
    for shift in (1, 2, 4, 8, 16, 32):
        a = a | a >> np.uint64(shift)
    return np.uint64(bits) - cpop(a)


def rotl(a: Lanes, count: Lanes, bits: int) -> Lanes:
    """Rotates the low ``bits`` left."""
    count = count & np.uint64(bits - 1)
    back = np.uint64(bits) - count & np.uint64(bits - 1)
    return a << count | a >> back


def rotr(a: Lanes, count: Lanes, bits: int) -> Lanes:
    """Rotates the low ``bits`` right."""
    return rotl(a, np.uint64(bits) - (count & np.uint64(bits - 1)), bits)


def rev8(a: Lanes) -> Lanes:
    """The bytes in reverse."""
    return a.byteswap()


def brev(a: Lanes) -> Lanes:
    """The 64 bits in reverse."""
    octets = a.byteswap().view(np.uint8)
    return np.packbits(np.unpackbits(octets, bitorder="little")).view(np.uint64)


def orc(a: Lanes) -> Lanes:
    """255 in every byte that is not zero."""
    return np.where(a.view(np.uint8) != 0, np.uint8(255), np.uint8(0)).view(np.uint64)


def permute(a: Lanes, b: Lanes, selector: Lanes) -> Lanes:
    """Four bytes of b:a by the low four nibbles of the selector; bit 3 spreads the sign."""
    pair = uw(b) << np.uint64(32) | uw(a)
    out = np.zeros_like(pair)
    for place in range(4):
        nibble = selector >> np.uint64(4 * place) & np.uint64(15)
        octet = pair >> (nibble & np.uint64(7)) * np.uint64(8) & np.uint64(255)
        sign = (octet >> np.uint64(7)) * np.uint64(255)
        octet = pick(nibble & np.uint64(8) != 0, sign, octet)
        out |= octet << np.uint64(8 * place)
    return out


def swap(old: Lanes, new: Lanes) -> Lanes:
    """The new value."""
    return new


def add(old: Lanes, new: Lanes) -> Lanes:
    """The sum."""
    return old + new


def and_(old: Lanes, new: Lanes) -> Lanes:
    """And."""
    return old & new


def or_(old: Lanes, new: Lanes) -> Lanes:
    """Or."""
    return old | new


def xor(old: Lanes, new: Lanes) -> Lanes:
    """Exclusive or."""
    return old ^ new


def min_s(old: Lanes, new: Lanes) -> Lanes:
    """The lesser, signed."""
    return u(np.minimum(s(old), s(new)))


def max_s(old: Lanes, new: Lanes) -> Lanes:
    """The greater, signed."""
    return u(np.maximum(s(old), s(new)))


def min_u(old: Lanes, new: Lanes) -> Lanes:
    """The lesser, unsigned."""
    return np.minimum(old, new)


def max_u(old: Lanes, new: Lanes) -> Lanes:
    """The greater, unsigned."""
    return np.maximum(old, new)


def wrap_inc(old: Lanes, top: Lanes) -> Lanes:
    """One more, or 0 from ``top`` on."""
    return pick(old >= top, 0, old + np.uint64(1))


def wrap_dec(old: Lanes, top: Lanes) -> Lanes:
    """One less, or ``top`` from 0 and from above ``top``."""
    return pick((old == 0) | (old > top), top, old - np.uint64(1))
