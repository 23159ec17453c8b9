"""The shape of OpenAI's answers: whole ones, and the chunks of a stream."""

import json
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One request's answer, as a completion or as a chat."""

    chat: bool
    model: str
    fingerprint: str
    prompt_tokens: int
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    created: int = field(default_factory=lambda: int(time.time()))

    def whole(self, text: str, tokens: int) -> dict[str, Any]:
        """An answer in one piece."""
        content = {"message": {"role": "assistant", "content": text}} if self.chat else {
            "text": text
        }  # fmt: skip
        choice = {"index": 0, **content, "logprobs": None, "finish_reason": "length"}
        return self._frame("", choices=[choice], usage=self.usage(tokens))

    def chunk(self, text: str, reason: str | None = None) -> dict[str, Any]:
        """A piece of a stream; the last one has a reason."""
        content = {"delta": {"content": text} if text else {}} if self.chat else {"text": text}
        choice = {"index": 0, **content, "logprobs": None, "finish_reason": reason}
        return self._frame(".chunk" if self.chat else "", choices=[choice])

    def opening(self) -> dict[str, Any]:
        """The piece that a chat's stream begins with."""
        delta = {"role": "assistant", "content": ""}
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}
        return self._frame(".chunk", choices=[choice])

    def closing(self, tokens: int) -> dict[str, Any]:
        """The piece with the counts, where a client asks for it."""
        return self._frame(".chunk" if self.chat else "", choices=[], usage=self.usage(tokens))

    def usage(self, tokens: int) -> dict[str, int]:
        """Counts of tokens."""
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": tokens,
            "total_tokens": self.prompt_tokens + tokens,
        }

    def _frame(self, suffix: str, **fields: Any) -> dict[str, Any]:
        kind, prefix = ("chat.completion", "chatcmpl") if self.chat else ("text_completion", "cmpl")
        return {
            "id": f"{prefix}-{self.id}", "object": kind + suffix, "created": self.created,
            "model": self.model, "system_fingerprint": self.fingerprint, **fields,
        }  # fmt: skip


async def events(shape: Shape, pieces: AsyncIterator[str], with_usage: bool) -> AsyncIterator[str]:
    """Server-sent events of a stream: a chunk a token, the reason, the counts, the end."""
    count = 0
    async for piece in pieces:
        if shape.chat and not count:
            yield _event(shape.opening())
        count += 1
        yield _event(shape.chunk(piece))
    yield _event(shape.chunk("", "length"))
    if with_usage:
        yield _event(shape.closing(count))
    yield "data: [DONE]\n\n"


def _event(record: dict[str, Any]) -> str:
    return f"data: {json.dumps(record)}\n\n"
