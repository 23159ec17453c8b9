"""Kernel entries: code that loads a kernel's parameters from the argument block.

A launch passes pointers without sizes, and the RISC-V calling convention has already split or
coerced by-value structures when the IR is printed. The debug information still tells the C++
types: `entry_thunk` pairs them with the IR parameters, gives each a place in the argument
block (aligned to 16 bytes, or 8 where the size is 8 or less), and writes a function
``__wf_entry.K(ptr args)`` that calls the kernel. It is inlined into one function later.
"""

import re
from dataclasses import dataclass

from warpfive.errors import CompileError

ENTRY = "__wf_entry."

_FLOATS = {"half": 2, "bfloat": 2, "float": 4, "double": 8}


class UnknownSize(CompileError):
    """The debug information only declares the type of a parameter."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """A kernel as the image lists it: parameters are (offset, size) in the argument block."""

    name: str
    params: tuple[tuple[int, int], ...]
    max_threads: int

    @property
    def args_bytes(self) -> int:
        """Size of the argument block, a multiple of 16."""
        end = max((offset + size for offset, size in self.params), default=0)
        return (end + 15) & -16


@dataclass(frozen=True, slots=True)
class CType:
    """A C++ parameter type: size and alignment in bytes; leaves are (offset, size, is float).

    ``leaves`` is None where the type can never be passed in floating-point registers.
    """

    size: int
    align: int
    composite: bool
    leaves: tuple[tuple[int, int, bool], ...] | None = None


class Debug:
    """The debug information of a module, and the nodes that the thunks add to it."""

    def __init__(self, text: str) -> None:
        start = re.search(r"^!\d+ = ", text, re.M)
        lines = text[start.start() :].splitlines() if start else []
        self.nodes = dict(line.split(" = ", 1) for line in lines if line.startswith("!"))
        numbers = [int(key[1:]) for key in self.nodes if key[1:].isdigit()]
        self._next = max(numbers, default=0) + 1
        groups = re.findall(r"^attributes #(\d+)", text, re.M)
        self.inline_group = max(map(int, groups), default=0) + 1
        self._added: list[str] = []

    def add(self, node: str) -> str:
        """Adds a node and returns its name."""
        name = f"!{self._next}"
        self._next += 1
        self._added.append(f"{name} = {node}")
        return name

    def additions(self) -> str:
        """Text of the added nodes and of the attribute group that asks for inlining."""
        group = f"attributes #{self.inline_group} = {{ alwaysinline }}"
        return "\n".join([group, *self._added]) + "\n"

    def field(self, node: str, name: str) -> str | None:
        """A field of a specialised node."""
        found = re.search(rf'[(, ]{name}: ("(?:[^"\\]|\\.)*"|[^,)]+)', self.nodes.get(node, ""))
        return found[1] if found else None

    def items(self, node: str | None) -> list[str]:
        """Elements of a tuple node."""
        body = self.nodes.get(node or "", "")
        return re.findall(r"!\d+|null", body[body.find("{") :]) if "{" in body else []

    def ctype(self, node: str) -> CType:
        """The C++ type a node describes."""
        body = self.nodes.get(node, "")
        tag = self.field(node, "tag") or ""
        size = int(self.field(node, "size") or 0) // 8
        if "DIBasicType" in body:
            return self._basic(node, size)
        if tag in ("DW_TAG_pointer_type", "DW_TAG_reference_type", "DW_TAG_rvalue_reference_type"):
            return CType(8, 8, False)
        if tag == "DW_TAG_ptr_to_member_type":
            return CType(size or 8, 8, (size or 8) > 8, None)
        if "DIDerivedType" in body:
            return self.ctype(self.field(node, "baseType") or "")
        if tag == "DW_TAG_enumeration_type":
            return CType(size, size, False)
        if "DICompositeType" in body:
            return self._composite(node, tag, size)
        raise UnknownSize(f"a parameter's type is not described: {body or node}")

    def _basic(self, node: str, size: int) -> CType:
        encoding = self.field(node, "encoding") or ""
        if self.field(node, "tag") == "DW_TAG_unspecified_type":
            return CType(8, 8, False)
        if encoding == "DW_ATE_complex_float":
            half = size // 2
            return CType(size, half, True, ((0, half, True), (half, half, True)))
        return CType(size, size, False, ((0, size, encoding == "DW_ATE_float"),))

    def _composite(self, node: str, tag: str, size: int) -> CType:
        if "DIFlagFwdDecl" in self.nodes[node]:
            raise UnknownSize(f"a parameter's type is only declared: {self.nodes[node]}")
        align = int(self.field(node, "align") or 0) // 8
        vector = tag == "DW_TAG_array_type" and "DIFlagVector" in self.nodes[node]
        if vector:
            return CType(size, size, True)
        found = self._leaves(node, 0)
        leaves = tuple(found) if found is not None and 0 < len(found) <= 2 else None
        return CType(size, max(align, 16 if size > 8 else 8), True, leaves)

    def _leaves(self, node: str, base: int) -> list[tuple[int, int, bool]] | None:
        """Scalars of a type from byte ``base`` on; None for unions, vectors and long lists."""
        body, tag = self.nodes.get(node, ""), self.field(node, "tag") or ""
        if "DICompositeType" not in body or tag == "DW_TAG_enumeration_type":
            if "DIDerivedType" in body and "_type" in tag and tag.split("_")[2] not in (
                "pointer", "reference", "rvalue", "ptr",
            ):  # fmt: skip
                return self._leaves(self.field(node, "baseType") or "", base)
            kind = self.ctype(node)
            if kind.composite and kind.leaves:
                return [(base + o, s, f) for o, s, f in kind.leaves]
            floating = bool(kind.leaves and kind.leaves[0][2])
            return [(base, kind.size, floating)]
        if tag == "DW_TAG_union_type" or "DIFlagVector" in body:
            return None
        if tag == "DW_TAG_array_type":
            return self._array_leaves(node, base)
        found: list[tuple[int, int, bool]] = []
        for member in self.items(self.field(node, "elements")):
            mark = self.field(member, "tag")
            if mark not in ("DW_TAG_member", "DW_TAG_inheritance"):
                continue
            if "DIFlagStaticMember" in self.nodes[member]:
                continue
            offset = int(self.field(member, "offset") or 0) // 8
            part = self._leaves(self.field(member, "baseType") or "", base + offset)
            if part is None or len(found) + len(part) > 2:
                return None
            found += part
        return found

    def _array_leaves(self, node: str, base: int) -> list[tuple[int, int, bool]] | None:
        count = 1
        for bound in self.items(self.field(node, "elements")):
            count *= int(self.field(bound, "count") or 0)
        element = self.field(node, "baseType") or ""
        if not 0 < count <= 2:
            return [] if count == 0 else None
        step = int(self.field(node, "size") or 0) // 8 // count
        found: list[tuple[int, int, bool]] = []
        for i in range(count):
            part = self._leaves(element, base + i * step)
            if part is None:
                return None
            found += part
        return found if len(found) <= 2 else None


@dataclass(frozen=True, slots=True)
class Argument:
    """One IR parameter: its type, and the type with attributes as the call repeats it."""

    type: str
    text: str


def entry_thunk(name: str, line: str, debug: Debug, max_threads: int) -> tuple[Kernel, str]:
    """The kernel's record and the IR text of its entry; ``line`` is its ``define`` line."""
    arguments, tail = _split_define(line)
    program = re.search(r"!dbg (!\d+)", tail)
    if not program:
        raise CompileError(f"kernel {name} has no debug information")
    types = [
        debug.ctype(node)
        for node in debug.items(debug.field(debug.field(program[1], "type") or "", "types"))[1:]
        if node != "null"
    ]
    params: list[tuple[int, int]] = []
    body, call, at, end = [], [], 0, 0
    for kind in types:
        offset = (end + 7) & -8 if kind.size <= 8 else (end + 15) & -16
        params.append((offset, kind.size))
        end = offset + kind.size
        used = _pass(kind, offset, arguments[at:], len(call), body, call)
        at += used
    if at != len(arguments):
        raise CompileError(
            f"kernel {name}: {len(types)} parameters do not account for the "
            f"{len(arguments)} values that clang passes; please report this program"
        )
    kernel = Kernel(name, tuple(params), max_threads)
    # instances of templates may come from several units, all alike
    linkage = "weak_odr " if re.match(r"define (?:linkonce|weak)_odr ", line) else ""
    return kernel, _thunk_text(kernel, linkage, tail, program[1], debug, body, call)


