"""Machine code of the chip to host vector code."""

from warpfive.translator.abi import ABI_VERSION
from warpfive.translator.host import LEVELS
from warpfive.translator.translate import VARIANTS, translate, translate_text

__all__ = ["ABI_VERSION", "LEVELS", "VARIANTS", "translate", "translate_text"]
