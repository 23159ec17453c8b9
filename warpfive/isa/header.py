"""The C++ header with one device function an Xwarp instruction, written from the table."""

from collections.abc import Callable

from warpfive.isa.row import Operand, Row
from warpfive.isa.tables import ROWS, SPECIAL_REGISTERS, SpecialRegister

_PROLOGUE = """\
/* Written by `python -m warpfive.isa.generate` from the instruction table; edit that instead.

   One device function an instruction of Xwarp, the chip's own extension. Integers are passed and
   returned as 64-bit registers hold them: a 32-bit result is sign-extended, a mask of lanes is
   zero-extended, and of a mask operand the low 32 bits count. docs/isa.md describes every
   instruction. */
#pragma once

#define __WF_INTRINSIC static inline __attribute__((device, always_inline, unused))
"""

_WIDE = {"dynshared", "clock64", "globaltimer", "gridid", "runtime.area", "sharedbase"}
"""Special registers of 64 bits; the others are unsigned 32-bit values."""

_FENCES = ("barrier", "atomic", "system")
"""Units whose instructions the compiler must not move memory accesses across."""

_PURE = ("alu", "mul", "sfu")

_TILE_REGISTERS = {"fd": "ft0", "fs1": "fa0", "fs2": "fs2"}
_F_NAMES = (
    *(f"ft{n}" for n in range(8)), "fs0", "fs1", *(f"fa{n}" for n in range(8)),
    *(f"fs{n}" for n in range(2, 12)), *(f"ft{n}" for n in range(8, 12)),
)  # fmt: skip

_FLOATS = {"h": "_Float16", "f16": "_Float16", "bf16": "__bf16", "d": "double"}
_HELD = {"__bf16": "_Float16", "int": "float"}
"""What carries a type that inline assembly cannot take in a float register."""

_TILE_TYPES = {
    "f32": "float", "f16": "_Float16", "bf16": "__bf16", "tf32": "float", "s32": "int",
    "s8": "int", "u8": "int",
}  # fmt: skip


_ACCESS_TYPES = {"h": "_Float16", "w": "float", "w8": "float", "w16": "float", "b": "int",
                 "bu": "int"}  # fmt: skip


def header() -> str:
    """The text of ``wf_isa.h``."""
    parts = [_PROLOGUE]
    parts += [_special(register) for register in SPECIAL_REGISTERS]
    for row in ROWS:
        if row.extension == "Xwarp" and row.name != "wf.sr":
            parts.append(_writer(row)(row))
    parts.append("#undef __WF_INTRINSIC\n")
    return "\n".join(parts)


def _writer(row: Row) -> Callable[[Row], str]:
    if row.unit == "matrix":
        return _tile
    return _tile_access if row.unit == "lsu" else _intrinsic


def intrinsic_name(name: str) -> str:
    """The C name of an instruction or special register: wf.bar.sync is __wf_bar_sync."""
    return "__wf_" + name.removeprefix("wf.").replace(".", "_")


def _special(register: SpecialRegister) -> str:
    kind = "unsigned long" if register.name in _WIDE else "unsigned int"
    volatile = "" if register.stable else " volatile"
    return (
        f"/* wf.sr {register.name}: {register.text}. */\n"
        f"__WF_INTRINSIC {kind} {intrinsic_name(register.name)}() {{\n"
        f"  long rd;\n"
        f'  asm{volatile}(".insn i 0x0b, 0, %0, x0, {register.number}" : "=r"(rd));\n'
        f"  return ({kind})rd;\n}}\n"
    )


def _field(row: Row, low: int, width: int) -> int:
    return row.match >> low & (1 << width) - 1


def _form(row: Row) -> str:
    """The ``.insn`` directive up to the operands."""
    opcode, f3 = row.match & 0x7F, _field(row, 12, 3)
    if opcode == 0x2B:
        return f".insn r4 0x{opcode:02x}, {f3}, {_field(row, 25, 2)}"
    return f".insn r 0x{opcode:02x}, {f3}, {_field(row, 25, 7)}"


def _type(row: Row, operand: Operand) -> str:
    if operand.file == "x":
        return "void *" if row.unit == "atomic" and operand.slot == "rs1" else "long "
    return _FLOATS.get(row.name.rpartition(".")[2], "float") + " "


