"""Text to token ids and back: a model's own tokenizer, or a stand-in where there is none."""

import zlib
from pathlib import Path
from typing import Protocol

from warpfive.errors import InputError

WORDS = (
    *("the", "of", "and", "to", "in", "is", "for", "that", "with", "as", "on", "by", "this"),
    *("from", "are", "at", "it", "be", "or", "an", "which", "more", "can", "time", "work"),
    *("part", "line", "chip", "step", "token", "batch", "model", "layer", "cache", "block"),
)
STAND_IN_BYTES = 4
"""Bytes of English text a token stands for, about, in vocabularies of 100,000 and more."""


class Text(Protocol):
    """What the server needs of a tokenizer."""

    vocabulary: int
    name: str

    def encode(self, text: str) -> list[int]:
        """Token ids of a text."""

    def chat(self, messages: list[dict[str, str]]) -> list[int]:
        """Token ids of a conversation, up to where the answer begins."""

    def decode(self, ids: list[int]) -> str:
        """Text of token ids."""


class StandIn:
    """For models known by their configuration alone: a token for every four bytes of a prompt."""

    name = "stand-in: one token for every 4 bytes"
    vocabulary = len(WORDS)

    def encode(self, text: str) -> list[int]:
        """Equal pieces have equal ids, so that common prefixes are found again."""
        data = text.encode()
        pieces = (data[at : at + STAND_IN_BYTES] for at in range(0, len(data), STAND_IN_BYTES))
        return [zlib.crc32(piece) for piece in pieces]

    def chat(self, messages: list[dict[str, str]]) -> list[int]:
        """Roles and contents, one after another."""
        return self.encode("".join(f"{each['role']}: {each['content']}\n" for each in messages))

    def decode(self, ids: list[int]) -> str:
        """A word a token."""
        return "".join(f"{WORDS[token % len(WORDS)]} " for token in ids)


class Tokenizer:
    """The tokenizer of a model's folder, by transformers."""

    def __init__(self, folder: Path) -> None:
        try:
            from transformers import AutoTokenizer
        except ImportError:
            raise InputError(
                f"{folder}: its tokenizer needs transformers: pip install transformers"
            ) from None
        try:
            self._own = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        except (OSError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise InputError(f"{folder}: its tokenizer cannot be read: {reason}") from None
        self.name = str(folder / "tokenizer.json")
        self.vocabulary = len(self._own)

    def encode(self, text: str) -> list[int]:
        """Ids, with the special tokens the model begins a text with."""
        return list(self._own.encode(text))

    def chat(self, messages: list[dict[str, str]]) -> list[int]:
        """By the model's chat template, or plainly where it has none."""
        if self._own.chat_template is None:
            return self.encode("".join(f"{each['role']}: {each['content']}\n" for each in messages))
        text = self._own.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        return list(self._own.encode(text, add_special_tokens=False))

    def decode(self, ids: list[int]) -> str:
        """Text without special tokens."""
        return self._own.decode(ids, skip_special_tokens=True)


def load_text(model: str) -> Text:
    """The tokenizer beside a model's ``config.json``, or a stand-in."""
    folder = Path(model).parent if model.endswith(".json") else Path(model)
    return Tokenizer(folder) if (folder / "tokenizer.json").is_file() else StandIn()
