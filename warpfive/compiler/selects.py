"""Selects of floating-point values, made on their bits.

RISC-V has no floating-point select: LLVM writes a branch for each, at which lanes part. On integers
it has (Zicond), so the last step before machine code turns one into the other.
"""

import re

_SELECT = re.compile(
    r"^  (%[-\w.]+) = select (?:[a-z]+ )*?i1 (%[-\w.]+|true|false), (float|double|half|bfloat) "
    r"([^,\n]+), (?:float|double|half|bfloat) ([^,\n]+?)(, !.*)?$",
    re.M,
)
_INTEGER = {"float": "i32", "double": "i64", "half": "i16", "bfloat": "i16"}


def integer_selects(text: str) -> str:
    """Optimised IR text with every scalar floating-point select changed.

    Optimising it again would undo the change.
    """
    return _SELECT.sub(_change, text)


def _change(match: re.Match[str]) -> str:
    name, condition, kind, first, second, notes = match.groups()
    word, base = _INTEGER[kind], name.replace("%", "%wf.select.")
    return "\n".join(
        (
            f"  {base}.a = bitcast {kind} {first} to {word}",
            f"  {base}.b = bitcast {kind} {second} to {word}",
            f"  {base} = select i1 {condition}, {word} {base}.a, {word} {base}.b{notes or ''}",
            f"  {name} = bitcast {word} {base} to {kind}",
        )
    )
