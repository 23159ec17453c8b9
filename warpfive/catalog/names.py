"""Nearest names for a name that is not known."""

import difflib
from collections.abc import Sequence


def nearest(name: str, known: Sequence[str], lead: str = "known") -> str:
    """``did you mean a, b?`` where something is close, else the whole list."""
    close = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.5)
    if close:
        return f"did you mean {', '.join(close)}?"
    return f"{lead}: {', '.join(known)}"
