"""Nearest names for a name that is not known."""

import difflib
from collections.abc import Sequence

SHORT = 25
"""Names that an error message lists at most."""


def nearest(name: str, known: Sequence[str], lead: str = "known") -> str:
    """``did you mean a, b?`` where something is close, else the whole list if it is short."""
    close = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.5)
    if close:
        return f"did you mean {', '.join(close)}?"
    if len(known) > SHORT:
        return "nothing known is spelt like it"
    return f"{lead}: {', '.join(known)}"
