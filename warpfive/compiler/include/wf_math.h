/* CUDA's mathematical functions for device code, and those of them that the host's C library lacks.

   The functions themselves are in the device library (compiler/lib/math.cpp) under `__wfm_` names
   and reach a kernel as bitcode before it is optimised. Device overloads stand beside the host's
   functions of the same names, as clang's CUDA dialect allows, both globally and in std. */
#pragma once
#include "host_defines.h"
#include "wf_isa.h"

#define __WFM(T, name) extern "C" __device__ __attribute__((const, nothrow)) T __wfm_##name
#define __wf_real(T) __wf_d typename __wf_integer_if<__is_integral(T), double>::type

template <bool, class T> struct __wf_integer_if {};
template <class T> struct __wf_integer_if<true, T> { typedef T type; };
/* What two arguments of different types are converted to. */
template <class A, class B, bool = __is_arithmetic(A) && __is_arithmetic(B) && !__is_same(A, B)>
struct __wf_both {};
template <class A, class B> struct __wf_both<A, B, true> { typedef double type; };

struct __wfm_pair { double x, y; };
struct __wfm_pairf { float x, y; };

/* One argument: namef(float), name(double), name(float) and name(integer). */
#define __WF_MATH1(name)                                                \
  __WFM(float, name##f)(float);                                         \
  __WFM(double, name)(double);                                          \
  __wf_d float name##f(float x) { return __wfm_##name##f(x); }          \
  __wf_d double name(double x) { return __wfm_##name(x); }              \
  __wf_d float name(float x) { return name##f(x); }                     \
  template <class T> __wf_real(T) name(T x) { return name((double)x); }
/* The same, but namef is written below. */
#define __WF_MATH1_FAST(name)                                           \
  __WFM(float, name##f)(float);                                         \
  __WFM(double, name)(double);                                          \
  __wf_d float name##f(float x);                                        \
  __wf_d double name(double x) { return __wfm_##name(x); }              \
  __wf_d float name(float x) { return name##f(x); }                     \
  template <class T> __wf_real(T) name(T x) { return name((double)x); }
/* Two arguments of one type or of any two arithmetic types. */
#define __WF_MATH2_MIXED(name)                                                                     \
  template <class A, class B> __wf_d typename __wf_both<A, B>::type name(A x, B y) {               \
    return name((double)x, (double)y);                                                             \
  }                                                                                                \
  template <class A> __wf_d typename __wf_integer_if<__is_integral(A), double>::type name(A x, A y) {                           \
    return name((double)x, (double)y);                                                             \
  }
#define __WF_MATH2(name)                                                \
  __WFM(float, name##f)(float, float);                                  \
  __WFM(double, name)(double, double);                                  \
  __wf_d float name##f(float x, float y) { return __wfm_##name##f(x, y); } \
  __wf_d double name(double x, double y) { return __wfm_##name(x, y); } \
  __wf_d float name(float x, float y) { return __wfm_##name##f(x, y); } \
  __WF_MATH2_MIXED(name)

/* ---- fast intrinsics: the special function unit ---- */
__wf_d float __exp2f(float x) { return __wf_ex2(x); }
__wf_d float __expf(float x) { return __wf_ex2(x * 0x1.715476p0f); }
__wf_d float __exp10f(float x) { return __wf_ex2(x * 0x1.a934fp1f); }
__wf_d float __log2f(float x) { return __wf_lg2(x); }
__wf_d float __logf(float x) { return __wf_lg2(x) * 0x1.62e43p-1f; }
__wf_d float __log10f(float x) { return __wf_lg2(x) * 0x1.344136p-2f; }
__wf_d float __sinf(float x) { return __wf_sin(x); }
__wf_d float __cosf(float x) { return __wf_cos(x); }
__wf_d float __tanf(float x) { return __wf_sin(x) * __wf_rcp(__wf_cos(x)); }
__wf_d float __tanhf(float x) { return __wf_tanh(x); }
__wf_d void __sincosf(float x, float *s, float *c) { *s = __wf_sin(x), *c = __wf_cos(x); }
__wf_d float __powf(float x, float y) { return __wf_ex2(y * __wf_lg2(x)); }
__wf_d float __fdividef(float x, float y) { return x * __wf_rcp(y); }
__wf_d double fdivide(double x, double y) { return x / y; }
__wf_d float __saturatef(float x) { return __builtin_fminf(__builtin_fmaxf(x, 0.0f), 1.0f); }

/* ---- the functions of the C library ---- */
__WF_MATH1(acos)
__WF_MATH1(acosh)
__WF_MATH1(asin)
__WF_MATH1(asinh)
__WF_MATH1(atan)
__WF_MATH1(atanh)
__WF_MATH1(cbrt)
__WF_MATH1(cosh)
__WF_MATH1(erf)
__WF_MATH1(erfc)
__WF_MATH1(exp2)
__WF_MATH1(expm1)
__WF_MATH1(j0)
__WF_MATH1(j1)
__WF_MATH1(lgamma)
__WF_MATH1(log1p)
__WF_MATH1(sinh)
__WF_MATH1(tanh)
__WF_MATH1(tgamma)
__WF_MATH1(y0)
__WF_MATH1(y1)
__WF_MATH1(ceil)
__WF_MATH1(floor)
__WF_MATH1(nearbyint)
__WF_MATH1(rint)
__WF_MATH1(round)
__WF_MATH1(trunc)
__WF_MATH1(logb)
__WF_MATH1_FAST(cos)
__WF_MATH1_FAST(exp)
__WF_MATH1_FAST(exp10)
__WF_MATH1_FAST(log)
__WF_MATH1_FAST(log10)
__WF_MATH1_FAST(log2)
__WF_MATH1_FAST(sin)
__WF_MATH1_FAST(tan)
#ifdef __WF_FAST_MATH__
#define __WF_FAST1(name) \
  __wf_d float name##f(float x) { return __##name##f(x); }
#else
#define __WF_FAST1(name) \
  __wf_d float name##f(float x) { return __wfm_##name##f(x); }
#endif
__WF_FAST1(cos)
__WF_FAST1(exp)
__WF_FAST1(exp10)
__WF_FAST1(log)
__WF_FAST1(log10)
__WF_FAST1(log2)
__WF_FAST1(sin)
__WF_FAST1(tan)
#undef __WF_FAST1

__wf_d float sqrtf(float x) { return __builtin_sqrtf(x); }
__wf_d double sqrt(double x) { return __builtin_sqrt(x); }
__wf_d float sqrt(float x) { return __builtin_sqrtf(x); }
template <class T> __wf_real(T) sqrt(T x) { return __builtin_sqrt((double)x); }
__wf_d float fabsf(float x) { return __builtin_fabsf(x); }
__wf_d double fabs(double x) { return __builtin_fabs(x); }
__wf_d float fabs(float x) { return __builtin_fabsf(x); }
template <class T> __wf_real(T) fabs(T x) { return __builtin_fabs((double)x); }
__wf_d int abs(int x) { return x < 0 ? -x : x; }
__wf_d long abs(long x) { return x < 0 ? -x : x; }
__wf_d long long abs(long long x) { return x < 0 ? -x : x; }
__wf_d float abs(float x) { return __builtin_fabsf(x); }
__wf_d double abs(double x) { return __builtin_fabs(x); }
__wf_d long labs(long x) { return x < 0 ? -x : x; }
__wf_d long long llabs(long long x) { return x < 0 ? -x : x; }

__WF_MATH2(atan2)
__WF_MATH2(fdim)
__WF_MATH2(fmod)
__WF_MATH2(hypot)
__WF_MATH2(nextafter)
__WF_MATH2(remainder)

__wf_d float fmaxf(float x, float y) { return __builtin_fmaxf(x, y); }
__wf_d double fmax(double x, double y) { return __builtin_fmax(x, y); }
__wf_d float fmax(float x, float y) { return __builtin_fmaxf(x, y); }
__WF_MATH2_MIXED(fmax)
__wf_d float fminf(float x, float y) { return __builtin_fminf(x, y); }
__wf_d double fmin(double x, double y) { return __builtin_fmin(x, y); }
__wf_d float fmin(float x, float y) { return __builtin_fminf(x, y); }
__WF_MATH2_MIXED(fmin)
__wf_d float copysignf(float x, float y) { return __builtin_copysignf(x, y); }
__wf_d double copysign(double x, double y) { return __builtin_copysign(x, y); }
__wf_d float copysign(float x, float y) { return __builtin_copysignf(x, y); }
__WF_MATH2_MIXED(copysign)
__wf_d float fmaf(float x, float y, float z) { return __builtin_fmaf(x, y, z); }
__wf_d double fma(double x, double y, double z) { return __builtin_fma(x, y, z); }
__wf_d float fma(float x, float y, float z) { return __builtin_fmaf(x, y, z); }
__wf_d float fdividef(float x, float y) {
#ifdef __WF_FAST_MATH__
  return __fdividef(x, y);
#else
  return x / y;
#endif
}

__WFM(float, powf)(float, float);
__WFM(double, pow)(double, double);
/* Small constant exponents need no logarithm. */
#define __WF_POW(T, call)                                                          \
  if (__builtin_constant_p(y)) {                                                   \
    if (y == 1) return x;                                                          \
    if (y == 2) return x * x;                                                      \
    if (y == 3) return x * x * x;                                                  \
    if (y == 4) return (x * x) * (x * x);                                          \
    if (y == -1) return 1 / x;                                                     \
  }                                                                                \
  return call
__wf_d double pow(double x, double y) { __WF_POW(double, __wfm_pow(x, y)); }
__wf_d float powf(float x, float y) {
#ifdef __WF_FAST_MATH__
  __WF_POW(float, __powf(x, y));
#else
  __WF_POW(float, __wfm_powf(x, y));
#endif
}
__wf_d float pow(float x, float y) { return powf(x, y); }
__WF_MATH2_MIXED(pow)
__wf_d float powif(float x, int n) { return powf(x, (float)n); }
__wf_d double powi(double x, int n) { return pow(x, (double)n); }

__WFM(__wfm_pairf, sincosf)(float);
__WFM(__wfm_pair, sincos)(double);
__wf_d void sincosf(float x, float *s, float *c) {
#ifdef __WF_FAST_MATH__
  __sincosf(x, s, c);
#else
  const __wfm_pairf p = __wfm_sincosf(x);
  *s = p.x, *c = p.y;
#endif
}
__wf_d void sincos(double x, double *s, double *c) {
  const __wfm_pair p = __wfm_sincos(x);
  *s = p.x, *c = p.y;
}
__wf_d void sincos(float x, float *s, float *c) { sincosf(x, s, c); }

__WFM(float, jnf)(int, float);
__WFM(double, jn)(int, double);
__WFM(float, ynf)(int, float);
__WFM(double, yn)(int, double);
__wf_d float jnf(int n, float x) { return __wfm_jnf(n, x); }
__wf_d double jn(int n, double x) { return __wfm_jn(n, x); }
__wf_d float jn(int n, float x) { return __wfm_jnf(n, x); }
__wf_d float ynf(int n, float x) { return __wfm_ynf(n, x); }
__wf_d double yn(int n, double x) { return __wfm_yn(n, x); }
__wf_d float yn(int n, float x) { return __wfm_ynf(n, x); }

/* The parts of a number; results come back as a pair and are stored here. */
struct __wfm_parts { double x; long n; };
struct __wfm_partsf { float x; int n; };
__WFM(__wfm_partsf, frexpf)(float);
__WFM(__wfm_parts, frexp)(double);
__WFM(__wfm_partsf, remquof)(float, float);
__WFM(__wfm_parts, remquo)(double, double);
__WFM(float, ldexpf)(float, int);
__WFM(double, ldexp)(double, int);
__WFM(int, ilogbf)(float);
__WFM(int, ilogb)(double);
#define __WF_PARTS(T, S, f)                                                                    \
  __wf_d T frexp##f(T x, int *n) {                                                             \
    const __wfm_parts##f p = __wfm_frexp##f(x);                                                \
    *n = (int)p.n;                                                                             \
    return p.x;                                                                                \
  }                                                                                            \
  __wf_d T remquo##f(T x, T y, int *n) {                                                       \
    const __wfm_parts##f p = __wfm_remquo##f(x, y);                                            \
    *n = (int)p.n;                                                                             \
    return p.x;                                                                                \
  }                                                                                            \
  __wf_d T modf##f(T x, T *whole) {                                                            \
    const T t = trunc##f(x);                                                                   \
    *whole = t;                                                                                \
    return __builtin_copysign##f(fabs##f(x) == __builtin_inf##f() ? 0 : x - t, x);             \
  }                                                                                            \
  __wf_d T ldexp##f(T x, int n) { return __wfm_ldexp##f(x, n); }                               \
  __wf_d T scalbn##f(T x, int n) { return __wfm_ldexp##f(x, n); }                              \
  __wf_d T scalbln##f(T x, long n) {                                                           \
    return __wfm_ldexp##f(x, n > 100000 ? 100000 : n < -100000 ? -100000 : (int)n);            \
  }                                                                                            \
  __wf_d int ilogb##f(T x) { return __wfm_ilogb##f(x); }                                       \
  __wf_d long lrint##f(T x) { return __builtin_lrint##f(x); }                                  \
  __wf_d long long llrint##f(T x) { return __builtin_llrint##f(x); }                           \
  __wf_d long lround##f(T x) { return __builtin_lround##f(x); }                                \
  __wf_d long long llround##f(T x) { return __builtin_llround##f(x); }                         \
  __wf_d T nan##f(const char *) { return __builtin_nan##f(""); }
__WF_PARTS(float, f, f)
__WF_PARTS(double, , )
#undef __WF_PARTS
__wf_d float frexp(float x, int *n) { return frexpf(x, n); }
__wf_d float remquo(float x, float y, int *n) { return remquof(x, y, n); }
__wf_d float modf(float x, float *whole) { return modff(x, whole); }
__wf_d float ldexp(float x, int n) { return ldexpf(x, n); }
__wf_d float scalbn(float x, int n) { return ldexpf(x, n); }
__wf_d float scalbln(float x, long n) { return scalblnf(x, n); }
__wf_d int ilogb(float x) { return ilogbf(x); }
__wf_d long lrint(float x) { return lrintf(x); }
__wf_d long long llrint(float x) { return llrintf(x); }
__wf_d long lround(float x) { return lroundf(x); }
__wf_d long long llround(float x) { return llroundf(x); }

/* From C++23 on these are constexpr in the C++ library, and so both sides have them already. */
#if __cplusplus < 202302L
#define __WF_CLASS(name)                                                 \
  __wf_d bool name(float x) { return __builtin_##name(x); }              \
  __wf_d bool name(double x) { return __builtin_##name(x); }             \
  template <class T> __wf_d typename __wf_integer_if<__is_integral(T), bool>::type name(T x) { \
    return __builtin_##name((double)x);                                  \
  }
__WF_CLASS(isnan)
__WF_CLASS(isinf)
__WF_CLASS(isfinite)
__WF_CLASS(isnormal)
__WF_CLASS(signbit)
#undef __WF_CLASS
#endif
#define __WF_COMPARE(name)                                                                     \
  __wf_d bool name(float x, float y) { return __builtin_##name(x, y); }                        \
  __wf_d bool name(double x, double y) { return __builtin_##name(x, y); }
__WF_COMPARE(isgreater)
__WF_COMPARE(isgreaterequal)
__WF_COMPARE(isless)
__WF_COMPARE(islessequal)
__WF_COMPARE(islessgreater)
__WF_COMPARE(isunordered)
#undef __WF_COMPARE
__wf_d int isnanf(float x) { return x != x; }
__wf_d int isinff(float x) { return __builtin_isinf(x); }
__wf_d int finitef(float x) { return __builtin_isfinite(x); }
__wf_d int finite(double x) { return __builtin_isfinite(x); }
__wf_d int __isnanf(float x) { return x != x; }
__wf_d int __isnan(double x) { return x != x; }
__wf_d int __isinff(float x) { return __builtin_isinf(x); }
__wf_d int __isinf(double x) { return __builtin_isinf(x); }
__wf_d int __finitef(float x) { return __builtin_isfinite(x); }
__wf_d int __finite(double x) { return __builtin_isfinite(x); }
__wf_d int __signbitf(float x) { return __builtin_signbitf(x); }
__wf_d int __signbit(double x) { return __builtin_signbit(x); }

/* ---- CUDA's own functions, on the host too ---- */
/* A C library may declare some of them (C23 has sinpi and rsqrt): on the host they are defined
   under C's names, so that either way there is one. */
#define __WF_OWN_AS(T, name, parameters, device_value, host_value)             \
  __wf_d T name parameters { return device_value; }                            \
  extern "C" inline __host__ T name parameters noexcept { return host_value; }
#define __WF_OWN(T, name, parameters, arguments)                               \
  extern "C" __host__ __device__ __attribute__((const, nothrow)) T __wfm_##name parameters; \
  __WF_OWN_AS(T, name, parameters, __wfm_##name arguments, __wfm_##name arguments)
#define __wf_own static inline __host__ __device__

#define __WF_OWN1(name)                                             \
  __WF_OWN(float, name##f, (float x), (x))                          \
  __WF_OWN(double, name, (double x), (x))                           \
  __wf_own float name(float x) { return name##f(x); }
__WF_OWN1(cospi)
__WF_OWN1(cyl_bessel_i0)
__WF_OWN1(cyl_bessel_i1)
__WF_OWN1(erfcinv)
__WF_OWN1(erfcx)
__WF_OWN1(erfinv)
__WF_OWN1(normcdf)
__WF_OWN1(normcdfinv)
__WF_OWN1(rcbrt)
__WF_OWN1(sinpi)
#undef __WF_OWN1

__WFM(double, rsqrt)(double);
__WF_OWN_AS(float, rsqrtf, (float x), __wf_rsqrt(x), 1.0f / __builtin_sqrtf(x))
__WF_OWN_AS(double, rsqrt, (double x), __wfm_rsqrt(x), 1.0 / __builtin_sqrt(x))
__wf_own float rsqrt(float x) { return rsqrtf(x); }

#define __WF_NORMS(T, f)                                                       \
  __WF_OWN(T, rhypot##f, (T x, T y), (x, y))                                   \
  __WF_OWN(T, norm3d##f, (T x, T y, T z), (x, y, z))                           \
  __WF_OWN(T, rnorm3d##f, (T x, T y, T z), (x, y, z))                          \
  __WF_OWN(T, norm4d##f, (T x, T y, T z, T w), (x, y, z, w))                   \
  __WF_OWN(T, rnorm4d##f, (T x, T y, T z, T w), (x, y, z, w))                  \
  extern "C" __host__ __device__ T __wfm_norm##f(int, const T *);              \
  __wf_own T norm##f(int n, const T *p) { return __wfm_norm##f(n, p); }        \
  __wf_own T rnorm##f(int n, const T *p) { return 1 / __wfm_norm##f(n, p); }
__WF_NORMS(float, f)
__WF_NORMS(double, )
#undef __WF_NORMS
#undef __WF_OWN_AS
__wf_own float rhypot(float x, float y) { return rhypotf(x, y); }
__wf_own float norm3d(float x, float y, float z) { return norm3df(x, y, z); }
__wf_own float rnorm3d(float x, float y, float z) { return rnorm3df(x, y, z); }
__wf_own float norm4d(float x, float y, float z, float w) { return norm4df(x, y, z, w); }
__wf_own float rnorm4d(float x, float y, float z, float w) { return rnorm4df(x, y, z, w); }
__wf_own void sincospif(float x, float *s, float *c) { *s = sinpif(x), *c = cospif(x); }
__wf_own void sincospi(double x, double *s, double *c) { *s = sinpi(x), *c = cospi(x); }
__wf_own void sincospi(float x, float *s, float *c) { sincospif(x, s, c); }

/* ---- arithmetic with a named rounding; never merged into a multiply-add ---- */
#define __WF_ROUND2(name, op, T)                                         \
  __wf_d T name(T x, T y) {                                              \
    T r;                                                                 \
    asm(op : "=f"(r) : "f"(x), "f"(y));                                  \
    return r;                                                            \
  }
#define __WF_ROUND1(name, op, T)                                         \
  __wf_d T name(T x) {                                                   \
    T r;                                                                 \
    asm(op : "=f"(r) : "f"(x));                                          \
    return r;                                                            \
  }
#define __WF_ROUND3(name, op, T)                                         \
  __wf_d T name(T x, T y, T z) {                                         \
    T r;                                                                 \
    asm(op : "=f"(r) : "f"(x), "f"(y), "f"(z));                          \
    return r;                                                            \
  }
#define __WF_NEAREST(name, op, T)                                        \
  __wf_d T name(T x, T y) {                                              \
    _Pragma("clang fp contract(off)") return x op y;                     \
  }
#define __WF_DIRECTED(T, add, sub, mul, fma, div, rcp, sqrt, s)          \
  __WF_DIRECTED1(T, add, sub, mul, fma, div, rcp, sqrt, s, rz, rtz)      \
  __WF_DIRECTED1(T, add, sub, mul, fma, div, rcp, sqrt, s, ru, rup)      \
  __WF_DIRECTED1(T, add, sub, mul, fma, div, rcp, sqrt, s, rd, rdn)      \
  __WF_NEAREST(add##_rn, +, T)                                           \
  __WF_NEAREST(sub##_rn, -, T)                                           \
  __WF_NEAREST(mul##_rn, *, T)                                           \
  __WF_NEAREST(div##_rn, /, T)
#define __WF_DIRECTED1(T, add, sub, mul, fma, div, rcp, sqrt, s, suffix, mode) \
  __WF_ROUND2(add##_##suffix, "fadd." s " %0, %1, %2, " #mode, T)        \
  __WF_ROUND2(sub##_##suffix, "fsub." s " %0, %1, %2, " #mode, T)        \
  __WF_ROUND2(mul##_##suffix, "fmul." s " %0, %1, %2, " #mode, T)        \
  __WF_ROUND2(div##_##suffix, "fdiv." s " %0, %1, %2, " #mode, T)        \
  __WF_ROUND1(sqrt##_##suffix, "fsqrt." s " %0, %1, " #mode, T)          \
  __WF_ROUND3(fma##_##suffix, "fmadd." s " %0, %1, %2, %3, " #mode, T)   \
  __wf_d T rcp##_##suffix(T x) { return div##_##suffix(1, x); }
__WF_DIRECTED(float, __fadd, __fsub, __fmul, __fmaf, __fdiv, __frcp, __fsqrt, "s")
__WF_DIRECTED(double, __dadd, __dsub, __dmul, __fma, __ddiv, __drcp, __dsqrt, "d")
#undef __WF_DIRECTED
#undef __WF_DIRECTED1
#undef __WF_ROUND1
#undef __WF_ROUND2
#undef __WF_ROUND3
#undef __WF_NEAREST
__wf_d float __fmaf_rn(float x, float y, float z) { return __builtin_fmaf(x, y, z); }
__wf_d double __fma_rn(double x, double y, double z) { return __builtin_fma(x, y, z); }
__wf_d float __frcp_rn(float x) { return 1.0f / x; }
__wf_d double __drcp_rn(double x) { return 1.0 / x; }
__wf_d float __fsqrt_rn(float x) { return __builtin_sqrtf(x); }
__wf_d double __dsqrt_rn(double x) { return __builtin_sqrt(x); }
__wf_d float __frsqrt_rn(float x) { return (float)(1.0 / __builtin_sqrt((double)x)); }
#define __WF_IEEE(mode)                                                        \
  __wf_d float __fmaf_ieee_##mode(float x, float y, float z) {                 \
    return __fmaf_##mode(x, y, z);                                             \
  }
__WF_IEEE(rn)
__WF_IEEE(rz)
__WF_IEEE(ru)
__WF_IEEE(rd)
#undef __WF_IEEE

/* ---- conversions: saturating, and 0 for a NaN where CUDA says so ---- */
#define __WF_TO_INT(name, T, R, op, none)                                \
  __wf_d R name(T x) {                                                   \
    long r;                                                              \
    asm(op : "=r"(r) : "f"(x));                                          \
    return x == x ? (R)r : (R)none;                                      \
  }
#define __WF_MODES(M)      \
  M(rn, rne) M(rz, rtz) M(ru, rup) M(rd, rdn)
#define __WF_NO_LONG 0x8000000000000000ull
#define __WF_TO(suffix, mode)                                                                   \
  __WF_TO_INT(__float2int_##suffix, float, int, "fcvt.w.s %0, %1, " #mode, 0)                   \
  __WF_TO_INT(__float2uint_##suffix, float, unsigned int, "fcvt.wu.s %0, %1, " #mode, 0)        \
  __WF_TO_INT(__float2ll_##suffix, float, long long, "fcvt.l.s %0, %1, " #mode, __WF_NO_LONG)   \
  __WF_TO_INT(__float2ull_##suffix, float, unsigned long long, "fcvt.lu.s %0, %1, " #mode,      \
              __WF_NO_LONG)                                                                     \
  __WF_TO_INT(__double2int_##suffix, double, int, "fcvt.w.d %0, %1, " #mode, 0)                 \
  __WF_TO_INT(__double2uint_##suffix, double, unsigned int, "fcvt.wu.d %0, %1, " #mode, 0)      \
  __WF_TO_INT(__double2ll_##suffix, double, long long, "fcvt.l.d %0, %1, " #mode, __WF_NO_LONG) \
  __WF_TO_INT(__double2ull_##suffix, double, unsigned long long, "fcvt.lu.d %0, %1, " #mode,    \
              __WF_NO_LONG)
__WF_MODES(__WF_TO)
#undef __WF_TO
#undef __WF_TO_INT

#define __WF_FROM(name, T, W, R, op)                                     \
  __wf_d R name(T x) {                                                   \
    R r;                                                                 \
    asm(op : "=f"(r) : "r"((W)x));                                       \
    return r;                                                            \
  }
#define __WF_FROM_ALL(suffix, mode)                                                               \
  __WF_FROM(__int2float_##suffix, int, long, float, "fcvt.s.w %0, %1, " #mode)                    \
  __WF_FROM(__uint2float_##suffix, unsigned int, long, float, "fcvt.s.l %0, %1, " #mode)          \
  __WF_FROM(__ll2float_##suffix, long long, long, float, "fcvt.s.l %0, %1, " #mode)               \
  __WF_FROM(__ull2float_##suffix, unsigned long long, long, float, "fcvt.s.lu %0, %1, " #mode)    \
  __WF_FROM(__ll2double_##suffix, long long, long, double, "fcvt.d.l %0, %1, " #mode)             \
  __WF_FROM(__ull2double_##suffix, unsigned long long, long, double, "fcvt.d.lu %0, %1, " #mode)  \
  __wf_d float __double2float_##suffix(double x) {                                                \
    float r;                                                                                      \
    asm("fcvt.s.d %0, %1, " #mode : "=f"(r) : "f"(x));                                            \
    return r;                                                                                     \
  }
__WF_MODES(__WF_FROM_ALL)
#undef __WF_FROM_ALL
#undef __WF_FROM
#undef __WF_MODES
#undef __WF_NO_LONG
__wf_d double __int2double_rn(int x) { return (double)x; }
__wf_d double __uint2double_rn(unsigned int x) { return (double)x; }

/* ---- the bits of a number ---- */
#define __WF_AS(name, T, R) \
  __wf_d R name(T x) { return __builtin_bit_cast(R, x); }
__WF_AS(__float_as_int, float, int)
__WF_AS(__float_as_uint, float, unsigned int)
__WF_AS(__int_as_float, int, float)
__WF_AS(__uint_as_float, unsigned int, float)
__WF_AS(__double_as_longlong, double, long long)
__WF_AS(__double_as_ulonglong, double, unsigned long long)
__WF_AS(__longlong_as_double, long long, double)
__WF_AS(__ulonglong_as_double, unsigned long long, double)
#undef __WF_AS
__wf_d int __double2hiint(double x) { return (int)(__double_as_longlong(x) >> 32); }
__wf_d int __double2loint(double x) { return (int)__double_as_longlong(x); }
__wf_d double __hiloint2double(int hi, int lo) {
  return __longlong_as_double((long long)((unsigned long long)(unsigned int)hi << 32 |
                                          (unsigned int)lo));
}

/* ---- integer products ---- */
__wf_d int __mul24(int x, int y) { return (int)((unsigned)(x << 8 >> 8) * (unsigned)(y << 8 >> 8)); }
__wf_d unsigned int __umul24(unsigned int x, unsigned int y) {
  return (x & 0xffffff) * (y & 0xffffff);
}
__wf_d int mul24(int x, int y) { return __mul24(x, y); }
__wf_d unsigned int umul24(unsigned int x, unsigned int y) { return __umul24(x, y); }
__wf_d int __mulhi(int x, int y) { return (int)((long)x * y >> 32); }
__wf_d unsigned int __umulhi(unsigned int x, unsigned int y) {
  return (unsigned int)((unsigned long)x * y >> 32);
}
__wf_d int mulhi(int x, int y) { return __mulhi(x, y); }
__wf_d unsigned int umulhi(unsigned int x, unsigned int y) { return __umulhi(x, y); }
__wf_d long long __mul64hi(long long x, long long y) { return (long long)((__int128)x * y >> 64); }
__wf_d unsigned long long __umul64hi(unsigned long long x, unsigned long long y) {
  return (unsigned long long)((unsigned __int128)x * y >> 64);
}
__wf_d long long mul64hi(long long x, long long y) { return __mul64hi(x, y); }
__wf_d unsigned long long umul64hi(unsigned long long x, unsigned long long y) {
  return __umul64hi(x, y);
}

#undef __WFM
#undef __WF_OWN
#undef __WF_MATH1
#undef __WF_MATH1_FAST
#undef __WF_MATH2
#undef __WF_MATH2_MIXED
#undef __WF_POW
#undef __wf_own
#undef __wf_real

namespace std {
using ::abs;
using ::acos;
using ::acosh;
using ::asin;
using ::asinh;
using ::atan;
using ::atan2;
using ::atanh;
using ::cbrt;
using ::ceil;
using ::copysign;
using ::cos;
using ::cosh;
using ::erf;
using ::erfc;
using ::exp;
using ::exp2;
using ::expm1;
using ::fabs;
using ::fdim;
using ::floor;
using ::fma;
using ::fmax;
using ::fmin;
using ::fmod;
using ::frexp;
using ::hypot;
using ::ilogb;
using ::isfinite;
using ::isgreater;
using ::isgreaterequal;
using ::isinf;
using ::isless;
using ::islessequal;
using ::islessgreater;
using ::isnan;
using ::isnormal;
using ::isunordered;
using ::labs;
using ::ldexp;
using ::lgamma;
using ::llabs;
using ::llrint;
using ::llround;
using ::log;
using ::log10;
using ::log1p;
using ::log2;
using ::logb;
using ::lrint;
using ::lround;
using ::modf;
using ::nan;
using ::nanf;
using ::nearbyint;
using ::nextafter;
using ::pow;
using ::remainder;
using ::remquo;
using ::rint;
using ::round;
using ::scalbln;
using ::scalbn;
using ::signbit;
using ::sin;
using ::sinh;
using ::sqrt;
using ::tan;
using ::tanh;
using ::tgamma;
using ::trunc;
}  // namespace std
