"""CUDA C++ for a kernel that the native library describes: elementwise or a reduction.

A description is one line, written by ``native/iterate.cpp``: what kind, which operator, how the
threads walk, and the type and stride of every operand. The same line gives the same text.
"""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from warpfive.errors import InputError, WarpfiveError
from warpfive.torch_backend.formulas import FORMULAS, Formula

DEVICE = Path(__file__).parent / "device"

CPP = {
    "Float": "float", "Double": "double", "Half": "_Float16", "BFloat16": "__bf16",
    "Bool": "bool", "Byte": "unsigned char", "Char": "signed char", "Short": "short",
    "Int": "int", "Long": "long", "UInt16": "unsigned short", "UInt32": "unsigned",
    "UInt64": "unsigned long", "ComplexFloat": "complex<float>",
    "ComplexDouble": "complex<double>", "ComplexHalf": "complex<_Float16>",
    "Float8_e4m3fn": "float8_e4m3", "Float8_e5m2": "float8_e5m2",
}  # fmt: skip
"""C++ type of each of torch's element types, by the name c10 gives it."""

LETTERS = "abcdefghij"


@dataclass(frozen=True, slots=True)
class Operand:
    """One tensor: its type, and what neighbouring threads read (see Inner in iterate.cpp)."""

    dtype: str
    inner: str

    @property
    def cpp(self) -> str:
        return cpp_type(self.dtype)


@dataclass(frozen=True, slots=True)
class Description:
    """The line, taken apart. ``common`` is the type an elementwise operator computes in."""

    kind: str
    name: str
    layout: str
    dimensions: int
    reduced: int
    threads: int
    outputs: int
    slots: int
    common: str
    operands: tuple[Operand, ...]

    @property
    def inputs(self) -> tuple[Operand, ...]:
        return self.operands[self.outputs :]


def parse(text: str) -> Description:
    """Takes a description apart."""
    kind, name, layout, dimensions, reduced, threads, outputs, slots, common, *rest = text.split()
    operands = tuple(Operand(*word.split(":")) for word in rest)
    return Description(
        kind, name, layout, int(dimensions), int(reduced), int(threads), int(outputs), int(slots),
        common, operands,
    )  # fmt: skip


def cpp_type(dtype: str) -> str:
    if dtype not in CPP:
        raise InputError(f"tensors of type {dtype} have no kernels on the chip")
    return CPP[dtype]


@functools.cache
def prelude(name: str) -> str:
    """Text of one of the files in ``device/``."""
    return (DEVICE / f"{name}.cuh").read_text(encoding="utf-8")


def preludes(description: Description, *names: str) -> str:
    types = {operand.dtype for operand in description.operands} | {description.common}
    wanted = ["numbers"]
    if any(name.startswith("Complex") for name in types):
        wanted.append("complex")
    if any(name.startswith("Float8") for name in types):
        wanted.append("float8")
    return "\n".join(prelude(name) for name in (*wanted, *names))


def source(text: str) -> str:
    """CUDA C++ of the kernel ``k`` that the description asks for."""
    description = parse(text)
    if description.kind == "pointwise":
        return pointwise(description)
    if description.kind == "reduce":
        return reduction(description)
    raise WarpfiveError(f"there is no generator for {text!r}")


def structure(fields: Iterator[str] | list[str]) -> str:
    lines = "".join(f"  {field};\n" for field in fields)
    return f"struct Parameters {{\n{lines}}};\n"


def pointwise(d: Description) -> str:
    """An elementwise kernel: one thread an element, or one block row an outer index."""
    if d.name not in FORMULAS:
        raise InputError(f"the elementwise operator {d.name} has no kernel on the chip")
    formula = FORMULAS[d.name]
    values = [i for i, operand in enumerate(d.operands) if operand.inner == "v"]
    memory = [i for i, operand in enumerate(d.operands) if operand.inner != "v"]
    fields = ["long count"]
    if d.layout != "f":
        fields += [f"long size[{d.dimensions}]"]
        fields += [f"long stride{i}[{d.dimensions}]" for i in memory]
    fields += [f"char *p{i}" for i in range(len(d.operands))]
    fields += [f"Slot v{i}" for i in values] + [f"Slot s{i}" for i in range(d.slots)]
    common = d.common if d.common != "Undefined" else d.operands[-1].dtype
    lines = [f"typedef {cpp_type(common)} C;", "typedef math_t<C> T;"]
    lines += list(places(d, memory))
    for letter, operand, i in zip(
        LETTERS, d.inputs, range(d.outputs, len(d.operands)), strict=False
    ):
        kind, value = input_type(formula, operand), read(formula, operand, i)
        lines.append(f"const {kind} {letter} = {value};")
    lines += [f"const T s{i} = number<T>(q.s{i});" for i in range(d.slots)]
    lines += [f"{formula.text};"] if formula.stores else list(results(d, formula))
    body = "".join(f"  {line}\n" for line in lines)
    return (
        preludes(d, *formula.needs)
        + structure(fields)
        + f'extern "C" __global__ void k(const Parameters q) {{\n{body}}}\n'
    )


