"""Inline PTX: found before code generation, and named with what to write instead."""

import re

from warpfive.errors import UnsupportedError

_ASM = re.compile(
    r'call [^\n]*?\basm (?:sideeffect |alignstack |inteldialect |unwind )*"((?:[^"\\]|\\.)*)"'
    r"[^\n]*?!dbg (!\d+)"
)
_LOCATION = re.compile(r"^(!\d+) = (?:distinct )?!DILocation\(line: (\d+).*?scope: (!\d+)", re.M)
_CONSTRAINT = re.compile(r"error: invalid (?:input|output) constraint '[^']*' in asm")

ADVICE = (
    "write it in CUDA C++: intrinsics such as __shfl_sync, __byte_perm, __funnelshift_l, __dp4a, "
    "__ldg, __threadfence and the atomics stand for most of it"
)


def refuse(text: str) -> None:
    """Raises `UnsupportedError` if the IR holds assembly of NVIDIA's processors."""
    for body, node in _ASM.findall(text):
        code = body.replace("\\0A", "\n").replace("\\09", "\t").strip()
        if looks_like_ptx(code):
            place = _place(text, node)
            line = re.sub(r"\$(?:\{(\d+)[^}]*\}|(\d+))", r"%\1\2", code).split("\n")[0].strip()
            raise UnsupportedError(f"{place}: inline PTX is not supported: {line}\n  {ADVICE}")


def looks_like_ptx(code: str) -> bool:
    """PTX ends its instructions with semicolons; RISC-V assembly has no need to."""
    return code.endswith((";", "}")) or ".reg" in code


def explain(said: str) -> str:
    """Adds the advice to clang's complaint about a constraint only PTX has."""
    if _CONSTRAINT.search(said):
        return f"{said.rstrip()}\nwarpfive cc: inline PTX is not supported; {ADVICE}"
    return said


def _place(text: str, node: str) -> str:
    location = next((m for m in _LOCATION.finditer(text) if m[1] == node), None)
    if location is None:
        return "device code"
    scope = location[3]
    for _ in range(64):
        line = re.search(rf"^{re.escape(scope)} = .*$", text, re.M)
        if line is None:
            break
        file = re.search(r"file: (!\d+)", line[0])
        if file:
            name = re.search(rf'^{re.escape(file[1])} = !DIFile\(filename: "([^"]*)"', text, re.M)
            return f"{name[1]}:{location[2]}" if name else f"line {location[2]}"
        parent = re.search(r"scope: (!\d+)", line[0])
        if parent is None:
            break
        scope = parent[1]
    return f"line {location[2]}"
