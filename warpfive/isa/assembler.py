"""Assembly text to instruction words, and back.

>>> assemble("addi a0, a0, -1").hex()
'1305f5ff'
>>> disassemble(0xFFF50513)
'addi a0, a0, -1'
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from warpfive.errors import InputError
from warpfive.isa.decoder import Instruction, decode
from warpfive.isa.names import (
    CSR_NAMES,
    CSR_NUMBERS,
    DYNAMIC,
    F_NAMES,
    F_NUMBERS,
    ROUNDING_NAMES,
    X_NAMES,
    X_NUMBERS,
)
from warpfive.isa.pseudo import PSEUDOS, SWAPPED
from warpfive.isa.row import OPERANDS, Operand, Row
from warpfive.isa.tables import ROWS, SPECIAL_REGISTERS

Labels = Mapping[str, int]

_DATA = {".byte": 1, ".half": 2, ".word": 4, ".dword": 8}
_ORDERING = {"": (0, 0), ".aq": (1, 0), ".rl": (0, 1), ".aqrl": (1, 1)}
_SPECIAL_NUMBERS = {register.name: register.number for register in SPECIAL_REGISTERS}
_EXACT = re.compile(r"fcvt\.(d\.(w|wu|s|h)|s\.(h|bf16))")
"""Conversions that never round: their mode is written only where it is not rne."""


@cache
def _by_name() -> dict[str, Row]:
    return {row.name: row for row in ROWS}


def encode(name: str, **fields: int) -> int:
    """The word of an instruction, its fields as `Instruction` names them; the rest are 0.

    Raises InputError where the instruction does not exist or a field does not fit.
    """
    row = _by_name().get(name)
    if row is None:
        raise InputError(f"there is no instruction {name!r}; docs/isa.md lists them all")
    word = row.match
    for operand in row.operands:
        try:
            word |= operand.insert(fields.pop(operand.slot, 0))
        except ValueError as error:
            raise InputError(f"{name} {row.syntax}: {error}") from None
    if fields:
        raise InputError(f"{name} has no field {', '.join(fields)}; it has {row.syntax}")
    return word


@dataclass(frozen=True, slots=True)
class _Line:
    """A source line with its place: ``text`` becomes code or data at ``address``."""

    number: int
    address: int
    text: str


def assemble(text: str, *, base: int = 0) -> bytes:
    """The bytes of a program that begins at address ``base``.

    One instruction, label (``name:``), pseudo-instruction or directive (.byte .half .word .dword
    .zero .balign) a line; ``#`` begins a comment. A branch names a label, or a distance in bytes.
    """
    lines, labels = _layout(text, base)
    out = bytearray()
    for line in lines:
        out += bytes(line.address - base - len(out))
        try:
            out += _bytes(line, labels)
        except (InputError, ValueError, KeyError) as error:
            raise InputError(f"assembly line {line.number}, {line.text!r}: {error}") from None
    return bytes(out)


def labels_of(text: str, *, base: int = 0) -> dict[str, int]:
    """The address of every label of a program."""
    return _layout(text, base)[1]


def _layout(text: str, base: int) -> tuple[list[_Line], dict[str, int]]:
    lines: list[_Line] = []
    labels: dict[str, int] = {}
    address = base
    for number, source in enumerate(text.splitlines(), start=1):
        line = source.partition("#")[0].strip()
        while match := re.match(r"([\w.$]+):\s*", line):
            labels[match[1]] = address
            line = line[match.end() :]
        if line.startswith(".balign"):
            address += -address % int(line.split()[1], 0)
        elif line:
            lines.append(_Line(number, address, line))
            address += _size(line)
    return lines, labels


def _size(line: str) -> int:
    name, _, rest = line.partition(" ")
    if name == ".zero":
        return int(rest, 0)
    if name in _DATA:
        return _DATA[name] * len(rest.split(","))
    if name in ("la", "lla", "call", "tail"):
        return 8
    if name == "li":
        return 4 * len(_constant(0, _number(rest.split(",")[1], {})))
    return 4


def _bytes(line: _Line, labels: Labels) -> bytes:
    name, _, rest = line.text.partition(" ")
    rest = rest.strip()
    if name == ".zero":
        return bytes(int(rest, 0))
    if name in _DATA:
        size = _DATA[name]
        values = (_number(value, labels) for value in rest.split(","))
        return b"".join((value & (1 << 8 * size) - 1).to_bytes(size, "little") for value in values)
    words = _words(name, rest, line.address, labels)
    return b"".join(word.to_bytes(4, "little") for word in words)


def _words(name: str, rest: str, address: int, labels: Labels) -> list[int]:
    if name == "li":
        register, value = rest.split(",")
        return _constant(X_NUMBERS[register.strip()], _number(value, labels))
    if name in ("la", "lla"):
        register, symbol = (part.strip() for part in rest.split(","))
        return _far("addi", X_NUMBERS[register], X_NUMBERS[register], labels[symbol] - address)
    if name in ("call", "tail"):
        link, scratch = (1, 1) if name == "call" else (0, 6)
        return _far("jalr", link, scratch, labels[rest] - address)
    return [_word(name, rest, address, labels)]


def _constant(rd: int, value: int) -> list[int]:
    """Loads a 64-bit constant in the fewest steps of lui, addi and slli."""
    value = (value + (1 << 63)) % (1 << 64) - (1 << 63)
    low = (value & 0xFFF ^ 0x800) - 0x800
    if value == low:
        return [encode("addi", rd=rd, imm=low)]
    if -(1 << 31) <= value < 1 << 31:
        upper = (value - low + (1 << 31)) % (1 << 32) - (1 << 31)
        words = [encode("lui", rd=rd, imm=upper)]
        return words + ([encode("addiw", rd=rd, rs1=rd, imm=low)] if low else [])
    high = value - low >> 12
    zeros = (high & -high).bit_length() - 1
    words = _constant(rd, high >> zeros) + [encode("slli", rd=rd, rs1=rd, imm=12 + zeros)]
    return words + ([encode("addi", rd=rd, rs1=rd, imm=low)] if low else [])


def _far(name: str, rd: int, scratch: int, distance: int) -> list[int]:
    """auipc, then an instruction that adds the low 12 bits."""
    low = (distance & 0xFFF ^ 0x800) - 0x800
    return [
        encode("auipc", rd=scratch, imm=distance - low),
        encode(name, rd=rd, rs1=scratch, imm=low),
    ]


def _word(name: str, rest: str, address: int, labels: Labels) -> int:
    if name in SWAPPED:
        parts = [part.strip() for part in rest.split(",")]
        first = 0 if name.startswith("b") else 1
        parts[first : first + 2] = reversed(parts[first : first + 2])
        return _word(SWAPPED[name], ", ".join(parts), address, labels)
    for form, expansion in _pseudos().get(name, ()):
        if (found := _match(form, rest)) is not None:
            target, _, operands = expansion.partition(" ")
            replaced = re.sub(r"[a-z]\w*", lambda word: found.get(word[0], word[0]), operands)
            return _word(target, replaced, address, labels)
    base, ordering = name, (0, 0)
    for suffix, bits in _ORDERING.items():
        if suffix and name.endswith(suffix):
            base, ordering = name.removesuffix(suffix), bits
    row = _by_name().get(base)
    if row is None:
        raise InputError(f"there is no instruction {name!r}; docs/isa.md lists them all")
    fields = _fields(row, rest, address, labels)
    if ordering != (0, 0):
        fields |= {"aq": ordering[0], "rl": ordering[1]}
    return encode(base, **fields)


@cache
def _pseudos() -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for form, expansion in PSEUDOS:
        name, _, syntax = form.partition(" ")
        found.setdefault(name, []).append((syntax, expansion))
    return found


@cache
def _pattern(syntax: str) -> re.Pattern[str]:
    """What a syntax matches: a group for each operand; the rounding mode may be left out."""
    parts = re.findall(r", rm|[a-z]\w*|[,()]", syntax)
    return re.compile(r"\s*".join(_piece(part) for part in parts))


def _piece(part: str) -> str:
    if part == ", rm":
        return r"(?:,\s*(?P<rm>[a-z]+))?"
    if part in ("imm12", "simm12"):
        return rf"(?P<{part}>[^,()\s]*)"
    if part == "fence8":
        return rf"(?P<{part}>[^()]+)"
    return rf"(?P<{part}>[^,()\s]+)" if part in OPERANDS else re.escape(part)


def _match(syntax: str, text: str) -> dict[str, str] | None:
    """The operands' texts, where ``text`` has the form of ``syntax``."""
    found = _pattern(syntax).fullmatch(text)
    return None if found is None else {k: v for k, v in found.groupdict().items() if v}


