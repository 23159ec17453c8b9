"""Text to words and back, with LLVM's assembler as the judge."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warpfive.errors import InputError
from warpfive.isa import ROWS, Row, assemble, decode, disassemble, encode, labels_of

from .llvm import words_of

STANDARD = [row for row in ROWS if row.extension != "Xwarp"]


def random_fields(row: Row, draw: random.Random) -> dict[str, int]:
    """A value for every operand of the row, edges more often than not."""
    fields = {}
    for operand in row.operands:
        bits = draw.choice([0, -1, draw.getrandbits(32)]) & (1 << operand.width) - 1
        if operand.name == "rm":
            bits = draw.choice([0, 1, 2, 3, 4, 7])
        if operand.name == "sreg":
            bits %= 31
        if operand.name == "fence8":
            bits |= 0x11
        if operand.count > 1:
            bits = bits & 30 if operand.count == 2 else bits % (33 - operand.count)
        if operand.signed and bits >> operand.width - 1:
            bits -= 1 << operand.width
        fields[operand.slot] = bits << operand.shift
    return fields


def random_words(row: Row, count: int) -> list[int]:
    draw = random.Random(row.name)
    return [encode(row.name, **random_fields(row, draw)) for _ in range(count)]


@pytest.mark.parametrize("extension", sorted({row.extension for row in STANDARD}))
def test_llvm_reads_our_text_as_the_same_words(extension):
    rows = [row for row in STANDARD if row.extension == extension]
    words = [word for row in rows for word in random_words(row, 12)]
    lines = [disassemble(word) for word in words]
    for word, line, theirs in zip(words, lines, words_of(lines), strict=True):
        assert theirs == word, line


def test_text_of_every_row_assembles_to_its_word():
    for row in ROWS:
        for word in random_words(row, 12):
            text = disassemble(word)
            assert assemble(text) == word.to_bytes(4, "little"), text


@given(st.integers(0, 2**32 - 1))
def test_decoded_words_encode_to_themselves(word):
    found = decode(word)
    if found is not None:
        fields = {operand.slot: getattr(found, operand.slot) for operand in found.row.operands}
        assert encode(found.name, **fields) == word


@given(st.integers(-(2**63), 2**64 - 1))
def test_constants_of_any_size_load(value):
    code = assemble(f"li a0, {value}")
    register = 0
    for at in range(0, len(code), 4):
        step = decode(int.from_bytes(code[at : at + 4], "little"))
        before = 0 if step.rs1 == 0 else register
        if step.name == "slli":
            register = before << step.imm
        elif step.name == "addiw":
            register = (before + step.imm + 2**31) % 2**32 - 2**31
        else:
            assert step.name in ("lui", "addi")
            register = before + step.imm
        register %= 2**64
    assert register == value % 2**64


PSEUDO = """\
nop
mv a0, a1
not a0, a1
neg a0, a1
negw a0, a1
sext.w a0, a1
zext.w a0, a1
seqz a0, a1
snez a0, a1
sltz a0, a1
sgtz a0, a1
beqz a0, 16
bnez a0, -16
blez a0, 16
bgtz a0, 16
bgt a0, a1, 16
ble a0, a1, 16
bgtu a0, a1, 16
bleu a0, a1, 16
sgt a0, a1, a2
j 64
jal 64
jr a0
jalr a0
ret
fmv.s fa0, fa1
fneg.d fa0, fa1
fabs.h fa0, fa1
fgt.s a0, fa1, fa2
fge.d a0, fa1, fa2
fence
pause
rdcycle a0
csrr a0, fcsr
csrw fcsr, a0
csrwi frm, 3
fadd.s fa0, fa1, fa2
fcvt.w.s a0, fa0, rtz
fcvt.d.w fa0, a0
amoadd.w.aqrl a0, a1, (a2)
lw a0, (a1)
lw a0, -8(sp)
li a0, -2048
lui a0, 0xfffff
unimp
"""


def test_pseudo_instructions_mean_what_llvm_means():
    lines = PSEUDO.splitlines()
    for line, word in zip(lines, words_of(lines), strict=True):
        assert assemble(line) == word.to_bytes(4, "little"), line


def test_labels_data_and_comments():
    code = """
    start:  la a0, data        # address
            beqz a0, end
            call end
            j start
    end:    ret
            .balign 8
    data:   .dword -1, 2
            .word 0x1234
            .byte 1, 2
            .zero 2
    """
    labels = labels_of(code, base=0x1000)
    assert labels == {"start": 0x1000, "end": 0x1018, "data": 0x1020}
    image = assemble(code, base=0x1000)
    assert image[0x20:] == bytes.fromhex("ffffffffffffffff0200000000000000341200000102") + bytes(2)
    words = [int.from_bytes(image[at : at + 4], "little") for at in range(0, 0x1C, 4)]
    texts = [disassemble(word, 0x1000 + 4 * index) for index, word in enumerate(words)]
    assert texts == [
        "auipc a0, 0", "addi a0, a0, 32", "beqz a0, 0x1018", "auipc ra, 0",
        "jalr ra, 12(ra)", "j 0x1000", "ret",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "line, message",
    [
        ("frob a0", "assembly line 1, 'frob a0': there is no instruction 'frob'; "
                    "docs/isa.md lists them all"),
        ("addi a0, a0, 2048", "assembly line 1, 'addi a0, a0, 2048': "
                              "addi rd, rs1, imm12: imm12 cannot hold 2048"),
        ("add a0, a1", "assembly line 1, 'add a0, a1': the operands of add are rd, rs1, rs2"),
        ("j nowhere", "assembly line 1, 'j nowhere': 'nowhere' is neither a number nor a label"),
    ],
)  # fmt: skip
def test_errors_name_the_line_and_the_rule(line, message):
    with pytest.raises(InputError) as error:
        assemble(line)
    assert str(error.value) == message


def test_words_that_are_no_instruction_become_data():
    assert disassemble(0xFFFFFFFF) == ".word 0xffffffff"
    assert assemble(".word 0xffffffff") == b"\xff" * 4
