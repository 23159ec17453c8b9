"""Sums in the order of their terms, for hosts with few registers.

A loop that keeps eight sums of 32 floats and adds four products to each in a round comes as
compilers order it: a product for every sum, then the next for every sum. An AVX2 host has room for
half of the sums and would move each between memory and registers four times a round. Here all
products of one sum follow one another, so that each sum is moved once.
"""

from __future__ import annotations

import re
from collections import Counter

LABEL = re.compile(r"^([\w.$-]+):")
INSIDE = re.compile(r"(fetch|fetched|fine)\d+$")
"""Labels of blocks that only part one node's instructions."""
SUM = re.compile(r"  (%\w+) = call <\d+ x \w+> @llvm\.fma\.\w+\(.* (%\w+)\)")
SPLAT = re.compile(
    r"  (%\w+) = (?:insertelement <\d+ x \w+> poison|shufflevector .* zeroinitializer)"
)
NAME = re.compile(r"%\w+")


def in_chains(text: str) -> str:
    """LLVM text with every sum that only the next sum reads moved to just before that one."""
    if "@llvm.fma.v" not in text:
        return text
    uses = Counter(NAME.findall(text))
    lines: list[str] = []
    part: list[str] = []
    for line in text.split("\n"):
        label = LABEL.match(line)
        if label and not INSIDE.match(label[1]):
            lines += _ordered(part, uses)
            part = []
        part.append(line)
    return "\n".join([*lines, *_ordered(part, uses)])


def _ordered(part: list[str], uses: Counter[str]) -> list[str]:
    sums = {found[1]: found[2] for line in part if (found := SUM.match(line))}
    if not sums:
        return part
    here = Counter(NAME.findall("\n".join(part)))
    once = {name for name, count in here.items() if count == uses[name] == 2}
    waits = once - (set(sums) - set(sums.values()))
    lines: list[str] = []
    later: dict[str, list[str]] = {}
    """Lines that wait for the one that reads their last, by that one's name."""
    for line in part:
        operands = NAME.findall(line.split(" = ", 1)[-1])
        whole = [waiting for name in operands for waiting in later.pop(name, ())] + [line]
        found = SUM.match(line) or SPLAT.match(line)
        if found and found[1] in waits:
            later[found[1]] = whole
        else:
            lines += whole
    return lines


__all__ = ["in_chains"]
