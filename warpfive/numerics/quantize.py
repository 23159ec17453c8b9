"""Any format behind one call: numbers as they come back from it."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from warpfive.numerics.block import BlockFormat
from warpfive.numerics.float import FloatFormat
from warpfive.numerics.integer import IntegerFormat

Format = FloatFormat | IntegerFormat | BlockFormat


def quantize(form: Format, numbers: ArrayLike) -> np.ndarray[Any, np.dtype[Any]]:
    """``numbers`` stored in ``form`` and read again, as float32.

    Integer formats take one symmetric scale from the largest magnitude of all.
    """
    if isinstance(form, FloatFormat):
        return form.decode(form.encode(numbers))
    if isinstance(form, BlockFormat):
        return form.decode(*form.encode(numbers))
    scale = form.scale_for(numbers)
    return form.decode(form.encode(numbers, scale), scale)
