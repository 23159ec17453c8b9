"""Xwarp's own arithmetic on the reference, against NumPy and plain Python."""

import ctypes

import numpy as np
import pytest

from warpfive.isa import assemble
from warpfive.isa.reference import Launch, Segments, Slot, run_grid

from .machine import Run, run

F32 = np.float32


def over_lanes(text: str, *columns: np.ndarray) -> np.ndarray:
    """Runs text in each lane; a1, a2, a3 (fa1 ...) come from columns of 64 bits, a4 is stored."""
    names = [f"ld a{at}, {256 * at}(t1)\n fld fa{at}, {256 * at}(t1)" for at in (1, 2, 3)]
    load = "\n".join(names[: len(columns)])
    data = b"".join([bytes(256), *(np.asarray(each).tobytes() for each in columns)])
    kernel = f"wf.sr t0, tid.x\n sh3add t1, t0, a0\n {load}\n {text}\n sd a4, (t1)\n ret"
    return Run(kernel, data)()[:32]


def random_words(seed: int, count: int) -> list[np.ndarray]:
    draw = np.random.default_rng(seed)
    return [draw.integers(0, 2**64, 32, np.uint64, endpoint=False) for _ in range(count)]


def signed(value: int) -> int:
    return (value & 0xFFFFFFFF ^ 0x80000000) - 0x80000000


def byte_permute(a: int, b: int, c: int) -> int:
    source = (b << 32 | a & 0xFFFFFFFF).to_bytes(16, "little")
    picks = [c >> 4 * place & 15 for place in range(4)]
    spread = [255 * (source[pick & 7] >> 7) if pick & 8 else source[pick & 7] for pick in picks]
    return int.from_bytes(bytes(spread), "little")


def dot(a: int, b: int, c: int, is_signed: bool) -> int:
    octets = ((value & 0xFFFFFFFF).to_bytes(4, "little") for value in (a, b))
    x, y = ([o - 256 * (is_signed and o > 127) for o in word] for word in octets)
    return c + sum(p * q for p, q in zip(x, y, strict=True))


@pytest.mark.parametrize(
    "name, expected",
    [
        ("wf.prmt", byte_permute),
        ("wf.shf.l", lambda a, b, c: (b << 32 | a & 0xFFFFFFFF) << (c & 31) >> 32),
        ("wf.shf.r", lambda a, b, c: ((b & 0xFFFFFFFF) << 32 | a & 0xFFFFFFFF) >> (c & 31)),
        ("wf.dp4a.s", lambda a, b, c: dot(a, b, c, True)),
        ("wf.dp4a.u", lambda a, b, c: dot(a, b, c, False)),
    ],
)
def test_words_of_three_operands(name, expected):
    columns = random_words(7, 3)
    found = over_lanes(f"{name} a4, a1, a2, a3", *columns).astype(np.int64)
    operands = zip(*(column.tolist() for column in columns), strict=True)
    assert found.tolist() == [signed(expected(*each)) for each in operands]


def test_bits_in_reverse():
    (column,) = random_words(8, 1)
    found = over_lanes("wf.brev.d a4, a1", column)
    assert [f"{v:064b}" for v in found.tolist()] == [f"{v:064b}"[::-1] for v in column.tolist()]
    found = over_lanes("wf.brev.w a4, a1", column).astype(np.int64)
    backwards = [signed(int(f"{v & 0xFFFFFFFF:032b}"[::-1], 2)) for v in column.tolist()]
    assert found.tolist() == backwards


SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 0.5, 2.0, 1e-40, 3e38, -3.0, 100.0]


@pytest.mark.parametrize(
    "name, function",
    [
        ("ex2", np.exp2), ("lg2", np.log2), ("sin", np.sin), ("cos", np.cos),
        ("rcp", np.reciprocal), ("rsqrt", lambda x: 1 / np.sqrt(x)), ("sqrt", np.sqrt),
        ("tanh", np.tanh),
    ],
)  # fmt: skip
def test_approximations_round_the_exact_value(name, function):
    values = np.array(SPECIAL + list(np.linspace(-9, 9, 32 - len(SPECIAL))), F32)
    boxed = values.view(np.uint32).astype(np.uint64) | np.uint64(0xFFFFFFFF00000000)
    found = over_lanes(f"wf.{name} fa4, fa1\n fmv.x.w a4, fa4", boxed)
    with np.errstate(all="ignore"):
        expected = function(values.astype(np.float64)).astype(F32)
    found = found.astype(np.uint32).view(F32)
    assert np.array_equal(found, expected, equal_nan=True)
    assert np.array_equal(np.signbit(found), np.signbit(expected) & ~np.isnan(expected))


