"""Pseudo-instructions: other spellings of an instruction, used both ways.

The assembler expands them; the disassembler prints the first whose expansion fits.
"""

_FLOAT = """
fmv.{t} fd, fs1 | fsgnj.{t} fd, fs1, fs1
fneg.{t} fd, fs1 | fsgnjn.{t} fd, fs1, fs1
fabs.{t} fd, fs1 | fsgnjx.{t} fd, fs1, fs1
"""

_TABLE = """
nop | addi zero, zero, 0
li rd, imm12 | addi rd, zero, imm12
mv rd, rs1 | addi rd, rs1, 0
not rd, rs1 | xori rd, rs1, -1
neg rd, rs2 | sub rd, zero, rs2
negw rd, rs2 | subw rd, zero, rs2
sext.w rd, rs1 | addiw rd, rs1, 0
zext.w rd, rs1 | add.uw rd, rs1, zero
zext.b rd, rs1 | andi rd, rs1, 255
seqz rd, rs1 | sltiu rd, rs1, 1
snez rd, rs2 | sltu rd, zero, rs2
sltz rd, rs1 | slt rd, rs1, zero
sgtz rd, rs2 | slt rd, zero, rs2
beqz rs1, target13 | beq rs1, zero, target13
bnez rs1, target13 | bne rs1, zero, target13
blez rs2, target13 | bge zero, rs2, target13
bgez rs1, target13 | bge rs1, zero, target13
bltz rs1, target13 | blt rs1, zero, target13
bgtz rs2, target13 | blt zero, rs2, target13
j target21 | jal zero, target21
jal target21 | jal ra, target21
ret | jalr zero, 0(ra)
jr rs1 | jalr zero, 0(rs1)
jalr rs1 | jalr ra, 0(rs1)
fence | fence 255
pause | fence 16
rdcycle rd | csrrs rd, cycle, zero
rdtime rd | csrrs rd, time, zero
rdinstret rd | csrrs rd, instret, zero
csrr rd, csr | csrrs rd, csr, zero
csrw csr, rs1 | csrrw zero, csr, rs1
csrs csr, rs1 | csrrs zero, csr, rs1
csrc csr, rs1 | csrrc zero, csr, rs1
csrwi csr, zimm5 | csrrwi zero, csr, zimm5
csrsi csr, zimm5 | csrrsi zero, csr, zimm5
csrci csr, zimm5 | csrrci zero, csr, zimm5
"""

SWAPPED = {
    "bgt": "blt", "ble": "bge", "bgtu": "bltu", "bleu": "bgeu", "sgt": "slt", "sgtu": "sltu",
    **{f"f{name}.{t}": f"f{other}.{t}" for t in "sdh"
       for name, other in (("gt", "lt"), ("ge", "le"))},
}  # fmt: skip
"""Comparisons that another does with its two sources exchanged; read, never printed."""

PSEUDOS: tuple[tuple[str, str], ...] = tuple(
    (form.strip(), expansion.strip())
    for form, expansion in (
        line.split("|")
        for line in (_TABLE + "".join(_FLOAT.format(t=t) for t in "sdh")).splitlines()
        if line
    )
)
"""(form, expansion) pairs, in operands of the expansion's row."""
