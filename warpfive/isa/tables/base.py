"""RV64I: integers, branches, loads and stores, the fence."""

from warpfive.isa.row import table

ROWS = table("I", """
lui    rd, imm20 | op=0x37 | alu | rd = imm | Loads a constant's upper part.
auipc  rd, imm20 | op=0x17 | alu | rd = pc + imm | Adds a constant's upper part to the pc.
jal    rd, target21 | op=0x6f | branch | rd = pc + 4; pc = pc + imm | Jumps and links.
jalr   rd, imm12(rs1) | op=0x67 f3=0 | branch | rd = pc + 4; pc = even(rs1 + imm)
       | Jumps to a register and links.
beq    rs1, rs2, target13 | op=0x63 f3=0 | branch | pc = pc + pick(rs1 == rs2, imm, 4)
       | Branches where equal.
bne    rs1, rs2, target13 | op=0x63 f3=1 | branch | pc = pc + pick(rs1 != rs2, imm, 4)
       | Branches where not equal.
blt    rs1, rs2, target13 | op=0x63 f3=4 | branch | pc = pc + pick(s(rs1) < s(rs2), imm, 4)
       | Branches where less, signed.
bge    rs1, rs2, target13 | op=0x63 f3=5 | branch | pc = pc + pick(s(rs1) >= s(rs2), imm, 4)
       | Branches where greater or equal, signed.
bltu   rs1, rs2, target13 | op=0x63 f3=6 | branch | pc = pc + pick(rs1 < rs2, imm, 4)
       | Branches where less, unsigned.
bgeu   rs1, rs2, target13 | op=0x63 f3=7 | branch | pc = pc + pick(rs1 >= rs2, imm, 4)
       | Branches where greater or equal, unsigned.
lb     rd, imm12(rs1) | op=0x03 f3=0 | lsu | rd = sext(load(rs1 + imm, 1), 8) | Loads a byte.
lh     rd, imm12(rs1) | op=0x03 f3=1 | lsu | rd = sext(load(rs1 + imm, 2), 16)
       | Loads 16 bits.
lw     rd, imm12(rs1) | op=0x03 f3=2 | lsu | rd = sext(load(rs1 + imm, 4), 32)
       | Loads 32 bits.
ld     rd, imm12(rs1) | op=0x03 f3=3 | lsu | rd = load(rs1 + imm, 8) | Loads 64 bits.
lbu    rd, imm12(rs1) | op=0x03 f3=4 | lsu | rd = load(rs1 + imm, 1)
       | Loads a byte, zero-extended.
lhu    rd, imm12(rs1) | op=0x03 f3=5 | lsu | rd = load(rs1 + imm, 2)
       | Loads 16 bits, zero-extended.
lwu    rd, imm12(rs1) | op=0x03 f3=6 | lsu | rd = load(rs1 + imm, 4)
       | Loads 32 bits, zero-extended.
sb     rs2, simm12(rs1) | op=0x23 f3=0 | lsu | store(rs1 + imm, 1, rs2) | Stores a byte.
sh     rs2, simm12(rs1) | op=0x23 f3=1 | lsu | store(rs1 + imm, 2, rs2) | Stores 16 bits.
sw     rs2, simm12(rs1) | op=0x23 f3=2 | lsu | store(rs1 + imm, 4, rs2) | Stores 32 bits.
sd     rs2, simm12(rs1) | op=0x23 f3=3 | lsu | store(rs1 + imm, 8, rs2) | Stores 64 bits.
addi   rd, rs1, imm12 | op=0x13 f3=0 | alu | rd = rs1 + imm | Adds a constant.
slti   rd, rs1, imm12 | op=0x13 f3=2 | alu | rd = s(rs1) < s(imm)
       | One where less than a constant, signed.
sltiu  rd, rs1, imm12 | op=0x13 f3=3 | alu | rd = rs1 < imm
       | One where less than a constant, unsigned.
xori   rd, rs1, imm12 | op=0x13 f3=4 | alu | rd = rs1 ^ imm | Exclusive or with a constant.
ori    rd, rs1, imm12 | op=0x13 f3=6 | alu | rd = rs1 \\| imm | Or with a constant.
andi   rd, rs1, imm12 | op=0x13 f3=7 | alu | rd = rs1 & imm | And with a constant.
slli   rd, rs1, shamt6 | op=0x13 f3=1 f6=0x00 | alu | rd = rs1 << imm | Shifts left.
srli   rd, rs1, shamt6 | op=0x13 f3=5 f6=0x00 | alu | rd = rs1 >> imm
       | Shifts right, zeros coming in.
srai   rd, rs1, shamt6 | op=0x13 f3=5 f6=0x10 | alu | rd = s(rs1) >> s(imm)
       | Shifts right, signs coming in.
add    rd, rs1, rs2 | op=0x33 f3=0 f7=0x00 | alu | rd = rs1 + rs2 | Sum.
sub    rd, rs1, rs2 | op=0x33 f3=0 f7=0x20 | alu | rd = rs1 - rs2 | Difference.
sll    rd, rs1, rs2 | op=0x33 f3=1 f7=0x00 | alu | rd = rs1 << (rs2 & 63) | Shifts left.
slt    rd, rs1, rs2 | op=0x33 f3=2 f7=0x00 | alu | rd = s(rs1) < s(rs2)
       | One where less, signed.
sltu   rd, rs1, rs2 | op=0x33 f3=3 f7=0x00 | alu | rd = rs1 < rs2 | One where less, unsigned.
xor    rd, rs1, rs2 | op=0x33 f3=4 f7=0x00 | alu | rd = rs1 ^ rs2 | Exclusive or.
srl    rd, rs1, rs2 | op=0x33 f3=5 f7=0x00 | alu | rd = rs1 >> (rs2 & 63)
       | Shifts right, zeros coming in.
sra    rd, rs1, rs2 | op=0x33 f3=5 f7=0x20 | alu | rd = s(rs1) >> s(rs2 & 63)
       | Shifts right, signs coming in.
or     rd, rs1, rs2 | op=0x33 f3=6 f7=0x00 | alu | rd = rs1 \\| rs2 | Or.
and    rd, rs1, rs2 | op=0x33 f3=7 f7=0x00 | alu | rd = rs1 & rs2 | And.
addiw  rd, rs1, imm12 | op=0x1b f3=0 | alu | rd = w(rs1 + imm) | Adds a constant, 32 bits.
slliw  rd, rs1, shamt5 | op=0x1b f3=1 f7=0x00 | alu | rd = w(rs1 << imm)
       | Shifts left, 32 bits.
srliw  rd, rs1, shamt5 | op=0x1b f3=5 f7=0x00 | alu | rd = w(uw(rs1) >> imm)
       | Shifts right, zeros coming in, 32 bits.
sraiw  rd, rs1, shamt5 | op=0x1b f3=5 f7=0x20 | alu | rd = w(s(w(rs1)) >> s(imm))
       | Shifts right, signs coming in, 32 bits.
addw   rd, rs1, rs2 | op=0x3b f3=0 f7=0x00 | alu | rd = w(rs1 + rs2) | Sum, 32 bits.
subw   rd, rs1, rs2 | op=0x3b f3=0 f7=0x20 | alu | rd = w(rs1 - rs2) | Difference, 32 bits.
sllw   rd, rs1, rs2 | op=0x3b f3=1 f7=0x00 | alu | rd = w(rs1 << (rs2 & 31))
       | Shifts left, 32 bits.
srlw   rd, rs1, rs2 | op=0x3b f3=5 f7=0x00 | alu | rd = w(uw(rs1) >> (rs2 & 31))
       | Shifts right, zeros coming in, 32 bits.
sraw   rd, rs1, rs2 | op=0x3b f3=5 f7=0x20 | alu | rd = w(s(w(rs1)) >> s(rs2 & 31))
       | Shifts right, signs coming in, 32 bits.
fence  fence8 | op=0x0f f3=0 rd=0 rs1=0 f4=0 | system | fence()
       | Orders the lane's memory accesses before it against those after it.
fence.tso | op=0x0f f3=0 rd=0 rs1=0 f12=0x833 | system | fence()
       | Orders all but stores before loads after.
""")