def box(values: np.ndarray) -> np.ndarray:
    """Register contents of narrow values."""
    bits = values.view(f"u{values.itemsize}").astype(np.uint64)
    return bits | np.uint64(2**64 - 2 ** (8 * values.itemsize))


def tile_product(name: str, c: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The rows of 32 registers of C after a tile product of register rows."""
    registers = [*zip(range(8), c, strict=True), *zip(range(10, 18), a, strict=False),
                 *zip(range(18, 26), b, strict=False)]  # fmt: skip
    lines = [f"fld f{number}, (t2)\n addi t2, t2, 256" for number, _ in registers]
    stores = [f"fsd f{number}, {256 * number}(t1)" for number in range(8)]
    text = ["wf.sr t0, laneid", "sh3add t1, t0, a0", "mv t2, t1", *lines]
    text += [f"{name} ft0, fa0, fs2", *stores, "ret"]
    data = b"".join(row.tobytes() for _, row in registers)
    return Run("\n".join(text), data)()[:256].reshape(8, 32)


def bfloat(values: np.ndarray) -> np.ndarray:
    """The upper halves of float32: bfloat16 bits of numbers that are exact in it."""
    return (values.astype(F32).view(np.uint32) >> 16).astype(np.uint16)


@pytest.mark.parametrize("name", ["f32.f16", "f32.bf16", "f16.f16", "s32.s8", "s32.u8"])
def test_tile_products(name):
    draw = np.random.default_rng(3)
    low = 0 if name.endswith("u8") else -8
    a, b, c = (draw.integers(low, 9, (16, 16)) for _ in range(3))
    wide, narrow = name.split(".")
    kinds = {"f32": F32, "f16": np.float16, "s32": np.int32, "s8": np.int32, "u8": np.int32}
    rows = [box(bfloat(m)) if narrow == "bf16" else box(m.astype(kinds[narrow])) for m in (a, b)]
    found = tile_product(
        f"wf.mma.{name}", box(c.astype(kinds[wide])).reshape(8, 32),
        rows[0].reshape(8, 32), rows[1].reshape(8, 32),
    )  # fmt: skip
    bits = found.astype(f"u{np.dtype(kinds[wide]).itemsize}").view(kinds[wide])
    assert (bits.reshape(16, 16) == c + a @ b).all()


def test_tile_products_of_tf32_leave_out_the_low_bits():
    draw = np.random.default_rng(4)
    a = draw.integers(-8, 9, (16, 8)).astype(F32)
    b = draw.integers(-8, 9, (8, 16)).astype(F32)
    c = draw.integers(-8, 9, (16, 16)).astype(F32)
    noisy = (a.view(np.uint32) | np.uint32(0x1FFF)).view(F32)
    found = tile_product(
        "wf.mma.f32.tf32", box(c).reshape(8, 32), box(noisy).reshape(4, 32), box(b).reshape(4, 32)
    )
    assert (found.astype(np.uint32).view(F32).reshape(16, 16) == c + a @ b).all()


def test_pairs_of_halves_add_in_memory():
    out = run("""
        li a1, 0x3c003800     # 1.0, 0.5
        wf.amoadd.h2 a2, a1, (a0)
        ret
    """)
    low, high = (np.uint16(out[0] >> shift & 0xFFFF).view(np.float16) for shift in (0, 16))
    assert (low, high) == (16.0, 32.0)


def test_pairs_of_registers_compare_and_swap():
    out = run("""
        wf.sr t0, laneid
        bnez t0, end
        li a2, 0
        li a3, 0
        li a4, 7
        li a5, 9
        amocas.q a2, a4, (a0)
        sd a2, 16(a0)
        sd a3, 24(a0)
        amocas.q a2, a4, (a0)
        sd a2, 32(a0)
        sd a3, 40(a0)
    end: ret
    """)
    assert out[:6].tolist() == [7, 9, 0, 0, 7, 9]


def test_it_runs_on_this_process_own_memory():
    code = assemble("li a1, 5\n sd a1, (a0)\n ret")
    room = (ctypes.c_ubyte * 256)()
    base = (ctypes.addressof(room) + 15) // 16 * 16
    ctypes.memmove(base, code, len(code))
    memory = Segments()
    memory.share(base, 128)
    slot = Slot(shared=0, stack=0)
    launch = Launch(entry=base, grid=(1, 1, 1), block=(1, 1, 1), slots=(slot,), args=base + 64)
    counts = run_grid(launch, memory)
    assert ctypes.c_uint64.from_address(base + 64).value == 5
    assert counts.steps == 3
