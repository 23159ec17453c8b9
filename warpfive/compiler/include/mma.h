/* nvcuda::wmma: matrix fragments on the chip's 16x16 tensor tiles.

   A fragment is one or two tiles. Element j of lane l of a tile is at row 2 j + l / 16, column
   l mod 16 (tf32: A 16x8 has row 4 j + l / 8, column l mod 8). Shapes with a side of 8 leave half
   of a tile unused: those elements are zero in loads and not stored. */
#pragma once
#include "cuda_bf16.h"
#include "cuda_fp16.h"

#if defined(__cplusplus) && defined(__CUDA__)
namespace nvcuda {
namespace wmma {

struct matrix_a;
struct matrix_b;
struct accumulator;
struct row_major;
struct col_major;
enum layout_t { mem_row_major, mem_col_major };

namespace precision {
struct tf32;
}

namespace detail {

template <class T>
struct element {
  using type = T;
};
template <>
struct element<precision::tf32> {
  using type = float;
};

/* Rows and columns of an operand; its tiles stand below or beside one another. */
template <class Use, int M, int N, int K>
struct extent;
template <int M, int N, int K>
struct extent<matrix_a, M, N, K> {
  static constexpr int rows = M, cols = K;
};
template <int M, int N, int K>
struct extent<matrix_b, M, N, K> {
  static constexpr int rows = K, cols = N;
};
template <int M, int N, int K>
struct extent<accumulator, M, N, K> {
  static constexpr int rows = M, cols = N;
};

/* Where element i of this lane lies. */
template <int Rows, int Cols>
struct place {
  static constexpr int tile_cols = Rows == 16 && Cols == 8 ? 8 : 16;
  static constexpr int tiles = Rows > 16 || Cols > 16 ? 2 : 1;
  static __device__ __forceinline__ int row(int i) {
    return (Rows > 16 ? i / 8 * 16 : 0) + i % 8 * 2 + (int)__wf_laneid() / 16;
  }
  static __device__ __forceinline__ int col(int i) {
    return (Cols > 16 ? i / 8 * 16 : 0) + (int)__wf_laneid() % 16;
  }
};
/* The 16x8 operand of tf32 and the double tiles are dense in lane order. */
template <int Cols>
struct dense {
  static __device__ __forceinline__ int row(int i) {
    return (i * 32 + (int)__wf_laneid()) / Cols;
  }
  static __device__ __forceinline__ int col(int i) {
    return (i * 32 + (int)__wf_laneid()) % Cols;
  }
};

template <class Use, int M, int N, int K, class T>
struct shape {
  using size = extent<Use, M, N, K>;
  using where = place<size::rows, size::cols>;
  static constexpr int count = 8 * where::tiles;
};
template <class Use, int M, int N, int K>
struct shape<Use, M, N, K, precision::tf32> {
  using size = extent<Use, M, N, K>;
  using where = dense<size::cols>;
  static constexpr int count = size::rows * size::cols / 32;
};
template <class Use, int M, int N, int K>
struct shape<Use, M, N, K, double> {
  using size = extent<Use, M, N, K>;
  using where = dense<size::cols>;
  static constexpr int count = size::rows * size::cols / 32;
};

/* Whether the lanes' elements fill the fragment: then no lane has to ask. */
template <class S>
inline constexpr bool whole = S::count * 32 == S::size::rows * S::size::cols;

}  // namespace detail

template <class Use, int M, int N, int K, class T, class Layout = void>
class fragment {
 public:
  using element_type = typename detail::element<T>::type;
  using storage_element_type = element_type;
  static constexpr int num_elements = detail::shape<Use, M, N, K, T>::count;
  static constexpr int num_storage_elements = num_elements;
  element_type x[num_elements];
};

template <class Use, int M, int N, int K, class T, class Layout, class V>
__wf_d void fill_fragment(fragment<Use, M, N, K, T, Layout> &f, const V &value) {
  using E = typename fragment<Use, M, N, K, T, Layout>::element_type;
#pragma unroll
  for (int i = 0; i < f.num_elements; i++) f.x[i] = (E)value;
}

namespace detail {

/* Whether the instructions that move tiles serve: 16x16 ones, and the operands of tf32. */
template <class S, class E, class P>
inline constexpr bool by_tiles = false;
#if defined(__WF_DEVICE__)
template <class S, class E>
inline constexpr bool by_tiles<S, E, E> =
    whole<S> && sizeof(E) <= 4 && (S::count % 8 == 0 || S::count == 4);

/* `ld` in bytes; `rows`: memory holds the tile by rows. */
template <class E>
__wf_d void get_tile(E *x, const E *p, long ld, bool rows) {
  if constexpr (sizeof(E) == 2) {
    _Float16 tile[8];
    if (rows) __wf_tld_h(tile, p, ld);
    else __wf_tldt_h(tile, p, ld);
#pragma unroll
    for (int i = 0; i < 8; i++) x[i] = __wf_cast<E>(tile[i]);
  } else if constexpr (sizeof(E) == 4) {
    float tile[8];
    if (rows) __wf_tld_w(tile, p, ld);
    else __wf_tldt_w(tile, p, ld);
#pragma unroll
    for (int i = 0; i < 8; i++) x[i] = __wf_cast<E>(tile[i]);
  } else {
    int tile[8];
    if constexpr (E(-1) < E(0)) {
      if (rows) __wf_tld_b(tile, p, ld);
      else __wf_tldt_b(tile, p, ld);
    } else {
      if (rows) __wf_tld_bu(tile, p, ld);
      else __wf_tldt_bu(tile, p, ld);
    }
#pragma unroll
    for (int i = 0; i < 8; i++) x[i] = (E)tile[i];
  }
}
template <class E>
__wf_d void put_tile(E *p, const E *x, long ld, bool rows) {
  if constexpr (sizeof(E) == 2) {
    _Float16 tile[8];
#pragma unroll
    for (int i = 0; i < 8; i++) tile[i] = __wf_cast<_Float16>(x[i]);
    if (rows) __wf_tst_h(tile, p, ld);
    else __wf_tstt_h(tile, p, ld);
  } else {
    float tile[8];
#pragma unroll
    for (int i = 0; i < 8; i++) tile[i] = __wf_cast<float>(x[i]);
    if (rows) __wf_tst_w(tile, p, ld);
    else __wf_tstt_w(tile, p, ld);
  }
}
/* Where tile `t` of a fragment of one or two begins. */
template <class S>
__wf_d long tile_start(int t, long ld, bool rows) {
  return 16l * t * ((S::size::rows > 16) == rows ? ld : 1);
}
#endif

template <class Use, int M, int N, int K, class T, class Layout, class P>
__wf_d bool load_tiles(fragment<Use, M, N, K, T, Layout> &f, const P *p, long ld, bool rows) {
#if defined(__WF_DEVICE__)
  using S = shape<Use, M, N, K, T>;
  using E = typename fragment<Use, M, N, K, T, Layout>::element_type;
  if constexpr (by_tiles<S, E, P> && S::count % 8 == 0) {
#pragma unroll
    for (int t = 0; t < S::count / 8; t++)
      get_tile(f.x + 8 * t, p + tile_start<S>(t, ld, rows), ld * (long)sizeof(P), rows);
    return true;
  } else if constexpr (by_tiles<S, E, P>) {
    if (!rows) return false;
    if constexpr (S::size::cols == 8) __wf_tld_w8(f.x, p, ld * 4);
    else __wf_tld_w16(f.x, p, ld * 4);
    return true;
  }
#endif
  return false;
}

template <class Use, int M, int N, int K, class T, class Layout, class P>
__wf_d void load(fragment<Use, M, N, K, T, Layout> &f, const P *p, unsigned int ld, bool rows) {
  using S = shape<Use, M, N, K, T>;
  using E = typename fragment<Use, M, N, K, T, Layout>::element_type;
  if (load_tiles(f, p, ld, rows)) return;
#pragma unroll
  for (int i = 0; i < S::count; i++) {
    const int row = S::where::row(i), col = S::where::col(i);
    const bool inside = whole<S> || (row < S::size::rows && col < S::size::cols);
    f.x[i] = inside ? (E)p[rows ? row * ld + col : col * ld + row] : (E)0;
  }
}

}  // namespace detail

template <class Use, int M, int N, int K, class T, class P>
__wf_d void load_matrix_sync(fragment<Use, M, N, K, T, row_major> &f, const P *p,
                             unsigned int ld) {
  detail::load(f, p, ld, true);
}
template <class Use, int M, int N, int K, class T, class P>
__wf_d void load_matrix_sync(fragment<Use, M, N, K, T, col_major> &f, const P *p,
                             unsigned int ld) {
  detail::load(f, p, ld, false);
}
template <int M, int N, int K, class T, class P>
__wf_d void load_matrix_sync(fragment<accumulator, M, N, K, T> &f, const P *p, unsigned int ld,
                             layout_t layout) {
  detail::load(f, p, ld, layout == mem_row_major);
}
template <int M, int N, int K, class T, class P>
__wf_d void store_matrix_sync(P *p, const fragment<accumulator, M, N, K, T> &f, unsigned int ld,
                              layout_t layout) {
  using S = detail::shape<accumulator, M, N, K, T>;
#if defined(__WF_DEVICE__)
  if constexpr (detail::by_tiles<S, T, P> && S::count % 8 == 0 && sizeof(T) > 1) {
    const bool rows = layout == mem_row_major;
#pragma unroll
    for (int t = 0; t < S::count / 8; t++)
      detail::put_tile(p + detail::tile_start<S>(t, ld, rows), f.x + 8 * t,
                       (long)ld * (long)sizeof(P), rows);
    return;
  }
#endif
#pragma unroll
  for (int i = 0; i < S::count; i++) {
    const int row = S::where::row(i), col = S::where::col(i);
    if (detail::whole<S> || (row < S::size::rows && col < S::size::cols))
      p[layout == mem_row_major ? row * ld + col : col * ld + row] = f.x[i];
  }
  __syncwarp();
}

#if defined(__WF_DEVICE__)
namespace detail {

/* One tile product, in the element types that the instructions take. */
template <class T>
struct native {
  using type = T;
};
template <>
struct native<__half> {
  using type = _Float16;
};
template <>
struct native<__nv_bfloat16> {
  using type = __bf16;
};
template <>
struct native<signed char> {
  using type = int;
};
template <>
struct native<unsigned char> {
  using type = int;
};
template <class T>
__wf_d T to_native(T value) {
  return value;
}
__wf_d _Float16 to_native(__half value) { return value.__native(); }
__wf_d __bf16 to_native(__nv_bfloat16 value) { return value.__native(); }
__wf_d int to_native(signed char value) { return value; }
__wf_d int to_native(unsigned char value) { return value; }

__wf_d void tile(float (&c)[8], const _Float16 (&a)[8], const _Float16 (&b)[8], __half) {
  __wf_mma_f32_f16(c, a, b);
}
__wf_d void tile(_Float16 (&c)[8], const _Float16 (&a)[8], const _Float16 (&b)[8], __half) {
  __wf_mma_f16_f16(c, a, b);
}
__wf_d void tile(float (&c)[8], const __bf16 (&a)[8], const __bf16 (&b)[8], __nv_bfloat16) {
  __wf_mma_f32_bf16(c, a, b);
}
__wf_d void tile(int (&c)[8], const int (&a)[8], const int (&b)[8], signed char) {
  __wf_mma_s32_s8(c, a, b);
}
__wf_d void tile(int (&c)[8], const int (&a)[8], const int (&b)[8], unsigned char) {
  __wf_mma_s32_u8(c, a, b);
}

template <int Count, class T>
__wf_d void take(typename native<T>::type (&to)[Count], const T *from) {
#pragma unroll
  for (int i = 0; i < Count; i++) to[i] = to_native(from[i]);
}

}  // namespace detail

template <int M, int N, int K, class T, class LA, class LB, class D, class C>
__wf_d void mma_sync(fragment<accumulator, M, N, K, D> &d,
                     const fragment<matrix_a, M, N, K, T, LA> &a,
                     const fragment<matrix_b, M, N, K, T, LB> &b,
                     const fragment<accumulator, M, N, K, C> &c, bool = false) {
  static_assert((M == 16 && N == 16 && K == 16) || (M == 32 && N == 8 && K == 16) ||
                    (M == 8 && N == 32 && K == 16),
                "wmma has the shapes m16n16k16, m32n8k16 and m8n32k16");
  using W = typename detail::native<D>::type;
  constexpr int tiles = fragment<accumulator, M, N, K, D>::num_elements / 8;
#pragma unroll
  for (int t = 0; t < tiles; t++) {
    typename detail::native<T>::type left[8], right[8];
    W sum[8];
    detail::take(left, a.x + (M > 16 ? 8 * t : 0));
    detail::take(right, b.x + (N > 16 ? 8 * t : 0));
#pragma unroll
    for (int i = 0; i < 8; i++) sum[i] = detail::to_native((D)c.x[8 * t + i]);
    detail::tile(sum, left, right, T());
#pragma unroll
    for (int i = 0; i < 8; i++) d.x[8 * t + i] = D(sum[i]);
  }
}
template <class LA, class LB>
__wf_d void mma_sync(fragment<accumulator, 16, 16, 8, float> &d,
                     const fragment<matrix_a, 16, 16, 8, precision::tf32, LA> &a,
                     const fragment<matrix_b, 16, 16, 8, precision::tf32, LB> &b,
                     const fragment<accumulator, 16, 16, 8, float> &c, bool = false) {
  float sum[8];
#pragma unroll
  for (int i = 0; i < 8; i++) sum[i] = c.x[i];
  __wf_mma_f32_tf32(sum, a.x, b.x);
#pragma unroll
  for (int i = 0; i < 8; i++) d.x[i] = sum[i];
}
/* Doubles have no tile instruction: lanes exchange the 8x4 and 4x8 operands. */
template <class LA, class LB>
__wf_d void mma_sync(fragment<accumulator, 8, 8, 4, double> &d,
                     const fragment<matrix_a, 8, 8, 4, double, LA> &a,
                     const fragment<matrix_b, 8, 8, 4, double, LB> &b,
                     const fragment<accumulator, 8, 8, 4, double> &c, bool = false) {
#pragma unroll
  for (int i = 0; i < 2; i++) {
    const int at = i * 32 + (int)__wf_laneid(), row = at / 8, col = at % 8;
    double sum = c.x[i];
#pragma unroll
    for (int k = 0; k < 4; k++)
      sum = __builtin_fma(__shfl_sync(0xffffffffu, a.x[0], row * 4 + k),
                          __shfl_sync(0xffffffffu, b.x[0], k * 8 + col), sum);
    d.x[i] = sum;
  }
}
#else
template <class D, class A, class B, class C>
__wf_d void mma_sync(D &, const A &, const B &, const C &, bool = false) {}
#endif

/* Rounds to the 10 digits of tf32, ties away from zero. */
__wf_hd float __float_to_tf32(float value) {
  const unsigned int bits = __wf_cast<unsigned int>(value);
  if ((bits & 0x7f800000u) == 0x7f800000u) return value;
  return __wf_cast<float>((bits + 0x1000u) & ~0x1fffu);
}

}  // namespace wmma
}  // namespace nvcuda
#endif