def _fields(row: Row, text: str, address: int, labels: Labels) -> dict[str, int]:
    found = _match(row.syntax, text)
    if found is None:
        raise InputError(f"the operands of {row.name} are {row.syntax or 'none'}")
    if row.operand("rm") and "rm" not in found:
        found["rm"] = "rne" if _EXACT.fullmatch(row.name) else "dyn"
    return {
        OPERANDS[name].slot: _value(OPERANDS[name], value, address, labels)
        for name, value in found.items()
    }


def _value(operand: Operand, text: str, address: int, labels: Labels) -> int:
    if operand.file:
        return (X_NUMBERS if operand.file == "x" else F_NUMBERS)[text]
    if operand.name == "rm":
        return ROUNDING_NAMES.index(text)
    if operand.name == "csr" and text in CSR_NUMBERS:
        return CSR_NUMBERS[text]
    if operand.name == "sreg" and text in _SPECIAL_NUMBERS:
        return _SPECIAL_NUMBERS[text]
    if operand.name.startswith("target") and text in labels:
        return labels[text] - address
    if operand.name == "fence8" and not text.isdigit():
        before, after = (_accesses(part.strip()) for part in text.split(","))
        return before << 4 | after
    value = _number(text, labels)
    if operand.name == "imm20":
        return ((value & 0xFFFFF ^ 0x80000) - 0x80000) << 12
    return value


