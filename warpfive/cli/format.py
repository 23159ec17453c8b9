"""Numbers and names as the command's tables print them."""


def short_name(kernel: str) -> str:
    """A demangled name without its parameter list."""
    depth = 0
    for place, letter in enumerate(kernel):
        depth += (letter == "<") - (letter == ">")
        if letter == "(" and depth == 0 and not kernel[place:].startswith("(anonymous"):
            return kernel[:place].removeprefix("void ")
    return kernel


def shape(sizes: tuple[int, int, int]) -> str:
    """``256``, ``16x16`` or ``8x8x4``."""
    x, y, z = sizes
    return f"{x}x{y}x{z}" if z > 1 else f"{x}x{y}" if y > 1 else f"{x}"


def count(value: float, exact: bool = True) -> str:
    """``1,234``, ``1.23 M``: four digits at most; ``~`` before an estimate."""
    mark = "" if exact else "~"
    for limit, unit in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k")):
        if value >= limit:
            scale = {"T": 1e12, "G": 1e9, "M": 1e6, "k": 1e3}[unit]
            return f"{mark}{value / scale:.3g} {unit}"
    return f"{mark}{value:,.0f}"


def duration(seconds: float) -> str:
    """``12.3 ms``: three digits in the unit that fits."""
    for scale, unit in ((1, "s"), (1e-3, "ms"), (1e-6, "us")):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns" if seconds else "0 s"
