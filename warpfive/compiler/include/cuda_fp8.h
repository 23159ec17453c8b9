/* 8-bit floating point: e4m3 and e5m2, conversions in software, one value, pairs and fours. */
#pragma once
#include "cuda_bf16.h"
#include "cuda_fp16.h"

#if defined(__cplusplus)
typedef unsigned char __nv_fp8_storage_t;
typedef unsigned short __nv_fp8x2_storage_t;
typedef unsigned int __nv_fp8x4_storage_t;
enum __nv_saturation_t { __NV_NOSAT, __NV_SATFINITE };
enum __nv_fp8_interpretation_t { __NV_E4M3, __NV_E5M2 };

/* e5m2 is laid out as IEEE formats are. e4m3 has no infinity: 0x7f is NaN and 0x7e, 448, the
   largest number. Rounding is to nearest even; beyond the largest number the result is that
   number (SATFINITE), or else infinity, which e4m3 writes as NaN. */
__wf_hd __nv_fp8_storage_t __wf_double_to_e5m2(double x, __nv_saturation_t saturate) {
  if (x != x) return 0x7f;
  const unsigned int r = __wf_encode<5, 2>(x, __wf_rn);
  if (saturate == __NV_SATFINITE && (r & 0x7f) == 0x7c) return (__nv_fp8_storage_t)(r - 1);
  return (__nv_fp8_storage_t)r;
}
__wf_hd __nv_fp8_storage_t __wf_double_to_e4m3(double x, __nv_saturation_t saturate) {
  if (x != x) return 0x7f;
  const unsigned int sign = __wf_cast<unsigned long long>(x) >> 63 ? 0x80 : 0;
  const double a = x < 0 ? -x : x;
  if (a < 256) return (__nv_fp8_storage_t)(sign | (__wf_encode<4, 3>(a, __wf_rn) & 0x7f));
  /* The last binade, 256 to 448, lies where IEEE formats have infinity and NaN. */
  if (a <= 464) {
    unsigned int r = 0x78 + (__wf_encode<5, 3>(a, __wf_rn) - __wf_encode<5, 3>(256.0, __wf_rn));
    if (r > 0x7e) r = 0x7e;
    return (__nv_fp8_storage_t)(sign | r);
  }
  return (__nv_fp8_storage_t)(sign | (saturate == __NV_SATFINITE ? 0x7e : 0x7f));
}
__wf_hd float __wf_e5m2_to_float(__nv_fp8_storage_t x) { return __wf_decode<5, 2>(x); }
__wf_hd float __wf_e4m3_to_float(__nv_fp8_storage_t x) {
  const unsigned int a = x & 0x7fu;
  if (a < 0x78) return __wf_decode<4, 3>(x);
  if (a == 0x7f) return __wf_cast<float>(0x7fffffffu);
  const float v = 256.0f + 32.0f * (float)(a - 0x78);
  return x & 0x80 ? -v : v;
}

