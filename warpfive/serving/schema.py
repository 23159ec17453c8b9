"""What clients send: the part of OpenAI's API that the server answers.

Fields that change nothing in filler text (temperature, penalties, seeds, stop words) are accepted;
fields that would change the shape of the answer are refused where they ask for more than is served.
"""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator


class StreamOptions(BaseModel):
    """What a stream holds beside the text."""

    include_usage: bool = False


class Common(BaseModel):
    """Fields of both kinds of request."""

    model_config = ConfigDict(extra="allow")

    model: str
    stream: bool = False
    stream_options: StreamOptions | None = None
    n: int = 1
    logprobs: bool | int | None = None

    @field_validator("n")
    @classmethod
    def _one(cls, value: int) -> int:
        if value != 1:
            raise ValueError("one answer a request is served; send the request again for another")
        return value

    @field_validator("logprobs")
    @classmethod
    def _no_probabilities(cls, value: bool | int | None) -> None:
        if value:
            raise ValueError("there are no probabilities of filler text; leave it out")
        return


Limit = Annotated[int, Field(ge=1)]


class CompletionRequest(Common):
    """``POST /v1/completions``: a text, or its token ids."""

    prompt: str | list[int] | list[str] | list[list[int]]
    max_tokens: Limit | None = 16

    @field_validator("prompt")
    @classmethod
    def _one_prompt(cls, value: Any) -> str | list[int]:
        while isinstance(value, list) and len(value) == 1 and not isinstance(value[0], int):
            value = value[0]
        if isinstance(value, list) and value and not isinstance(value[0], int):
            raise ValueError(f"one prompt a request is served, not {len(value)}; send one each")
        if not value:
            raise ValueError("empty; at least one token is needed")
        return value


class Message(BaseModel):
    """A turn of a conversation."""

    model_config = ConfigDict(extra="allow")

    role: str
    content: str | list[dict[str, Any]] | None = ""

    @property
    def text(self) -> str:
        """The text of the turn; pictures and sounds are refused."""
        if not isinstance(self.content, list):
            return self.content or ""
        for part in self.content:
            if part.get("type") != "text":
                raise ValueError(f"content of type {part.get('type')!r}: only text is served")
        return "".join(str(part.get("text", "")) for part in self.content)


class ChatRequest(Common):
    """``POST /v1/chat/completions``."""

    messages: Annotated[list[Message], Field(min_length=1)]
    max_tokens: Limit | None = None
    max_completion_tokens: Limit | None = None
    tools: list[Any] | None = None

    @field_validator("messages")
    @classmethod
    def _texts(cls, value: list[Message]) -> list[Message]:
        for message in value:
            _ = message.text
        return value

    @field_validator("tools")
    @classmethod
    def _no_tools(cls, value: list[Any] | None) -> None:
        if value:
            raise ValueError("filler text calls no tools; leave them out")
        return
