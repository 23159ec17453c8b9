"""Inline PTX as C++: one assembly statement becomes a block that does the same.

The block has a variable for every operand and every register that the PTX declares; instructions
are rows of `ptx_rows`.
"""

import re
from collections.abc import Sequence
from typing import Protocol

from warpfive.compiler.ptx_rows import (
    CARRIED,
    EFFECTS,
    SPECIAL,
    TYPES,
    VALUES,
    Instruction,
    carry_row,
    load,
    store,
    unsupported,
)

REGISTERS = {
    "h": "unsigned short", "r": "unsigned int", "l": "unsigned long long", "f": "float",
    "d": "double", "q": "unsigned __int128", "n": "", "i": "", "C": "",
}  # fmt: skip
"""C++ types of the letters of constraints; constants keep their own."""

MATRICES, MEMORY = ("ldmatrix", "mma"), ("ld", "ldu", "st")
KNOWN = {*VALUES, *EFFECTS, *MATRICES, *MEMORY, *(name for name, _ in CARRIED)}


class Given(Protocol):
    """An operand of an assembly statement."""

    name: str
    mode: str
    constraint: str
    expression: str


def translate(code: str, operands: Sequence[Given], clobbers: str) -> str:
    """A C++ statement, less its semicolon, that does what PTX ``code`` does."""
    block = _Block(operands)
    body = " ".join(block.statement(text) for text in _split(code))
    fence = '__asm__ volatile("" : : : "memory"); ' if "memory" in clobbers else ""
    return f"do {{ {block.opening()}{fence}{body} {fence}{block.closing()}}} while (0)"


def _split(code: str) -> list[str]:
    """Instructions, directives and scope braces."""
    code = re.sub(r"//[^\n]*|/\*.*?\*/", " ", code, flags=re.S)
    found, at = [], 0
    while at < len(code):
        if code[at].isspace() or code[at] == ";":
            at += 1
        elif code[at] in "{}":
            found.append(code[at])
            at += 1
        else:
            end = code.find(";", at)
            end = len(code) if end < 0 else end
            found.append(" ".join(code[at:end].split()))
            at = end + 1
    return found


