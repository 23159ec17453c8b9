"""Words and the instructions they mean."""

from itertools import combinations

import pytest

from warpfive.isa import ROWS, decode

INTENDED_OVERLAPS = {("csrrw", "unimp")}


def test_no_two_rows_share_a_word():
    found = {
        tuple(sorted((a.name, b.name)))
        for a, b in combinations(ROWS, 2)
        if (a.match ^ b.match) & a.mask & b.mask == 0
    }
    assert found == INTENDED_OVERLAPS


def test_names_are_unique():
    assert len({row.name for row in ROWS}) == len(ROWS)


def test_operands_lie_outside_the_fixed_bits_and_cover_the_rest():
    for row in ROWS:
        word = row.mask
        for operand in row.operands:
            bits = operand.insert(-1 << operand.shift) if operand.signed else 0
            bits = bits or operand.insert(((1 << operand.width) - 1) << operand.shift)
            assert word & bits == 0, row.name
            word |= bits
        assert word == 0xFFFFFFFF, row.name


@pytest.mark.parametrize(
    "word, name, fields",
    [
        (0xFFF50513, "addi", {"rd": 10, "rs1": 10, "imm": -1}),
        (0xFE000EE3, "beq", {"imm": -4}),
        (0x12345537, "lui", {"rd": 10, "imm": 0x12345000}),
        (0x80000537, "lui", {"rd": 10, "imm": -0x80000000}),
        (0xFEB52E23, "sw", {"rs1": 10, "rs2": 11, "imm": -4}),
        (0x06B5252F, "amoadd.w", {"rd": 10, "rs1": 10, "rs2": 11, "aq": 1, "rl": 1}),
        (0x00C5F553, "fadd.s", {"rd": 10, "rs1": 11, "rs2": 12, "rm": 7}),
        (0x0170050B, "wf.sr", {"rd": 10, "imm": 23}),
        (0x68C5852B, "wf.shfl.idx", {"rd": 10, "rs1": 11, "rs2": 12, "rs3": 13}),
    ],
)
def test_decode(word, name, fields):
    found = decode(word)
    assert found.name == name
    for field, value in fields.items():
        assert getattr(found, field) == value


@pytest.mark.parametrize("word", [0, 0xFFFFFFFF, 0x00C5D553, 0x0200050B, 0x00004501])
def test_unknown_words_are_none(word):
    assert decode(word) is None


def test_registers_read_and_written():
    fadd = decode(0x00C5F553)
    assert fadd.reads == (("f", 11), ("f", 12))
    assert fadd.writes == (("f", 10),)
    store = decode(0xFEB52E23)
    assert set(store.reads) == {("x", 10), ("x", 11)}
    assert store.writes == ()
    assert decode(0x00000013).writes == ()


def test_a_tile_product_reads_and_writes_groups_of_eight():
    product = decode(0x7B | 10 << 15 | 18 << 20)
    assert product.name == "wf.mma.f32.f16"
    assert product.writes == tuple(("f", number) for number in range(8))
    assert set(product.reads) == {("f", n) for n in (*range(8), *range(10, 26))}
