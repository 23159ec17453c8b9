"""The manual of the instruction set, written from the table."""

from warpfive.isa.header import intrinsic_name
from warpfive.isa.row import FIELDS, Row
from warpfive.isa.tables import ROWS, SPECIAL_REGISTERS

_TITLES = {
    "I": "RV64I: integers, branches, memory",
    "M": "M: products and quotients",
    "A": "A: atomics",
    "Zabha": "Zabha: atomics of 8 and 16 bits",
    "Zacas": "Zacas: compare and swap",
    "F": "F: binary32",
    "D": "D: binary64",
    "Zfh": "Zfh: binary16",
    "Zfhmin": "Zfhmin: moves and conversions of binary16",
    "Zfbfmin": "Zfbfmin: bfloat16",
    "Zba": "Zba: address sums",
    "Zbb": "Zbb: bits and bytes",
    "Zbs": "Zbs: single bits",
    "Zicond": "Zicond: conditional zeros",
    "Zicsr": "Zicsr: control registers",
    "Zifencei": "Zifencei",
    "Xwarp": "Xwarp: the warp extension",
}

_PROLOGUE = """\
# The instruction set

<!-- Written by `python -m warpfive.isa.generate` from the tables in warpfive/isa/tables. -->

The chip runs standard RV64 code (I M A F D Zicsr Zifencei Zba Zbb Zbs Zicond Zfh Zfbfmin Zacas
Zabha, without compressed instructions) and one extension of its own, Xwarp, for what a warp of
lanes needs. Xwarp is warpfive's open design: no public source says what instruction set the
accelerator whose figures the default chip carries has.

Every row below is a row of one table. The decoder, the assembler, the disassembler, the slow
reference, the C++ intrinsics (`wf_isa.h`) and this page are made from it.

## Lanes, warps, blocks

A block's threads are numbered x first, then y, then z; 32 consecutive ones are a warp, and each
thread is a lane of it with 32 integer registers, 32 float registers and a pc of its own. Lanes at
the same pc execute together, the lowest pc first; a lane that waits or spins does not keep others
from going on, in its warp, its block, or among the blocks that run.

At entry `a0` holds the address of the argument block, `sp` the top of the lane's own stack, `tp`
the base of the block's shared memory, and `ra` and `gp` zero; the rest is undefined. A jump to
address 0 ends the lane, so a kernel ends with `ret`. Code addresses are offsets in the image plus
the address it is loaded at.

32-bit integers live sign-extended in registers, as the RISC-V calling convention has them; masks
of lanes come zero-extended. Narrow floats are NaN-boxed: all bits above them are one. What an
instruction makes of a register that is not boxed for its format is not fixed (the reference reads
a NaN).

- **Rounding.** Every operation is exactly rounded in the mode its word names. The dynamic mode is
  to nearest even; `frm` and `fflags` read as zero and ignore writes. Subnormal numbers are kept.
  Which NaN comes out of an operation is not fixed (of the reference, the canonical one).
- **Memory.** One flat address space; an access must be aligned to its size. Lanes of a warp that
  hit one address in an atomic act one after another.
- **Collectives** (unit `warp`) wait until every live lane of the member mask has come to the same
  instruction with the same mask, by whatever way. The mask's low 32 bits count. Lanes that have
  exited are not waited for.
- **Barriers** count threads. Where a barrier is for the whole block, threads that have exited
  count as come.
- **Faults.** An unknown word, a misaligned or wild address, a stack pointer below its stack, a
  jump out of the image, `ebreak` and `wf.trap` stop the launch.

## Units

`alu` integers and moves, `mul` integer products, `fma` narrow float arithmetic, `fp64` binary64,
`sfu` roots, quotients and approximations, `lsu` loads and stores, `atomic`, `branch`, `warp`
collectives, `barrier`, `matrix` tile products, `system`. How long a unit takes is the chip's
number, in the catalog.

## Reading the tables

*Fixed bits* name the fields of the word that tell the instruction: {fields}. *Meaning* is the
Python statement that the reference executes over all lanes: `s` reads a register as signed, `w`
and `uw` take the low 32 bits sign- and zero-extended, `S`, `D`, `H` and `B` are binary32,
binary64, binary16 and bfloat16. A rounding mode (`rne rtz rdn rup rmm dyn`) that is left out of
the text is dynamic; an atomic's name takes `.aq`, `.rl` or `.aqrl` for its ordering.
"""

