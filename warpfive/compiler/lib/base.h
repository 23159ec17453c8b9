/* What the device math library is written in: bit access, polynomials, powers of two.

   The library is plain C++ without a C library. It is compiled twice: to RISC-V bitcode for device
   code, and for the host by the tests and for host code that calls CUDA's own functions.
   Conditional expressions on floating-point values are fine: the compiler turns them into integer
   selects, so that straight-line source stays free of branches. */
#pragma once

#pragma clang fp contract(off) /* every fused multiply-add is written as one */

typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long i64;

#ifdef __riscv
#define WF_EXPORT extern "C" __attribute__((always_inline))
#define WF_LARGE extern "C" /* too large to be copied into every caller */
#else
#define WF_EXPORT extern "C" __attribute__((visibility("default")))
#define WF_LARGE WF_EXPORT
#endif
#define WF_INLINE static inline __attribute__((always_inline))
#define WF_RARE(condition) __builtin_expect(!!(condition), 0)

WF_INLINE u32 bits(float x) { return __builtin_bit_cast(u32, x); }
WF_INLINE u64 bits(double x) { return __builtin_bit_cast(u64, x); }
WF_INLINE float from_bits(u32 x) { return __builtin_bit_cast(float, x); }
WF_INLINE double from_bits(u64 x) { return __builtin_bit_cast(double, x); }

WF_INLINE float fma(float x, float y, float z) { return __builtin_fmaf(x, y, z); }
WF_INLINE double fma(double x, double y, double z) { return __builtin_fma(x, y, z); }
WF_INLINE float sqrt(float x) { return __builtin_sqrtf(x); }
WF_INLINE double sqrt(double x) { return __builtin_sqrt(x); }
WF_INLINE float fabs(float x) { return __builtin_fabsf(x); }
WF_INLINE double fabs(double x) { return __builtin_fabs(x); }
WF_INLINE float copysign(float x, float y) { return __builtin_copysignf(x, y); }
WF_INLINE double copysign(double x, double y) { return __builtin_copysign(x, y); }

#define INF_F __builtin_inff()
#define NAN_F __builtin_nanf("")
#define INF_D __builtin_inf()
#define NAN_D __builtin_nan("")

/* Both values are computed: no lane waits for others to take a branch. */
template <class T> WF_INLINE T pick(bool condition, T yes, T no) { return condition ? yes : no; }

/* c0 + c1 x + c2 x^2 ... */
template <class T> WF_INLINE T poly(T, T c) { return c; }
template <class T, class... C> WF_INLINE T poly(T x, T c0, C... rest) {
  return fma(poly(x, (T)rest...), x, c0);
}

/* Adding it to a number below 2^22 (2^51) rounds to an integer, which then sits in the low bits. */
constexpr float ROUND_F = 0x1.8p23f;
constexpr double ROUND_D = 0x1.8p52;

/* 2^n for normal results. */
WF_INLINE float exp2i(int n) { return from_bits((u32)(n + 127) << 23); }
WF_INLINE double exp2i_d(int n) { return from_bits((u64)(i64)(n + 1023) << 52); }

/* x 2^n, |n| up to twice the exponent range, rounded once if x is in [0.25, 4]. */
WF_INLINE float scale(float x, int n) {
  int half = n >> 1;
  return x * exp2i(half) * exp2i(n - half);
}
WF_INLINE double scale(double x, int n) {
  int half = n >> 1;
  return x * exp2i_d(half) * exp2i_d(n - half);
}

/* An unevaluated sum; |lo| is at most half an ulp of hi. */
template <class T> struct Pair {
  T hi, lo;
};

template <class T> WF_INLINE Pair<T> fast_two_sum(T a, T b) { /* |a| >= |b| or a = 0 */
  T s = a + b;
  return {s, b - (s - a)};
}
template <class T> WF_INLINE Pair<T> two_sum(T a, T b) {
  T s = a + b, t = s - a;
  return {s, (a - (s - t)) + (b - t)};
}
template <class T> WF_INLINE Pair<T> two_product(T a, T b) {
  T p = a * b;
  return {p, fma(a, b, -p)};
}
