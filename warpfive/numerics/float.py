"""Small floating-point formats, described by their widths and their special values."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, kw_only=True)
class FloatFormat:
    """A binary floating-point format of at most 16 bits.

    ``infinities``: an all-ones exponent means infinity or NaN, as in IEEE 754. Without them only
    ``nan_code`` (and its negative) is no number; None where every code is a number.
    """

    name: str
    exponent_bits: int
    mantissa_bits: int
    infinities: bool = True
    nan_code: int | None = None
    signed: bool = True

    @property
    def bits(self) -> int:
        """Width of a code."""
        return self.signed + self.exponent_bits + self.mantissa_bits

    @property
    def bias(self) -> int:
        return 2 ** (self.exponent_bits - 1) - 1

    @property
    def dtype(self) -> np.dtype[Any]:
        """The NumPy type that holds codes, one in each element."""
        return np.dtype(np.uint8 if self.bits <= 8 else np.uint16)

    @cached_property
    def values(self) -> Array:
        """The number of every code, as float64."""
        codes = np.arange(2**self.bits)
        mantissa = codes & (2**self.mantissa_bits - 1)
        field = codes >> self.mantissa_bits & (2**self.exponent_bits - 1)
        normal = (field > 0) | (not self.signed)
        whole = mantissa + np.where(normal, 2**self.mantissa_bits, 0)
        scale = np.where(normal, field, 1) - self.bias - self.mantissa_bits
        values = np.ldexp(whole.astype(np.float64), scale)
        if self.infinities:
            top = field == 2**self.exponent_bits - 1
            values[top] = np.where(mantissa[top] == 0, np.inf, np.nan)
        if self.nan_code is not None:
            values[(codes & self.magnitude_mask) == self.nan_code] = np.nan
        return np.where(codes >> (self.bits - 1) & self.signed, -values, values)

    @property
    def magnitude_mask(self) -> int:
        """All bits of a code but the sign."""
        return 2 ** (self.exponent_bits + self.mantissa_bits) - 1

    @cached_property
    def magnitudes(self) -> Array:
        """The finite numbers from 0 up, in order of their codes."""
        values = self.values[: self.magnitude_mask + 1]
        return values[np.isfinite(values)]

    @property
    def largest(self) -> float:
        """The largest finite number."""
        return float(self.magnitudes[-1])

    @property
    def smallest(self) -> float:
        """The smallest positive number."""
        return float(self.magnitudes[self.magnitudes > 0][0])

    def decode(self, codes: ArrayLike) -> Array:
        """The numbers of ``codes``, as float32; every one is exact."""
        return self.values[np.asarray(codes, dtype=np.int64)].astype(np.float32)

    def encode(self, numbers: ArrayLike, *, saturate: bool | None = None) -> Array:
        """The codes nearest to ``numbers``, ties to the even code.

        Where the format has infinities a number past the largest becomes infinite, unless
        ``saturate``; formats without them always saturate, and so do infinities then. float32 and
        float64 are rounded once.
        """
        wide = np.asarray(numbers, dtype=np.float64)
        saturate = not self.infinities if saturate is None else saturate
        codes = self._nearest(np.abs(wide), saturate)
        if self.signed:
            codes = codes | np.where(np.signbit(wide), self.magnitude_mask + 1, 0)
        codes = np.where(np.isnan(wide), self._nan(), codes)
        return codes.astype(self.dtype)

    def _nearest(self, magnitude: Array, saturate: bool) -> Array:
        """Codes of numbers without sign."""
        grid = self.magnitudes
        above = np.clip(np.searchsorted(grid, magnitude), 1, len(grid) - 1)
        low, high = grid[above - 1], grid[above]
        middle = low + (high - low) / 2  # exact: a grid step is far above float64's
        up = (magnitude > middle) | ((magnitude == middle) & (above % 2 == 0))
        codes = np.where(up, above, above - 1)
        if not saturate:
            last = grid[-1] - grid[-2]
            codes = np.where(magnitude >= grid[-1] + last / 2, len(grid), codes)
        return codes

    def _nan(self) -> int:
        """The code for NaN; formats without one give zero."""
        if self.infinities:
            return (2**self.exponent_bits - 1 << self.mantissa_bits) | 1 << (self.mantissa_bits - 1)
        return 0 if self.nan_code is None else self.nan_code


FP16 = FloatFormat(name="fp16", exponent_bits=5, mantissa_bits=10)
BF16 = FloatFormat(name="bf16", exponent_bits=8, mantissa_bits=7)
E5M2 = FloatFormat(name="fp8-e5m2", exponent_bits=5, mantissa_bits=2)
E4M3 = FloatFormat(
    name="fp8-e4m3", exponent_bits=4, mantissa_bits=3, infinities=False, nan_code=0x7F
)
E2M1 = FloatFormat(name="fp4-e2m1", exponent_bits=2, mantissa_bits=1, infinities=False)
E8M0 = FloatFormat(
    name="e8m0", exponent_bits=8, mantissa_bits=0, infinities=False, nan_code=0xFF, signed=False
)
"""Powers of two alone: the scales of the microscaling formats (OCP MX specification 1.0)."""
