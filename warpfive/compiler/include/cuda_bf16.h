/* bfloat16: __nv_bfloat16 and __nv_bfloat162 on both sides. */
#pragma once
#include "vector_types.h"
#include "wf_round.h"
#if defined(__CUDA__)
#include "cuda_runtime.h"
#endif

#if defined(__cplusplus)
#if defined(__WF_DEVICE__)
/* A float that rounds to bfloat16 as the double does: cut off, with the last bit set if inexact. */
__wf_d float __wf_odd_float(double value) {
  float cut;
  __asm__("fcvt.s.d %0, %1, rtz" : "=f"(cut) : "f"(value));
  if ((double)cut == value) return cut;
  return __builtin_bit_cast(float, __builtin_bit_cast(int, cut) | 1);
}
/* Rounding twice goes wrong only when the float lies half way between two results. */
__wf_d __bf16 __wf_fma_native(__bf16 a, __bf16 b, __bf16 c) {
  const float s = __builtin_fmaf((float)a, (float)b, (float)c);
  if (__builtin_expect((__builtin_bit_cast(int, s) & 0xffff) != 0x8000, 1)) return (__bf16)s;
  return (__bf16)__wf_odd_float(__wf_fma_odd((double)(float)a, (double)(float)b,
                                             (double)(float)c));
}
#endif

#define WF_H __nv_bfloat16
#define WF_H2 __nv_bfloat162
#define WF_RAW __nv_bfloat16_raw
#define WF_RAW2 __nv_bfloat162_raw
#define WF_N bfloat16
#define WF_NATIVE __bf16
#define WF_EXPONENT 8
#define WF_MANTISSA 7
#define WF_ROUND "fcvt.bf16.s"
#define WF_FROM_DOUBLE(value) __wf_odd_float(value)
#include "wf_half.hpp"

typedef __nv_bfloat16 nv_bfloat16;
typedef __nv_bfloat162 nv_bfloat162;

#define CUDART_INF_BF16 __ushort_as_bfloat16(0x7f80)
#define CUDART_NAN_BF16 __ushort_as_bfloat16(0x7fff)
#define CUDART_MIN_DENORM_BF16 __ushort_as_bfloat16(0x0001)
#define CUDART_MAX_NORMAL_BF16 __ushort_as_bfloat16(0x7f7f)
#define CUDART_NEG_ZERO_BF16 __ushort_as_bfloat16(0x8000)
#define CUDART_ZERO_BF16 __ushort_as_bfloat16(0x0000)
#define CUDART_ONE_BF16 __ushort_as_bfloat16(0x3f80)

#if defined(__CUDA__)
__wf_d __nv_bfloat16 atomicAdd(__nv_bfloat16 *address, __nv_bfloat16 value) {
#if defined(__WF_DEVICE__)
  return __nv_bfloat16(__wf_amoadd_bf16(address, value.__native()));
#else
  return value;
#endif
}
__wf_d __nv_bfloat162 atomicAdd(__nv_bfloat162 *address, __nv_bfloat162 value) {
  return __builtin_bit_cast(__nv_bfloat162,
                            (int)__wf_amoadd_bf2(address, __builtin_bit_cast(int, value)));
}
#endif
#endif
