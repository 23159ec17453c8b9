"""Number formats of inference: encoding and decoding with exact rounding, in NumPy.

>>> from warpfive.numerics import E4M3, quantize
>>> quantize(E4M3, [0.3, 1000.0, -2.6]).tolist()
[0.3125, 448.0, -2.5]
"""

from warpfive.numerics.block import MXFP4, BlockFormat
from warpfive.numerics.float import BF16, E2M1, E4M3, E5M2, E8M0, FP16, FloatFormat
from warpfive.numerics.integer import INT4, INT8, IntegerFormat, pack4, unpack4
from warpfive.numerics.quantize import Format, quantize

__all__ = [
    "BF16", "E2M1", "E4M3", "E5M2", "E8M0", "FP16", "INT4", "INT8", "MXFP4",
    "BlockFormat", "FloatFormat", "Format", "IntegerFormat", "pack4", "quantize", "unpack4",
]  # fmt: skip
