"""Rounding to half and bfloat16, written out: hosts lack instructions for most of it.

LLVM would call functions that no library on the host need have. The scalar ones among these
carry the names it calls, for the atomics that it expands by itself.
"""

from warpfive.units import WARP_LANES

_TO_BFLOAT = """
  %bits = bitcast {F} %x to {I}
  %high = lshr {I} %bits, {16}
  %odd = and {I} %high, {1}
  %half = add {I} %bits, {32767}
  %rounded = add {I} %half, %odd
  %nan = fcmp uno {F} %x, %x
  %low = and {I} %bits, {65535}
  %whole = icmp eq {I} %low, {0}
  %quiet = or {I} %bits, {4194304}
  %kept = select {B} %whole, {I} %bits, {I} %quiet
  %chosen = select {B} %nan, {I} %kept, {I} %rounded
  %top = lshr {I} %chosen, {16}
  %short = trunc {I} %top to {H}
  %result = bitcast {H} %short to {T}
"""

"""A NaN that came from a bfloat16 comes back as it was, or a compare and swap of it never ends."""

_TO_ODD = """
  %near = fptrunc {D} %wide to {F}
  %back = fpext {F} %near to {D}
  %near.bits = bitcast {F} %near to {I}
  %last = and {I} %near.bits, {1}
  %even = icmp eq {I} %last, {0}
  %inexact = fcmp one {D} %back, %wide
  %adjust = and {B} %even, %inexact
  %size = call {D} @llvm.fabs.{d}({D} %wide)
  %back.size = call {D} @llvm.fabs.{d}({D} %back)
  %over = fcmp ogt {D} %back.size, %size
  %step = select {B} %over, {I} {-1}, {I} {1}
  %moved = add {I} %near.bits, %step
  %odd.bits = select {B} %adjust, {I} %moved, {I} %near.bits
  %x = bitcast {I} %odd.bits to {F}
"""
"""binary64 to binary32 with an odd last place where inexact: one more rounding is then exact."""

_TO_HALF = """
  %result = fptrunc {F} %x to {T}
"""

_FUNCTIONS = {
    ("s", "g"): ("__truncsfbf2", _TO_BFLOAT),
    ("d", "g"): ("__truncdfbf2", _TO_ODD + _TO_BFLOAT),
    ("d", "h"): ("__truncdfhf2", _TO_ODD + _TO_HALF),
}
_ELEMENTS = {"s": "float", "d": "double", "h": "half", "g": "bfloat"}


def function_name(source: str, target: str, lanes: bool) -> str | None:
    """The function that narrows between two formats; None where fptrunc does."""
    if (source, target) not in _FUNCTIONS:
        return None
    return f"@{_FUNCTIONS[source, target][0]}" + (".lanes" if lanes else "")


def functions() -> str:
    """The definitions, for one value and for a warp's."""
    return "\n".join(
        _definition(source, target, lanes) for source, target in _FUNCTIONS for lanes in (0, 1)
    )


def _definition(source: str, target: str, lanes: int) -> str:
    def kind(element: str) -> str:
        return f"<{WARP_LANES} x {element}>" if lanes else element

    def splat(value: int) -> str:
        return f"splat (i32 {value})" if lanes else str(value)

    words = {"F": "float", "D": "double", "I": "i32", "H": "i16", "B": "i1"}
    words = {letter: kind(element) for letter, element in words.items()}
    words |= {"T": kind(_ELEMENTS[target]), "d": f"v{WARP_LANES}f64" if lanes else "f64"}
    words |= {str(value): splat(value) for value in (-1, 0, 1, 16, 32767, 65535, 4194304)}
    body = _FUNCTIONS[source, target][1]
    for word, text in words.items():
        body = body.replace("{" + word + "}", text)
    linkage = "internal" if lanes else "hidden"
    argument = "%wide" if source == "d" else "%x"
    return (
        f"define {linkage} {words['T']} {function_name(source, target, bool(lanes))}"
        f"({kind(_ELEMENTS[source])} {argument}) alwaysinline {{{body}"
        f"  ret {words['T']} %result\n}}\n"
    )
