"""Inline assembly in preprocessed source: PTX statements become the C++ that does the same.

The compiler proper knows only the chip's registers, so what was written for NVIDIA's is replaced
before it gets there. Everything else in the text stays, line for line.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from warpfive.compiler.ptx import translate
from warpfive.errors import UnsupportedError

_START = re.compile(r"\b(?:asm|__asm__|__asm)\b(?:\s+(?:volatile|__volatile__|inline))*\s*\(")
_STRING = re.compile(r'\s*(?:u8|L|R)?"((?:[^"\\]|\\.)*)"')
_CONSTRAINT = re.compile(rb"error: (?:invalid|couldn't allocate)[^\n]*(?:in asm|constraint)")
_IN_IR = re.compile(
    rb'call [^\n]*?\basm (?:sideeffect |alignstack |inteldialect |unwind )*"((?:[^"\\]|\\.)*)"'
)
_MARKER = re.compile(r'^# (\d+) "((?:[^"\\]|\\.)*)"', re.M)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\", "'": "'", "0": "\0"}
_SKIPPED = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)+\'|^#[^\n]*$', re.M)


@dataclass(frozen=True, slots=True)
class Operand:
    """``[name] "constraint" (expression)``; the constraint without its ``=`` or ``+``."""

    name: str
    mode: str  # "=", "+" or ""
    constraint: str
    expression: str


@dataclass(frozen=True, slots=True)
class Statement:
    """One assembly statement; ``end`` is just past its closing parenthesis."""

    start: int
    end: int
    code: str
    operands: tuple[Operand, ...]
    clobbers: str


def in_doubt(code: bytes, said: bytes) -> bool:
    """Whether compiled IR has assembly of NVIDIA's, or clang complains as if it had."""
    if _CONSTRAINT.search(said):
        return True
    return any(looks_like_ptx(body.decode()) for body in _IN_IR.findall(code))


def rewrite(text: str) -> tuple[str, list[UnsupportedError]]:
    """The text with its PTX replaced, and what could not be: that stays as it is.

    Assembly of the host's, in functions that device code does not have, is none of ours.
    """
    parts, at = [], 0
    refused: list[UnsupportedError] = []
    for statement in statements(text):
        if not looks_like_ptx(statement.code):
            continue
        try:
            made = translate(statement.code, statement.operands, statement.clobbers)
        except UnsupportedError as failure:
            refused.append(UnsupportedError(f"{_place(text, statement.start)}: {failure}"))
            continue
        lines = text.count("\n", statement.start, statement.end)
        parts += [text[at : statement.start], made, "\n" * lines]
        at = statement.end
    return "".join([*parts, text[at:]]), refused


def looks_like_ptx(code: str) -> bool:
    """PTX ends its instructions with semicolons; RISC-V assembly has no need to."""
    code = re.sub(r"//[^\n]*", "", code.replace("\\0A", "\n").replace("\\09", "\t")).strip()
    return code.endswith((";", "}")) or ".reg" in code


def statements(text: str) -> Iterator[Statement]:
    """The assembly statements of a source, outside strings."""
    skipped = [match.span() for match in _SKIPPED.finditer(text)]
    position = 0
    for match in _START.finditer(text):
        while position < len(skipped) and skipped[position][1] <= match.start():
            position += 1
        inside = position < len(skipped) and skipped[position][0] <= match.start()
        if not inside and (found := _statement(text, match)):
            yield found


def _statement(text: str, match: re.Match[str]) -> Statement | None:
    code, at = _strings(text, match.end())
    if code is None:
        return None
    operands: list[Operand] = []
    section, clobbers = 0, ""
    while at < len(text):
        at = _blank(text, at)
        letter = text[at]
        if letter == ")":
            return Statement(match.start(), at + 1, code, tuple(operands), clobbers)
        if letter in ":,":
            section += letter == ":"
            at += 1
        elif section in (1, 2):
            operand, at = _operand(text, at)
            operands.append(operand)
        else:
            word, at = _strings(text, at)
            if word is None:
                return None
            clobbers += f" {word}"
    return None


def _blank(text: str, at: int) -> int:
    match = re.compile(r"(?:\s|^#[^\n]*$)*", re.M).match(text, at)
    return match.end() if match else at


def _strings(text: str, at: int) -> tuple[str | None, int]:
    """Adjacent string literals as one value."""
    found: list[str] = []
    while True:
        at = _blank(text, at)
        match = _STRING.match(text, at)
        if not match:
            return ("".join(found) if found else None), at
        found.append(re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[1]), match[1]))
        at = match.end()


def _operand(text: str, at: int) -> tuple[Operand, int]:
    name = re.compile(r"\[(\w+)\]\s*").match(text, at)
    if name:
        at = name.end()
    constraint, at = _strings(text, at)
    start = text.index("(", at)
    end = _closing(text, start)
    constraint = constraint or ""
    mode = constraint[:1] if constraint[:1] in ("=", "+") else ""
    return Operand(
        name[1] if name else "", mode, constraint.lstrip("=+&"), text[start + 1 : end]
    ), end + 1  # fmt: skip


def _closing(text: str, start: int) -> int:
    """The parenthesis that closes the one at ``start``."""
    depth = 0
    for match in re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)+\'|[()]').finditer(text, start):
        depth += {"(": 1, ")": -1}.get(match[0], 0)
        if depth == 0:
            return match.start()
    return len(text) - 1


def _place(text: str, at: int) -> str:
    """``file:line`` of a position in preprocessed text."""
    markers = [*_MARKER.finditer(text, 0, at)]
    if not markers:
        return f"line {text.count(chr(10), 0, at) + 1}"
    marker = markers[-1]
    line = int(marker[1]) + text.count("\n", marker.end(), at) - 1
    return f"{marker[2]}:{line}"
