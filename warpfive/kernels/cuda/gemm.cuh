// What the matrix product's kernels share: how it is asked of them, and what is done with a sum.
#pragma once
#include <type_traits>
#include "common.cuh"

namespace wfk {

/// A product as its kernels see it: D's columns lie side by side wherever they can.
struct Product {
  wfk_gemm_args args;
  int rows_a_block;  // rows of D that a block makes
  int depth;         // of k at a time
  int across, down;  // warps of a block along D's columns and rows
};

template <class T> struct RealOf { using type = float; };
template <> struct RealOf<double> { using type = double; };

/// Two elements a byte.
template <bool Signed> struct Nibbles {};
using I4 = Nibbles<true>;
using U4 = Nibbles<false>;

/// Where a matrix of T begins, and element k after that.
template <class T> struct Row {
  const T *from;
  __device__ __forceinline__ Row(const void *data, long at) : from((const T *)data + at) {}
  __device__ __forceinline__ auto operator[](long k) const { return value(from[k]); }
};
template <bool Signed> struct Row<Nibbles<Signed>> {
  const unsigned char *from;
  __device__ __forceinline__ Row(const void *data, long at)
      : from((const unsigned char *)data + at / 2) {}
  __device__ __forceinline__ float operator[](long k) const {
    int both = from[k >> 1], one = k & 1 ? both >> 4 : both & 15;
    return (float)(Signed ? (one ^ 8) - 8 : one);
  }
};

/// Scales and zero points of a quantised B.
struct Scales {
  const wfk_gemm_args &g;
  long groups;
  __device__ __forceinline__ explicit Scales(const wfk_gemm_args &args)
      : g(args), groups(args.group ? (args.k + args.group - 1) / args.group : 1) {}
  __device__ __forceinline__ float worth(float code, long k, long col) const {
    long at = min(col, (long)g.n - 1) * groups + (g.group ? k / g.group : 0);
    float zero = g.b_zero ? real_at(g.b_zero, g.b_scale_type, at) : 0.0f;
    return (code - zero) * real_at(g.b_scale, g.b_scale_type, at);
  }
};

/// Group and first row of the row tile `tile` of a grouped product; false past the last.
__device__ inline bool find_group(const wfk_gemm_args &g, int rows_a_block, int tile, long &row0,
                                  long &row1, long &group) {
  for (int at = 0; at < g.groups; at++) {
    int from = g.offsets[at], to = g.offsets[at + 1];
    int tiles = (to - from + rows_a_block - 1) / rows_a_block;
    if (tile < tiles) {
      row0 = from + (long)tile * rows_a_block;
      row1 = min(row0 + rows_a_block, (long)to);
      group = at;
      return true;
    }
    tile -= tiles;
  }
  return false;
}

/// Element `at` of an array of D's type, for a lane that is `in` the matrix. `Whole`: all lanes are.
template <class Real, bool Whole>
__device__ __forceinline__ Real other(const void *data, int type, long at, bool in) {
  in = Whole || apart(in);
  if constexpr (sizeof(Real) == 8) return in ? ((const double *)data)[at] : 0.0;
  else if (type == WFK_F32) return in ? ((const float *)data)[at] : 0.0f;
  else return wide_half(in ? ((const unsigned short *)data)[at] : (unsigned short)0, type);
}

/// act(alpha sum + beta C + bias) + residual to D, for a lane that is `in` the matrix.
template <class Real, bool Whole = false>
__device__ __forceinline__ void deliver(const wfk_gemm_args &g, Real sum, long row, long col,
                                        long batch, bool in) {
  int type = g.d.type;
  Real x = (Real)g.alpha * sum;
  if constexpr (sizeof(Real) == 4)
    if (g.a_scale) x *= g.a_scale[row];
  if (g.c.data)
    x += (Real)g.beta *
         other<Real, Whole>(g.c.data, type, row * g.c.rs + col + batch * g.c.bs, in);
  if (g.bias) x += other<Real, Whole>(g.bias, type, g.bias_of_rows ? row : col, in);
  if constexpr (sizeof(Real) == 4)
    if (g.activation) x = activated(x, g.activation);
  if (g.residual.data)
    x += other<Real, Whole>(g.residual.data, type,
                            row * g.residual.rs + col + batch * g.residual.bs, in);
  void *d = (void *)g.d.data;
  long at = row * g.d.rs + col + batch * g.d.bs;
  if constexpr (sizeof(Real) == 8) {
    if (Whole || apart(in)) ((double *)d)[at] = x;
  } else if (type == WFK_F32) {
    if (Whole || apart(in)) ((float *)d)[at] = x;
  } else {
    unsigned short bits = half_bits(x, type);
    if (Whole || apart(in)) ((unsigned short *)d)[at] = bits;
  }
}

/// The same where all lanes are in.
template <class Real>
__device__ __forceinline__ void deliver(const wfk_gemm_args &g, Real sum, long row, long col,
                                        long batch) {
  deliver<Real, true>(g, sum, row, col, batch, true);
}

wfk_status same_types(const wfk_gemm_args &args, cudaStream_t stream);
wfk_status mixed_types(const wfk_gemm_args &args, cudaStream_t stream);

/// Whether the kernels for a few rows serve the product: each column of B lies side by side.
bool takes_few_rows(const wfk_gemm_args &args);
wfk_status few_rows(const wfk_gemm_args &args, cudaStream_t stream);

/// Whether the kernels for up to four rows serve it where B lies by rows.
bool takes_wide(const wfk_gemm_args &args);
wfk_status wide(const wfk_gemm_args &args, cudaStream_t stream);

/// Whether tensor tiles serve the product: 16-bit types, no side shorter than a block's least.
bool takes_tiles(const wfk_gemm_args &args);
wfk_status by_tiles(const wfk_gemm_args &args, cudaStream_t stream);

}  // namespace wfk
