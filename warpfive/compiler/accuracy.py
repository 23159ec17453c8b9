"""How exact the device math library is: its source built for the host, held against mpmath.

``python -m warpfive.compiler.accuracy docs/math.md`` writes the page with the table.
"""

import ctypes
import functools
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from warpfive import cache
from warpfive.compiler import library, toolchain
from warpfive.compiler.builtins import fingerprint
from warpfive.errors import CompileError

Array = np.ndarray[Any, np.dtype[Any]]
SUFFIX = {np.float32: "f", np.float64: ""}


@dataclass(frozen=True, slots=True)
class Function:
    """A function, CUDA's documented bounds in ulp, and where they are checked.

    ``ranges`` are (low, high) of each argument; ``bits`` adds random bit patterns, that is every
    exponent. Where the double ranges differ they stand in ``wide``.
    """

    name: str
    float_ulp: int
    double_ulp: int
    exact: str
    ranges: tuple[tuple[float, float], ...]
    wide: tuple[tuple[float, float], ...] = ()
    arguments: int = 1
    bits: bool = True

    def bound(self, kind: type) -> int:
        return self.float_ulp if kind is np.float32 else self.double_ulp


FUNCTIONS = (
    Function("acos", 2, 2, "acos", ((-1, 1), (-0.01, 0.01))),
    Function("acosh", 4, 3, "acosh", ((1, 5), (1, 1.01))),
    Function("asin", 2, 2, "asin", ((-1, 1),)),
    Function("asinh", 3, 3, "asinh", ((-5, 5),)),
    Function("atan", 2, 2, "atan", ((-3, 3),)),
    Function("atan2", 3, 2, "atan2", ((-2, 2),), arguments=2),
    Function("atanh", 3, 2, "atanh", ((-1, 1),)),
    Function("cbrt", 1, 1, "cbrt", ((-8, 8),)),
    Function("cos", 2, 2, "cos", ((-10, 10), (-1e5, 1e5))),
    Function("cosh", 2, 1, "cosh", ((-3, 3), (-90, 90)), ((-3, 3), (-711, 711))),
    Function("cospi", 1, 2, "cospi", ((-3, 3), (-1e5, 1e5))),
    Function("cyl_bessel_i0", 6, 6, "i0", ((-20, 20), (0, 90)), bits=False),
    Function("cyl_bessel_i1", 6, 6, "i1", ((-20, 20), (0, 90)), bits=False),
    Function("erf", 2, 2, "erf", ((-6, 6),)),
    Function("erfc", 4, 5, "erfc", ((-6, 10.1),), ((-6, 27),), bits=False),
    Function("erfcinv", 4, 6, "erfcinv", ((0, 2), (0, 0.01)), bits=False),
    Function("erfcx", 4, 4, "erfcx", ((-9, 20),), ((-26, 40),), bits=False),
    Function("erfinv", 2, 5, "erfinv", ((-1, 1), (0.99, 1)), bits=False),
    Function("exp", 2, 1, "exp", ((-1, 1), (-104, 89)), ((-1, 1), (-745, 710))),
    Function("exp10", 2, 1, "exp10", ((-1, 1), (-45, 39)), ((-1, 1), (-324, 309))),
    Function("exp2", 2, 1, "exp2", ((-1, 1), (-150, 128)), ((-1, 1), (-1075, 1024))),
    Function("expm1", 1, 1, "expm1", ((-1, 1), (-20, 89)), ((-1, 1), (-40, 710))),
    Function("hypot", 3, 2, "hypot", ((-2, 2),), arguments=2),
    Function("j0", 9, 7, "j0", ((-8, 8),), bits=False),
    Function("j1", 9, 7, "j1", ((-8, 8),), bits=False),
    Function("lgamma", 6, 4, "lgamma", ((-2.2, 5), (0, 1000)), bits=False),
    Function("log", 1, 1, "log", ((0, 4), (0.7, 1.5))),
    Function("log10", 2, 1, "log10", ((0, 4), (0.7, 1.5))),
    Function("log1p", 1, 1, "log1p", ((-1, 4), (-0.3, 0.5))),
    Function("log2", 1, 1, "log2", ((0, 4), (0.7, 1.5))),
    Function("norm3d", 3, 2, "norm", ((-2, 2),), arguments=3, bits=False),
    Function("norm4d", 3, 2, "norm", ((-2, 2),), arguments=4, bits=False),
    Function("normcdf", 5, 5, "normcdf", ((-14, 6),), ((-37, 8),), bits=False),
    Function("normcdfinv", 5, 8, "normcdfinv", ((0, 1), (0, 0.01)), bits=False),
    Function("pow", 4, 2, "power", ((0, 4),), arguments=2),
    Function("rcbrt", 1, 1, "rcbrt", ((-8, 8),)),
    Function("rhypot", 2, 1, "rhypot", ((-2, 2),), arguments=2),
    Function("rnorm3d", 2, 1, "rnorm", ((-2, 2),), arguments=3, bits=False),
    Function("rnorm4d", 2, 1, "rnorm", ((-2, 2),), arguments=4, bits=False),
    Function("sin", 2, 2, "sin", ((-10, 10), (-1e5, 1e5))),
    Function("sinh", 3, 2, "sinh", ((-3, 3), (-90, 90)), ((-3, 3), (-711, 711))),
    Function("sinpi", 1, 2, "sinpi", ((-3, 3), (-1e5, 1e5))),
    Function("tan", 4, 2, "tan", ((-10, 10), (-1e5, 1e5))),
    Function("tanh", 2, 1, "tanh", ((-2, 2), (-10, 10)), ((-2, 2), (-20, 20))),
    Function("tgamma", 5, 10, "gamma", ((-5, 10), (0, 34)), ((-5, 10), (0, 171)), bits=False),
    Function("y0", 9, 7, "y0", ((0, 8),), bits=False),
    Function("y1", 9, 7, "y1", ((0, 8),), bits=False),
)

