"""``--drafts`` and ``--acceptance`` as one thing."""

from warpfive.errors import InputError
from warpfive.perf import Speculation


def speculation(drafts: int, acceptance: float) -> Speculation | None:
    """What the two options ask for; none without drafts. Refuses figures no speculation has."""
    if drafts < 0 or not 0 <= acceptance <= 1:
        raise InputError(
            f"--drafts must not be negative and --acceptance must lie in 0 to 1, "
            f"not {drafts} and {acceptance:g}"
        )
    return Speculation(drafts=drafts, acceptance=acceptance) if drafts else None