_TILES = """\
### Tile products

A tile is 16 by 16, row-major over the warp: element `j` (0 to 7) of lane `l` is row
`2*j + l/16`, column `l % 16`, for A, B and C alike. With tf32, A is 16 by 8 (element `j`, 0 to 3:
row `4*j + l/8`, column `l % 8`) and B is 8 by 16 (row `2*j + l/16`, column `l % 16`).

The operands name the first of eight (tf32: four) consecutive float registers, an element each;
the intrinsics use `ft0`-`ft7` for C, `fa0`-`fa7` for A and `fs2`-`fs9` for B. Integers sit in
float registers as 32 bits, of which A and B count the low 8. The low 13 bits of a tf32 element do
not count. Products are exact; each sum, in the order of k, is rounded to binary32 (integers wrap
at 32 bits); a binary16 C is rounded once more at the end. All 32 lanes take part.

### Tile accesses

`wf.tld` and `wf.tst` move a tile between memory and its registers in that layout; `wf.tldt` and
`wf.tstt` do so where memory holds the tile by columns. Each lane reads or writes its own elements
at addresses from its own base and stride, so nobody waits; every element must be aligned to its
size. They are quick where all lanes of a warp have one base and one stride. A tile of bytes holds
them as 32 bits, as the products take them.

### Approximations

The reference computes `ex2`, `lg2`, `sin`, `cos`, `rcp`, `rsqrt`, `sqrt` and `tanh` in binary64
and rounds. Other engines may differ from it by up to 2 units in the last place; infinities, NaNs
and zeros are exact.
"""


def manual() -> str:
    """The text of ``docs/isa.md``."""
    fields = ", ".join(
        f"`{name}` {low + width - 1}..{low}" for name, (low, width) in FIELDS.items()
    )
    parts = [_PROLOGUE.format(fields=fields), _special()]
    for extension, title in _TITLES.items():
        rows = [row for row in ROWS if row.extension == extension]
        parts.append(f"## {title}\n\n" + _table(rows))
    return "\n".join([*parts, _TILES])


def _special() -> str:
    lines = ["## Special registers", "", "Read by `wf.sr rd, NAME`.", ""]
    lines += ["| number | name | what | C++ |", "|---|---|---|---|"]
    lines += [
        f"| {each.number} | `{each.name}` | {each.text} | `{intrinsic_name(each.name)}` |"
        for each in SPECIAL_REGISTERS
    ]
    return "\n".join(lines) + "\n"


def _table(rows: list[Row]) -> str:
    lines = ["| instruction | fixed bits | unit | meaning | |", "|---|---|---|---|---|"]
    for row in rows:
        meaning = row.meaning.replace("|", "\\|")
        lines.append(
            f"| `{f'{row.name} {row.syntax}'.strip()}` | {_fixed(row)} | {row.unit} "
            f"| `{meaning}` | {row.text} |"
        )
    return "\n".join(lines) + "\n"


def _fixed(row: Row) -> str:
    """The fixed bits by field, the widest names first."""
    found, left = [], row.mask
    for name in ("op", "f3", "f12", "f7", "f6", "f5", "f2", "f4", "rs2", "rs1", "rd"):
        low, width = FIELDS[name]
        bits = (1 << width) - 1 << low
        if left & bits == bits:
            found.append(f"{name}={row.match >> low & (1 << width) - 1:#x}")
            left &= ~bits
    return " ".join(found)
