// What all kernels share: the status, element types, activations.
#pragma once
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>
#include "../include/warpfive_kernels.h"

namespace wfk {

// ---- host: status ---------------------------------------------------------------------------

wfk_status fail(wfk_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));
wfk_status fine();
/// The status of what was launched just before.
wfk_status launched(const char *what);
const char *name_of(wfk_dtype type);
/// Bytes of `count` elements.
int64_t bytes_of(wfk_dtype type, int64_t count);

inline bool is_real(wfk_dtype type) {
  return type == WFK_F32 || type == WFK_F16 || type == WFK_BF16;
}

/// Makes `kernel` take `bytes` of dynamic shared memory.
template <class K>
void allow_shared(K *kernel, int bytes) {
  if (bytes > 48 << 10)
    cudaFuncSetAttribute(reinterpret_cast<const void *>(kernel),
                         cudaFuncAttributeMaxDynamicSharedMemorySize, bytes);
}

// ---- device: element types ------------------------------------------------------------------

struct F8E4M3 { unsigned char bits; };
struct F8E5M2 { unsigned char bits; };

__device__ inline float value(float x) { return x; }
__device__ inline double value(double x) { return x; }
__device__ inline float value(__half x) { return __half2float(x); }
__device__ inline float value(__nv_bfloat16 x) {
  return __uint_as_float((unsigned)__bfloat16_as_ushort(x) << 16);
}
/// The element in the lower, and in the upper half of a word.
template <class T> __device__ __forceinline__ float low_of(unsigned word) {
  if constexpr (sizeof(T) != 2) return 0;
  else if constexpr (__is_same(T, __nv_bfloat16)) return __uint_as_float(word << 16);
  else return __half2float(__ushort_as_half((unsigned short)word));
}
template <class T> __device__ __forceinline__ float high_of(unsigned word) {
  if constexpr (sizeof(T) != 2) return 0;
  else if constexpr (__is_same(T, __nv_bfloat16)) return __uint_as_float(word & 0xffff0000u);
  else return __half2float(__ushort_as_half((unsigned short)(word >> 16)));
}
__device__ inline float value(F8E5M2 x) {
  return __half2float(__ushort_as_half((unsigned short)(x.bits << 8)));
}
__device__ inline float value(F8E4M3 x) {
  // The same bits read as a half have 2^-8 of the value, subnormals included.
  unsigned short bits = (unsigned short)((x.bits & 0x80) << 8 | (x.bits & 0x7f) << 7);
  float scaled = 256.0f * __half2float(__ushort_as_half(bits));
  return (x.bits & 0x7f) == 0x7f ? __uint_as_float(0x7fc00000) : scaled;
}
__device__ inline float value(signed char x) { return x; }
__device__ inline float value(unsigned char x) { return x; }
__device__ inline float value(short x) { return x; }
__device__ inline float value(int x) { return (float)x; }
__device__ inline float value(long long x) { return (float)x; }

template <class T> __device__ inline T made(float x) { return T(x); }
template <> __device__ inline __half made<__half>(float x) { return __float2half_rn(x); }
template <> __device__ inline __nv_bfloat16 made<__nv_bfloat16>(float x) {
  return __float2bfloat16_rn(x);
}

/// The power of two that a positive, normal float begins with.
__device__ inline float exponent_of(float x) {
  return __uint_as_float(__float_as_uint(x) & 0x7f800000);
}

