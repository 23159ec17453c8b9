"""F, D, Zfh: arithmetic in binary32, binary64 and binary16.

The three share one shape; ``S``, ``D`` and ``H`` in a meaning are the formats of
`warpfive.isa.floats`, which take and return NaN-boxed register contents.
"""

from warpfive.isa.row import Row, table

_SHAPE = """
fmadd.{t}  fd, fs1, fs2, fs3, rm | op=0x43 f2={n} | {fma} | fd = {T}.fma(fs1, fs2, fs3, rm)
           | Product plus addend, rounded once.
fmsub.{t}  fd, fs1, fs2, fs3, rm | op=0x47 f2={n} | {fma}
           | fd = {T}.fma(fs1, fs2, {T}.neg(fs3), rm) | Product minus subtrahend, rounded once.
fnmsub.{t} fd, fs1, fs2, fs3, rm | op=0x4b f2={n} | {fma}
           | fd = {T}.fma({T}.neg(fs1), fs2, fs3, rm) | Addend minus product, rounded once.
fnmadd.{t} fd, fs1, fs2, fs3, rm | op=0x4f f2={n} | {fma}
           | fd = {T}.fma({T}.neg(fs1), fs2, {T}.neg(fs3), rm)
           | Minus product minus addend, rounded once.
fadd.{t}   fd, fs1, fs2, rm | op=0x53 f5=0x00 f2={n} | {fma} | fd = {T}.add(fs1, fs2, rm) | Sum.
fsub.{t}   fd, fs1, fs2, rm | op=0x53 f5=0x01 f2={n} | {fma}
           | fd = {T}.add(fs1, {T}.neg(fs2), rm) | Difference.
fmul.{t}   fd, fs1, fs2, rm | op=0x53 f5=0x02 f2={n} | {fma} | fd = {T}.mul(fs1, fs2, rm)
           | Product.
fdiv.{t}   fd, fs1, fs2, rm | op=0x53 f5=0x03 f2={n} | {sfu} | fd = {T}.div(fs1, fs2, rm)
           | Quotient.
fsqrt.{t}  fd, fs1, rm | op=0x53 f5=0x0b f2={n} rs2=0 | {sfu} | fd = {T}.sqrt(fs1, rm)
           | Square root.
fsgnj.{t}  fd, fs1, fs2 | op=0x53 f5=0x04 f2={n} f3=0 | {alu} | fd = {T}.sgnj(fs1, fs2)
           | The first's magnitude with the second's sign.
fsgnjn.{t} fd, fs1, fs2 | op=0x53 f5=0x04 f2={n} f3=1 | {alu}
           | fd = {T}.sgnj(fs1, {T}.neg(fs2)) | The first's magnitude with the opposite sign.
fsgnjx.{t} fd, fs1, fs2 | op=0x53 f5=0x04 f2={n} f3=2 | {alu} | fd = {T}.sgnjx(fs1, fs2)
           | The first, its sign flipped where the second is negative.
fmin.{t}   fd, fs1, fs2 | op=0x53 f5=0x05 f2={n} f3=0 | {alu} | fd = {T}.min(fs1, fs2)
           | Lesser; a NaN loses to a number, -0 is less than +0.
fmax.{t}   fd, fs1, fs2 | op=0x53 f5=0x05 f2={n} f3=1 | {alu} | fd = {T}.max(fs1, fs2)
           | Greater; a NaN loses to a number, -0 is less than +0.
feq.{t}    rd, fs1, fs2 | op=0x53 f5=0x14 f2={n} f3=2 | {alu} | rd = {T}.eq(fs1, fs2)
           | One where equal; no with a NaN.
flt.{t}    rd, fs1, fs2 | op=0x53 f5=0x14 f2={n} f3=1 | {alu} | rd = {T}.lt(fs1, fs2)
           | One where less; no with a NaN.
fle.{t}    rd, fs1, fs2 | op=0x53 f5=0x14 f2={n} f3=0 | {alu} | rd = {T}.le(fs1, fs2)
           | One where less or equal; no with a NaN.
fclass.{t} rd, fs1 | op=0x53 f5=0x1c f2={n} rs2=0 f3=1 | {alu} | rd = {T}.classify(fs1)
           | One bit that names the class of the value.
fcvt.w.{t}  rd, fs1, rm | op=0x53 f5=0x18 f2={n} rs2=0 | {alu} | rd = {T}.to_int(fs1, i32, rm)
           | To a signed 32-bit integer, saturating; a NaN gives the greatest.
fcvt.wu.{t} rd, fs1, rm | op=0x53 f5=0x18 f2={n} rs2=1 | {alu} | rd = {T}.to_int(fs1, u32, rm)
           | To an unsigned 32-bit integer, saturating; sign-extended as all 32-bit values are.
fcvt.l.{t}  rd, fs1, rm | op=0x53 f5=0x18 f2={n} rs2=2 | {alu} | rd = {T}.to_int(fs1, i64, rm)
           | To a signed 64-bit integer, saturating.
fcvt.lu.{t} rd, fs1, rm | op=0x53 f5=0x18 f2={n} rs2=3 | {alu} | rd = {T}.to_int(fs1, u64, rm)
           | To an unsigned 64-bit integer, saturating.
fcvt.{t}.w  fd, rs1, rm | op=0x53 f5=0x1a f2={n} rs2=0 | {alu} | fd = {T}.of_int(s(w(rs1)), rm)
           | From a signed 32-bit integer.
fcvt.{t}.wu fd, rs1, rm | op=0x53 f5=0x1a f2={n} rs2=1 | {alu} | fd = {T}.of_int(uw(rs1), rm)
           | From an unsigned 32-bit integer.
fcvt.{t}.l  fd, rs1, rm | op=0x53 f5=0x1a f2={n} rs2=2 | {alu} | fd = {T}.of_int(s(rs1), rm)
           | From a signed 64-bit integer.
fcvt.{t}.lu fd, rs1, rm | op=0x53 f5=0x1a f2={n} rs2=3 | {alu} | fd = {T}.of_int(rs1, rm)
           | From an unsigned 64-bit integer.
"""


