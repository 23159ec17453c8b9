"""A request as it arrives, and the sequence it becomes inside one engine."""

from collections import abc
from dataclasses import dataclass, field
from enum import Enum


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a client asks for. Lengths suffice to schedule; token ids are for real executors."""

    id: int | str
    prompt_tokens: int
    max_output: int
    """Tokens to generate at most; a simulated request generates exactly as many."""
    tokens: abc.Sequence[int] | None = None
    """Prompt token ids, or None where only lengths are known."""
    hashes: abc.Sequence[int] = ()
    """Chained hash of each full block of the prompt, for the prefix cache."""
    priority: int = 0
    """Lower is served first; a strictly lower number may displace a running sequence."""
    arrival_s: float = 0.0
    stop: frozenset[int] = frozenset()
    """Token ids that end the output."""
    ready_tokens: int = 0
    """Leading prompt tokens whose KV another engine sends with the request."""
    payload: object = field(default=None, compare=False)
    """Anything the executor needs, such as sampling parameters."""


class State(Enum):
    """Where a sequence is in its life."""

    WAITING = "waiting"
    RUNNING = "running"
    FINISHED = "finished"
    ABORTED = "aborted"


@dataclass(slots=True, eq=False)
class Sequence:
    """A request inside an engine: how far it is and which KV blocks it holds."""

    request: Request
    key: tuple
    """Place in the order of service; the first item is the priority."""
    hashes: list[int]
    computed: int = 0
    """Tokens whose KV is in ``blocks``."""
    outputs: list[int] = field(default_factory=list)
    blocks: list[int] = field(default_factory=list)
    state: State = State.WAITING
    cached_tokens: int = 0
    """Prompt tokens the prefix cache supplied at the last admission."""
    preemptions: int = 0

    @property
    def total(self) -> int:
        """Tokens known so far: prompt and output."""
        return self.request.prompt_tokens + len(self.outputs)

    @property
    def pending(self) -> int:
        """Known tokens not yet computed: one for a sequence that decodes."""
        return self.total - self.computed

    @property
    def done(self) -> bool:
        """Whether the output is complete."""
        outputs = self.outputs
        return len(outputs) >= self.request.max_output or bool(
            outputs and outputs[-1] in self.request.stop
        )

    def token_ids(self) -> list[int]:
        """Prompt and output ids; only for requests that carry ids."""
        return [*(self.request.tokens or ()), *self.outputs]
