"""Device IR as clang writes it, turned into what LLVM's RISC-V back end can take.

clang marks CUDA's memory kinds by address spaces (a "fake" map): 9 ``__shared__``,
8 ``__constant__``, 7 ``__device__``. The chip has one flat address space, so the spaces go;
shared variables become thread-local ones, which RISC-V code addresses as ``tp`` plus a
constant, and ``tp`` is where the block's shared memory lies. Every ``extern __shared__`` array is
the one symbol `DYNAMIC_SHARED`, to which the linker gives the end of the kernel's static shared
memory.
"""

import re
from dataclasses import dataclass, field

from warpfive.compiler import toolchain
from warpfive.compiler.thunks import ENTRY, Debug, Kernel, entry_thunk

DYNAMIC_SHARED = "__wf_dynshared"
MANAGED = "__wf_managed."
"""Prefix of the storage of a managed variable; its own name is left to the runtime to place."""

NAME = r'@(?:"[^"]*"|[-\w.$]+)'
SHARED, CONSTANT, DEVICE = 9, 8, 7

_GLOBAL = re.compile(rf"^({NAME}) = ((?:[a-z_]+ )*?)(?:addrspace\((\d+)\) )(.*)$", re.M)
_CAST = re.compile(rf"addrspacecast \(ptr addrspace\(\d+\) ({NAME}) to ptr\)")
_SPACE = re.compile(r" addrspace\(\d+\)")
_DEFINE = re.compile(rf"^define (?:[^\n]*?)({NAME})\(.*$", re.M)
_ANNOTATION = re.compile(rf"ptr ({NAME}), ptr ({NAME}), ptr {NAME}, i32 \d+, ptr (null|{NAME}) }}")
_STRING = re.compile(rf'^({NAME}) = [^\n]*?constant \[\d+ x i8\] c"([^"]*)\\00"', re.M)
_ALIGN = re.compile(r", align (\d+)")


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable that the host can name; ``kind`` is device, constant or managed."""

    name: str
    kind: str


@dataclass(slots=True)
class Unit:
    """The device code of one translation unit: IR text and what the image must list."""

    text: str
    kernels: list[Kernel] = field(default_factory=list)
    variables: list[Variable] = field(default_factory=list)


def bare(name: str) -> str:
    """An IR name without its ``@`` and quotes."""
    return name[1:].strip('"')


def lower(text: str) -> Unit:
    """Lowers the IR text of one translation unit.

    Raises `thunks.UnknownSize` where the debug information leaves out a parameter's type.
    """
    marks = _annotations(text)
    text = re.sub(r"^@llvm\.global\.annotations = .*\n", "", text, flags=re.M)
    text = _CAST.sub(r"\1", text)
    managed = {name for name, mark, _ in marks if mark == "wf.managed"}
    variables: list[Variable] = []
    dynamic: list[str] = []
    text = _GLOBAL.sub(lambda m: _global(m, managed, variables, dynamic), text)
    text = _SPACE.sub("", text)
    text = _share(text, dynamic)
    text = _drop_rtti(_drop_comdats(text))
    debug = Debug(text)
    kernels, thunks = _kernels(text, marks, debug)
    empty = debug.add(f"!DISubroutineType(types: {debug.add('!{}')})")
    text = _DEFINE.sub(_place, text)
    text = "\n".join([text, thunks, debug.additions()])
    return Unit(_trim_debug(text, empty), kernels, variables)


_LINKAGE = re.compile(
    r"^(define |@\S+ = )((?:private |internal |available_externally |linkonce_odr |linkonce |"
    r"weak_odr |weak |common |external |extern_weak |appending )?)(.*)$",
    re.M,
)


def internal(text: str) -> str:
    """A whole program's IR with all but kernel entries and named variables made internal."""

    def change(match: re.Match[str]) -> str:
        head, linkage, rest = match.groups()
        if head == "define ":
            keep = _ENTRY.search(rest) is not None
        else:
            keep = "externally_initialized" in rest or linkage not in (
                "linkonce_odr ",
                "weak_odr ",
                "",
            )
            keep = keep or head.startswith("@llvm.")
        if keep:
            return match[0]
        return f"{head}internal {_VISIBLE.sub('', rest)}"

    return _LINKAGE.sub(change, text)


