"""``--drafts`` and ``--acceptance`` as one thing."""

from warpfive.cli.options import check_speculation
from warpfive.perf import Speculation


def speculation(drafts: int, acceptance: float) -> Speculation | None:
    """What the two options ask for; none without drafts."""
    check_speculation(drafts, acceptance)
    return Speculation(drafts=drafts, acceptance=acceptance) if drafts else None