def _intrinsic(row: Row) -> str:
    result = row.operand("rd")
    sources = [operand for operand in map(row.operand, ("rs1", "rs2", "rs3")) if operand]
    slots = ["rd", "rs1", "rs2"] + (["rs3"] if row.match & 0x7F == 0x2B else [])
    present = ([result] if result else []) + sources
    places = [
        f"%{[operand.slot for operand in present].index(slot)}" if row.operand(slot) else "x0"
        for slot in slots
    ]
    inputs = ", ".join(
        f'"{_letter(operand)}"({_carry(_type(row, operand), operand.slot)})' for operand in sources
    )
    output = f'"={_letter(result)}"(rd)' if result else ""
    clobber = ' : "memory"' if row.unit in _FENCES or row.name == "wf.warp.sync" else ""
    volatile = "" if row.unit in _PURE else " volatile"
    kind = _type(row, result) if result else "void "
    arguments = ", ".join(f"{_type(row, operand)}{operand.slot}" for operand in sources)
    body = f'  asm{volatile}("{_form(row)}, {", ".join(places)}" : {output} : {inputs}{clobber});\n'
    declared = f"  {_HELD.get(kind.strip(), kind)} rd;\n" if result else ""
    returned = f"  return {_back(kind, 'rd')};\n" if result else ""
    return (
        f"/* {row.name} {row.syntax}: {row.text} */\n"
        f"__WF_INTRINSIC {kind}{intrinsic_name(row.name)}({arguments}) {{\n"
        f"{declared}{body}{returned}}}\n"
    )


def _carry(kind: str, value: str) -> str:
    """``value`` as the type that inline assembly takes for it."""
    held = _HELD.get(kind.strip())
    return f"__builtin_bit_cast({held}, {value})" if held else value


def _back(kind: str, value: str) -> str:
    """A carried value as its own type again."""
    return f"__builtin_bit_cast({kind.strip()}, {value})" if kind.strip() in _HELD else value


def _letter(operand: Operand) -> str:
    return "r" if operand.file == "x" else "f"


def _tile(row: Row) -> str:
    """A tile product: C, A and B as arrays, each element pinned to its register."""
    wide, narrow = (_TILE_TYPES[name] for name in row.name.split(".")[2:])
    lines, groups = [], {}
    for letter, kind, slot in (("c", wide, "rd"), ("a", narrow, "rs1"), ("b", narrow, "rs2")):
        operand = row.operand(slot)
        names = _names(_TILE_REGISTERS[operand.name[: 2 if slot == "rd" else 3]], operand.count)
        held = _HELD.get(kind, kind)
        for index, name in enumerate(names):
            value = _carry(kind, f"{letter}[{index}]")
            lines.append(f'  register {held} {letter}{index} asm("{name}") = {value};')
        groups[letter] = [f"{letter}{index}" for index in range(operand.count)]
    outputs = ", ".join(f'"+f"({name})' for name in groups["c"])
    inputs, more = (", ".join(f'"f"({name})' for name in groups[of]) for of in "ab")
    count = len(groups["a"])
    lines.append(f'  asm volatile("{_form(row)}, ft0, fa0, fs2"')
    lines.append(f"               : {outputs}")
    lines.append(f"               : {inputs},")
    lines.append(f"                 {more});")
    lines += [f"  c[{index}] = {_back(wide, name)};" for index, name in enumerate(groups["c"])]
    return (
        f"/* {row.name}: {row.text} */\n"
        f"__WF_INTRINSIC void {intrinsic_name(row.name)}({wide} (&c)[8], "
        f"const {narrow} (&a)[{count}],\n    const {narrow} (&b)[{count}]) {{\n"
        + "\n".join(lines)
        + "\n}\n"
    )


def _tile_access(row: Row) -> str:
    """A tile load or store: the tile as an array, each element pinned to its register."""
    tile = next(operand for operand in row.operands if operand.count > 1)
    loads, stride = tile.writes, row.operand("rs2" if tile.writes else "rs3")
    kind = _ACCESS_TYPES[row.name.split(".")[2]]
    held = _HELD.get(kind, kind)
    names = _names(_TILE_REGISTERS["fs1"], tile.count)
    lines = [
        f'  register {held} t{index} asm("{name}")'
        + (";" if loads else f' = {_carry(kind, f"tile[{index}]")};')
        for index, name in enumerate(names)
    ]
    each = ", ".join(f'"{"=" if loads else ""}f"(t{index})' for index in range(tile.count))
    places = [f"%{tile.count + at}" for at in range(2)]
    order = ["fa0", *places] if loads else ["x0", places[0], "fa0", places[1]]
    lines.append(f'  asm volatile("{_access_form(row)}, {", ".join(order)}"')
    lines.append(f"               : {each}" if loads else f"               :: {each},")
    lines.append(f'               {":" if loads else " "} "r"(base), "r"({stride.slot})')
    lines.append('               : "memory");')
    if loads:
        lines += [f'  tile[{at}] = {_back(kind, f"t{at}")};' for at in range(tile.count)]
    array = f"{'' if loads else 'const '}{kind} (&tile)[{tile.count}]"
    return (
        f"/* {row.name}: {row.text} */\n"
        f"__WF_INTRINSIC void {intrinsic_name(row.name)}({array},\n"
        f"    {'const ' if loads else ''}void *base, long {stride.slot}) {{\n"
        + "\n".join(lines)
        + "\n}\n"
    )


def _access_form(row: Row) -> str:
    f3 = _field(row, 12, 3)
    if row.operand("rs3"):
        return f".insn r4 0x7b, {f3}, {_field(row, 25, 2)}"
    return _form(row)


def _names(first: str, count: int) -> tuple[str, ...]:
    at = _F_NAMES.index(first)
    return _F_NAMES[at : at + count]