_ENTRY = re.compile(rf'@"?{re.escape(ENTRY)}')
_VISIBLE = re.compile(r"\b(?:dso_local|dso_preemptable|hidden|protected|default) ")


def _annotations(text: str) -> list[tuple[str, str, str]]:
    """(symbol, annotation, name of its arguments or "null") of every annotated symbol."""
    line = re.search(r"^@llvm\.global\.annotations = .*$", text, re.M)
    if not line:
        return []
    strings = dict(_STRING.findall(text))
    plain = _SPACE.sub("", _CAST.sub(r"\1", line[0]))
    return [(s, strings.get(mark, ""), args) for s, mark, args in _ANNOTATION.findall(plain)]


def _global(
    match: re.Match[str], managed: set[str], variables: list[Variable], dynamic: list[str]
) -> str:
    """One global in its new form; notes variables and dynamic shared arrays on the way."""
    name, linkage, space, rest = match[1], match[2], int(match[3]), match[4]
    external = "external " in linkage or "extern_weak " in linkage
    if space == SHARED:
        if external:
            dynamic.append(name)
            return f"; {name}{rest}"
        return f"{name} = {linkage}thread_local(localexec) {rest}"
    if space not in (CONSTANT, DEVICE):
        return f"{name} = {linkage}{rest}"
    kind = "constant" if space == CONSTANT else "device"
    if name in managed:
        kind = "managed"
        slot = f"{name} = extern_weak global i8"
        storage = f'@"{MANAGED}{bare(name)}" = {linkage}{rest}'
        if external:
            return slot
        variables.append(Variable(bare(name), kind))
        return f"{slot}\n{storage}"
    if not external:
        variables.append(Variable(bare(name), kind))
    return f"{name} = {linkage}{rest}"


def _share(text: str, dynamic: list[str]) -> str:
    """Gives every dynamic shared array the one name; LLVM must know that they overlap."""
    if not dynamic:
        return text
    aligns = [16]
    for name in dynamic:
        line = re.search(rf"^; {re.escape(name)}.*$", text, re.M)
        aligns += [int(a) for a in _ALIGN.findall(line[0])] if line else []
    text = re.sub(
        r"^; (" + "|".join(map(re.escape, dynamic)) + r")(?![-\w.$]).*\n", "", text, flags=re.M
    )
    names = "|".join(sorted(map(re.escape, dynamic), key=len, reverse=True))
    text = re.sub(rf"({names})(?![-\w.$])", f"@{DYNAMIC_SHARED}", text)
    declaration = (
        f"@{DYNAMIC_SHARED} = external thread_local(localexec) global [0 x i8], "
        f"align {max(aligns)}\n"
    )
    at = re.search(rf"^(?:{NAME} = |define |declare )", text, re.M)
    place = at.start() if at else len(text)
    return text[:place] + declaration + text[place:]


def _drop_comdats(text: str) -> str:
    """All code ends in one module, where linkage alone merges duplicates."""
    text = re.sub(r"^\$.* = comdat .*\n", "", text, flags=re.M)
    text = re.sub(r"^(@[^\n]*), comdat(?:\([^)]*\))?", r"\1", text, flags=re.M)
    return re.sub(r"^(define [^\n]*?) comdat(?:\(\$[^)]*\))?(?= |$)", r"\1", text, flags=re.M)


def _drop_rtti(text: str) -> str:
    """Virtual tables without type information: device code has neither typeid nor exceptions."""

    def change(match: re.Match[str]) -> str:
        return re.sub(r'ptr @"?_ZTI[-\w.$]+"?', "ptr null", match[0])

    return re.sub(r'^@"?_ZT[VC][^\n]* constant [^\n]*$', change, text, flags=re.M)


