"""Zba, Zbb, Zbs, Zicond: address sums, bit counts, single bits, conditional zeros."""

from warpfive.isa.row import table

_ZBA = table("Zba", """
add.uw    rd, rs1, rs2 | op=0x3b f3=0 f7=0x04 | alu | rd = uw(rs1) + rs2
          | Adds an unsigned 32-bit index.
sh1add    rd, rs1, rs2 | op=0x33 f3=2 f7=0x10 | alu | rd = (rs1 << 1) + rs2
          | Address of a 2-byte element.
sh2add    rd, rs1, rs2 | op=0x33 f3=4 f7=0x10 | alu | rd = (rs1 << 2) + rs2
          | Address of a 4-byte element.
sh3add    rd, rs1, rs2 | op=0x33 f3=6 f7=0x10 | alu | rd = (rs1 << 3) + rs2
          | Address of an 8-byte element.
sh1add.uw rd, rs1, rs2 | op=0x3b f3=2 f7=0x10 | alu | rd = (uw(rs1) << 1) + rs2
          | Address of a 2-byte element, unsigned 32-bit index.
sh2add.uw rd, rs1, rs2 | op=0x3b f3=4 f7=0x10 | alu | rd = (uw(rs1) << 2) + rs2
          | Address of a 4-byte element, unsigned 32-bit index.
sh3add.uw rd, rs1, rs2 | op=0x3b f3=6 f7=0x10 | alu | rd = (uw(rs1) << 3) + rs2
          | Address of an 8-byte element, unsigned 32-bit index.
slli.uw   rd, rs1, shamt6 | op=0x1b f3=1 f6=0x02 | alu | rd = uw(rs1) << imm
          | Shifts the low 32 bits left, zero-extended.
""")

_ZBB = table("Zbb", """
andn   rd, rs1, rs2 | op=0x33 f3=7 f7=0x20 | alu | rd = rs1 & ~rs2 | And with the complement.
orn    rd, rs1, rs2 | op=0x33 f3=6 f7=0x20 | alu | rd = rs1 \\| ~rs2 | Or with the complement.
xnor   rd, rs1, rs2 | op=0x33 f3=4 f7=0x20 | alu | rd = ~(rs1 ^ rs2)
       | Complement of exclusive or.
clz    rd, rs1 | op=0x13 f3=1 f12=0x600 | alu | rd = clz(rs1, 64) | Leading zeros.
ctz    rd, rs1 | op=0x13 f3=1 f12=0x601 | alu | rd = ctz(rs1, 64) | Trailing zeros.
cpop   rd, rs1 | op=0x13 f3=1 f12=0x602 | alu | rd = cpop(rs1) | Ones.
clzw   rd, rs1 | op=0x1b f3=1 f12=0x600 | alu | rd = clz(uw(rs1), 32)
       | Leading zeros, 32 bits.
ctzw   rd, rs1 | op=0x1b f3=1 f12=0x601 | alu | rd = ctz(uw(rs1), 32)
       | Trailing zeros, 32 bits.
cpopw  rd, rs1 | op=0x1b f3=1 f12=0x602 | alu | rd = cpop(uw(rs1)) | Ones, 32 bits.
max    rd, rs1, rs2 | op=0x33 f3=6 f7=0x05 | alu | rd = max(s(rs1), s(rs2))
       | Greater, signed.
maxu   rd, rs1, rs2 | op=0x33 f3=7 f7=0x05 | alu | rd = max(rs1, rs2) | Greater, unsigned.
min    rd, rs1, rs2 | op=0x33 f3=4 f7=0x05 | alu | rd = min(s(rs1), s(rs2))
       | Lesser, signed.
minu   rd, rs1, rs2 | op=0x33 f3=5 f7=0x05 | alu | rd = min(rs1, rs2) | Lesser, unsigned.
sext.b rd, rs1 | op=0x13 f3=1 f12=0x604 | alu | rd = sext(rs1, 8) | Sign-extends a byte.
sext.h rd, rs1 | op=0x13 f3=1 f12=0x605 | alu | rd = sext(rs1, 16) | Sign-extends 16 bits.
zext.h rd, rs1 | op=0x3b f3=4 f12=0x080 | alu | rd = rs1 & 0xffff | Zero-extends 16 bits.
rol    rd, rs1, rs2 | op=0x33 f3=1 f7=0x30 | alu | rd = rotl(rs1, rs2, 64) | Rotates left.
ror    rd, rs1, rs2 | op=0x33 f3=5 f7=0x30 | alu | rd = rotr(rs1, rs2, 64) | Rotates right.
rori   rd, rs1, shamt6 | op=0x13 f3=5 f6=0x18 | alu | rd = rotr(rs1, imm, 64)
       | Rotates right by a constant.
rolw   rd, rs1, rs2 | op=0x3b f3=1 f7=0x30 | alu | rd = w(rotl(uw(rs1), rs2, 32))
       | Rotates left, 32 bits.
rorw   rd, rs1, rs2 | op=0x3b f3=5 f7=0x30 | alu | rd = w(rotr(uw(rs1), rs2, 32))
       | Rotates right, 32 bits.
roriw  rd, rs1, shamt5 | op=0x1b f3=5 f7=0x30 | alu | rd = w(rotr(uw(rs1), imm, 32))
       | Rotates right by a constant, 32 bits.
orc.b  rd, rs1 | op=0x13 f3=5 f12=0x287 | alu | rd = orc(rs1)
       | All ones in every byte that is not zero.
rev8   rd, rs1 | op=0x13 f3=5 f12=0x6b8 | alu | rd = rev8(rs1) | Reverses the bytes.
""")

_ZBS = table("Zbs", """
bclr   rd, rs1, rs2 | op=0x33 f3=1 f7=0x24 | alu | rd = rs1 & ~bit(rs2) | Clears a bit.
bext   rd, rs1, rs2 | op=0x33 f3=5 f7=0x24 | alu | rd = rs1 >> (rs2 & 63) & 1
       | Extracts a bit.
binv   rd, rs1, rs2 | op=0x33 f3=1 f7=0x34 | alu | rd = rs1 ^ bit(rs2) | Inverts a bit.
bset   rd, rs1, rs2 | op=0x33 f3=1 f7=0x14 | alu | rd = rs1 \\| bit(rs2) | Sets a bit.
bclri  rd, rs1, shamt6 | op=0x13 f3=1 f6=0x12 | alu | rd = rs1 & ~bit(imm)
       | Clears a given bit.
bexti  rd, rs1, shamt6 | op=0x13 f3=5 f6=0x12 | alu | rd = rs1 >> imm & 1
       | Extracts a given bit.
binvi  rd, rs1, shamt6 | op=0x13 f3=1 f6=0x1a | alu | rd = rs1 ^ bit(imm)
       | Inverts a given bit.
bseti  rd, rs1, shamt6 | op=0x13 f3=1 f6=0x0a | alu | rd = rs1 \\| bit(imm)
       | Sets a given bit.
""")

_ZICOND = table("Zicond", """
czero.eqz rd, rs1, rs2 | op=0x33 f3=5 f7=0x07 | alu | rd = pick(rs2 == 0, 0, rs1)
          | Zero where the condition is zero, else the value.
czero.nez rd, rs1, rs2 | op=0x33 f3=7 f7=0x07 | alu | rd = pick(rs2 != 0, 0, rs1)
          | Zero where the condition is not zero, else the value.
""")

ROWS = _ZBA + _ZBB + _ZBS + _ZICOND
