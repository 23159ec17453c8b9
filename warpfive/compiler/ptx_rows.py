"""The PTX that is supported: for every instruction the C++ of its value or of what it does.

`include/wf_ptx.h` has the functions that rows name. docs/ptx.md lists what there is.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from warpfive.errors import UnsupportedError

ADVICE = (
    "write it in CUDA C++: intrinsics such as __shfl_sync, __byte_perm, __funnelshift_l, __dp4a, "
    "__ldg, __threadfence and the atomics stand for most of it; docs/ptx.md lists the PTX there is"
)

TYPES = {
    "pred": "bool", "u8": "unsigned char", "s8": "signed char", "b8": "unsigned char",
    "u16": "unsigned short", "s16": "short", "b16": "unsigned short",
    "u32": "unsigned int", "s32": "int", "b32": "unsigned int",
    "u64": "unsigned long long", "s64": "long long", "b64": "unsigned long long",
    "f16": "_Float16", "f16x2": "__wf_ptx_h2", "bf16": "__bf16", "bf16x2": "__wf_ptx_bf2",
    "f32": "float", "tf32": "float", "f64": "double",
}  # fmt: skip
UNSIGNED = {"s8": "u8", "s16": "u16", "s32": "u32", "s64": "u64"}
WIDER = {"u16": "u32", "s16": "s32", "u32": "u64", "s32": "s64"}

SPECIAL = {
    "laneid": "__wf_laneid()", "clock": "(unsigned int)clock64()", "clock64": "clock64()",
    "globaltimer": "__wf_ptx_globaltimer()", "smid": "__wf_ptx_smid()", "nsmid": "__wf_ptx_nsmid()",
    "warpid": "__wf_ptx_warpid()", "nwarpid": "__wf_ptx_nwarpid()", "WARP_SZ": "32u",
    "lanemask_eq": "__wf_lanemask_eq()", "lanemask_lt": "__wf_lanemask_lt()",
    "lanemask_le": "__wf_lanemask_le()", "lanemask_gt": "__wf_lanemask_gt()",
    "lanemask_ge": "__wf_lanemask_ge()",
    **{
        f"{short}.{axis}": f"{name}.{axis}"
        for short, name in (("tid", "threadIdx"), ("ntid", "blockDim"), ("ctaid", "blockIdx"),
                            ("nctaid", "gridDim"))
        for axis in "xyz"
    },
}  # fmt: skip


@dataclass(slots=True)
class Instruction:
    """One instruction: the parts of its name, its operands as C++, its types."""

    name: str
    parts: list[str]
    operands: list[str]
    types: list[str] = field(default_factory=list)

    @property
    def type(self) -> str:
        """The last type of the name: that of the operands."""
        return self.types[-1] if self.types else "b32"

    def has(self, *parts: str) -> bool:
        """Whether the name has any of these parts."""
        return any(part in self.parts for part in parts)

    def value(self, place: int, type_: str | None = None) -> str:
        """Operand ``place`` as a value of a PTX type."""
        if place >= len(self.operands):
            raise UnsupportedError(f"inline PTX: {self.name} needs more operands")
        return f"__wf_ptx_in<{TYPES[type_ or self.type]}>({self.operands[place]})"

    def rounding(self) -> str:
        """The ending of CUDA's intrinsics for a rounding mode."""
        modes = [part[:2] for part in self.parts if re.fullmatch(r"r[nzmp]i?", part)]
        return {"rn": "rn", "rz": "rz", "rm": "rd", "rp": "ru"}[modes[0] if modes else "rn"]


Row = Callable[[Instruction], str]


def unsupported(what: str) -> UnsupportedError:
    """The error for PTX that has no row."""
    return UnsupportedError(f"inline PTX is not supported: {what}\n  {ADVICE}")


# values


def _arithmetic(operator: str, word: str) -> Row:
    """Integers wrap; floats round as they say."""

    def row(ins: Instruction) -> str:
        if ins.has("cc") or ins.parts[0] in ("addc", "subc"):
            raise unsupported(ins.name)
        kind = UNSIGNED.get(ins.type, ins.type)
        a, b = ins.value(1, kind), ins.value(2, kind)
        if ins.type == "f32" and ins.has("rn", "rz", "rm", "rp"):
            made = f"__f{word}_{ins.rounding()}({a}, {b})"
        elif ins.type == "f64" and ins.has("rn", "rz", "rm", "rp"):
            made = f"__d{word}_{ins.rounding()}({a}, {b})"
        else:
            made = f"({TYPES[kind]})({a} {operator} {b})"
        return f"__saturatef({made})" if ins.has("sat") and ins.type == "f32" else made

    return row


