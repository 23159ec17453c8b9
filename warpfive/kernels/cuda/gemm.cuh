// What the matrix product's kernels share: how it is asked of them, and what is done with a sum.
#pragma once
#include "common.cuh"

namespace wfk {

/// A product as its kernels see it: D's columns lie side by side wherever they can.
struct Product {
  wfk_gemm_args args;
  int rows_a_block;  // rows of D that a block makes
  int depth;         // of k at a time
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

/// Element `at` of an array of D's type, where there is one and the lane is `in` the matrix.
template <class Real>
__device__ __forceinline__ Real other(const void *data, int type, long at, bool in) {
  if (!data) return Real(0);
  if constexpr (sizeof(Real) == 8) return apart(in) ? ((const double *)data)[at] : 0.0;
  else if (type == WFK_F32) return apart(in) ? ((const float *)data)[at] : 0.0f;
  else return wide_half(apart(in) ? ((const unsigned short *)data)[at] : (unsigned short)0, type);
}

/// act(alpha sum + beta C + bias) + residual to D, for a lane that is `in` the matrix.
template <class Real>
__device__ __forceinline__ void deliver(const wfk_gemm_args &g, Real sum, long row, long col,
                                        long batch, bool in) {
  int type = g.d.type;
  Real x = (Real)g.alpha * sum;
  if constexpr (sizeof(Real) == 4)
    if (g.a_scale) x *= g.a_scale[row];
  x += (Real)g.beta * other<Real>(g.c.data, type, row * g.c.rs + col + batch * g.c.bs, in);
  x += other<Real>(g.bias, type, g.bias_of_rows ? row : col, in);
  if constexpr (sizeof(Real) == 4)
    if (g.activation) x = activated(x, g.activation);
  x += other<Real>(g.residual.data, type, row * g.residual.rs + col + batch * g.residual.bs, in);
  void *d = (void *)g.d.data;
  long at = row * g.d.rs + col + batch * g.d.bs;
  if constexpr (sizeof(Real) == 8) {
    if (apart(in)) ((double *)d)[at] = x;
  } else if (type == WFK_F32) {
    if (apart(in)) ((float *)d)[at] = x;
  } else {
    unsigned short bits = half_bits(x, type);
    if (apart(in)) ((unsigned short *)d)[at] = bits;
  }
}

wfk_status same_types(const wfk_gemm_args &args, cudaStream_t stream);
wfk_status mixed_types(const wfk_gemm_args &args, cudaStream_t stream);

}  // namespace wfk
