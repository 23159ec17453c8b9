"""What the device headers mean, run on the slow reference."""

import numpy as np
import pytest

from warpfive.isa.reference import Fault, Trap

from .device_machine import Machine

WARP = """
__global__ void shuffles(int* out, long long* wide, double* real) {
  const int i = threadIdx.x;
  out[i] = __shfl_sync(~0u, i * 10, 5);
  out[32 + i] = __shfl_up_sync(~0u, i, 3);
  out[64 + i] = __shfl_down_sync(~0u, i, 2, 8);
  out[96 + i] = __shfl_xor_sync(~0u, -i, 1);
  wide[i] = __shfl_sync(~0u, (long long)i << 40, 31 - i);
  real[i] = __shfl_xor_sync(~0u, i + 0.5, 16);
}
__global__ void votes(unsigned* out) {
  const int i = threadIdx.x;
  unsigned* mine = out + i;
  mine[0] = __ballot_sync(~0u, i % 3 == 0);
  mine[32] = __any_sync(~0u, i == 7) + 2 * __all_sync(~0u, i < 31);
  mine[64] = __match_any_sync(~0u, i / 8);
  mine[96] = __reduce_add_sync(~0u, i) + __reduce_max_sync(~0u, -i) + __reduce_min_sync(~0u, -i);
  mine[128] = __syncthreads_count(i > 10) + 100 * __syncthreads_or(i == 3);
  mine[160] = i < 16 ? __activemask() : 0;
  mine[192] = __fns(0xff00, 0, i + 1);
}
__global__ void bits(unsigned* out) {
  const unsigned i = threadIdx.x, x = i * 0x01234567u + 0x89abcdefu;
  out[i] = __brev(x);
  out[32 + i] = __popc(x) + 100 * __clz(x >> i) + 10000 * __ffs(x << i);
  out[64 + i] = __byte_perm(x, ~x, 0x7250);
  out[96 + i] = __funnelshift_l(x, ~x, i) ^ __funnelshift_r(x, ~x, i + 5);
  out[128 + i] = __dp4a((int)x, (int)(x * 3), (int)i);
  out[160 + i] = __vadd4(x, x * 7) ^ __vabsdiffu4(x, x * 5) ^ __vmaxs2(x, x * 11);
  out[192 + i] = (unsigned)(__brevll((unsigned long long)x << 17) >> 13) + __clzll(x);
  out[224 + i] = __vaddss2(x, x * 3) + __vavgu4(x, x * 9) + __vcmpgtu4(x, x * 13);
}
"""


def test_shuffles_move_values_of_four_and_eight_bytes():
    out, wide, real = np.zeros(128, np.int32), np.zeros(32, np.int64), np.zeros(32)
    Machine(WARP)("shuffles", out, wide, real)
    lane = np.arange(32)
    assert out[:32].tolist() == [50] * 32
    assert out[32:64].tolist() == np.where(lane < 3, lane, lane - 3).tolist()
    assert out[64:96].tolist() == np.where(lane % 8 < 6, lane + 2, lane).tolist()
    assert out[96:].tolist() == (-(lane ^ 1)).tolist()
    assert wide.tolist() == ((31 - lane).astype(np.int64) << 40).tolist()
    assert real.tolist() == ((lane ^ 16) + 0.5).tolist()


