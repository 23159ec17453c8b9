"""Microscaling: blocks of small numbers that share one power of two (OCP MX specification 1.0)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from warpfive.errors import InputError
from warpfive.numerics.float import E2M1, E8M0, FloatFormat

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockFormat:
    """Blocks of ``size`` elements along the last axis, each block with an E8M0 scale."""

    name: str
    element: FloatFormat
    size: int = 32

    @property
    def bits_per_number(self) -> float:
        """Storage of a number, its part of the scale included."""
        return self.element.bits + E8M0.bits / self.size

    def encode(self, numbers: ArrayLike) -> tuple[Array, Array]:
        """Element codes, and the scale codes with the last axis ``size`` times shorter.

        A block's scale is 2 to the exponent of its largest magnitude, less that of the element
        format's largest number; elements are rounded to nearest even and saturate. A block with an
        infinity or a NaN has the NaN scale.
        """
        wide = np.asarray(numbers, dtype=np.float64)
        blocks = self._blocks(wide)
        largest = np.max(np.abs(blocks), axis=-1)
        finite = np.isfinite(largest)
        _, exponent = np.frexp(np.where(finite & (largest > 0), largest, 1.0))
        _, top = np.frexp(self.element.largest)
        shared = np.clip(exponent - top, -127, 127)
        shared = np.where(largest > 0, shared, -127)
        scaled = np.ldexp(np.where(finite[..., None], blocks, 0.0), -shared[..., None])
        codes = self.element.encode(scaled, saturate=True).reshape(wide.shape)
        return codes, np.where(finite, shared + 127, 255).astype(np.uint8)

    def decode(self, codes: ArrayLike, scales: ArrayLike) -> Array:
        """The numbers, as float32."""
        values = self.element.decode(codes).astype(np.float64)
        blocks = self._blocks(values)
        scaled = blocks * E8M0.values[np.asarray(scales, dtype=np.int64)][..., None]
        return scaled.reshape(values.shape).astype(np.float32)

    def _blocks(self, array: Array) -> Array:
        if array.ndim == 0 or array.shape[-1] % self.size:
            raise InputError(
                f"{self.name}: an axis of shape {array.shape} does not divide into blocks of "
                f"{self.size}; pad its last axis"
            )
        return array.reshape(*array.shape[:-1], -1, self.size)


MXFP4 = BlockFormat(name="mxfp4", element=E2M1)