def _divide(ins: Instruction) -> str:
    if ins.has("approx", "full"):
        return f"__fdividef({ins.value(1)}, {ins.value(2)})"
    if ins.type in ("f32", "f64"):
        return _arithmetic("/", "div")(ins)
    return f"{ins.value(1)} / {ins.value(2)}"


def _carried(row: str) -> Row:
    """Arithmetic that takes or leaves a carry, in the block's variable for it."""

    def made(ins: Instruction) -> str:
        taken = "__wf_cc" if ins.parts[0].endswith("c") else "0u"
        left = "__wf_cc" if ins.has("cc") else "__wf_no"
        kind = UNSIGNED.get(ins.type, ins.type)
        values = {name: ins.value(place, kind) for place, name in enumerate("dabc") if place
                  and place < len(ins.operands)}  # fmt: skip
        if row in ("mad_lo", "mad_hi"):
            half = "true" if row == "mad_hi" else "false"
            return (f"__wf_ptx_addc(__wf_ptx_product<{half}>({values['a']}, {values['b']}), "
                    f"{values['c']}, {taken}, {left})")  # fmt: skip
        return f"__wf_ptx_{row}({values['a']}, {values['b']}, {taken}, {left})"

    return made


def _multiply(ins: Instruction) -> str:
    kind = ins.type
    if kind in ("f32", "f64", "f16", "f16x2", "bf16", "bf16x2"):
        return _arithmetic("*", "mul")(ins)
    if ins.has("wide"):
        wide = WIDER[kind]
        return f"({TYPES[wide]}){ins.value(1)} * ({TYPES[wide]}){ins.value(2)}"
    half = "true" if ins.has("hi") else "false"
    return f"__wf_ptx_product<{half}>({ins.value(1)}, {ins.value(2)})"


def _multiply_add(ins: Instruction) -> str:
    kind = ins.type
    if kind in ("f32", "f64"):
        name = {"f32": "__fmaf", "f64": "__fma"}[kind]
        made = f"{name}_{ins.rounding()}({ins.value(1)}, {ins.value(2)}, {ins.value(3)})"
        return f"__saturatef({made})" if ins.has("sat") else made
    if kind in ("f16", "f16x2", "bf16", "bf16x2"):
        return f"__wf_ptx_fma({ins.value(1)}, {ins.value(2)}, {ins.value(3)})"
    result = WIDER[kind] if ins.has("wide") else kind
    plain = UNSIGNED.get(result, result)
    return f"({TYPES[plain]})({_multiply(ins)}) + {ins.value(3, plain)}"


def _call(name: str, count: int = 2, *, kinds: Sequence[str | None] = ()) -> Row:
    """A function of ``count`` operands; ``kinds`` has the types of those that are not the name's"""

    def row(ins: Instruction) -> str:
        given = [*kinds, *[None] * count]
        return f"{name}({', '.join(ins.value(1 + i, given[i]) for i in range(count))})"

    return row


def _choice(**names: str) -> Row:
    """A function by the type of the operand."""

    def row(ins: Instruction) -> str:
        name = names.get(ins.type)
        if name is None:
            raise unsupported(ins.name)
        return f"{name}({ins.value(1)})"

    return row


def _rounded(word: str) -> Row:
    """An intrinsic of CUDA's that rounds as the instruction says."""

    def row(ins: Instruction) -> str:
        letter = {"f32": "f", "f64": "d"}.get(ins.type)
        if letter is None:
            raise unsupported(ins.name)
        return f"__{letter}{word}_{ins.rounding()}({ins.value(1)})"

    return row


def _shift(ins: Instruction) -> str:
    left = "true" if ins.parts[0] == "shl" else "false"
    return f"__wf_ptx_shift<{left}>({ins.value(1)}, {ins.value(2, 'u32')})"


def _funnel(ins: Instruction) -> str:
    ending = "c" if ins.has("clamp") else ""
    side = "l" if ins.has("l") else "r"
    values = ", ".join(ins.value(place) for place in (1, 2, 3))
    return f"__funnelshift_{side}{ending}({values})"


COMPARISONS = {
    "eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=",
    "lo": "<", "ls": "<=", "hi": ">", "hs": ">=",
}  # fmt: skip