def test_votes_matches_and_reductions():
    out = np.zeros(224, np.uint32)
    Machine(WARP)("votes", out)
    lane = np.arange(32)
    ballot = sum(1 << i for i in range(0, 32, 3))
    assert set(out[:32]) == {ballot}
    assert set(out[32:64]) == {1}
    assert out[64:96].tolist() == [0xFF << (i // 8 * 8) for i in lane]
    assert set(out[96:128].astype(np.int32)) == {496 + 0 - 31}
    assert set(out[128:160]) == {21 + 100}
    assert out[160:192].tolist() == [0xFFFF] * 16 + [0] * 16
    assert out[192:].tolist() == [8 + i for i in range(8)] + [0xFFFFFFFF] * 24


def bytes_of(x: int) -> list[int]:
    return [x >> s & 255 for s in (0, 8, 16, 24)]


def signed(x: int, bits: int) -> int:
    x &= (1 << bits) - 1
    return x - (1 << bits) if x >> (bits - 1) else x


def halves_of(x: int) -> list[int]:
    return [signed(x, 16), signed(x >> 16, 16)]


def word(parts: list[int], bits: int) -> int:
    return sum((p & ((1 << bits) - 1)) << (bits * i) for i, p in enumerate(parts))


def expected_bits(i: int) -> list[int]:
    full = 0xFFFFFFFF
    x = (i * 0x01234567 + 0x89ABCDEF) & full
    y = ~x & full
    both = y << 32 | x
    clz, low = 32 - (x >> i).bit_length(), (x << i) & full
    ffs = (low & -low).bit_length()
    a, b = bytes_of(x), bytes_of(x * 3)
    dot = sum(signed(p, 8) * signed(q, 8) for p, q in zip(a, b, strict=True)) + i
    add = word([p + q for p, q in zip(a, bytes_of(x * 7), strict=True)], 8)
    diff = word([abs(p - q) for p, q in zip(a, bytes_of(x * 5), strict=True)], 8)
    most = word([max(p) for p in zip(halves_of(x), halves_of(x * 11), strict=True)], 16)
    long_reversed = int(f"{(x << 17) & (1 << 64) - 1:064b}"[::-1], 2) >> 13
    clamp = [
        max(-32768, min(32767, p + q)) for p, q in zip(halves_of(x), halves_of(x * 3), strict=True)
    ]
    average = word([(p + q + 1) >> 1 for p, q in zip(a, bytes_of(x * 9), strict=True)], 8)
    above = word([255 * (p > q) for p, q in zip(a, bytes_of(x * 13), strict=True)], 8)
    return [
        int(f"{x:032b}"[::-1], 2),
        x.bit_count() + 100 * clz + 10000 * ffs,
        word([a[0], bytes_of(y)[1], a[2], bytes_of(y)[3]], 8),
        (both << (i & 31) >> 32 & full) ^ (both >> (i + 5 & 31) & full),
        dot & full,
        add ^ diff ^ most,
        (long_reversed + 64 - x.bit_length()) & full,
        (word(clamp, 16) + average + above) & full,
    ]


def test_bit_and_byte_functions():
    out = np.zeros(256, np.uint32)
    Machine(WARP)("bits", out)
    assert out.reshape(8, 32).T.tolist() == [expected_bits(i) for i in range(32)]


MEMORY = """
#include <cassert>
__global__ void atomics(int* i, unsigned* u, unsigned long long* w, float* f, double* d) {
  const int t = threadIdx.x;
  atomicAdd(&i[0], t);
  atomicMax(&i[1], t * 3);
  atomicMin(&i[2], -t);
  atomicSub(&i[3], 1);
  atomicOr(&u[0], 1u << t);
  atomicXor(&u[1], 0xffu << (t & 7));
  atomicInc(&u[2], 9);
  atomicDec(&u[3], 20);
  atomicAnd(&u[4], ~(1u << t));
  atomicAdd(&w[0], 1ull << 33);
  atomicMax(&w[1], (unsigned long long)t << 40);
  atomicAdd(&f[0], 0.5f);
  atomicAdd(&d[0], t + 0.25);
  atomicAdd_block(&f[1], 1.0f);
  unsigned short* s = (unsigned short*)&u[5];
  for (unsigned short seen = *s, old;; seen = old)
    if ((old = atomicCAS(s, seen, (unsigned short)(seen + 3))) == seen) break;
  __nv_atomic_fetch_add(&f[2], 2.0f, __NV_ATOMIC_RELAXED, __NV_THREAD_SCOPE_DEVICE);
  __nv_atomic_fetch_max(&d[1], (double)t, __NV_ATOMIC_SEQ_CST, __NV_THREAD_SCOPE_SYSTEM);
}
__global__ void prints(int n) {
  if (threadIdx.x < 2) printf("%d of %s: %f %c\\n", threadIdx.x, "two", 1.5f, 'x');
  __syncwarp();
  if (threadIdx.x == 2) printf("plain\\n");
}
__global__ void asserts(int n) { assert(threadIdx.x + n < 40 && "small"); }
__global__ void heap(long* out) {
  char* p = (char*)malloc(100 + threadIdx.x);
  int* q = new int[4];
  memset(p, threadIdx.x, 100);
  for (int i = 0; i < 4; i++) q[i] = p[i * 20];
  out[threadIdx.x] = p && q ? q[0] + q[1] + q[2] + q[3] : -1;
  free(p);
  delete[] q;
  void* again = malloc(100);
  out[32 + threadIdx.x] = again != nullptr;
  out[64 + threadIdx.x] = malloc(1 << 20) == nullptr;
  free(again);
}
struct Base {
  __device__ virtual int value() const { return 1; }
};
struct Derived : Base {
  int x;
  __device__ explicit Derived(int v) : x(v) {}
  __device__ int value() const override { return x; }
};
__global__ void standard(int* out) {
  const int t = threadIdx.x;
  alignas(16) char room[32];
  Base* b = t & 1 ? new (room) Derived(t) : new (room) Base;
  int low = t, high = 31 - t;
  if (low > high) std::swap(low, high);
  out[t] = b->value() + 100 * std::max(low, high) + 10000 * min(t, 7u);
}
"""


def test_atomics():
    i, u = np.array([0, 0, 0, 50], np.int32), np.array([0, 0, 0, 0, 0xFFFFFFFF, 5], np.uint32)
    w, f, d = np.zeros(2, np.uint64), np.zeros(3, np.float32), np.zeros(2)
    Machine(MEMORY)("atomics", i, u, w, f, d)
    assert i.tolist() == [496, 93, -31, 18]
    counter = 0
    for _ in range(32):
        counter = 20 if counter == 0 or counter > 20 else counter - 1
    assert u.tolist() == [0xFFFFFFFF, 0, 2, counter, 0, 5 + 96]
    assert w.tolist() == [32 << 33, 31 << 40]
    assert f.tolist() == [16, 32, 64]
    assert d.tolist() == [496 + 8, 31]


def test_printf_leaves_records_in_order():
    machine = Machine(MEMORY)
    machine("prints", 0)
    records = machine.records()
    assert [kind for kind, _ in records] == [1, 1, 1]
    (_, first), (_, second), (_, third) = records
    assert machine.text(first[0]) == "%d of %s: %f %c\n"
    assert machine.text(first[2]) == "two"
    assert [first[1], second[1]] == [0, 1]
    assert np.uint64(first[3]).view(np.float64) == 1.5
    assert chr(first[4]) == "x"
    assert machine.text(third[0]) == "plain\n"


def test_assert_says_who_and_where_then_traps():
    machine = Machine(MEMORY)
    with pytest.raises(Fault) as fault:
        machine("asserts", 20)
    assert fault.value.trap == Trap.ASSERT
    kind, words = machine.records()[0]
    assert kind == 2
    assert machine.text(words[0]) == 'threadIdx.x + n < 40 && "small"'
    assert machine.text(words[1]).endswith(".cu")
    assert "asserts(int)" in machine.text(words[2])
    assert words[5] >> 32 == 20


def test_malloc_and_new_give_memory_back():
    out = np.zeros(96, np.int64)
    Machine(MEMORY)("heap", out)
    assert out[:32].tolist() == [4 * t for t in range(32)]
    assert set(out[32:]) == {1}


def test_virtual_calls_and_the_standard_library():
    out = np.zeros(32, np.int32)
    Machine(MEMORY)("standard", out)
    assert out.tolist() == [
        (t if t & 1 else 1) + 100 * max(t, 31 - t) + 10000 * min(t, 7) for t in range(32)
    ]


GROUPS = """
#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>
#include <cooperative_groups/scan.h>
namespace cg = cooperative_groups;
__global__ void groups(int* out) {
  cg::thread_block block = cg::this_thread_block();
  auto warp = cg::tiled_partition<32>(block);
  auto tile = cg::tiled_partition<8>(warp);
  const int t = block.thread_rank();
  int* mine = out + t;
  mine[0] = cg::reduce(tile, t, cg::plus<int>());
  mine[32] = cg::inclusive_scan(tile, 1) * 100 + cg::exclusive_scan(warp, 2);
  mine[64] = tile.shfl(t, 3) + 1000 * tile.meta_group_rank() + 100000 * tile.size();
  mine[96] = tile.ballot(t & 1);
  auto odd = cg::binary_partition(warp, t & 1);
  mine[128] = odd.thread_rank() + 100 * odd.size() + 10000 * odd.shfl(t, 2);
  if (t % 3 == 0) {
    auto some = cg::coalesced_threads();
    mine[160] = cg::reduce(some, t, cg::greater<int>()) + 100 * some.thread_rank();
    mine[192] = some.shfl_up(t, 1) + 100 * some.ballot(t > 20);
  }
  auto label = cg::labeled_partition(warp, t / 5);
  mine[224] = label.size() + 100 * label.thread_rank();
  auto loose = cg::tiled_partition(block, 4);
  mine[256] = loose.size() + 10 * loose.thread_rank();
  struct Wide { double a, b, c; } w = {t + 0.5, t * 2.0, t * 3.0};
  w = warp.shfl(w, (t + 1) % 32);
  mine[288] = (int)(w.a + w.b + w.c);
}
"""


def test_cooperative_groups():
    out = np.zeros((10, 32), np.int32)
    Machine(GROUPS)("groups", out)
    t = np.arange(32)
    assert out[0].tolist() == [sum(range(i // 8 * 8, i // 8 * 8 + 8)) for i in t]
    assert out[1].tolist() == [(i % 8 + 1) * 100 + 2 * i for i in t]
    assert out[2].tolist() == [i // 8 * 8 + 3 + 1000 * (i // 8) + 800000 for i in t]
    assert set(out[3]) == {0xAA}
    assert out[4].tolist() == [i // 2 + 1600 + 10000 * (4 + i % 2) for i in t]
    assert out[5][::3].tolist() == [30 + 100 * (i // 3) for i in t[::3]]
    ballot = sum(1 << n for n, i in enumerate(t[::3]) if i > 20)
    assert out[6][::3].tolist() == [max(i - 3, 0) + 100 * ballot for i in t[::3]]
    assert out[7].tolist() == [(5 if i < 30 else 2) + 100 * (i % 5) for i in t]
    assert out[8].tolist() == [4 + 10 * (i % 4) for i in t]
    assert out[9].tolist() == [int(6 * ((i + 1) % 32) + 0.5) for i in t]


SMALL = """
#include <mma.h>
using namespace nvcuda;
__global__ void halves(const unsigned short* in, unsigned short* out, int n) {
  for (int i = threadIdx.x; i < n; i += 32) {
    const half a = __ushort_as_half(in[i]), b = __ushort_as_half(in[n + i]);
    const half c = __ushort_as_half(in[2 * n + i]);
    half r[] = {a + b, a * b, a / b, __hfma(a, b, c), __hmax(a, b),
                __float2half_rz(__half2float(a) * 1.001f), half(__half2int_rd(a) % 1000)};
    for (int k = 0; k < 7; k++) out[k * n + i] = __half_as_ushort(r[k]);
  }
}
__global__ void bfloats(const unsigned short* in, unsigned short* out, int n) {
  for (int i = threadIdx.x; i < n; i += 32) {
    const auto a = __ushort_as_bfloat16(in[i]), b = __ushort_as_bfloat16(in[n + i]);
    const auto c = __ushort_as_bfloat16(in[2 * n + i]);
    nv_bfloat16 r[] = {a + b, a * b, a / b, __hfma(a, b, c), __hmax(a, b),
                       __float2bfloat16_rz(__bfloat162float(a) * 1.001f),
                       nv_bfloat16(__bfloat162int_rd(a) % 1000)};
    for (int k = 0; k < 7; k++) out[k * n + i] = __bfloat16_as_ushort(r[k]);
  }
}
template <class T, class C, int M, int N, class LA, class LB>
__device__ void product(const T* a, const T* b, C* c) {
  wmma::fragment<wmma::matrix_a, M, N, 16, T, LA> fa;
  wmma::fragment<wmma::matrix_b, M, N, 16, T, LB> fb;
  wmma::fragment<wmma::accumulator, M, N, 16, C> fc;
  wmma::load_matrix_sync(fa, a, std::is_same<LA, wmma::row_major>::value ? 16 : M);
  wmma::load_matrix_sync(fb, b, std::is_same<LB, wmma::row_major>::value ? N : 16);
  wmma::load_matrix_sync(fc, c, N, wmma::mem_row_major);
  wmma::mma_sync(fc, fa, fb, fc);
  wmma::store_matrix_sync(c, fc, N, wmma::mem_row_major);
}
using row = wmma::row_major;
using col = wmma::col_major;
__global__ void square(const half* a, const half* b, float* c) {
  product<half, float, 16, 16, row, row>(a, b, c);
}
__global__ void crossed(const half* a, const half* b, float* c) {
  product<half, float, 16, 16, col, col>(a, b, c);
}
__global__ void tall(const half* a, const half* b, float* c) {
  product<half, float, 32, 8, row, row>(a, b, c);
}
__global__ void wide(const half* a, const half* b, float* c) {
  product<half, float, 8, 32, row, row>(a, b, c);
}
__global__ void bytes(const signed char* a, const signed char* b, int* c) {
  product<signed char, int, 16, 16, row, row>(a, b, c);
}
__global__ void doubles(const double* a, const double* b, double* c) {
  wmma::fragment<wmma::matrix_a, 8, 8, 4, double, row> fa;
  wmma::fragment<wmma::matrix_b, 8, 8, 4, double, col> fb;
  wmma::fragment<wmma::accumulator, 8, 8, 4, double> fc;
  wmma::load_matrix_sync(fa, a, 4);
  wmma::load_matrix_sync(fb, b, 4);
  wmma::fill_fragment(fc, 1.0);
  wmma::mma_sync(fc, fa, fb, fc);
  wmma::store_matrix_sync(c, fc, 8, wmma::mem_col_major);
}
__global__ void shorts(const float* a, const float* b, float* c) {
  wmma::fragment<wmma::matrix_a, 16, 16, 8, wmma::precision::tf32, row> fa;
  wmma::fragment<wmma::matrix_b, 16, 16, 8, wmma::precision::tf32, row> fb;
  wmma::fragment<wmma::accumulator, 16, 16, 8, float> fc;
  wmma::load_matrix_sync(fa, a, 8);
  wmma::load_matrix_sync(fb, b, 16);
  wmma::fill_fragment(fc, 0.0f);
  wmma::mma_sync(fc, fa, fb, fc);
  wmma::store_matrix_sync(c, fc, 16, wmma::mem_row_major);
}
"""


@pytest.mark.parametrize(
    ("name", "m", "n", "kind", "out"),
    [
        ("square", 16, 16, np.float16, np.float32),
        ("crossed", 16, 16, np.float16, np.float32),
        ("tall", 32, 8, np.float16, np.float32),
        ("wide", 8, 32, np.float16, np.float32),
        ("bytes", 16, 16, np.int8, np.int32),
    ],
)
def test_matrix_fragments(name, m, n, kind, out):
    rng = np.random.default_rng(1)
    a = rng.integers(-8, 8, (m, 16)).astype(kind)
    b = rng.integers(-8, 8, (16, n)).astype(kind)
    c = rng.integers(-50, 50, (m, n)).astype(out)
    expected = a.astype(out) @ b.astype(out) + c
    if name == "crossed":
        a, b = np.ascontiguousarray(a.T), np.ascontiguousarray(b.T)
    Machine(SMALL)(name, a, b, c)
    assert c.tolist() == expected.tolist()


def test_matrix_fragments_of_doubles_and_tf32():
    rng = np.random.default_rng(2)
    a, b = rng.integers(-9, 9, (8, 4)) / 8, rng.integers(-9, 9, (4, 8)) / 8
    c = np.zeros((8, 8))
    Machine(SMALL)("doubles", a, np.ascontiguousarray(b.T), c)
    assert c.T.tolist() == (a @ b + 1).tolist()
    a, b = (rng.integers(-9, 9, s).astype(np.float32) for s in ((16, 8), (8, 16)))
    c = np.zeros((16, 16), np.float32)
    Machine(SMALL)("shorts", a, b, c)
    assert c.tolist() == (a @ b).tolist()


def nan_equal(mine: np.ndarray, expected: np.ndarray) -> bool:
    """Equal floats; any NaN equals any NaN."""
    return bool(((mine == expected) | (np.isnan(mine) & np.isnan(expected))).all())


def test_half_arithmetic_rounds_once():
    n = 96
    data = np.random.default_rng(3).integers(0, 1 << 16, 3 * n, dtype=np.uint16)
    data[: 3 * n : 4] = data[: 3 * n : 4] & 0x83FF | 0x3C00  # near one: sums and products matter
    out = np.zeros((7, n), np.uint16)
    Machine(SMALL)("halves", data, out, n)
    a, b, c = data.view(np.float16).reshape(3, n)
    got = out.view(np.float16)
    with np.errstate(all="ignore"):
        wide = [x.astype(np.float64) for x in (a, b, c)]
        assert nan_equal(got[0], a + b)
        assert nan_equal(got[1], a * b)
        assert nan_equal(got[2], a / b)
        exact = wide[0] * wide[1] + wide[2]
        near = np.abs(exact) > 2.0**-10  # a double holds such a sum to all digits that count
        assert nan_equal(got[3][near], exact.astype(np.float16)[near])
        assert nan_equal(got[4], np.fmax(a, b))


def bfloat(bits: np.ndarray) -> np.ndarray:
    return (bits.astype(np.uint32) << 16).view(np.float32)


def round_bfloat(x: np.ndarray) -> np.ndarray:
    bits = x.astype(np.float32).view(np.uint32)
    return bfloat(((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype(np.uint16))


def test_bfloat_arithmetic_rounds_once():
    n = 96
    data = np.random.default_rng(4).integers(0x3E00, 0x4200, 3 * n, dtype=np.uint16)
    data[::3] |= 0x8000
    out = np.zeros((7, n), np.uint16)
    Machine(SMALL)("bfloats", data, out, n)
    a, b, c = bfloat(data).reshape(3, n)
    got = bfloat(out)
    assert nan_equal(got[0], round_bfloat(a + b))
    assert nan_equal(got[1], round_bfloat(a * b))
    assert nan_equal(got[2], round_bfloat(a / b))
    assert nan_equal(got[4], np.fmax(a, b))
    cut = (a * np.float32(1.001)).view(np.uint32) & 0xFFFF0000
    assert nan_equal(got[5], cut.view(np.float32))