def _rows(extension: str, letter: str, number: int) -> tuple[Row, ...]:
    units = {"fma": "fma", "sfu": "sfu", "alu": "alu"}
    if letter == "d":
        units = dict.fromkeys(units, "fp64")
    return table(extension, _SHAPE.format(t=letter, T=letter.upper(), n=number, **units))


_MOVES = table("F", """
flw     fd, imm12(rs1) | op=0x07 f3=2 | lsu | fd = S.box(load(rs1 + imm, 4)) | Loads 32 bits.
fsw     fs2, simm12(rs1) | op=0x27 f3=2 | lsu | store(rs1 + imm, 4, fs2) | Stores 32 bits.
fmv.x.w rd, fs1 | op=0x53 f7=0x70 rs2=0 f3=0 | alu | rd = w(fs1)
        | The low 32 bits as they are, sign-extended.
fmv.w.x fd, rs1 | op=0x53 f7=0x78 rs2=0 f3=0 | alu | fd = S.box(rs1)
        | The low 32 bits as they are.
""")

_DOUBLE_MOVES = table("D", """
fld      fd, imm12(rs1) | op=0x07 f3=3 | lsu | fd = load(rs1 + imm, 8) | Loads 64 bits.
fsd      fs2, simm12(rs1) | op=0x27 f3=3 | lsu | store(rs1 + imm, 8, fs2) | Stores 64 bits.
fmv.x.d  rd, fs1 | op=0x53 f7=0x71 rs2=0 f3=0 | alu | rd = fs1 | The 64 bits as they are.
fmv.d.x  fd, rs1 | op=0x53 f7=0x79 rs2=0 f3=0 | alu | fd = rs1 | The 64 bits as they are.
fcvt.s.d fd, fs1, rm | op=0x53 f7=0x20 rs2=1 | fp64 | fd = S.of(D, fs1, rm)
         | From binary64 to binary32.
fcvt.d.s fd, fs1, rm | op=0x53 f7=0x21 rs2=0 | fp64 | fd = D.of(S, fs1, rm)
         | From binary32 to binary64.
""")

ROWS = _rows("F", "s", 0) + _MOVES + _rows("D", "d", 1) + _DOUBLE_MOVES + _rows("Zfh", "h", 2)
