"""Signed integers with a scale, and two 4-bit integers in a byte."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from warpfive.errors import InputError

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegerFormat:
    """Two's complement integers of 8 bits or fewer; one code in each int8 element."""

    name: str
    bits: int

    @property
    def low(self) -> int:
        return -(2 ** (self.bits - 1))

    @property
    def high(self) -> int:
        return 2 ** (self.bits - 1) - 1

    def encode(self, numbers: ArrayLike, scale: ArrayLike = 1.0) -> Array:
        """``numbers / scale`` rounded to nearest, ties to even, and saturated; NaN becomes 0."""
        ratio = np.asarray(numbers, dtype=np.float64) / np.asarray(scale, dtype=np.float64)
        whole = np.rint(np.where(np.isnan(ratio), 0, ratio))
        return np.clip(whole, self.low, self.high).astype(np.int8)

    def decode(self, codes: ArrayLike, scale: ArrayLike = 1.0) -> Array:
        """The numbers of ``codes`` as float32."""
        wide = np.asarray(codes, dtype=np.int8).astype(np.float64)
        return (wide * np.asarray(scale, dtype=np.float64)).astype(np.float32)

    def scale_for(self, numbers: ArrayLike, axis: int | None = None) -> Array:
        """The symmetric scale that takes the largest magnitude along ``axis`` to the largest code;
        1 where all are zero."""
        largest = np.max(np.abs(np.asarray(numbers, dtype=np.float64)), axis=axis, keepdims=True)
        return np.where(largest > 0, largest / self.high, 1.0)


INT8 = IntegerFormat(name="int8", bits=8)
INT4 = IntegerFormat(name="int4", bits=4)


def pack4(codes: ArrayLike) -> Array:
    """Bytes of two 4-bit codes each, the first in the low half; the last axis must be even."""
    codes = np.asarray(codes)
    if codes.shape[-1] % 2:
        raise InputError(
            f"an axis of {codes.shape[-1]} 4-bit codes does not fill whole bytes; "
            "pad it to an even length"
        )
    low, high = codes[..., 0::2] & 15, codes[..., 1::2] & 15
    return (low | high << 4).astype(np.uint8)


def unpack4(packed: ArrayLike, *, signed: bool = True) -> Array:
    """The 4-bit codes of ``packed`` bytes, as int8 or uint8 elements."""
    packed = np.asarray(packed, dtype=np.uint8)
    codes = np.stack([packed & 15, packed >> 4], axis=-1).reshape(*packed.shape[:-1], -1)
    return ((codes ^ 8).astype(np.int8) - 8) if signed else codes