def _thunk_text(
    kernel: Kernel,
    linkage: str,
    tail: str,
    program: str,
    debug: Debug,
    body: list[str],
    call: list[str],
) -> str:
    node = re.sub(r", (?:retainedNodes|declaration): ![0-9]+", "", debug.nodes[program])
    scope = debug.add(node)
    line = debug.field(program, "line") or "0"
    place = debug.add(f"!DILocation(line: {line}, scope: {scope})")
    group = re.search(r" (#\d+)", tail)
    inline = f" #{debug.inline_group}"
    size = max(kernel.args_bytes, 16)
    head = (
        f'define {linkage}void @"{ENTRY}{kernel.name}"(ptr noalias noundef readonly align 16 '
        f"dereferenceable({size}) %args){' ' + group[1] if group else ''} "
        f'section ".text.{ENTRY}{kernel.name}" !dbg {scope} {{'
    )
    calls = f'  call void @"{kernel.name}"({", ".join(call)}){inline}, !dbg {place}'
    return "\n".join([head, *body, calls, f"  ret void, !dbg {place}", "}", ""])


def _split_define(line: str) -> tuple[list[Argument], str]:
    """Parameters of a ``define`` line, and what follows the closing parenthesis."""
    name = re.search(r'@(?:"[^"]*"|[-\w.$]+)\(', line)
    if not name:
        raise CompileError(f"cannot read the IR line {line!r}")
    depth, start, at = 1, name.end(), name.end()
    parts: list[str] = []
    while depth:
        char = line[at]
        depth += (char in "([{<") - (char in ")]}>")
        if (char == "," and depth == 1) or depth == 0:
            parts.append(line[start:at].strip())
            start = at + 1
        at += 1
    return [_argument(part) for part in parts if part], line[at:]


