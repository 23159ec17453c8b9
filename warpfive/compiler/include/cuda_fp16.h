/* Half precision: __half and __half2 on both sides. */
#pragma once
#include "vector_types.h"
#include "wf_round.h"
#if defined(__CUDA__)
#include "cuda_runtime.h"
#endif

#if defined(__cplusplus)
#if defined(__WF_DEVICE__)
__wf_d _Float16 __wf_fma_native(_Float16 a, _Float16 b, _Float16 c) {
  return __builtin_fmaf16(a, b, c);
}
#endif

#define WF_H __half
#define WF_H2 __half2
#define WF_RAW __half_raw
#define WF_RAW2 __half2_raw
#define WF_N half
#define WF_NATIVE _Float16
#define WF_EXPONENT 5
#define WF_MANTISSA 10
#define WF_ROUND "fcvt.h.s"
#define WF_FROM_DOUBLE(value) (value)
#include "wf_half.hpp"

typedef __half half;
typedef __half2 half2;
typedef __half nv_half;
typedef __half __nv_half;
typedef __half2 nv_half2;
typedef __half2 __nv_half2;
typedef __half_raw __nv_half_raw;
typedef __half2_raw __nv_half2_raw;

#define CUDART_INF_FP16 __ushort_as_half(0x7c00)
#define CUDART_NAN_FP16 __ushort_as_half(0x7fff)
#define CUDART_MIN_DENORM_FP16 __ushort_as_half(0x0001)
#define CUDART_MAX_NORMAL_FP16 __ushort_as_half(0x7bff)
#define CUDART_NEG_ZERO_FP16 __ushort_as_half(0x8000)
#define CUDART_ZERO_FP16 __ushort_as_half(0x0000)
#define CUDART_ONE_FP16 __ushort_as_half(0x3c00)

#if defined(__CUDA__)
__wf_d __half atomicAdd(__half *address, __half value) {
#if defined(__WF_DEVICE__)
  return __half(__wf_amoadd_h(address, value.__native()));
#else
  return value;
#endif
}
__wf_d __half2 atomicAdd(__half2 *address, __half2 value) {
  return __builtin_bit_cast(__half2,
                            (int)__wf_amoadd_h2(address, __builtin_bit_cast(int, value)));
}
#endif
#endif
