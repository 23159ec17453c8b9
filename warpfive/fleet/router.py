"""Which replica takes a request.

``round_robin``   each in turn
``least_loaded``  fewest unfinished requests
``prefix_aware``  fewest prompt tokens to compute: those of the request that its cache lacks, plus
                  the prompts it has not finished

Ties go to fewer unfinished requests, then to the lower number.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from warpfive.engine import Request
from warpfive.errors import InputError


class Target(Protocol):
    """A replica as the router sees it."""

    outstanding: int
    """Requests sent to it and not finished."""
    outstanding_tokens: int
    """Prompt tokens of those requests."""

    def cached_tokens(self, request: Request) -> int:
        """Prompt tokens that its prefix cache holds."""


Router = Callable[[Request, int, Sequence[Target]], int]


def round_robin(request: Request, number: int, targets: Sequence[Target]) -> int:
    """Each replica in turn."""
    return number % len(targets)


def least_loaded(request: Request, number: int, targets: Sequence[Target]) -> int:
    """The replica with fewest unfinished requests."""
    return min(range(len(targets)), key=lambda place: (targets[place].outstanding, place))


def prefix_aware(request: Request, number: int, targets: Sequence[Target]) -> int:
    """The replica with fewest prompt tokens to compute before this request's first token."""

    def cost(place: int) -> tuple[int, int, int]:
        target = targets[place]
        missing = request.prompt_tokens - target.cached_tokens(request)
        return (missing + target.outstanding_tokens, target.outstanding, place)

    return min(range(len(targets)), key=cost)


ROUTERS: Mapping[str, Router] = {
    "round_robin": round_robin, "least_loaded": least_loaded, "prefix_aware": prefix_aware,
}  # fmt: skip
"""Policies by name; the position is the number the fast simulation knows them by."""


def router(name: str) -> Router:
    """The policy of this name."""
    if name not in ROUTERS:
        raise InputError(f"routing {name!r}: unknown; known: {', '.join(ROUTERS)}")
    return ROUTERS[name]