def _argument(text: str) -> Argument:
    declared = re.sub(r' %(?:"[^"]*"|[-\w.$]+)$', "", text)
    kind = re.match(r"\[[^\]]*\]|<[^>]*>|\{[^}]*\}|[\w]+", declared)
    return Argument(kind[0] if kind else declared, declared)


def _pass(
    kind: CType,
    offset: int,
    arguments: list[Argument],
    number: int,
    body: list[str],
    call: list[str],
) -> int:
    """Writes the loads for one C++ parameter; returns how many IR parameters it takes."""
    if not arguments:
        return 0
    first = arguments[0]
    by_pointer = kind.size > 16 or "dead_on_return" in first.text or "noundef" in first.text
    if kind.composite and first.type == "ptr" and by_pointer:
        body += [
            f"  %c{number} = alloca [{max(kind.size, 1)} x i8], align {max(kind.align, 16)}",
            f"  %s{number} = getelementptr i8, ptr %args, i64 {offset}",
            f"  call void @llvm.memcpy.p0.p0.i64(ptr align 16 %c{number}, "
            f"ptr align {_align(offset)} %s{number}, i64 {kind.size}, i1 false)",
        ]
        call.append(f"{first.text} %c{number}")
        return 1
    flat = _flattened(kind, arguments)
    if flat:
        for step, (place, _, _) in enumerate(flat):
            _load(arguments[step], offset + place, f"{number}.{step}", body, call)
        return len(flat)
    _load(first, offset, str(number), body, call)
    return 1


def _flattened(kind: CType, arguments: list[Argument]) -> tuple[tuple[int, int, bool], ...]:
    """The leaves that travel one by one in registers; empty where the whole is coerced."""
    leaves = kind.leaves if kind.composite else None
    if not leaves or len(arguments) < len(leaves):
        return ()
    fits = all(_matches(a.type, leaf) for a, leaf in zip(arguments, leaves, strict=False))
    floats = any(leaf[2] for leaf in leaves)
    return leaves if fits and floats else ()


def _matches(kind: str, leaf: tuple[int, int, bool]) -> bool:
    _, size, floating = leaf
    if floating:
        return _FLOATS.get(kind) == size
    return kind == f"i{size * 8}" or (kind == "ptr" and size == 8)


def _load(argument: Argument, offset: int, number: str, body: list[str], call: list[str]) -> None:
    kind, align = argument.type, _align(offset)
    body.append(f"  %s{number} = getelementptr i8, ptr %args, i64 {offset}")
    if kind == "i1":
        body.append(f"  %b{number} = load i8, ptr %s{number}, align 1")
        body.append(f"  %v{number} = trunc i8 %b{number} to i1")
    else:
        body.append(f"  %v{number} = load {kind}, ptr %s{number}, align {align}")
    call.append(f"{argument.text} %v{number}")


def _align(offset: int) -> int:
    return min(offset & -offset, 16) if offset else 16
