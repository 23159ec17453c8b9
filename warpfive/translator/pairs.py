"""Products of pairs of 16-bit integers: the step of integer tiles that most hosts can do at once.

`<16 x i32> @wf_pair_products(<16 x i32>, <16 x i32>)` takes each word as a pair and gives the sum
of the two products. Its body is the host's own; `host.compile_object` adds it where it is called.
"""

from __future__ import annotations

PAIR_PRODUCTS = "wf_pair_products"
WORDS = 16
_INSTRUCTIONS = {
    "avx512bw": ("llvm.x86.avx512.pmaddw.d.512", 16),
    "avx2": ("llvm.x86.avx2.pmadd.wd", 8),
    "sse2": ("llvm.x86.sse2.pmadd.wd", 4),
}
"""By the feature that has it: the instruction and how many words it yields."""

_PLAIN = """
  %x0 = shl <16 x i32> %x, splat (i32 16)
  %y0 = shl <16 x i32> %y, splat (i32 16)
  %x1 = ashr <16 x i32> %x0, splat (i32 16)
  %y1 = ashr <16 x i32> %y0, splat (i32 16)
  %x2 = ashr <16 x i32> %x, splat (i32 16)
  %y2 = ashr <16 x i32> %y, splat (i32 16)
  %low = mul <16 x i32> %x1, %y1
  %high = mul <16 x i32> %x2, %y2
  %sum = add <16 x i32> %low, %high
  ret <16 x i32> %sum
}"""


def pair_products(features: str) -> str:
    """The function's LLVM text for a host with `features`, written +one,-other."""
    own = {word[1:]: word[0] == "+" for word in features.split(",")}
    head = (f"define internal <16 x i32> @{PAIR_PRODUCTS}(<16 x i32> %x, <16 x i32> %y) "
            "alwaysinline {")
    for feature, (name, width) in _INSTRUCTIONS.items():
        if own.get(feature):
            return head + "\n" + "\n".join(_body(name, width))
    return head + _PLAIN


def _body(name: str, width: int) -> list[str]:
    """Pieces of the instruction's width, put together again."""
    word, short = f"<{width} x i32>", f"<{2 * width} x i16>"
    lines, parts = [], []
    for first in range(0, WORDS, width):
        for side in "xy":
            lines.append(f"  %{side}w{first} = shufflevector <16 x i32> %{side}, "
                         f"<16 x i32> poison, <{width} x i32> {_numbers(first, width)}")
            lines.append(f"  %{side}{first} = bitcast {word} %{side}w{first} to {short}")
        lines.append(f"  %p{first} = call {word} @{name}({short} %x{first}, {short} %y{first})")
        parts.append(f"%p{first}")
    while len(parts) > 1:
        joined = [f"{low}j" for low in parts[::2]]
        lines += [f"  {new} = shufflevector <{width} x i32> {low}, <{width} x i32> {high}, "
                  f"<{2 * width} x i32> {_numbers(0, 2 * width)}"
                  for new, low, high in zip(joined, parts[::2], parts[1::2], strict=True)]
        parts, width = joined, 2 * width
    return [*lines, f"  ret <16 x i32> {parts[0]}", "}",
            f"declare {word} @{name}({short}, {short})"]


def _numbers(first: int, count: int) -> str:
    return "<" + ", ".join(f"i32 {first + i}" for i in range(count)) + ">"
