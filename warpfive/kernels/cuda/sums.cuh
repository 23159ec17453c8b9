// The two shapes in which kernels add up products.
#pragma once
#include "warp.cuh"

namespace wfk {

constexpr int at_once = 8;  // sums a lane keeps in registers: twice that many of an AVX-512 host's

/// One of the sums' elements of a for four places of k, as one access where they lie side by side.
template <int Step, class Real>
__device__ __forceinline__ void four_of(Real (&x)[4], const Real *a) {
  if constexpr (Step == 1 && sizeof(Real) == 4) {
    float4 all = *(const float4 *)a;
    x[0] = all.x, x[1] = all.y, x[2] = all.z, x[3] = all.w;
  } else {
#pragma unroll
    for (int k = 0; k < 4; k++) x[k] = a[k * Step];
  }
}

/// kept[32 i] = kept[32 i] * scale + sum over k of a[i * Pitch + k * Step] * b[32 k], for eight i. a's
/// values are the same in all lanes, b and kept are each lane's own. `fresh`: kept begins at 0. Where Step
/// is 1, a lies at a multiple of 16 bytes.
template <int Pitch, int Step, class Real>
__device__ __forceinline__ void eight_sums(Real *kept, const Real *a, const Real *b, int count,
                                           Real scale, bool fresh) {
  Real sums[at_once];
#pragma unroll
  for (int i = 0; i < at_once; i++) sums[i] = fresh ? Real(0) : kept[i * warp] * scale;
  int k = 0;
#pragma unroll 1
  for (; k + 4 <= count; k += 4) {
    Real right[4];
#pragma unroll
    for (int u = 0; u < 4; u++) right[u] = b[(k + u) * warp];
#pragma unroll
    for (int i = 0; i < at_once; i++) {
      Real left[4];
      four_of<Step>(left, a + i * Pitch + k * Step);
#pragma unroll
      for (int u = 0; u < 4; u++) sums[i] = fma(left[u], right[u], sums[i]);
    }
  }
#pragma unroll 1
  for (; k < count; k++) {
    Real right = b[k * warp];
#pragma unroll
    for (int i = 0; i < at_once; i++) sums[i] = fma(a[i * Pitch + k * Step], right, sums[i]);
  }
#pragma unroll
  for (int i = 0; i < at_once; i++) kept[i * warp] = sums[i];
}

/// Sum over all lanes of each of `Count` values: lane l gets that of value l % Count.
template <int Step = 1, int Count>
__device__ __forceinline__ float folded(float (&x)[Count], int lane) {
  if constexpr (Step < Count) {
#pragma unroll
    for (int i = 0; i < Count; i += 2 * Step) {
      bool odd = lane & Step;
      float kept = odd ? x[i + Step] : x[i], given = odd ? x[i] : x[i + Step];
      x[i] = kept + __shfl_xor_sync(everyone, given, Step);
    }
    return folded<2 * Step>(x, lane);
  } else if constexpr (Step < warp) {
    x[0] += __shfl_xor_sync(everyone, x[0], Step);
    return folded<2 * Step>(x, lane);
  } else {
    return x[0];
  }
}

}  // namespace wfk