/// x / scale as a quantised element: float8 rounded to nearest even and held within its range, integers
/// too. Elements of a real type are stored as they are.
template <class T> __device__ inline T stored(float x, float) { return made<T>(x); }
template <> __device__ inline F8E5M2 stored<F8E5M2>(float x, float scale) {
  float v = fminf(fmaxf(x / scale, -57344.0f), 57344.0f);
  unsigned bits = __float_as_uint(v), sign = bits >> 24 & 0x80;
  if (x != x) return {(unsigned char)(sign | 0x7f)};
  float size = fabsf(v), step = size < 0x1p-14f ? 0x1p-16f : exponent_of(size) * 0.25f;
  float rounded = rintf(size / step) * step;
  unsigned short half = __half_as_ushort(__float2half_rn(rounded));
  return {(unsigned char)(sign | half >> 8)};
}
template <> __device__ inline F8E4M3 stored<F8E4M3>(float x, float scale) {
  float v = fminf(fmaxf(x / scale, -448.0f), 448.0f);
  unsigned sign = __float_as_uint(v) >> 24 & 0x80;
  if (x != x) return {0x7f};
  float size = fabsf(v), step = size < 0x1p-6f ? 0x1p-9f : exponent_of(size) * 0.125f;
  float rounded = rintf(size / step) * step;
  // A half with 2^-8 of the value has the same exponent and mantissa bits.
  unsigned short half = __half_as_ushort(__float2half_rn(rounded * 0x1p-8f));
  return {(unsigned char)(sign | (half >> 7 & 0x7f))};
}
template <> __device__ inline signed char stored<signed char>(float x, float scale) {
  return (signed char)fminf(fmaxf(rintf(x / scale), -128.0f), 127.0f);
}

/// Bits of a half or a bfloat16 to float, and back.
__device__ __forceinline__ float wide_half(unsigned short bits, int type) {
  if (type == WFK_BF16) return __uint_as_float((unsigned)bits << 16);
  return __half2float(__ushort_as_half(bits));
}
__device__ __forceinline__ unsigned short half_bits(float x, int type) {
  if (type == WFK_BF16) return __bfloat16_as_ushort(__float2bfloat16_rn(x));
  return __half_as_ushort(__float2half_rn(x));
}

/// Element `at` of an array of a real type.
__device__ __forceinline__ float real_at(const void *data, int type, long at) {
  if (type == WFK_F32) return ((const float *)data)[at];
  return wide_half(((const unsigned short *)data)[at], type);
}

/// The same truth, which the compiler cannot connect with its other uses. A branch on it guards just
/// the access behind it: the translator then masks that access and nothing around it.
__device__ __forceinline__ bool apart(bool truth) {
  int word = truth;
  asm volatile("" : "+r"(word));
  return word != 0;
}

/// The same value, used only behind this point, and no load moves past it: loads before a row of these are
/// all on their way before the first is waited for.
__device__ __forceinline__ float arrived(float x) {
  asm volatile("" : "+f"(x) : : "memory");
  return x;
}
__device__ __forceinline__ double arrived(double x) {
  asm volatile("" : "+f"(x) : : "memory");
  return x;
}
__device__ __forceinline__ unsigned arrived(unsigned x) {
  asm volatile("" : "+r"(x) : : "memory");
  return x;
}

/// 1 - erf(x), relative error below 1.2e-7: W. H. Press et al., Numerical Recipes, "erfcc".
__device__ __forceinline__ float erfc_smooth(float x) {
  float z = fabsf(x), t = 1.0f / (1.0f + 0.5f * z), y = 0.17087277f;
  const float c[] = {-0.82215223f, 1.48851587f, -1.13520398f, 0.27886807f, -0.18628806f,
                     0.09678418f,  0.37409196f, 1.00002368f,  -1.26551223f};
#pragma unroll
  for (float one : c) y = one + t * y;
  y = t * __expf(-z * z + y);
  return x >= 0 ? y : 2.0f - y;
}

__device__ __forceinline__ float sigmoid(float x) { return 1.0f / (1.0f + __expf(-x)); }

/// Free of branches that lanes would take differently.
__device__ __forceinline__ float activated(float x, int act) {
  switch (act) {
    case WFK_RELU: return x < 0 ? 0.0f : x;
    case WFK_GELU: return 0.5f * x * erfc_smooth(-0.70710678f * x);
    case WFK_GELU_TANH: return x * sigmoid(1.5957691f * (x + 0.044715f * x * x * x));
    case WFK_SILU: return x * sigmoid(x);
    case WFK_SIGMOID: return sigmoid(x);
    case WFK_TANH: return 2.0f * sigmoid(2.0f * x) - 1.0f;
    default: return x;
  }
}

}  // namespace wfk