def places(d: Description, memory: list[int]) -> Iterator[str]:
    """Declares an element pointer ``e<i>`` for each operand in memory."""
    if d.layout == "r":
        yield "const long x = (long)blockIdx.x * blockDim.x + threadIdx.x;"
        yield "if (x >= q.size[0]) return;"
        yield "unsigned left = blockIdx.y;"
    else:
        yield "const long x = (long)blockIdx.x * blockDim.x + threadIdx.x;"
        yield "if (x >= q.count) return;"
        if d.layout == "s":
            yield "unsigned left = (unsigned)x;"
        elif d.layout == "w":
            yield "unsigned long left = (unsigned long)x;"
    word = "unsigned long" if d.layout == "w" else "unsigned"
    first = 1 if d.layout == "r" else 0
    if d.layout != "f":
        for i in memory:
            yield f"long o{i} = 0;"
        for axis in range(first, d.dimensions):
            last = axis == d.dimensions - 1
            taken = "left" if last else f"left % ({word})q.size[{axis}]"
            yield f"const long i{axis} = (long)({taken});"
            if not last:
                yield f"left /= ({word})q.size[{axis}];"
            for i in memory:
                yield f"o{i} += i{axis} * q.stride{i}[{axis}];"
    for i in memory:
        yield f"typedef {d.operands[i].cpp} E{i};"
        yield f"E{i} *const e{i} = (E{i} *){element(d, i)};"


def element(d: Description, i: int) -> str:
    inner = d.operands[i].inner
    step = {"1": f" + x * (long)sizeof({d.operands[i].cpp})", "0": ""}
    if d.layout == "f":
        return f"(q.p{i}{step[inner]})"
    if d.layout == "r":
        return f"(q.p{i} + o{i}{step.get(inner, f' + x * q.stride{i}[0]')})"
    return f"(q.p{i} + o{i})"


def input_type(formula: Formula, operand: Operand) -> str:
    return f"math_t<{operand.cpp}>" if formula.own_types else "T"


def read(formula: Formula, operand: Operand, i: int) -> str:
    if operand.inner == "v":
        if formula.own_types:
            return f"number<math_t<{operand.cpp}>>(q.v{i})"
        return f"number<T>(q.v{i})" if formula.result == "C" else f"to<T>(to<C>(number<T>(q.v{i})))"
    if formula.own_types:
        return f"to<math_t<{operand.cpp}>>(*e{i})"
    return f"to<T>(to<C>(*e{i}))"


def results(d: Description, formula: Formula) -> Iterator[str]:
    expressions = formula.text if isinstance(formula.text, tuple) else (formula.text,)
    for i, expression in enumerate(expressions[: d.outputs]):
        own = d.operands[i].cpp
        kind = {"C": "C", "bool": "bool", "own": own}[formula.result]
        yield f"const {kind} r{i} = to<{kind}>({expression});"
    for i in range(min(len(expressions), d.outputs)):
        yield f"*e{i} = to<{d.operands[i].cpp}>(r{i});"


STEPS_BY_NUMBERS = ("norm_power",)
"""Reductions whose steps, not only results, depend on the operator's number arguments."""


STATE_BYTES = 64
"""Of a piece's state (`kPieceBytes` in iterate.cpp)."""