EXACT = {
    "ceil": 1, "fdim": 2, "floor": 1, "fmod": 2, "logb": 1, "nearbyint": 1,
    "nextafter": 2, "remainder": 2, "rint": 1, "round": 1, "trunc": 1,
}  # fmt: skip
"""Functions without error, by their number of arguments."""


class Exact:
    """The functions in mpmath at 40 digits; a domain error is a NaN."""

    def __init__(self) -> None:
        import mpmath

        self.mp = mpmath.mp.clone() if hasattr(mpmath.mp, "clone") else mpmath.mp
        self.mp.dps = 40
        mp = self.mp
        self.own: dict[str, Callable[..., Any]] = {
            "exp2": lambda x: mp.power(2, x),
            "exp10": lambda x: mp.power(10, x),
            "log2": lambda x: mp.log(x) / mp.log(2),
            "cbrt": lambda x: mp.sign(x) * mp.cbrt(abs(x)),
            "rcbrt": lambda x: mp.sign(x) / mp.cbrt(abs(x)),
            "hypot": lambda *x: self.norm(x),
            "norm": lambda *x: self.norm(x),
            "rhypot": lambda *x: 1 / self.norm(x),
            "rnorm": lambda *x: 1 / self.norm(x),
            "i0": lambda x: mp.besseli(0, x),
            "i1": lambda x: mp.besseli(1, x),
            "j0": lambda x: mp.besselj(0, x),
            "j1": lambda x: mp.besselj(1, x),
            "y0": lambda x: mp.bessely(0, x),
            "y1": lambda x: mp.bessely(1, x),
            "lgamma": lambda x: mp.log(abs(mp.gamma(x))),
            "erfcx": lambda x: mp.exp(x * x) * mp.erfc(x),
            "normcdf": lambda x: mp.erfc(-x / mp.sqrt(2)) / 2,
            "erfcinv": self.erfcinv,
            "normcdfinv": lambda p: -mp.sqrt(2) * self.erfcinv(2 * p),
        }

    def norm(self, x: tuple[Any, ...]) -> Any:
        return self.mp.sqrt(sum(v * v for v in x))

    def erfcinv(self, y: Any) -> Any:
        """Newton's method on log erfc, where 1 - y would lose digits."""
        mp = self.mp
        if y > 1:
            return -self.erfcinv(2 - y)
        if y > 0.3:
            return mp.erfinv(1 - y)
        x = mp.sqrt(-mp.log(y))
        for _ in range(12):
            e = mp.erfc(x)
            x += mp.log(e / y) * e * mp.sqrt(mp.pi) / 2 * mp.exp(x * x)
        return x

    def __call__(self, name: str, *arguments: float) -> Any:
        function = self.own.get(name) or getattr(self.mp, name)
        try:
            value = function(*map(self.mp.mpf, arguments))
        except (ValueError, ZeroDivisionError, ArithmeticError):
            return self.mp.nan
        return self.mp.nan if isinstance(value, self.mp.mpc) else value