class _Block:
    """The variables of one assembly statement, and its instructions in C++."""

    def __init__(self, operands: Sequence[Given]) -> None:
        self.operands = operands
        self.declared: set[str] = set()
        self.places = {operand.name: i for i, operand in enumerate(operands) if operand.name}

    def opening(self) -> str:
        words = "unsigned int __wf_cc = 0, __wf_no = 0; bool __wf_in_range = false; "
        words += "(void)__wf_cc; (void)__wf_no; (void)__wf_in_range; "
        for place, operand in enumerate(self.operands):
            letter = operand.constraint[:1]
            if letter.isdigit():
                letter = self.operands[int(letter)].constraint[:1]
            if letter not in REGISTERS:
                raise unsupported(f'the constraint "{operand.constraint}"')
            kind = REGISTERS[letter] or "auto"
            if operand.mode == "=":
                words += f"{kind} __wf_a{place} = {{}}; "
            else:
                value = f"({operand.expression})"
                given = f"__wf_ptx_in<{kind}>({value})" if kind != "auto" else value
                words += f"{kind} __wf_a{place} = {given}; "
        for place, operand in enumerate(self.operands):
            if operand.mode != "=" and operand.constraint[:1].isdigit():
                words += f"__wf_a{operand.constraint} = __wf_a{place}; "
        return words

    def closing(self) -> str:
        return "".join(
            f"__wf_ptx_out({operand.expression}, __wf_a{place}); "
            for place, operand in enumerate(self.operands)
            if operand.mode
        )

    def statement(self, text: str) -> str:
        if text in "{}":
            return text
        if text.startswith("."):
            return self._directive(text)
        if re.match(r"[\w$]+:", text):
            raise unsupported(f"the label {text}")
        guard = re.match(r"@(!?)([\w$%]+)\s+", text)
        made = self._instruction(text[guard.end() :] if guard else text)
        if guard:
            return f"if ({guard[1]}__wf_ptx_in<bool>({self._operand(guard[2])})) {made}"
        return made

    def _directive(self, text: str) -> str:
        match = re.match(r"\.reg\s+\.(\w+)\s+(.*)", text)
        if match is None or match[1] not in TYPES:
            if text.startswith(".pragma"):
                return ""
            raise unsupported(text)
        kind = {"f16": "b16", "f16x2": "b32", "bf16": "b16"}.get(match[1], match[1])
        names: list[str] = []
        for name in match[2].split(","):
            many = re.match(r"\s*([\w$%]+)\s*<(\d+)>", name)
            names += [f"{many[1]}{i}" for i in range(int(many[2]))] if many else [name.strip()]
        self.declared.update(names)
        return f"{TYPES[kind]} {', '.join(f'{self._register(name)} = {{}}' for name in names)};"

    def _instruction(self, text: str) -> str:
        name, _, rest = text.partition(" ")
        parts = name.split(".")
        if parts[0] not in KNOWN:
            raise unsupported(text)
        given = _operands(rest)
        ins = Instruction(name, parts, [], [part for part in parts if part in TYPES])
        if parts[0] in MATRICES:
            return self._matrix(ins, given)
        if parts[0] in MEMORY:
            return self._memory(ins, given)
        if parts[0] == "mov" and any(operand.startswith("{") for operand in given):
            return self._pack(ins, given)
        target, _, second = given[0].partition("|") if given else ("", "", "")
        ins.operands = [self._operand(target), *map(self._operand, given[1:])] if given else []
        if parts[0] in EFFECTS and not (parts[0] in ("bar", "barrier") and ins.has("red")):
            return f"{EFFECTS[parts[0]](ins)};"
        row = carry_row(ins) or VALUES[parts[0]]
        made = f"__wf_ptx_out({ins.operands[0]}, {row(ins)});"
        if second and parts[0] == "shfl":
            made += f" __wf_ptx_out({self._operand(second)}, __wf_in_range);"
        elif second and parts[0] == "setp":
            made += (
                f" __wf_ptx_out({self._operand(second)}, !__wf_ptx_in<bool>({ins.operands[0]}));"
            )
        return f"{{ {made} }}" if second else made

    def _memory(self, ins: Instruction, given: list[str]) -> str:
        if ins.parts[0] == "st":
            ins.operands = [self._operand(given[0])]
            return store(ins, [self._operand(item) for item in _members(given[1])])
        if "param" in ins.parts:
            raise unsupported(ins.name)
        ins.operands = ["", self._operand(given[1])]
        return load(ins, [self._operand(item) for item in _members(given[0])])

    def _pack(self, ins: Instruction, given: list[str]) -> str:
        """mov between a register and the parts it is made of."""
        whole = TYPES[ins.type]
        if given[0].startswith("{"):
            parts = [self._operand(item) for item in _members(given[0])]
            value = f"__wf_ptx_in<{whole}>({self._operand(given[1])})"
            outs = " ".join(
                f"__wf_ptx_part({part}, __wf_w, {i}, {len(parts)});" for i, part in enumerate(parts)
            )
            return f"{{ const {whole} __wf_w = {value}; {outs} }}"
        parts = [self._operand(item) for item in _members(given[1])]
        joined = " | ".join(
            f"__wf_ptx_place<{whole}>({part}, {i}, {len(parts)})" for i, part in enumerate(parts)
        )
        return f"__wf_ptx_out({self._operand(given[0])}, ({whole})({joined}));"

    def _matrix(self, ins: Instruction, given: list[str]) -> str:
        lists = [[self._operand(item) for item in _members(text)] for text in given]
        if ins.parts[0] == "ldmatrix" and ins.has("m8n8") and ins.has("b16"):
            turned = "true" if ins.has("trans") else "false"
            address = f"__wf_ptx_address<true>({lists[1][0]})"
            outs = " ".join(f"__wf_ptx_out({out}, __wf_m[{i}]);" for i, out in enumerate(lists[0]))
            return (f"{{ unsigned int __wf_m[{len(lists[0])}]; "
                    f"__wf_ptx_ldmatrix<{turned}>(__wf_m, {address}); {outs} }}")  # fmt: skip
        shape = next((part for part in ins.parts if re.fullmatch(r"m\d+n\d+k\d+", part)), "")
        if ins.parts[0] != "mma" or shape not in ("m16n8k16", "m16n8k8") or len(ins.types) != 4:
            raise unsupported(ins.name)
        to, left, right, sum_ = ins.types
        if (to, sum_) != ("f32", "f32") or left != right or left not in ("f16", "bf16"):
            raise unsupported(ins.name)
        a, b, c = (", ".join(f"__wf_ptx_in<{'float' if i == 2 else 'unsigned int'}>({x})" for x in
                             lists[1 + i]) for i in range(3))  # fmt: skip
        outs = " ".join(f"__wf_ptx_out({out}, __wf_c[{i}]);" for i, out in enumerate(lists[0]))
        return (f"{{ const unsigned int __wf_x[] = {{{a}}}, __wf_y[] = {{{b}}}; "
                f"float __wf_c[] = {{{c}}}; "
                f"__wf_ptx_mma<{TYPES[left]}>(__wf_c, __wf_x, __wf_y); {outs} }}")  # fmt: skip

    def _operand(self, text: str) -> str:
        """The C++ of a register, a constant, a special register or an address."""
        text = text.strip()
        if text.startswith("["):
            return self._sum(text[1:-1])
        if text == "_":
            return "__wf_no"
        if text.startswith("!"):
            return f"!{self._operand(text[1:])}"
        if match := re.fullmatch(r"%(\d+)", text):
            return f"__wf_a{match[1]}"
        if match := re.fullmatch(r"%\[(\w+)\]", text):
            return f"__wf_a{self.places[match[1]]}"
        if match := re.fullmatch(r"0([fFdD])([0-9a-fA-F]+)", text):
            kind, bits = ("float", "u") if match[1] in "fF" else ("double", "ull")
            return f"__builtin_bit_cast({kind}, 0x{match[2]}{bits})"
        if re.fullmatch(r"-?(?:0[xX][0-9a-fA-F]+|\d+)[uU]?", text):
            return text.rstrip("uU") + "ll"
        if re.fullmatch(r"-?\d*\.\d+(?:[eE][-+]?\d+)?", text):
            return text
        if match := re.fullmatch(r"%%?([\w.]+)|WARP_SZ", text):
            name = match[1] or "WARP_SZ"
            if name in SPECIAL:
                return SPECIAL[name]
        if text in self.declared:
            return self._register(text)
        raise unsupported(f"the operand {text}")

    def _sum(self, text: str) -> str:
        base, sign, offset = re.fullmatch(
            r"\s*(.+?)\s*(?:([+-])\s*([-\w%\[\]]+))?\s*", text
        ).groups()
        made = f"(unsigned long long){self._operand(base)}"
        return f"({made} {sign} {self._operand(offset)})" if offset else made

    @staticmethod
    def _register(name: str) -> str:
        return "__wf_r_" + re.sub(r"\W", "_", name.lstrip("%"))


def _operands(text: str) -> list[str]:
    """Operands between commas, those in braces and brackets left whole."""
    found, depth, start = [], 0, 0
    for place, letter in enumerate(text):
        depth += (letter in "{[(") - (letter in "}])")
        if letter == "," and depth == 0:
            found.append(text[start:place].strip())
            start = place + 1
    last = text[start:].strip()
    return [*found, last] if last else found


def _members(text: str) -> list[str]:
    """The registers of ``{a, b}``, or the one that stands alone."""
    return [item.strip() for item in text.strip("{} ").split(",")] if "{" in text else [text]
