// Running sums, products, maxima and minima.
#include "warp.cuh"

namespace wfk {

template <class T> struct SumOf { using type = T; };
template <> struct SumOf<__half> { using type = float; };
template <> struct SumOf<__nv_bfloat16> { using type = float; };

template <int Op, class S>
__device__ __forceinline__ S joined(S before, S x) {
  if constexpr (Op == WFK_SCAN_SUM) return before + x;
  else if constexpr (Op == WFK_SCAN_PROD) return before * x;
  else if constexpr (Op == WFK_SCAN_MAX) return before != before || before > x ? before : x;
  else return before != before || before < x ? before : x;
}

template <int Op, class T>
__device__ __forceinline__ typename SumOf<T>::type element(T x) {
  return (typename SumOf<T>::type)x;
}

/// The dimension is the last: a warp takes 32 of it at a time.
template <int Op, class T>
__global__ void row_kernel(T *y, const T *x, long dim) {
  using S = typename SumOf<T>::type;
  int lane = threadIdx.x;
  const T *from = x + blockIdx.x * dim;
  T *to = y + blockIdx.x * dim;
  S before = S(0);
#pragma unroll 1
  for (long at = 0; at < dim; at += warp) {
    bool in = at + lane < dim;
    S v = S(0);
    if (apart(in)) v = element<Op, T>(from[at + lane]);
#pragma unroll
    for (int step = 1; step < warp; step *= 2) {
      S other = __shfl_up_sync(everyone, v, step);
      v = lane >= step ? joined<Op>(other, v) : v;
    }
    v = at ? joined<Op>(before, v) : v;
    if (apart(in)) to[at + lane] = T(v);
    before = __shfl_sync(everyone, v, warp - 1);
  }
}

/// A lane has a place behind the dimension to itself.
template <int Op, class T>
__global__ void strided_kernel(T *y, const T *x, long dim, long inner) {
  using S = typename SumOf<T>::type;
  long place = (long)blockIdx.x * warp + threadIdx.x, at = blockIdx.y * dim * inner + place;
  if (place >= inner) return;
  S sum = element<Op, T>(x[at]);
  y[at] = T(sum);
#pragma unroll 1
  for (long d = 1; d < dim; d++) {
    sum = joined<Op>(sum, element<Op, T>(x[at + d * inner]));
    y[at + d * inner] = T(sum);
  }
}

template <int Op, class T>
static wfk_status launch(void *y, const void *x, int64_t outer, int64_t dim, int64_t inner,
                         cudaStream_t stream) {
  if (inner == 1) row_kernel<Op, T><<<by_row(outer), warp, 0, stream>>>((T *)y, (const T *)x, dim);
  else
    strided_kernel<Op, T>
        <<<dim3((unsigned)((inner + warp - 1) / warp), (unsigned)outer), warp, 0, stream>>>(
            (T *)y, (const T *)x, dim, inner);
  return launched("scan");
}

template <class T>
static wfk_status by_op(wfk_scan_op op, void *y, const void *x, int64_t outer, int64_t dim,
                        int64_t inner, cudaStream_t stream) {
  switch (op) {
    case WFK_SCAN_SUM: return launch<WFK_SCAN_SUM, T>(y, x, outer, dim, inner, stream);
    case WFK_SCAN_PROD: return launch<WFK_SCAN_PROD, T>(y, x, outer, dim, inner, stream);
    case WFK_SCAN_MAX: return launch<WFK_SCAN_MAX, T>(y, x, outer, dim, inner, stream);
    default: return launch<WFK_SCAN_MIN, T>(y, x, outer, dim, inner, stream);
  }
}

}  // namespace wfk

using namespace wfk;

extern "C" wfk_status wfk_scan(void *y, const void *x, wfk_dtype type, wfk_scan_op op, int64_t outer,
                               int64_t dim, int64_t inner, wfk_stream given) {
  cudaStream_t stream = (cudaStream_t)given;
  if (wfk_status bad = check_rows("scan", outer, dim * inner)) return bad;
  if (inner > 1 && outer > 65535)
    return fail(WFK_UNSUPPORTED, "scan: %ld rows before the dimension; at most 65535 unless it is "
                "the last", (long)outer);
  if (!outer || !dim || !inner) return fine();
  switch (type) {
    case WFK_F32: return by_op<float>(op, y, x, outer, dim, inner, stream);
    case WFK_F64: return by_op<double>(op, y, x, outer, dim, inner, stream);
    case WFK_F16: return by_op<__half>(op, y, x, outer, dim, inner, stream);
    case WFK_BF16: return by_op<__nv_bfloat16>(op, y, x, outer, dim, inner, stream);
    case WFK_I32: return by_op<int>(op, y, x, outer, dim, inner, stream);
    case WFK_I64: return by_op<long>(op, y, x, outer, dim, inner, stream);
    default:
      return fail(WFK_UNSUPPORTED, "scan: no kernel for %s; convert to int64 or float32",
                  name_of(type));
  }
}