@functools.cache
def host_library() -> ctypes.CDLL:
    """The device library's source as a host library, with a loop around every function."""
    path = cache.root() / "device-library" / f"host-{fingerprint()[:16]}.so"
    if not path.exists():
        with tempfile.TemporaryDirectory() as folder:
            cache.write(path, _build(Path(folder)))
    return ctypes.CDLL(str(path))


def _build(folder: Path) -> bytes:
    loops = folder / "loops.cpp"
    loops.write_text("\n".join(_loops()))
    objects = []
    for number, source in enumerate([*library.sources(), loops]):
        words = library.language_arguments(source)
        output = str(folder / f"{number}.o")
        machine = ["-march=x86_64_v3"] if toolchain.host_machine() == "x86_64" else []
        flags = ["-O2", *machine, "-ffp-contract=off", "-fno-builtin", "-fno-sanitize=all", "-fPIC"]
        _zig("c++" if source.suffix == ".cpp" else "cc", words[2:], flags, ["-c", str(source)],
             ["-o", output])  # fmt: skip
        objects.append(output)
    made = folder / "host.so"
    # Its functions call one another, not those of a libwarpfive.so that is loaded too.
    _zig("c++", ["-shared", "-Wl,-Bsymbolic", *objects, "-o", str(made)])
    return made.read_bytes()