__wf_hd __nv_fp8_storage_t __nv_cvt_double_to_fp8(double x, __nv_saturation_t saturate,
                                                  __nv_fp8_interpretation_t format) {
  return format == __NV_E5M2 ? __wf_double_to_e5m2(x, saturate)
                             : __wf_double_to_e4m3(x, saturate);
}
__wf_hd __nv_fp8_storage_t __nv_cvt_float_to_fp8(float x, __nv_saturation_t saturate,
                                                 __nv_fp8_interpretation_t format) {
  return __nv_cvt_double_to_fp8((double)x, saturate, format);
}
__wf_hd __nv_fp8_storage_t __nv_cvt_halfraw_to_fp8(__half_raw x, __nv_saturation_t saturate,
                                                   __nv_fp8_interpretation_t format) {
  return __nv_cvt_float_to_fp8((float)__half(x), saturate, format);
}
__wf_hd __nv_fp8_storage_t __nv_cvt_bfloat16raw_to_fp8(__nv_bfloat16_raw x,
                                                       __nv_saturation_t saturate,
                                                       __nv_fp8_interpretation_t format) {
  return __nv_cvt_float_to_fp8((float)__nv_bfloat16(x), saturate, format);
}
__wf_hd __half_raw __nv_cvt_fp8_to_halfraw(__nv_fp8_storage_t x,
                                           __nv_fp8_interpretation_t format) {
  return __half(format == __NV_E5M2 ? __wf_e5m2_to_float(x) : __wf_e4m3_to_float(x));
}
/* Pairs: the first value in the low byte. */
__wf_hd __nv_fp8x2_storage_t __nv_cvt_double2_to_fp8x2(double2 x, __nv_saturation_t saturate,
                                                       __nv_fp8_interpretation_t format) {
  return (__nv_fp8x2_storage_t)(__nv_cvt_double_to_fp8(x.x, saturate, format) |
                                __nv_cvt_double_to_fp8(x.y, saturate, format) << 8);
}
__wf_hd __nv_fp8x2_storage_t __nv_cvt_float2_to_fp8x2(float2 x, __nv_saturation_t saturate,
                                                      __nv_fp8_interpretation_t format) {
  return (__nv_fp8x2_storage_t)(__nv_cvt_float_to_fp8(x.x, saturate, format) |
                                __nv_cvt_float_to_fp8(x.y, saturate, format) << 8);
}
__wf_hd __nv_fp8x2_storage_t __nv_cvt_halfraw2_to_fp8x2(__half2_raw x,
                                                        __nv_saturation_t saturate,
                                                        __nv_fp8_interpretation_t format) {
  return __nv_cvt_float2_to_fp8x2(__half22float2(__half2(x)), saturate, format);
}
__wf_hd __nv_fp8x2_storage_t __nv_cvt_bfloat16raw2_to_fp8x2(__nv_bfloat162_raw x,
                                                            __nv_saturation_t saturate,
                                                            __nv_fp8_interpretation_t format) {
  return __nv_cvt_float2_to_fp8x2(__bfloat1622float2(__nv_bfloat162(x)), saturate, format);
}
__wf_hd __half2_raw __nv_cvt_fp8x2_to_halfraw2(__nv_fp8x2_storage_t x,
                                               __nv_fp8_interpretation_t format) {
  __half2_raw r;
  r.x = __nv_cvt_fp8_to_halfraw((__nv_fp8_storage_t)(x & 0xff), format).x;
  r.y = __nv_cvt_fp8_to_halfraw((__nv_fp8_storage_t)(x >> 8), format).x;
  return r;
}