def reduction(d: Description) -> str:
    """A reduction: a thread a result (layout ``t``), or a block a result (``b``).

    Where results are few their elements are cut into pieces: one kernel (``T``, ``B``) leaves the
    pieces' states in ``q.states``, a second (``u``, ``c``) joins them, in order.
    """
    kept, gone, source_of = d.dimensions, d.reduced, d.operands[d.outputs]
    block, piece, join = d.layout in "bBc", d.layout in "TB", d.layout in "uc"
    fields = ["long results", "long each"]
    fields += [f"long size[{kept}]"] if kept else []
    fields += [f"long length[{gone}]"] if gone else []
    for i in range(len(d.operands)):
        fields += [f"long kept{i}[{kept}]"] if kept else []
        fields += [f"long gone{i}[{gone}]"] if gone and i >= d.outputs else []
    fields += [f"char *p{i}" for i in range(len(d.operands))]
    fields += [f"Slot s[{d.slots}]"] if d.slots else []
    fields += ["long pieces", "char *states"] if piece or join else []
    x, r = source_of.cpp, d.operands[0].cpp
    slots = "q.s" if d.slots else "nullptr"
    lines = [f"typedef {d.name}<{x}, {r}> F;"]
    if block:
        lines += ["unsigned long left = blockIdx.x;"]
    else:
        lines += ["unsigned long left = (unsigned long)blockIdx.x * blockDim.x + threadIdx.x;"]
        lines += ["if (left >= (unsigned long)q.results) return;"]
    if piece or join:
        lines += [f"static_assert(sizeof(F::State) <= {STATE_BYTES});"]
        lines += ["F::State *states = (F::State *)q.states + left * q.pieces;"]
    lines += list(corners(d))
    lines += ["F::State state = F::start();"]
    lines += list(joining(d, block) if join else stepping(d, block, piece))
    if block:
        lines += list(joined(d.threads))
    if piece:
        lines += ["states[blockIdx.y] = state;"]
    else:
        lines += [f"*({r} *)at0 = F::result(state, q.each, {slots});"]
    if d.outputs > 1 and not piece:
        second = d.operands[1].cpp
        lines += [f"*({second} *)at1 = ({second})F::second(state, q.each, {slots});"]
    body = "".join(f"  {line}\n" for line in lines)
    return (
        preludes(d, "reductions")
        + structure(fields)
        + f'extern "C" __global__ void k(const Parameters q) {{\n{body}}}\n'
    )


def corners(d: Description) -> Iterator[str]:
    """Declares ``at<i>``, where the result ``left`` has its first element in each operand."""
    for i in range(len(d.operands)):
        yield f"char *at{i} = q.p{i};"
    for axis in range(d.dimensions):
        last = axis == d.dimensions - 1
        taken = "left" if last else f"left % (unsigned long)q.size[{axis}]"
        yield f"{{ const long i = (long)({taken});"
        for i in range(len(d.operands)):
            yield f"  at{i} += i * q.kept{i}[{axis}];"
        yield "}" if last else f"  left /= (unsigned long)q.size[{axis}]; }}"


def stepping(d: Description, block: bool, piece: bool) -> Iterator[str]:
    """All elements of a result, or of a piece of it, into ``state``."""
    first, end = "0", "q.each"
    if piece:
        yield "const long first = q.each * blockIdx.y / q.pieces;"
        yield "const long end = q.each * (blockIdx.y + 1l) / q.pieces;"
        first, end = "first", "end"
    start, step = (f"{first} + threadIdx.x", f"{d.threads}") if block else (first, "1")
    more = ", q.s" if d.name in STEPS_BY_NUMBERS else ""
    x = d.operands[d.outputs].cpp
    yield f"for (long j = {start}; j < {end}; j += {step}) {{"
    for line in reduced_place(d):
        yield f"  {line}"
    yield f"  F::step(state, *(const {x} *)(at{d.outputs} + offset), j{more});"
    yield "}"


def joining(d: Description, block: bool) -> Iterator[str]:
    """All pieces' states into ``state``."""
    start, step = ("threadIdx.x", f"{d.threads}") if block else ("0", "1")
    yield f"for (long j = {start}; j < q.pieces; j += {step}) F::join(state, states[j]);"


def reduced_place(d: Description) -> Iterator[str]:
    """Declares ``offset``, where the j-th of the elements to reduce lies."""
    operand = d.outputs
    if d.reduced <= 1:
        yield f"const long offset = {f'j * q.gone{operand}[0]' if d.reduced else '0'};"
        return
    yield "unsigned long rest = (unsigned long)j;"
    yield "long offset = 0;"
    for axis in range(d.reduced):
        if axis == d.reduced - 1:
            yield f"offset += (long)rest * q.gone{operand}[{axis}];"
        else:
            yield f"offset += (long)(rest % (unsigned long)q.length[{axis}])"
            yield f"  * q.gone{operand}[{axis}];"
            yield f"rest /= (unsigned long)q.length[{axis}];"


def joined(threads: int) -> Iterator[str]:
    """A tree over the block in shared memory; only thread 0 goes on."""
    yield f"__shared__ F::State team[{threads}];"
    yield "team[threadIdx.x] = state;"
    half = threads // 2
    while half:
        yield "__syncthreads();" if threads > 32 else "__syncwarp();"
        yield f"if (threadIdx.x < {half})"
        yield f"  F::join(team[threadIdx.x], team[threadIdx.x + {half}]);"
        half //= 2
    yield "if (threadIdx.x) return;"
    yield "state = team[0];"
