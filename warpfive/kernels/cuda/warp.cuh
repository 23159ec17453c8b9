// What kernels do with a row and a warp.
#pragma once
#include "common.cuh"

namespace wfk {

constexpr int warp = 32;
constexpr unsigned everyone = 0xffffffffu;

/// Runs body(place, in) for a lane's places of a row: `in` is false past the row's end.
template <class F>
__device__ __forceinline__ void along(long count, int lane, F body) {
  long at = 0;
#pragma unroll 1
  for (; at + warp <= count; at += warp) body(at + lane, true);
  if (at < count) body(at + lane, apart(at + lane < count));
}

template <int Step = 16, class T>
__device__ __forceinline__ T sum_of_lanes(T x) {
  x += __shfl_xor_sync(everyone, x, Step);
  if constexpr (Step > 1) return sum_of_lanes<Step / 2>(x);
  else return x;
}

/// The larger; NaN where one is NaN.
__device__ __forceinline__ float larger(float a, float b) { return a > b || a != a ? a : b; }

template <int Step = 16>
__device__ __forceinline__ float largest_of_lanes(float x) {
  x = larger(x, __shfl_xor_sync(everyone, x, Step));
  if constexpr (Step > 1) return largest_of_lanes<Step / 2>(x);
  else return x;
}

/// e^x within 2 ulp, without branches.
__device__ __forceinline__ float exp_smooth(float x) {
  const float log2e = 1.44269502f, rest = 1.92596300e-8f;
  float whole = x * log2e, low = fmaf(x, rest, fmaf(x, log2e, -whole));
  // Where `whole` is infinite `low` is not a number; the power alone is right there.
  float power = __exp2f(whole);
  return fabsf(whole) < 126.0f ? fmaf(power, low * 0.693147182f, power) : power;
}

/// Calls f with a null pointer of the element type: a launch for float32, float16 or bfloat16.
template <class F>
wfk_status with_type(wfk_dtype type, const char *what, F f) {
  if (type == WFK_F32) f((float *)nullptr);
  else if (type == WFK_F16) f((__half *)nullptr);
  else if (type == WFK_BF16) f((__nv_bfloat16 *)nullptr);
  else
    return fail(WFK_UNSUPPORTED, "%s: no kernel for %s; float32, float16 and bfloat16 have one",
                what, name_of(type));
  return launched(what);
}

/// One block, a warp, for each row.
inline dim3 by_row(int64_t rows) { return dim3((unsigned)rows); }

inline wfk_status check_rows(const char *what, int64_t rows, int64_t cols) {
  if (rows < 0 || cols < 0 || rows > 0x7fffffff)
    return fail(WFK_INVALID, "%s: %ld rows of %ld; both are 0 or more, rows below 2^31", what,
                (long)rows, (long)cols);
  return WFK_OK;
}

}  // namespace wfk
