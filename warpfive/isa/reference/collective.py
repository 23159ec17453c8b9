"""Words of the vocabulary by which lanes of a warp see one another, and tile products.

While a meaning with one of these runs, the active lanes are those that met.
"""

from collections.abc import Callable
from functools import reduce as fold
from typing import TYPE_CHECKING

import numpy as np

from warpfive.isa.reference.floats import RNE, Format, Integer, S, odd, two_sum
from warpfive.isa.reference.integers import Lanes, sext

if TYPE_CHECKING:
    from warpfive.isa.reference.warp import Warp

LANE = np.arange(32)


def mask_of(active: Lanes) -> np.uint64:
    """The bits of the lanes that are True."""
    return np.uint64(sum(1 << int(lane) for lane in np.flatnonzero(active)))


class Collectives:
    """What the lanes of a warp that met do together."""

    def __init__(self, warp: "Warp") -> None:
        self._warp = warp

    def meet(self, mask: Lanes) -> None:
        """Nothing more than having met."""

    def members(self, mask: Lanes) -> Lanes:
        """The bits of the lanes that met."""
        return np.full(32, mask_of(self._warp.active))

    def ballot(self, value: Lanes, mask: Lanes) -> Lanes:
        """The bits of the lanes whose value is not zero."""
        return np.full(32, mask_of(self._warp.active & (value != 0)))

    def match(self, value: Lanes, mask: Lanes) -> Lanes:
        """For each lane the bits of the lanes with the same value."""
        return np.array([mask_of(self._warp.active & (value == own)) for own in value], np.uint64)

    def reduce(self, operation: Callable, value: Lanes, mask: Lanes) -> Lanes:
        """The operation over all values."""
        return np.full(32, fold(operation, value[self._warp.active][:, None])[0])

    def shuffle_idx(self, value: Lanes, lane: Lanes, mask: Lanes) -> Lanes:
        """The value of a lane of the segment, counted modulo its width."""
        width = _width(mask)
        first = LANE // width * width
        return self._take(value, first + lane.astype(np.int64) % width, LANE < 32)

    def shuffle_up(self, value: Lanes, delta: Lanes, mask: Lanes) -> Lanes:
        """The value of the lane ``delta`` below, where that is in the segment."""
        source = LANE - _delta(delta)
        return self._take(value, source, source >= LANE // _width(mask) * _width(mask))

    def shuffle_down(self, value: Lanes, delta: Lanes, mask: Lanes) -> Lanes:
        """The value of the lane ``delta`` above, where that is in the segment."""
        source = LANE + _delta(delta)
        return self._take(value, source, source < (LANE // _width(mask) + 1) * _width(mask))

    def shuffle_bfly(self, value: Lanes, delta: Lanes, mask: Lanes) -> Lanes:
        """The value of the lane at an exclusive or, where no later segment holds it."""
        source = LANE ^ _delta(delta)
        return self._take(value, source, source < (LANE // _width(mask) + 1) * _width(mask))

    def _take(self, value: Lanes, source: Lanes, valid: Lanes) -> Lanes:
        source = np.where(valid, source, LANE)
        return np.where(self._warp.active[source], value[source], value)

    def mma(self, wide: Format | Integer, narrow: Format | Integer | str, c, a, b) -> Lanes:
        """C + A B over the warp's tiles; exact products, summed in order of k."""
        left, right = _tile(narrow, a, True), _tile(narrow, b, False)
        total = _tile(wide, c, False)
        for k in range(left.shape[1]):
            total = _plus(total, left[:, k, None] * right[None, k, :])
        rows = total.reshape(8, 32)
        if isinstance(wide, Integer):
            return S.box(rows.astype(np.int64).view(np.uint64) & np.uint64(0xFFFFFFFF))
        return np.array([wide.round(row, RNE) for row in rows])


def _delta(delta: Lanes) -> Lanes:
    """How far to look: an unsigned 32-bit number, so that one beyond the warp finds no lane."""
    return (delta & np.uint64(0xFFFFFFFF)).astype(np.int64)


def _width(mask: Lanes) -> Lanes:
    """The segment's width in the high half of a shuffle's last operand; 0 means 32."""
    width = (mask >> np.uint64(32)).astype(np.int64)
    return np.where((width < 1) | (width > 32), 32, width)


def _plus(total: Lanes, product: Lanes) -> Lanes:
    """A sum of integers, or of numbers in binary64 rounded once to binary32."""
    if total.dtype == np.int64:
        return total + product
    return odd(*two_sum(total, product)).astype(np.float32).astype(np.float64)


def _tile(form: Format | Integer | str, registers: Lanes, left: bool) -> Lanes:
    """Registers as a tile of integers or binary64 numbers, whose products are exact."""
    if isinstance(form, Integer):
        low = registers & np.uint64((1 << form.bits) - 1)
        whole = sext(low, form.bits) if form.signed else low
        return whole.view(np.int64).reshape(16, 16)
    if form == TF32:
        kept = S.box(S.unbox(registers) & np.uint64(0xFFFFE000))
        shape = (16, 8) if left else (8, 16)
        return S.value(kept).reshape(shape)
    return form.value(registers).reshape(16, 16)


TF32 = "tf32"
"""binary32 whose low 13 bits do not count."""