def _set_predicate(ins: Instruction) -> str:
    test = ins.parts[1]
    unordered = test.endswith("u") and test[:-1] in COMPARISONS
    word = test[:-1] if unordered else test
    if word not in COMPARISONS:
        raise unsupported(ins.name)
    a, b = ins.value(1), ins.value(2)
    made = f"({a} {COMPARISONS[word]} {b})"
    if unordered:
        made = f"({made} || __wf_ptx_unordered({a}, {b}))"
    elif word == "ne" and ins.type in ("f32", "f64"):
        made = f"({made} && !__wf_ptx_unordered({a}, {b}))"
    joins = {"and": "&&", "or": "||", "xor": "!="}
    for part in ins.parts[2:]:
        if part in joins:
            made = f"({made} {joins[part]} {ins.value(3, 'pred')})"
    return made


def _convert(ins: Instruction) -> str:
    if len(ins.types) < 2:
        raise unsupported(ins.name)
    to, source = ins.types[-2], ins.types[-1]
    if to in ("f16x2", "bf16x2"):
        return f"__wf_ptx_pair<{TYPES[to]}>({ins.value(2, source)}, {ins.value(1, source)})"
    if ins.has("rna"):
        return f"__wf_ptx_tf32({ins.value(1, source)})"
    value, floats = ins.value(1, source), ("f16", "bf16", "f32", "f64")
    if source in ("f16", "bf16") and to not in floats:
        value, source = f"(float){value}", "f32"
    mode = ins.rounding()
    if source in floats and to not in floats:
        made = f"__wf_ptx_to_integer<{TYPES[to]}>({value}, __wf_{mode})"
    elif source in floats and ins.has("rni", "rzi", "rmi", "rpi"):
        made = f"__wf_ptx_whole({value}, __wf_{mode})"
    elif to == "f32" and source == "f64":
        made = f"__double2float_{mode}({value})"
    elif ins.has("sat") and to not in floats:
        made = f"__wf_ptx_clamp<{TYPES[to]}>({value})"
    else:
        made = f"({TYPES[to]}){value}"
    if ins.has("sat") and to == "f32":
        made = f"__saturatef({made})"
    return f"({TYPES[to]})({made})"


def _lookup(ins: Instruction) -> str:
    modes = {"f4e", "b4e", "rc8", "ecl", "ecr", "rc16"}
    if modes & set(ins.parts):
        raise unsupported(ins.name)
    return f"__wf_ptx_prmt({ins.value(1)}, {ins.value(2)}, {ins.value(3)})"


def _dot(ins: Instruction) -> str:
    signs = [ins.types[-2], ins.types[-1]]
    kinds = {"u32": "u32", "s32": "s32"}
    a, b = (ins.value(1 + i, kinds[signs[i]]) for i in (0, 1))
    result = "s32" if "s32" in signs else "u32"
    name = "__wf_ptx_dp2a" if ins.parts[0] == "dp2a" else "__wf_ptx_dp4a"
    half = "true" if ins.has("hi") else "false"
    return f"({TYPES[result]}){name}<{half}>({a}, {b}, {ins.value(3, result)})"


def _vote(ins: Instruction) -> str:
    mode = next((part for part in ins.parts if part in ("ballot", "any", "all", "uni")), None)
    if mode is None:
        raise unsupported(ins.name)
    mask = ins.value(2, "b32") if ins.has("sync") else "__activemask()"
    return f"__{mode}_sync({mask}, {ins.value(1, 'pred')})"


def _reduce(ins: Instruction) -> str:
    operation = ins.parts[2]
    return f"__reduce_{operation}_sync({ins.value(2, 'b32')}, {ins.value(1)})"


def _shuffle(ins: Instruction) -> str:
    mode = next((part for part in ins.parts if part in ("idx", "up", "down", "bfly")), None)
    if mode is None:
        raise unsupported(ins.name)
    mask = ins.value(4, "b32") if ins.has("sync") else "__activemask()"
    values = f"{ins.value(1, 'b32')}, {ins.value(2, 'b32')}, {ins.value(3, 'b32')}, {mask}"
    return f"__wf_ptx_shfl<__wf_ptx_{mode}>({values}, __wf_in_range)"


def _cast_address(ins: Instruction) -> str:
    if "to" in ins.parts:
        plain = ins.value(1, ins.type)
        return f"__wf_ptx_to_shared({plain})" if ins.has("shared", "shared::cta") else plain
    address = ins.value(1, ins.type)
    return f"__wf_ptx_from_shared({address})" if ins.has("shared", "shared::cta") else address


