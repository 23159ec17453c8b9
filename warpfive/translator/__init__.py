"""Machine code of the chip to host vector code."""

from warpfive.translator.abi import ABI_VERSION, ATOMIC, UNITS
from warpfive.translator.counting import Plan, Site, Where, kind_of
from warpfive.translator.host import LEVELS
from warpfive.translator.program import Program
from warpfive.translator.translate import VARIANTS, translate, translate_text

__all__ = [
    "ABI_VERSION", "ATOMIC", "LEVELS", "UNITS", "VARIANTS", "Plan", "Program", "Site", "Where",
    "kind_of", "translate", "translate_text",
]  # fmt: skip
