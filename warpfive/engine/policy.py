"""Order of service among sequences of one engine.

A policy maps a request and its running number to a key; smaller keys are served first. The key's
first item is the priority. Keys never change, so an older request of the same priority is never
overtaken for ever by ``fcfs``; ``shortest`` favours short prompts and can delay long ones.
"""

from collections.abc import Callable, Mapping

from warpfive.engine.request import Request
from warpfive.errors import InputError


def fcfs(request: Request, number: int) -> tuple:
    """First come, first served within a priority."""
    return (request.priority, request.arrival_s, number)


def shortest(request: Request, number: int) -> tuple:
    """Shortest prompt first within a priority."""
    return (request.priority, request.prompt_tokens, request.arrival_s, number)


POLICIES: Mapping[str, Callable[[Request, int], tuple]] = {"fcfs": fcfs, "shortest": shortest}


def policy(name: str) -> Callable[[Request, int], tuple]:
    """The policy of this name."""
    if name not in POLICIES:
        raise InputError(f"policy {name!r}: unknown; known: {', '.join(POLICIES)}")
    return POLICIES[name]
