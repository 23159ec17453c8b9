"""How a generated kernel is spread over blocks, warps and lanes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import sympy
from torch._inductor.runtime.hints import ReductionHint
from torch._inductor.virtualized import V

WARP = 32
THREADS = 256
GRID_LIMIT = 65535  # of the y and z axes
LONG_ROW = 1024
FEW_ROWS = 64


@dataclass(frozen=True)
class Shape:
    """``kind``: ``pointwise``, or what one row of a reduction is given to: ``thread``, ``warp``,
    ``block``. ``block``: the threads of a block along x, y, z.
    """

    kind: str
    block: tuple[int, int, int]

    @property
    def threads(self) -> int:
        return self.block[0] * self.block[1] * self.block[2]

    @property
    def team(self) -> str:
        return f"wf::Team::{'thread' if self.kind == 'pointwise' else self.kind}"

    def loop(self, innermost: bool) -> tuple[str, str]:
        """Start and step of a thread's loop over the reduced dimension."""
        if self.kind == "thread" or not innermost:
            return "0", "1"
        return "threadIdx.x", str(self.block[0])

    def once(self, line: str) -> str:
        """A store of one value a row: the team's first thread does it."""
        return line if self.kind == "thread" else f"if (threadIdx.x == 0) {line}"

    def rows(self, prefix: str) -> int:
        """Rows (or elements) that a block covers along an axis."""
        if self.kind == "warp":
            return self.block[1] if prefix == "x" else 1
        if self.kind == "block":
            return 1
        return {"x": self.block[0], "y": self.block[1], "z": self.block[2]}[prefix]

    def prologue(
        self, index: str, trees: list[Any], numel: Callable[[Any], str]
    ) -> Iterator[str]:  # fmt: skip
        """Declares the index of each axis; threads beyond its end leave."""
        thread = {"x": "threadIdx.y"} if self.kind == "warp" else {}
        for tree in trees:
            if tree.is_reduction:
                continue
            axis, rows = tree.prefix, self.rows(tree.prefix)
            own = thread.get(axis, f"threadIdx.{axis}")
            place = f"blockIdx.{axis}" if rows == 1 else f"blockIdx.{axis} * {rows} + {own}"
            yield f"const {index} {tree.name} = {place};"
            known = isinstance(tree.numel, sympy.Integer | int)
            if rows > 1 and not (known and int(tree.numel) % rows == 0):
                yield f"if ({tree.name} >= {numel(tree)}) return;"

    def grid(self, numels: dict[str, str]) -> str:
        """The grid as a Python expression of the numbers of elements."""
        sides = []
        for axis in "xyz":
            count, rows = numels.get(axis, "1"), self.rows(axis)
            if count.isdigit():
                sides.append(str(-(-int(count) // rows)))
            else:
                sides.append(count if rows == 1 else f"({count} + {rows - 1}) // {rows}")
        return f"({', '.join(sides)})"


def choose(features: Any, numels: dict[str, sympy.Expr]) -> Shape:
    """The shape for a kernel, from its sizes (or, where they are dynamic, hints of them)."""
    hint = V.graph.sizevars.optimization_hint
    sizes = {axis: int(hint(numel, fallback=4096)) for axis, numel in numels.items()}
    if not features.is_reduction():
        return pointwise(sizes)
    rows = sizes.get("x", 1)
    length = 1
    for axis, size in sizes.items():
        if axis.startswith("r"):
            length *= size
    outer = features.get_reduction_hint() in (ReductionHint.OUTER, ReductionHint.OUTER_TINY)
    if rows >= WARP and (outer or length < WARP // 2):
        return Shape("thread", (min(THREADS, up(rows)), 1, 1))
    if rows < FEW_ROWS and length >= LONG_ROW:
        return Shape("block", (min(1024, max(THREADS, up(length // 16))), 1, 1))
    return Shape("warp", (WARP, THREADS // WARP if rows > 1 else 1, 1))


def pointwise(sizes: dict[str, int]) -> Shape:
    """Whole warps along x; what x leaves of a block goes to y."""
    x = min(THREADS, up(sizes["x"]))
    y = min(THREADS // x, power(sizes["y"])) if "y" in sizes else 1
    return Shape("pointwise", (x, y, 1))


def up(count: int) -> int:
    """The power of two that holds ``count``, a warp at least."""
    return max(WARP, power(count))


def power(count: int) -> int:
    return 1 << max(0, count - 1).bit_length()
