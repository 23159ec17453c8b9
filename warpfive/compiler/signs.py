"""Signs taken from widened bfloat16 numbers.

Copying a sign from a widened number, LLVM leaves the widening out, as the narrow number has the
same sign; for bfloat16 on RISC-V it then has no instruction. A fence keeps the two apart.
"""

import re

_WIDENED = re.compile(r"^  (%[-\w.]+) = fpext (?:[a-z]+ )*bfloat .* to (?:float|double)", re.M)
_COPYSIGN = re.compile(
    r"^(?P<call>  %[-\w.]+ = .*@llvm\.copysign\.f(?P<bits>32|64)\((?P<kind>float|double) [^,]+, "
    r"(?:float|double) (?:noundef )?)(?P<sign>%[-\w.]+)\)",
    re.M,
)


def fenced_signs(text: str) -> str:
    """Optimised IR text that LLVM has RISC-V instructions for."""
    widened = set(_WIDENED.findall(text))
    used: set[str] = set()

    def change(match: re.Match[str]) -> str:
        sign = match["sign"]
        if sign not in widened:
            return match[0]
        bits, kind = match["bits"], match["kind"]
        used.add(bits)
        name = f"%wf.sign.{match.start()}"
        fence = f"  {name} = call {kind} @llvm.arithmetic.fence.f{bits}({kind} {sign})"
        return f"{fence}\n{match['call']}{name})"

    changed = _COPYSIGN.sub(change, text)
    kinds = {"32": "float", "64": "double"}
    return changed + "".join(
        f"\ndeclare {kinds[bits]} @llvm.arithmetic.fence.f{bits}({kinds[bits]})\n"
        for bits in sorted(used)
    )