def _accesses(text: str) -> int:
    """The four bits of a fence's side, such as ``rw``."""
    return sum(8 >> "iorw".index(letter) for letter in text if text != "0")


def _number(text: str, labels: Labels) -> int:
    text = text.strip()
    if text in labels:
        return labels[text]
    try:
        return int(text, 0)
    except ValueError:
        raise InputError(f"{text!r} is neither a number nor a label") from None


def disassemble(word: int, pc: int | None = None) -> str:
    """The text of a word, as LLVM's assembler reads it (but for Xwarp).

    Branch targets are addresses where ``pc`` is given, distances in bytes else. A word that is
    no instruction becomes ``.word``.
    """
    found = decode(word)
    if found is None:
        return f".word 0x{word:08x}"
    for name, syntax, fixed in _aliases().get(found.name, ()):
        if all(_resolve(found, value) == getattr(found, slot) for slot, value in fixed):
            return f"{name} {_print(found, syntax, pc)}".strip()
    name = found.name
    if found.row.operand("aq"):
        name += next(k for k, bits in _ORDERING.items() if bits == (found.aq, found.rl))
    return f"{name} {_print(found, found.row.syntax, pc)}".strip()


def _resolve(instruction: Instruction, value: int | str) -> int:
    return getattr(instruction, value) if isinstance(value, str) else value


@cache
def _aliases() -> dict[str, list[tuple[str, str, tuple[tuple[str, int | str], ...]]]]:
    """For each row, (alias, its syntax, conditions on the row's fields)."""
    found: dict[str, list] = {}
    for form, expansion in PSEUDOS:
        alias, _, syntax = form.partition(" ")
        name, _, operands = expansion.partition(" ")
        row = _by_name()[name]
        values = _match(row.syntax, operands) or {}
        fixed = []
        for operand in row.operands:
            text = values.get(operand.name)
            if text is None:
                continue
            if text in OPERANDS:
                if OPERANDS[text].slot != operand.slot:
                    fixed.append((operand.slot, OPERANDS[text].slot))
            else:
                fixed.append((operand.slot, _value(operand, text, 0, {})))
        found.setdefault(name, []).append((alias, syntax, tuple(fixed)))
    return found


def _print(instruction: Instruction, syntax: str, pc: int | None) -> str:
    if instruction.row.operand("rm"):
        usual = 0 if _EXACT.fullmatch(instruction.name) else DYNAMIC
        if instruction.rm == usual:
            syntax = syntax.replace(", rm", "")
    return re.sub(
        r"[a-z]\w*", lambda word: _operand(OPERANDS[word[0]], instruction, pc), syntax
    )


def _operand(operand: Operand, instruction: Instruction, pc: int | None) -> str:
    value = getattr(instruction, operand.slot)
    if operand.file:
        return (X_NAMES if operand.file == "x" else F_NAMES)[value]
    if operand.name == "rm":
        return ROUNDING_NAMES[value]
    if operand.name == "csr":
        return CSR_NAMES.get(value, str(value))
    if operand.name == "sreg":
        return SPECIAL_REGISTERS[value].name
    if operand.name == "imm20":
        return str(value >> 12 & 0xFFFFF)
    if operand.name == "fence8":
        sides = (value >> 4, value & 15)
        letters = ("".join(c for bit, c in enumerate("iorw") if side << bit & 8) for side in sides)
        return ", ".join(side or "0" for side in letters)
    if operand.name.startswith("target") and pc is not None:
        return f"0x{pc + value & (1 << 64) - 1:x}"
    return str(value)