def _trim_debug(text: str, empty: str) -> str:
    """Keeps of the debug information what line tables need; ``empty`` is an empty tuple node."""
    text = re.sub(r"^ +#dbg_(?:declare|value|assign|label)\(.*\n", "", text, flags=re.M)
    text = re.sub(r"^(@[^\n]*?)(?:, !dbg !\d+)+(?=,|$)", r"\1", text, flags=re.M)
    text = _UNIT.sub(lambda m: _UNIT_FIELDS.sub("", m[0]), text)
    text = _forget_headers(text)
    text = _PROGRAM.sub(r"\1scope: \3, file: \3", text)
    text = _PROGRAM_LINE.sub(lambda m: _PROGRAM_FIELDS.sub("", m[0]), text)
    text = re.sub(r"(distinct !DISubprogram\(.*?, type: )!\d+", rf"\g<1>{empty}", text)
    return text.replace("emissionKind: FullDebug", "emissionKind: LineTablesOnly")


def _forget_headers(text: str) -> str:
    """Drops the lines of our own and the C++ library's headers: what is inlined from them
    then counts as the line that calls it."""
    folders = (toolchain.include(), toolchain.LIBRARY, toolchain.zig_folder())
    roots = tuple(map(str, folders))
    files = {
        node
        for node, name, folder in _FILE.findall(text)
        if name.startswith(roots) or (not name.startswith("/") and folder.startswith(roots))
    }
    quiet = {node for node, file in _PROGRAM_FILE.findall(text) if file in files}
    return _BODY.sub(lambda m: _silence(m[0]) if m[1] in quiet else m[0], text)


def _silence(body: str) -> str:
    return re.sub(r",? !dbg !\d+", "", body)


_FILE = re.compile(r'^(!\d+) = !DIFile\(filename: "([^"]*)", directory: "([^"]*)"', re.M)
_PROGRAM_FILE = re.compile(r"^(!\d+) = distinct !DISubprogram\(.*?file: (!\d+)", re.M)
_BODY = re.compile(r"^define [^\n]* !dbg (!\d+) \{\n.*?^\}", re.M | re.S)
_UNIT = re.compile(r"^!\d+ = distinct !DICompileUnit\(.*$", re.M)
_UNIT_FIELDS = re.compile(r", (?:globals|retainedTypes|enums|imports|macros): !\d+")
_PROGRAM = re.compile(
    r"(distinct !DISubprogram\((?:[^\n]*?, )?)scope: (![0-9]+|null), file: (!\d+)"
)
_PROGRAM_LINE = re.compile(r"^!\d+ = distinct !DISubprogram\(.*$", re.M)
_PROGRAM_FIELDS = re.compile(
    r", (?:retainedNodes|declaration|templateParams|containingType|thrownTypes|annotations): !\d+"
)


def _bounds(text: str, args: str) -> int:
    """Threads a block may have, of ``__launch_bounds__``'s arguments."""
    line = re.search(rf"^{re.escape(args)} = .*?constant [^\n]*$", text, re.M)
    numbers = re.findall(r"i(?:32|64) (\d+)", line[0].split("constant", 1)[1]) if line else []
    return min(int(numbers[0]), 1024) if numbers else 1024


def _kernels(
    text: str, marks: list[tuple[str, str, str]], debug: Debug
) -> tuple[list[Kernel], str]:
    names = dict.fromkeys(name for name, mark, _ in marks if mark == "wf.kernel")
    bounds = {n: _bounds(text, args) for n, mark, args in marks if mark == "wf.launch_bounds"}
    if not names:
        return [], ""
    lines = {match[1]: match[0] for match in _DEFINE.finditer(text)}
    kernels, thunks = [], []
    for name in names:
        if name in lines:
            kernel, thunk = entry_thunk(bare(name), lines[name], debug, bounds.get(name, 1024))
            kernels.append(kernel)
            thunks.append(thunk)
    return kernels, "\n".join(thunks)


def _place(match: re.Match[str]) -> str:
    """A function in a section of its own, so that the linker sees who needs whom."""
    line, name = match[0], bare(match[1])
    if " section " in line:
        return line
    tail = re.search(r"(?<= #)\d+(?=[^()]*\{$)|(?= \{$)", line)
    assert tail is not None
    return f'{line[: tail.end()]} section ".text.{name}"{line[tail.end() :]}'


__all__ = ["DYNAMIC_SHARED", "ENTRY", "MANAGED", "Unit", "Variable", "lower"]
