"""What a generated elementwise kernel computes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Formula:
    """``result`` is the type the operator yields before it is stored: the common type (``C``),
    ``bool``, or that of the output (``own``). With ``own_types`` inputs keep their types. With
    ``stores`` the text is a statement that writes the output itself; ``e0``, ``e1`` are the
    operands' elements in memory, outputs first, and ``E0``, ``E1`` their types."""

    text: str | tuple[str, ...]
    result: str = "C"
    own_types: bool = False
    needs: tuple[str, ...] = ("pointwise",)
    stores: bool = False
