"""Inline PTX: what every supported instruction means, run on the slow reference, and refusals."""

import struct

import numpy as np
import pytest

from warpfive.compiler import assembly

from .device_machine import Machine

A, B, C = 0x8F3A_5C71, 0x1234_ABCD, 0x0000_0013


def signed(value: int, bits: int = 32) -> int:
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def bits_of(value: float) -> int:
    return struct.unpack("<I", struct.pack("<f", value))[0]


def prmt(a: int, b: int, selector: int) -> int:
    data = (a | b << 32).to_bytes(8, "little")
    picked = []
    for place in range(4):
        nibble = selector >> 4 * place & 15
        byte = data[nibble & 7]
        picked.append((255 if byte & 128 else 0) if nibble & 8 else byte)
    return int.from_bytes(bytes(picked), "little")


# PTX on %1 = A, %2 = B, %3 = C, and the 32 bits of %0 that it must give
WORDS = [
    ("add.u32 %0, %1, %2;", A + B),
    ("sub.s32 %0, %1, %2;", A - B),
    ("mul.lo.u32 %0, %1, %2;", A * B),
    ("mul.hi.u32 %0, %1, %2;", A * B >> 32),
    ("mul.hi.s32 %0, %1, %2;", signed(A) * B >> 32),
    ("mad.lo.s32 %0, %1, %2, %3;", A * B + C),
    ("mad.hi.u32 %0, %1, %2, %3;", (A * B >> 32) + C),
    ("mul24.lo.u32 %0, %1, %2;", (A & 0xFFFFFF) * (B & 0xFFFFFF)),
    ("div.s32 %0, %1, %3;", -(-signed(A) // C)),
    ("rem.u32 %0, %1, %3;", A % C),
    ("min.s32 %0, %1, %2;", A),
    ("max.u32 %0, %1, %2;", A),
    ("abs.s32 %0, %1;", -signed(A)),
    ("neg.s32 %0, %2;", -B),
    ("sad.u32 %0, %1, %2, %3;", A - B + C),
    ("and.b32 %0, %1, %2;", A & B),
    ("xor.b32 %0, %1, 0xFF;", A ^ 0xFF),
    ("not.b32 %0, %1;", ~A),
    ("shl.b32 %0, %1, %3;", A << C),
    ("shl.b32 %0, %1, 40;", 0),
    ("shr.u32 %0, %1, %3;", A >> C),
    ("shr.s32 %0, %1, 99;", -1),
    ("shf.l.wrap.b32 %0, %1, %2, %3;", (B << 32 | A) << C >> 32),
    ("shf.r.clamp.b32 %0, %1, %2, 8;", (B << 32 | A) >> 8),
    ("lop3.b32 %0, %1, %2, %3, 0xE8;", (A & B) | (A & C) | (B & C)),
    ("prmt.b32 %0, %1, %2, 0x7250;", prmt(A, B, 0x7250)),
    ("prmt.b32 %0, %1, %2, 0x8B4C;", prmt(A, B, 0x8B4C)),
    ("bfe.u32 %0, %1, 8, 12;", A >> 8 & 0xFFF),
    ("bfe.s32 %0, %1, 24, 20;", signed(A) >> 24),
    ("bfi.b32 %0, %2, %1, 4, 8;", A & ~0xFF0 | (B & 0xFF) << 4),
    ("bfind.u32 %0, %2;", B.bit_length() - 1),
    ("bfind.shiftamt.s32 %0, %1;", 32 - (~A & 0xFFFFFFFF).bit_length()),
    ("brev.b32 %0, %1;", int(f"{A:032b}"[::-1], 2)),
    ("popc.b32 %0, %1;", A.bit_count()),
    ("clz.b32 %0, %2;", 32 - B.bit_length()),
    ("dp4a.u32.u32 %0, %1, %2, %3;",
     sum(x * y for x, y in zip(A.to_bytes(4, "little"), B.to_bytes(4, "little"), strict=True)) + C),
    ("{.reg .pred p; setp.lt.s32 p, %1, %2; selp.b32 %0, %2, %3, p;}", B),
    ("{.reg .pred p, q; setp.eq.u32 p|q, %1, %2; @p mov.u32 %0, 1; @q mov.u32 %0, 2;}", 2),
    ("{.reg .pred p; setp.ne.and.u32 p, %3, 0, 0; @!p mov.b32 %0, 5;}", 5),
    ("{.reg .u32 t<2>; add.cc.u32 t0, %1, %1; addc.u32 %0, %3, 0;}", C + 1),
    ("{.reg .u32 t; sub.cc.u32 t, %2, %1; subc.u32 %0, %3, 1;}", C - 2),
    ("{.reg .u32 t; mad.lo.cc.u32 t, %1, %2, %1; madc.hi.u32 %0, %1, %2, 0;}", (A * B + A) >> 32),
    ("{.reg .b64 w; mul.wide.u32 w, %1, %2; mov.b64 {_, %0}, w;}", A * B >> 32),
    ("{.reg .b16 l, h; mov.b32 {l, h}, %1; mov.b32 %0, {h, l};}", A << 16 | A >> 16),
    ("cvt.u32.u8 %0, %1;", A & 0xFF),
    ("cvt.s32.s8 %0, %2;", signed(B, 8)),
    ("{.reg .f32 f; cvt.rn.f32.s32 f, %3; mov.b32 %0, f;}", bits_of(19.0)),
    ("{.reg .f32 f; mov.f32 f, 0fC0333333; cvt.rni.s32.f32 %0, f;}", -3),
    ("{.reg .f32 f; mov.f32 f, 0fC0333333; cvt.rzi.u32.f32 %0, f;}", 0),
    ("{.reg .f32 f, g; cvt.rn.f32.u32 f, %3; fma.rn.f32 g, f, f, 0f3F800000; mov.b32 %0, g;}",
     bits_of(362.0)),
    ("{.reg .b16 h; .reg .f32 f; mov.f32 f, 0f3FC00000; cvt.rn.f16.f32 h, f; mov.b32 %0, {h, h};}",
     0x3E003E00),
    ("{.reg .f32 f; mov.f32 f, 0f3F803000; cvt.rna.tf32.f32 %0, f;}", 0x3F804000),
    ("{.reg .f32 f, g; mov.f32 f, 1.5; mov.f32 g, -2.0; cvt.rn.bf16x2.f32 %0, f, g;}", 0x3FC0C000),
]  # fmt: skip


def test_instructions_of_words():
    body = "".join(
        f'asm volatile("{text}" : "=r"(r) : "r"(a), "r"(b), "r"(c)); out[{place}] = r;\n'
        for place, (text, _) in enumerate(WORDS)
    )
    head = "__global__ void k(unsigned* out, unsigned a, unsigned b, unsigned c) { unsigned r;\n"
    out = np.zeros(len(WORDS), np.uint32)
    Machine(head + body + "}")("k", out, np.uint32(A), np.uint32(B), np.uint32(C), threads=1)
    for (text, expected), found in zip(WORDS, out.tolist(), strict=True):
        assert found == expected & 0xFFFFFFFF, text


WARP = r"""
#include <stdint.h>
__global__ void k(unsigned* out, float* real) {
  __shared__ __align__(16) unsigned room[64];
  unsigned lane, r, s;
  asm("mov.u32 %0, %%laneid;" : "=r"(lane));
  const uint32_t place = (uint32_t)__cvta_generic_to_shared(room + lane);
  asm volatile("st.shared.u32 [%0], %1; st.shared.u32 [%0+128], %1;" :: "r"(place), "r"(lane * 3)
               : "memory");
  asm volatile("bar.sync 0;");
  asm volatile("ld.shared.b32 %0, [%1+4];" : "=r"(out[lane]) : "r"(place));
  asm volatile("shfl.sync.up.b32 %0, %1, 2, 0, 0xffffffff;" : "=r"(out[32 + lane]) : "r"(lane));
  asm volatile("{.reg .pred p; shfl.sync.down.b32 %0|p, %1, 1, 0x181f, -1; @!p mov.b32 %0, 99;}"
               : "=r"(out[64 + lane]) : "r"(lane));
  asm volatile("{.reg .pred p; setp.gt.u32 p, %1, 20; vote.sync.ballot.b32 %0, p, 0xffffffff;}"
               : "=r"(out[96 + lane]) : "r"(lane));
  asm volatile("redux.sync.add.u32 %[sum], %[lane], 0xffffffff;"
               : [sum] "=r"(out[128 + lane]) : [lane] "r"(lane));
  asm volatile("red.global.add.u32 [%0], %1;" :: "l"(out + 160), "r"(lane) : "memory");
  asm volatile("atom.global.max.u32 %0, [%1], %2;" : "=r"(r) : "l"(out + 161), "r"(lane));
  asm volatile("ld.global.nc.v2.f32 {%0, %1}, [%2];"
               : "=f"(real[2 + 2 * lane]), "=f"(real[3 + 2 * lane]) : "l"(real));
  asm volatile("st.global.cs.v2.b32 [%0], {%1, %2};" :: "l"(out + 162), "r"(7), "r"(8u) : "memory");
  asm volatile("mov.u32 %0, %%ntid.x; mov.u32 %1, %%ctaid.y;" : "=r"(r), "=r"(s));
  out[164] = r * 10 + s;
}
"""


def test_memory_and_warps():
    out, real = np.zeros(165, np.uint32), np.zeros(66, np.float32)
    real[:2] = 1.5, -2.5
    Machine(WARP)("k", out, real)
    lane = np.arange(32)
    assert out[:32].tolist() == [3 * n for n in [*range(1, 32), 0]]
    assert out[32:64].tolist() == np.where(lane < 2, lane, lane - 2).tolist()
    assert out[64:96].tolist() == np.where(lane % 8 < 7, lane + 1, 99).tolist()
    assert out[96:128].tolist() == [0xFFFFFFFF << 21 & 0xFFFFFFFF] * 32
    assert out[128:160].tolist() == [496] * 32
    assert out[160:].tolist() == [496, 31, 7, 8, 320]
    assert real[2:].tolist() == [1.5, -2.5] * 32


MATRIX = r"""
#include <cuda_fp16.h>
__global__ void k(const __half* a, const __half* b, float* c) {
  __shared__ __align__(16) __half left[16 * 16], right[16 * 8];
  const int lane = threadIdx.x;
  for (int i = lane; i < 256; i += 32) left[i] = a[i];
  for (int i = lane; i < 128; i += 32) right[i] = b[i];
  __syncthreads();
  unsigned x[4], y[2];
  const unsigned from = (unsigned)__cvta_generic_to_shared(left + lane % 16 * 16 + lane / 16 * 8);
  const unsigned of = (unsigned)__cvta_generic_to_shared(right + lane % 16 * 8);
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(x[0]), "=r"(x[1]), "=r"(x[2]), "=r"(x[3]) : "r"(from));
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0, %1}, [%2];"
               : "=r"(y[0]), "=r"(y[1]) : "r"(of));
  float d[4] = {0, 0, 0, 1};
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, "
               "{%8,%9}, {%0,%1,%2,%3};"
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
               : "r"(x[0]), "r"(x[1]), "r"(x[2]), "r"(x[3]), "r"(y[0]), "r"(y[1]));
  for (int i = 0; i < 4; i++) c[(lane / 4 + i / 2 * 8) * 8 + lane % 4 * 2 + i % 2] = d[i];
}
"""


def test_matrix_fragments():
    draw = np.random.default_rng(3)
    a = draw.integers(-4, 5, (16, 16)).astype(np.float16)
    b = draw.integers(-4, 5, (16, 8)).astype(np.float16)
    c = np.zeros((16, 8), np.float32)
    Machine(MATRIX)("k", a.view(np.uint16), b.view(np.uint16), c)
    expected = a.astype(np.float32) @ b.astype(np.float32)
    expected[8:, 1::2] += 1
    assert c.tolist() == expected.tolist()


def test_only_ptx_is_rewritten():
    text = 'asm("mv %0, tp" : "=r"(x)); const char* s = "asm(\\"add.u32 %0;\\")"; int asm_(int);'
    assert assembly.rewrite(text) == (text, [])


def test_assembly_of_the_host_stays():
    source = """
void cycles(unsigned* a) { unsigned d; asm volatile("rdtsc; nop;" : "=a"(*a), "=d"(d)); }
__global__ void k(unsigned* out) { asm("mov.u32 %0, 7;" : "=r"(*out)); }
"""
    out = np.zeros(1, np.uint32)
    Machine(source)("k", out, threads=1)
    assert out.tolist() == [7]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ('asm("wgmma.fence.sync.aligned;");', "wgmma.fence.sync.aligned"),
        ('asm volatile("L: bra L;");', "the label L: bra L"),
        ('asm("mov.u32 %0, %%pm0;" : "=r"(x));', "the operand %%pm0"),
        ('asm("mov.u32 %0, 1;" : "=x"(x));', 'the constraint "x"'),
    ],
)
def test_what_there_is_not_is_named_with_its_place(code, said):
    text = f'# 1 "a.cu"\nint x;\n{code}\n'
    same, (failure,) = assembly.rewrite(text)
    assert same == text
    assert str(failure) == (
        f"a.cu:2: inline PTX is not supported: {said}\n  write it in CUDA C++: intrinsics such as "
        "__shfl_sync, __byte_perm, __funnelshift_l, __dp4a, __ldg, __threadfence and the atomics "
        "stand for most of it; docs/ptx.md lists the PTX there is"
    )
