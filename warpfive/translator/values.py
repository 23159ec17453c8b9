"""What a register holds while a warp's code is translated, and the text that computes it.

A value stands for 32 lanes. Its *kind* says how the lanes relate:

    U  uniform: one scalar serves all lanes
    A  affine: lane l holds base + stride * (l mod run) + row * (l div run)
    V  varying: a 32-lane vector

`run` is the number of neighbouring lanes that share a row of the thread block (32 for most
shapes, 16 for a 16x16 block); `row` is 0 where run is 32.

Its *type* says what the 64-bit register is known to contain:

    w  a 32-bit integer, sign-extended      s  a float32, NaN-boxed
    z  a 32-bit integer, zero-extended      d  a float64
    b  0 or 1                               h  a float16, NaN-boxed
    x  64 bits                              g  a bfloat16, NaN-boxed
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from warpfive.units import WARP_LANES

ELEMENT = {
    "w": "i32", "z": "i32", "b": "i1", "x": "i64",
    "s": "float", "d": "double", "h": "half", "g": "bfloat",
}  # fmt: skip
BITS = {"i1": 1, "i8": 8, "i16": 16, "i32": 32, "i64": 64,
        "half": 16, "bfloat": 16, "float": 32, "double": 64}  # fmt: skip
INT_OF = {"half": "i16", "bfloat": "i16", "float": "i32", "double": "i64"}
FLOATS = "sdhg"


def vector(element: str) -> str:
    """The LLVM type of 32 lanes of `element`."""
    return f"<{WARP_LANES} x {element}>"


def wrap(value: int, bits: int) -> int:
    """`value` reduced to a signed integer of `bits` bits."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


@dataclass(slots=True, eq=False)
class Value:
    """One register's content over the lanes of a warp.

    `name` is the LLVM operand: the scalar of U, the base of A, the vector of V. `const` is its
    value where it is known. `low` and `high` bound every lane of an integer value, as signed
    numbers, where a bound is known. `parts` of a 64-bit V is (base operand, 32-bit vector
    Value, shift): base + (extended vector << shift), from which gathers are cheaper.
    """

    kind: str
    type: str
    name: str
    const: int | None = None
    stride: int = 0
    row: str | int = 0
    low: int | None = None
    high: int | None = None
    parts: tuple | None = None
    stack: int | None = None

    def copy(self) -> Value:
        """A copy that later materialisation of the original leaves alone."""
        parts = self.parts
        if parts:
            parts = (parts[0], parts[1].copy(), parts[2])
        return replace(self, parts=parts)

    @property
    def element(self) -> str:
        return ELEMENT[self.type]

    @property
    def uniform(self) -> bool:
        return self.kind == "U"


class Builder:
    """Collects the lines of one LLVM function. With `on` false it only hands out names."""

    def __init__(self, on: bool = True) -> None:
        self.on = on
        self.lines: list[str] = []
        self.count = 0
        self.splats: dict[tuple[str, str], str] = {}
        self.debug = ""

    def fresh(self) -> str:
        self.count += 1
        return f"%t{self.count}"

    def emit(self, text: str) -> str:
        """Add an instruction that yields a value; returns its name."""
        self.count += 1
        name = f"%t{self.count}"
        if self.on:
            self.lines.append(f"  {name} = {text}{self.debug}")
        return name

    def run(self, text: str) -> None:
        """Add an instruction that yields nothing."""
        if self.on:
            self.lines.append(f"  {text}{self.debug}")

    def label(self, name: str) -> None:
        """Begin a basic block; splats of the block before are not reused."""
        self.splats = {}
        if self.on:
            self.lines.append(f"{name}:")

    def splat(self, element: str, operand: str) -> str:
        """A vector with `operand` in every lane."""
        if not operand.startswith("%"):
            return f"splat ({element} {operand})"
        key = (element, operand)
        if key not in self.splats:
            kind = vector(element)
            one = self.emit(f"insertelement {kind} poison, {element} {operand}, i32 0")
            self.splats[key] = self.emit(
                f"shufflevector {kind} {one}, {kind} poison, {vector('i32')} zeroinitializer"
            )
        return self.splats[key]


def const_vector(element: str, values: list[int]) -> str:
    """A literal vector."""
    return "<" + ", ".join(f"{element} {value}" for value in values) + ">"