# what has no value, or more than one


def _address(ins: Instruction, text: str) -> str:
    """The C++ of an address operand ``[base+offset]``."""
    shared = "true" if any(part.startswith("shared") for part in ins.parts) else "false"
    return f"__wf_ptx_address<{shared}>({text})"


def _order(ins: Instruction) -> str:
    for part in ("acquire", "release", "relaxed", "volatile"):
        if ins.has(part):
            return f"__wf_ptx_{part}"
    return "__wf_ptx_weak"


def load(ins: Instruction, targets: list[str]) -> str:
    kind = TYPES[ins.type]
    words = f"{kind} __wf_v[{len(targets)}]; "
    words += f"__wf_ptx_ld<{_order(ins)}>(__wf_v, {_address(ins, ins.operands[1])}); "
    outs = "".join(f"__wf_ptx_out({name}, __wf_v[{i}]); " for i, name in enumerate(targets))
    return f"{{ {words}{outs}}}"


def store(ins: Instruction, values: list[str]) -> str:
    kind = TYPES[ins.type]
    given = ", ".join(f"__wf_ptx_in<{kind}>({value})" for value in values)
    address = _address(ins, ins.operands[0])
    return (
        f"{{ const {kind} __wf_v[] = {{{given}}}; __wf_ptx_st<{_order(ins)}>({address}, __wf_v); }}"
    )


ATOMICS = {
    "add": "atomicAdd", "min": "atomicMin", "max": "atomicMax", "and": "atomicAnd",
    "or": "atomicOr", "xor": "atomicXor", "exch": "atomicExch", "cas": "atomicCAS",
    "inc": "atomicInc", "dec": "atomicDec",
}  # fmt: skip


def _atomic(ins: Instruction, first: int) -> str:
    """``first``: the place of the address among the operands."""
    word = next((part for part in ins.parts[1:] if part in ATOMICS), None)
    kind = ins.type
    if word is None or kind in ("f16", "f16x2", "bf16", "bf16x2", "b16"):
        raise unsupported(ins.name)
    if kind in ("s64", "s32") and word not in ("min", "max"):
        kind = UNSIGNED[kind]
    address = f"({TYPES[kind]} *){_address(ins, ins.operands[first])}"
    count = 2 if word == "cas" else 1
    values = ", ".join(ins.value(first + 1 + i, kind) for i in range(count))
    return f"{ATOMICS[word]}({address}, {values})"


def _barrier(ins: Instruction) -> str:
    given = [f"__wf_ptx_in<unsigned int>({text})" for text in ins.operands]
    if ins.has("warp"):
        return f"__syncwarp({given[0]})"
    if ins.has("arrive"):
        return f"__barrier_arrive({given[0]}, {given[1]})"
    if ins.has("red"):
        raise unsupported(ins.name)
    return (
        f"__barrier_sync_count({given[0]}, {given[1]})"
        if given[1:]
        else f"__barrier_sync({given[0]})"
    )


def _copy(ins: Instruction) -> str:
    """cp.async: the chip copies at once."""
    if ins.has("commit_group", "wait_group", "wait_all"):
        return '__asm__ volatile("" : : : "memory")'
    if not ins.has("shared", "shared::cta") or ins.has("bulk") or "mbarrier" in ins.name:
        raise unsupported(ins.name)
    size = ins.value(2, "u32")
    read = ins.value(3, "u32") if len(ins.operands) > 3 and "policy" not in ins.name else size
    to = f"__wf_ptx_address<true>({ins.operands[0]})"
    source = f"__wf_ptx_address<false>({ins.operands[1]})"
    return f"__wf_ptx_copy((void *){to}, (const void *){source}, {size}, {read})"


NOTHING = ("prefetch", "prefetchu", "discard", "applypriority", "griddepcontrol", "pragma")

