"""M: products, quotients and remainders of integers."""

from warpfive.isa.row import table

ROWS = table("M", """
mul    rd, rs1, rs2 | op=0x33 f3=0 f7=0x01 | mul | rd = rs1 * rs2
       | Low 64 bits of the product.
mulh   rd, rs1, rs2 | op=0x33 f3=1 f7=0x01 | mul | rd = mulh(s(rs1), s(rs2))
       | High 64 bits of the signed product.
mulhsu rd, rs1, rs2 | op=0x33 f3=2 f7=0x01 | mul | rd = mulh(s(rs1), rs2)
       | High 64 bits of the product, signed by unsigned.
mulhu  rd, rs1, rs2 | op=0x33 f3=3 f7=0x01 | mul | rd = mulh(rs1, rs2)
       | High 64 bits of the unsigned product.
div    rd, rs1, rs2 | op=0x33 f3=4 f7=0x01 | mul | rd = div(s(rs1), s(rs2))
       | Signed quotient; by zero -1.
divu   rd, rs1, rs2 | op=0x33 f3=5 f7=0x01 | mul | rd = div(rs1, rs2)
       | Unsigned quotient; by zero all ones.
rem    rd, rs1, rs2 | op=0x33 f3=6 f7=0x01 | mul | rd = rem(s(rs1), s(rs2))
       | Signed remainder; by zero the dividend.
remu   rd, rs1, rs2 | op=0x33 f3=7 f7=0x01 | mul | rd = rem(rs1, rs2)
       | Unsigned remainder; by zero the dividend.
mulw   rd, rs1, rs2 | op=0x3b f3=0 f7=0x01 | mul | rd = w(rs1 * rs2) | Product, 32 bits.
divw   rd, rs1, rs2 | op=0x3b f3=4 f7=0x01 | mul | rd = w(div(s(w(rs1)), s(w(rs2))))
       | Signed quotient, 32 bits.
divuw  rd, rs1, rs2 | op=0x3b f3=5 f7=0x01 | mul | rd = w(div(uw(rs1), uw(rs2)))
       | Unsigned quotient, 32 bits.
remw   rd, rs1, rs2 | op=0x3b f3=6 f7=0x01 | mul | rd = w(rem(s(w(rs1)), s(w(rs2))))
       | Signed remainder, 32 bits.
remuw  rd, rs1, rs2 | op=0x3b f3=7 f7=0x01 | mul | rd = w(rem(uw(rs1), uw(rs2)))
       | Unsigned remainder, 32 bits.
""")