def _zig(verb: str, *words: list[str]) -> None:
    line = [str(toolchain.zig()), verb, *(word for part in words for word in part)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CompileError(f"the math library does not build for the host: {done.stderr}")


def _loops() -> Iterator[str]:
    arguments = {function.name: function.arguments for function in FUNCTIONS} | EXACT
    for base, number in arguments.items():
        for kind, suffix in (("float", "f"), ("double", "")):
            count = range(number)
            name = f"__wfm_{base}{suffix}"
            yield f'extern "C" {kind} {name}({", ".join([kind] * number)});'
            pointers = ", ".join(f"const {kind} *a{i}" for i in count)
            values = ", ".join(f"a{i}[n]" for i in count)
            yield f'extern "C" void all{name}(long size, {kind} *r, {pointers}) {{'
            yield f"  for (long n = 0; n < size; n++) r[n] = {name}({values});\n}}"


def evaluate(name: str, arguments: list[Array]) -> Array:
    """The library's results for arrays of one floating-point type."""
    kind = arguments[0].dtype.type
    arguments = [np.ascontiguousarray(column) for column in arguments]
    result = np.empty_like(arguments[0])
    loop = host_library()[f"all__wfm_{name}{SUFFIX[kind]}"]
    pointers = [array.ctypes.data_as(ctypes.c_void_p) for array in (result, *arguments)]
    loop(ctypes.c_long(len(result)), *pointers)
    return result


def samples(function: Function, kind: type, count: int, seed: int = 1) -> list[Array]:
    """Arguments: ``count`` for each range, and as many of any exponent."""
    rng = np.random.default_rng(seed)
    ranges = function.wide if kind is np.float64 and function.wide else function.ranges
    columns = []
    for _ in range(function.arguments):
        parts = [rng.uniform(low, high, count).astype(kind) for low, high in ranges]
        if function.bits:
            word = np.uint32 if kind is np.float32 else np.uint64
            raw = rng.integers(0, np.iinfo(word).max, count, dtype=word, endpoint=True).view(kind)
            parts.append(np.where(np.isfinite(raw), raw, 1).astype(kind))
        columns.append(np.concatenate(parts))
    return columns


def distance(got: float, exact: Any, kind: type) -> float:
    """Ulps between a result and the correctly rounded one, as CUDA counts them."""
    if exact != exact:
        return 0.0 if np.isnan(got) else np.inf
    with np.errstate(over="ignore"):
        rounded = kind(_double(exact) if kind is np.float64 else _single(exact))
    if not np.isfinite(rounded) or not np.isfinite(got):
        return 0.0 if rounded == got else np.inf
    return abs(float(got) - float(rounded)) / float(np.spacing(abs(rounded)))


def _double(exact: Any) -> float:
    try:
        return float(exact)
    except OverflowError:
        return float(np.copysign(np.inf, exact))


def _single(exact: Any) -> float:
    """A value that rounds to the float nearest to ``exact``: twice rounding must not shift it."""
    value = _double(exact)
    nearest = float(np.float32(value)) if abs(value) < 3.5e38 else value
    halfway = value != nearest and float(np.float32(np.nextafter(value, -np.inf))) != float(
        np.float32(np.nextafter(value, np.inf))
    )
    if halfway and exact != value:
        return float(np.nextafter(value, np.inf if exact > value else -np.inf))
    return value


@dataclass(frozen=True, slots=True)
class Result:
    """The largest distance found, in ulp, and the arguments it was found at."""

    ulp: float
    at: tuple[float, ...]
    count: int


def measure(function: Function, kind: type, count: int, seed: int = 1) -> Result:
    """Compares the library with mpmath on ``count`` arguments a range."""
    exact = Exact()
    arguments = samples(function, kind, count, seed)
    got = evaluate(function.name, arguments)
    worst, at = 0.0, ()
    for index, value in enumerate(got):
        point = tuple(float(column[index]) for column in arguments)
        found = distance(value, exact(function.exact, *point), kind)
        if found > worst:
            worst, at = found, point
    return Result(worst, at, len(got))


PAGE = """# The device math library

CUDA's mathematical functions on the chip: largest error found against mpmath, beside the bound that
CUDA's documentation gives for the same function (C++ Programming Guide, "Mathematical Functions").
Errors are distances in ulp from the correctly rounded result. Rounding functions, `fmod`,
`remainder`, `remquo`, `frexp`, `ldexp`, `nextafter`, `fma`, `sqrt` and division are exact.

{rows}

Written by `python -m warpfive.compiler.accuracy docs/math.md`, {count} arguments a range: the
intervals where a function is hardest, and every exponent where it is defined everywhere. The
Bessel functions are held to their bound on [-8, 8], where CUDA gives one in ulp, and `lgamma` above
-2.264.

The common functions have neither branches nor table look-ups: 32 lanes run them in step. Only
arguments beyond 40,000 (`float`) or 1.3e8 (`double`) send `sin`, `cos` and `tan` to an exact
reduction behind one branch. `lgamma`, `tgamma`, the `double` `erf` and `erfc` and the Bessel
functions J and Y are musl's, compiled from the `ziglang` wheel.

The fast intrinsics (`__sinf`, `__expf` ...) are the special function unit's instructions;
`--use_fast_math` puts them in the place of the `float` functions, as nvcc does. Intrinsics with a
named rounding (`__fadd_rz`, `__double2int_ru` ...) are single instructions with that rounding.
"""


def table(count: int) -> str:
    """The Markdown table of all functions."""
    lines = ["| function | float | CUDA | double | CUDA |", "|---|---:|---:|---:|---:|"]
    for function in FUNCTIONS:
        cells = []
        for kind in (np.float32, np.float64):
            cells += [f"{measure(function, kind, count).ulp:.0f}", str(function.bound(kind))]
        lines.append(f"| `{function.name}` | {' | '.join(cells)} |")
    return "\n".join(lines)


def main(arguments: list[str]) -> None:
    """Writes the page to the file named, with as many samples as a second argument says."""
    count = int(arguments[1]) if len(arguments) > 1 else 1000
    Path(arguments[0]).write_text(PAGE.format(rows=table(count), count=count), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