#define __WF_FP8(name, format, decode)                                                         \
  struct name {                                                                                \
    __nv_fp8_storage_t __x;                                                                    \
    name() = default;                                                                          \
    __wf_hd explicit name(float v) : __x(__nv_cvt_float_to_fp8(v, __NV_SATFINITE, format)) {}  \
    __wf_hd explicit name(double v) : __x(__nv_cvt_double_to_fp8(v, __NV_SATFINITE, format)) {} \
    __wf_hd explicit name(__half v) : name((float)v) {}                                        \
    __wf_hd explicit name(__nv_bfloat16 v) : name((float)v) {}                                 \
    __wf_hd explicit name(int v) : name((double)v) {}                                          \
    __wf_hd explicit name(unsigned int v) : name((double)v) {}                                 \
    __wf_hd explicit name(short v) : name((double)v) {}                                        \
    __wf_hd explicit name(unsigned short v) : name((double)v) {}                               \
    __wf_hd explicit name(long v) : name((double)v) {}                                         \
    __wf_hd explicit name(unsigned long v) : name((double)v) {}                                \
    __wf_hd explicit name(long long v) : name((double)v) {}                                    \
    __wf_hd explicit name(unsigned long long v) : name((double)v) {}                           \
    __wf_hd explicit operator float() const { return decode(__x); }                            \
    __wf_hd explicit operator double() const { return decode(__x); }                           \
    __wf_hd explicit operator __half() const { return __half(decode(__x)); }                   \
    __wf_hd explicit operator __nv_bfloat16() const { return __nv_bfloat16(decode(__x)); }     \
    __wf_hd explicit operator bool() const { return (__x & 0x7f) != 0; }                       \
    __wf_hd explicit operator char() const { return (char)__half(decode(__x)); }               \
    __wf_hd explicit operator signed char() const { return (signed char)__half(decode(__x)); } \
    __wf_hd explicit operator unsigned char() const {                                          \
      return (unsigned char)__half(decode(__x));                                               \
    }                                                                                          \
    __wf_hd explicit operator short() const { return (short)__half(decode(__x)); }             \
    __wf_hd explicit operator unsigned short() const {                                         \
      return (unsigned short)__half(decode(__x));                                              \
    }                                                                                          \
    __wf_hd explicit operator int() const { return (int)__half(decode(__x)); }                 \
    __wf_hd explicit operator unsigned int() const {                                           \
      return (unsigned int)__half(decode(__x));                                                \
    }                                                                                          \
    __wf_hd explicit operator long long() const { return (long long)__half(decode(__x)); }     \
    __wf_hd explicit operator unsigned long long() const {                                     \
      return (unsigned long long)__half(decode(__x));                                          \
    }                                                                                          \
  };                                                                                           \
  struct __align__(2) __WF_FP8_NAME(name, x2) {                                                \
    __nv_fp8x2_storage_t __x;                                                                  \
    __WF_FP8_NAME(name, x2)() = default;                                                       \
    __wf_hd explicit __WF_FP8_NAME(name, x2)(float2 v)                                         \
        : __x(__nv_cvt_float2_to_fp8x2(v, __NV_SATFINITE, format)) {}                          \
    __wf_hd explicit __WF_FP8_NAME(name, x2)(double2 v)                                        \
        : __x(__nv_cvt_double2_to_fp8x2(v, __NV_SATFINITE, format)) {}                         \
    __wf_hd explicit __WF_FP8_NAME(name, x2)(__half2 v)                                        \
        : __WF_FP8_NAME(name, x2)(__half22float2(v)) {}                                        \
    __wf_hd explicit __WF_FP8_NAME(name, x2)(__nv_bfloat162 v)                                 \
        : __WF_FP8_NAME(name, x2)(__bfloat1622float2(v)) {}                                    \
    __wf_hd explicit operator float2() const {                                                 \
      float2 r = {decode((__nv_fp8_storage_t)(__x & 0xff)),                                    \
                  decode((__nv_fp8_storage_t)(__x >> 8))};                                     \
      return r;                                                                                \
    }                                                                                          \
    __wf_hd explicit operator __half2() const { return __float22half2_rn((float2)*this); }     \
  };                                                                                           \
  struct __align__(4) __WF_FP8_NAME(name, x4) {                                                \
    __nv_fp8x4_storage_t __x;                                                                  \
    __WF_FP8_NAME(name, x4)() = default;                                                       \
    __wf_hd explicit __WF_FP8_NAME(name, x4)(float4 v)                                         \
        : __x((unsigned int)name(v.x).__x | (unsigned int)name(v.y).__x << 8 |                 \
              (unsigned int)name(v.z).__x << 16 | (unsigned int)name(v.w).__x << 24) {}        \
    __wf_hd explicit operator float4() const {                                                 \
      float4 r = {decode((__nv_fp8_storage_t)__x), decode((__nv_fp8_storage_t)(__x >> 8)),     \
                  decode((__nv_fp8_storage_t)(__x >> 16)),                                     \
                  decode((__nv_fp8_storage_t)(__x >> 24))};                                    \
      return r;                                                                                \
    }                                                                                          \
  };
#define __WF_FP8_NAME(name, count) name##count
#define __nv_fp8_e4m3x2 __nv_fp8x2_e4m3
#define __nv_fp8_e4m3x4 __nv_fp8x4_e4m3
#define __nv_fp8_e5m2x2 __nv_fp8x2_e5m2
#define __nv_fp8_e5m2x4 __nv_fp8x4_e5m2
__WF_FP8(__nv_fp8_e4m3, __NV_E4M3, __wf_e4m3_to_float)
__WF_FP8(__nv_fp8_e5m2, __NV_E5M2, __wf_e5m2_to_float)
#undef __nv_fp8_e4m3x2
#undef __nv_fp8_e4m3x4
#undef __nv_fp8_e5m2x2
#undef __nv_fp8_e5m2x4
#undef __WF_FP8_NAME
#undef __WF_FP8
#endif
