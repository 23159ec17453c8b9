"""Zfhmin, Zfbfmin: moves and conversions of the 16-bit formats."""

from warpfive.isa.row import table

ROWS = table("Zfhmin", """
flh      fd, imm12(rs1) | op=0x07 f3=1 | lsu | fd = H.box(load(rs1 + imm, 2)) | Loads 16 bits.
fsh      fs2, simm12(rs1) | op=0x27 f3=1 | lsu | store(rs1 + imm, 2, fs2) | Stores 16 bits.
fmv.x.h  rd, fs1 | op=0x53 f7=0x72 rs2=0 f3=0 | alu | rd = sext(fs1, 16)
         | The low 16 bits as they are, sign-extended.
fmv.h.x  fd, rs1 | op=0x53 f7=0x7a rs2=0 f3=0 | alu | fd = H.box(rs1)
         | The low 16 bits as they are.
fcvt.s.h fd, fs1, rm | op=0x53 f7=0x20 rs2=2 | alu | fd = S.of(H, fs1, rm)
         | From binary16 to binary32.
fcvt.h.s fd, fs1, rm | op=0x53 f7=0x22 rs2=0 | alu | fd = H.of(S, fs1, rm)
         | From binary32 to binary16.
fcvt.d.h fd, fs1, rm | op=0x53 f7=0x21 rs2=2 | fp64 | fd = D.of(H, fs1, rm)
         | From binary16 to binary64.
fcvt.h.d fd, fs1, rm | op=0x53 f7=0x22 rs2=1 | fp64 | fd = H.of(D, fs1, rm)
         | From binary64 to binary16.
""") + table("Zfbfmin", """
fcvt.s.bf16 fd, fs1, rm | op=0x53 f7=0x20 rs2=6 | alu | fd = S.of(B, fs1, rm)
         | From bfloat16 to binary32.
fcvt.bf16.s fd, fs1, rm | op=0x53 f7=0x22 rs2=8 | alu | fd = B.of(S, fs1, rm)
         | From binary32 to bfloat16.
""")