VALUES: dict[str, Row] = {
    "add": _arithmetic("+", "add"), "sub": _arithmetic("-", "sub"), "mul": _multiply,
    "mad": _multiply_add, "fma": _multiply_add, "mul24": _call("__wf_ptx_mul24"),
    "div": _divide,
    "rem": lambda ins: f"{ins.value(1)} % {ins.value(2)}",
    "and": lambda ins: f"{ins.value(1)} & {ins.value(2)}",
    "or": lambda ins: f"{ins.value(1)} | {ins.value(2)}",
    "xor": lambda ins: f"{ins.value(1)} ^ {ins.value(2)}",
    "not": lambda ins: f"__wf_ptx_not({ins.value(1)})",
    "cnot": lambda ins: f"({TYPES[ins.type]})({ins.value(1)} == 0)",
    "neg": lambda ins: f"-{ins.value(1)}",
    "abs": lambda ins: f"__wf_ptx_abs({ins.value(1)})",
    "min": _call("__wf_ptx_min"), "max": _call("__wf_ptx_max"),
    "sad": _call("__wf_ptx_sad", 3),
    "shl": _shift, "shr": _shift, "shf": _funnel, "prmt": _lookup,
    "lop3": lambda ins: f"__wf_ptx_lop3({', '.join(ins.value(i) for i in range(1, 5))})",
    "bfe": _call("__wf_ptx_bfe", 3, kinds=(None, "u32", "u32")),
    "bfi": _call("__wf_ptx_bfi", 4, kinds=(None, None, "u32", "u32")),
    "bfind": lambda ins: f"__wf_ptx_bfind({ins.value(1)}, {str(ins.has('shiftamt')).lower()})",
    "brev": _choice(b32="__brev", b64="__brevll"), "popc": _choice(b32="__popc", b64="__popcll"),
    "clz": _choice(b32="__clz", b64="__clzll"), "fns": _call("__fns", 3),
    "dp4a": _dot, "dp2a": _dot,
    "mov": lambda ins: ins.value(1), "cvt": _convert, "cvta": _cast_address,
    "isspacep": lambda ins: f"__wf_ptx_is_{ins.parts[1].split(':')[0]}({ins.value(1, 'b64')})",
    "selp": lambda ins: f"({ins.value(3, 'pred')} ? {ins.value(1)} : {ins.value(2)})",
    "slct": lambda ins: f"({ins.value(3, ins.types[-1])} >= 0 ? {ins.value(1, ins.types[0])} : "
                        f"{ins.value(2, ins.types[0])})",
    "setp": _set_predicate,
    "ex2": _choice(f32="exp2f", f16="__wf_ptx_ex2"), "lg2": _choice(f32="log2f"),
    "sin": _choice(f32="__sinf"), "cos": _choice(f32="__cosf"),
    "tanh": _choice(f32="tanhf"), "rsqrt": _choice(f32="rsqrtf", f64="rsqrt"),
    "rcp": _rounded("rcp"), "sqrt": _rounded("sqrt"),
    "copysign": lambda ins: f"__wf_ptx_copysign({ins.value(2)}, {ins.value(1)})",
    "activemask": lambda ins: "__activemask()", "vote": _vote, "shfl": _shuffle, "redux": _reduce,
    "match": lambda ins: f"__match_any_sync({ins.value(2, 'b32')}, {ins.value(1)})"
    if ins.has("any") else _no_row(ins),
    "atom": lambda ins: _atomic(ins, 1),
    "createpolicy": lambda ins: "0ull",
}  # fmt: skip
"""The value of an instruction, to be put into its first operand."""

CARRIED = {
    ("add", ""): "addc", ("addc", ""): "addc", ("sub", ""): "subc", ("subc", ""): "subc",
    ("mad", "lo"): "mad_lo", ("mad", "hi"): "mad_hi", ("madc", "lo"): "mad_lo",
    ("madc", "hi"): "mad_hi",
}  # fmt: skip

EFFECTS: dict[str, Row] = {
    "red": lambda ins: _atomic(ins, 0), "bar": _barrier, "barrier": _barrier,
    "membar": lambda ins: "__threadfence()", "fence": lambda ins: "__threadfence()",
    "nanosleep": lambda ins: f"__nanosleep(__wf_ptx_in<unsigned int>({ins.operands[0]}))",
    "trap": lambda ins: "__trap()", "brkpt": lambda ins: "__brkpt()", "cp": _copy,
    **dict.fromkeys(NOTHING, lambda ins: "(void)0"),
}  # fmt: skip
"""What an instruction does that has no result."""


def _no_row(ins: Instruction) -> str:
    raise unsupported(ins.name)


def carry_row(ins: Instruction) -> Row | None:
    first = ins.parts[0]
    half = next((part for part in ins.parts if part in ("lo", "hi")), "")
    if not (ins.has("cc") or first in ("addc", "subc", "madc")):
        return None
    return _carried(CARRIED[(first, half if first.startswith("mad") else "")])
