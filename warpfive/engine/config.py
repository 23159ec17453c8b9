"""Limits and choices of one engine."""

from dataclasses import dataclass

from warpfive.engine.policy import policy
from warpfive.errors import InputError

BATCHINGS = ("continuous", "static")


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineConfig:
    """Limits and choices of one engine; refused where they contradict each other."""

    kv_blocks: int
    """KV blocks in device memory."""
    block_tokens: int = 16
    max_seqs: int = 256
    """Sequences that run at once."""
    max_tokens: int = 8192
    """Tokens one step computes."""
    chunked_prefill: bool = True
    """Split prompts and mix them with decodes. Without it a step is either whole prompts or
    decodes, and prompts go first."""
    prefix_cache: bool = True
    batching: str = "continuous"
    """``static`` admits a new group only when the last one has finished."""
    policy: str = "fcfs"
    watermark: float = 0.01
    """Share of the blocks that admission leaves free for sequences already running."""
    max_context: int = 0
    """Prompt and output tokens a request may have; 0 for what the blocks hold."""

    def __post_init__(self) -> None:
        for name in ("kv_blocks", "block_tokens", "max_seqs", "max_tokens"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} = {getattr(self, name)}: must be at least 1")
        if self.max_tokens < self.max_seqs:
            raise InputError(
                f"max_tokens = {self.max_tokens}: must be at least max_seqs = {self.max_seqs}, "
                "so that every running sequence can decode in each step"
            )
        if self.batching not in BATCHINGS:
            raise InputError(f"batching {self.batching!r}: unknown; known: {', '.join(BATCHINGS)}")
        if not 0 <= self.watermark < 1:
            raise InputError(f"watermark = {self.watermark}: must be at least 0 and below 1")
        policy(self.policy)

    @property
    def kv_tokens(self) -> int:
        """Tokens the blocks hold."""
        return self.kv_blocks * self.block_tokens

    @property
    def watermark_blocks(self) -> int:
        """Blocks that admission leaves free."""
        return int(self.watermark * self.kv_blocks)

    @property
    def longest(self) -> int:
        """Longest prompt and output together that can be served."""
        return min(self.max_context or self.kv_tokens, self.kv_tokens)
