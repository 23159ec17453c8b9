"""Zicsr, Zifencei and the calls into the environment."""

from warpfive.isa.row import table

ROWS = table("I", """
ecall  | op=0x73 f3=0 rd=0 rs1=0 f12=0 | system | trap(3) | Calls the environment; a trap here.
ebreak | op=0x73 f3=0 rd=0 rs1=0 f12=1 | system | trap(2) | Stops the launch with a trap.
unimp  | op=0x73 f3=1 rd=0 rs1=0 f12=0xc00 | system | trap(3)
       | The conventional illegal instruction.
""") + table("Zifencei", """
fence.i | op=0x0f f3=1 rd=0 rs1=0 f12=0 | system | fence() | Orders stores against fetches.
""") + table("Zicsr", """
csrrw  rd, csr, rs1 | op=0x73 f3=1 | system | rd = read_csr(csr); write_csr(csr, rs1)
       | Exchanges a control register.
csrrs  rd, csr, rs1 | op=0x73 f3=2 | system | rd = read_csr(csr); write_csr(csr, rd \\| rs1)
       | Reads a control register and sets bits of it.
csrrc  rd, csr, rs1 | op=0x73 f3=3 | system | rd = read_csr(csr); write_csr(csr, rd & ~rs1)
       | Reads a control register and clears bits of it.
csrrwi rd, csr, zimm5 | op=0x73 f3=5 | system | rd = read_csr(csr); write_csr(csr, imm)
       | Exchanges a control register for a constant.
csrrsi rd, csr, zimm5 | op=0x73 f3=6 | system | rd = read_csr(csr); write_csr(csr, rd \\| imm)
       | Reads a control register and sets constant bits.
csrrci rd, csr, zimm5 | op=0x73 f3=7 | system | rd = read_csr(csr); write_csr(csr, rd & ~imm)
       | Reads a control register and clears constant bits.
""")
