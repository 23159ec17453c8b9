"""Step costs whose sums can be done by hand."""

import numpy as np

from warpfive.fleet import StepCost

MS = 10**9
"""Picoseconds in a millisecond."""


def plain_cost(
    *, decode_ms: float = 10, seat_us: float = 0, token_us: float = 100, context_ps: int = 0,
    pair_fs: int = 0, tokens: int = 64,
) -> StepCost:  # fmt: skip
    """``decode_ms`` a decode step; a prompt step the same plus ``token_us`` a token."""
    seats = np.arange(257) * round(seat_us * 1e6)
    decode = seats + round(decode_ms * MS)
    decode[0] = 0
    mixed = np.arange(tokens + 1) * round(token_us * 1e6) + round(decode_ms * MS)
    return StepCost(
        decode_ps=decode.astype(np.int64), mixed_ps=mixed.astype(np.int64),
        seat_ps=seats.astype(np.int64), tail_ps=round(token_us * 1e6), pair_fs=pair_fs,
        context_ps=context_ps,
    )  # fmt: skip
