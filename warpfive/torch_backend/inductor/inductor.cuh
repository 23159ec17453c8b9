/* What generated kernels call: conversions, arithmetic as PyTorch defines it, reductions. */
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_fp8.h>
#include <cuda_runtime.h>
#include <math_constants.h>

#include <assert.h>

namespace wf {

template <class T> struct is_float { static constexpr bool value = false; };
template <> struct is_float<float> { static constexpr bool value = true; };
template <> struct is_float<double> { static constexpr bool value = true; };
template <class A, class B> using both = decltype(A() + B());
#define WF __device__ __forceinline__

/* Between memory and registers: narrow floats are computed in float. */
template <class T> WF T widen(T v) { return v; }
WF float widen(__half v) { return __half2float(v); }
WF float widen(__nv_bfloat16 v) { return __bfloat162float(v); }
WF float widen(__nv_fp8_e4m3 v) { return float(v); }
WF float widen(__nv_fp8_e5m2 v) { return float(v); }

template <class T, class S> struct Convert { static WF T of(S v) { return T(v); } };
template <class S> struct Convert<bool, S> { static WF bool of(S v) { return v != S(0); } };
template <class S> struct Convert<__half, S> {
  static WF __half of(S v) { return __float2half_rn(float(v)); }
};
template <class S> struct Convert<__nv_bfloat16, S> {
  static WF __nv_bfloat16 of(S v) { return __float2bfloat16_rn(float(v)); }
};
template <class S> struct Convert<__nv_fp8_e4m3, S> {
  static WF __nv_fp8_e4m3 of(S v) {
    __nv_fp8_e4m3 out;
    out.__x = __nv_cvt_float_to_fp8(float(v), __NV_SATFINITE, __NV_E4M3);
    return out;
  }
};
template <class S> struct Convert<__nv_fp8_e5m2, S> {
  static WF __nv_fp8_e5m2 of(S v) {
    __nv_fp8_e5m2 out;
    out.__x = __nv_cvt_float_to_fp8(float(v), __NV_NOSAT, __NV_E5M2);
    return out;
  }
};
template <class T, class S> WF T to(S v) { return Convert<T, S>::of(v); }
template <class T, class S> WF T bits(S v) {
  static_assert(sizeof(T) == sizeof(S), "a bitcast keeps the size");
  T out;
  memcpy(&out, &v, sizeof(T));
  return out;
}

/* Arithmetic. min and max hand NaN on. */
template <class T> WF T min2(T a, T b) {
  if constexpr (is_float<T>::value) return (a < b || a != a) ? a : b;
  else return a < b ? a : b;
}
template <class T> WF T max2(T a, T b) {
  if constexpr (is_float<T>::value) return (a > b || a != a) ? a : b;
  else return a > b ? a : b;
}
template <class A, class B> WF both<A, B> minimum(A a, B b) {
  return min2<both<A, B>>(a, b);
}
template <class A, class B> WF both<A, B> maximum(A a, B b) {
  return max2<both<A, B>>(a, b);
}
template <class T> WF T relu(T v) { return max2<T>(v, T(0)); }
template <class T> WF T sign(T v) {
  if constexpr (is_float<T>::value) return v > 0 ? T(1) : v < 0 ? T(-1) : v != v ? v : T(0);
  else return T((v > T(0)) - (v < T(0)));
}
template <class T> WF T sigmoid(T v) { return T(1) / (T(1) + exp(-v)); }
template <class T> WF T reciprocal(T v) { return T(1) / v; }
template <class T> WF bool isnan(T v) {
  if constexpr (is_float<T>::value) return v != v;
  else return false;
}
template <class T> WF bool isinf(T v) {
  if constexpr (is_float<T>::value) return fabs(v) == T(INFINITY);
  else return false;
}
template <class T> WF bool signbit(T v) {
  if constexpr (sizeof(T) == 4 && is_float<T>::value) return __float_as_int(v) < 0;
  else if constexpr (is_float<T>::value) return __double_as_longlong(v) < 0;
  else return v < T(0);
}
template <class T> WF T bitwise_not(T v) {
  if constexpr (sizeof(T) == 1 && T(2) == T(1)) return !v;
  else return T(~v);
}
template <class A, class B> WF A shift_left(A a, B b) {
  return b < B(0) || b >= B(8 * sizeof(A)) ? A(0) : A(a << b);
}
template <class A, class B> WF A shift_right(A a, B b) {
  constexpr int most = 8 * sizeof(A) - 1;
  return b < B(0) || b > B(most) ? A(a >> most) : A(a >> b);
}
template <class A, class B> WF auto divide(A a, B b) {
  if constexpr (is_float<both<A, B>>::value) return both<A, B>(a) / both<A, B>(b);
  else return float(a) / float(b);
}
template <class A, class B> WF both<A, B> trunc_divide(A a, B b) {
  if constexpr (is_float<both<A, B>>::value) return trunc(both<A, B>(a) / both<A, B>(b));
  else return a / b;
}
template <class A, class B> WF both<A, B> fmod(A a, B b) {
  if constexpr (is_float<both<A, B>>::value) return ::fmod(both<A, B>(a), both<A, B>(b));
  else return a % b;
}
template <class A, class B> WF both<A, B> remainder(A a, B b) {
  const both<A, B> rest = wf::fmod(a, b);
  return rest != 0 && (rest < 0) != (b < 0) ? both<A, B>(rest + b) : rest;
}
template <class A, class B> WF both<A, B> floor_divide(A a, B b) {
  using T = both<A, B>;
  if constexpr (is_float<T>::value) {
    if (b == 0) return T(a) / T(b);
    const T rest = ::fmod(T(a), T(b));
    T quotient = (T(a) - rest) / T(b);
    if (rest != 0 && (b < 0) != (rest < 0)) quotient -= 1;
    if (quotient == 0) return ::copysign(T(0), T(a) / T(b));
    const T down = floor(quotient);
    return quotient - down > T(0.5) ? down + 1 : down;
  } else {
    const T quotient = a / b;
    return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
  }
}
template <class T> WF T int_pow(T base, T exponent) {
  if (exponent < 0) return base == 1 ? 1 : base == T(-1) ? (exponent & 1 ? T(-1) : T(1)) : T(0);
  T out = 1;
  for (; exponent; exponent >>= 1, base *= base)
    if (exponent & 1) out *= base;
  return out;
}
template <class A, class B> WF both<A, B> pow(A a, B b) {
  using T = both<A, B>;
  if constexpr (is_float<T>::value) return ::pow(T(a), T(b));
  else return int_pow<T>(a, b);
}
template <class A, class B> WF A ldexp(A a, B b) { return A(a * exp2(A(b))); }
WF float mul_rn(float a, float b) { return __fmul_rn(a, b); }
WF double mul_rn(double a, double b) { return __dmul_rn(a, b); }

/* Special functions that CUDA's library lacks. */
template <class T> WF T i0e(T v) { return exp(-fabs(v)) * cyl_bessel_i0(v); }
template <class T> WF T i1e(T v) { return exp(-fabs(v)) * cyl_bessel_i1(v); }
template <class T> WF T log_ndtr(T v) {
  /* log(erfc(-v/sqrt 2) / 2), by way of the scaled erfcx where erfc would vanish */
  const T scaled = v * T(0.70710678118654752440);
  return v < T(-1) ? log(erfcx(-scaled) * T(0.5)) - scaled * scaled
                   : log1p(-erfc(scaled) * T(0.5));
}
template <class T> WF T spherical_bessel_j0(T v) {
  if (isinf(v)) return T(0);
  return fabs(v) < T(1e-4) ? T(1) - v * v / T(6) : sin(v) / v;
}
template <class T> __device__ T digamma(T given) {
  /* reflection below 0, recurrence up to 10, then the asymptotic series (DLMF 5.11.2) */
  double x = given, out = 0;
  if (x == 0) return ::copysign(T(INFINITY), -given);
  if (x < 0) {
    if (x == floor(x)) return T(NAN);
    const double fraction = x - trunc(x);
    out = -3.14159265358979323846 / tan(3.14159265358979323846 * fraction);
    x = 1 - x;
  }
  for (; x < 10; x += 1) out -= 1 / x;
  const double z = 1 / (x * x);
  const double series =
      z * (1.0 / 12 - z * (1.0 / 120 - z * (1.0 / 252 - z * (1.0 / 240 - z * (1.0 / 132)))));
  return T(out + log(x) - 0.5 / x - series);
}

/* Atomics on every element type that PyTorch scatters to. */
template <class T> WF void atomic_add(T *at, T v) { atomicAdd(at, v); }
WF void atomic_add(long long *at, long long v) {
  atomicAdd((unsigned long long *)at, (unsigned long long)v);
}
template <class T> WF void atomic_add_small(T *at, T v) {
  /* a byte or half word inside its aligned word */
  const size_t place = (size_t)at & 3;
  unsigned *word = (unsigned *)((size_t)at - place), seen = *word, old;
  do {
    old = seen;
    T now;
    memcpy(&now, (char *)&old + place, sizeof(T));
    now = T(now + v);
    unsigned next = old;
    memcpy((char *)&next + place, &now, sizeof(T));
    seen = atomicCAS(word, old, next);
  } while (seen != old);
}
WF void atomic_add(signed char *at, signed char v) { atomic_add_small(at, v); }
WF void atomic_add(unsigned char *at, unsigned char v) { atomic_add_small(at, v); }
WF void atomic_add(short *at, short v) { atomic_add_small(at, v); }
WF void atomic_add(bool *at, bool v) { if (v) *at = true; }

/* Reductions. Each has the value to start from, how one element joins, and how two parts join. */
template <class T> WF constexpr T lowest() {
  if constexpr (is_float<T>::value) return T(-INFINITY);
  else if constexpr (T(-1) > T(0)) return T(0);
  else return T(T(1) << (8 * sizeof(T) - 1));
}
template <class T> WF constexpr T highest() {
  if constexpr (is_float<T>::value) return T(INFINITY);
  else return T(~lowest<T>());
}
template <> WF constexpr bool lowest<bool>() { return false; }
template <> WF constexpr bool highest<bool>() { return true; }

template <class T> struct Sum {
  T v = T(0);
  WF void add(T x) { v += x; }
  WF void join(const Sum &o) { v += o.v; }
};
template <class T> struct Prod {
  T v = T(1);
  WF void add(T x) { v *= x; }
  WF void join(const Prod &o) { v *= o.v; }
};
template <class T> struct Max {
  T v = lowest<T>();
  WF void add(T x) { v = max2<T>(v, x); }
  WF void join(const Max &o) { v = max2<T>(v, o.v); }
};
template <class T> struct Min {
  T v = highest<T>();
  WF void add(T x) { v = min2<T>(v, x); }
  WF void join(const Min &o) { v = min2<T>(v, o.v); }
};
template <class T> struct Any {
  T v = T(0);
  WF void add(T x) { v = v | x; }
  WF void join(const Any &o) { v = v | o.v; }
};
template <class T> struct XorSum {
  T v = T(0);
  WF void add(T x) { v = v ^ x; }
  WF void join(const XorSum &o) { v = v ^ o.v; }
};
/* The first place of the largest (smallest) value; a NaN wins over everything. */
template <class T, bool largest> struct Arg {
  T v = largest ? lowest<T>() : highest<T>();
  long long place = -1;
  WF bool better(T x, long long at) const {
    if (place < 0) return at >= 0;
    if (at < 0) return false;
    const bool ahead = largest ? x > v : x < v;
    const bool mine = v != v, his = x != x;
    if (mine || his) return his && (!mine || at < place);
    return ahead || (x == v && at < place);
  }
  WF void add(T x, long long at) {
    const bool take = better(x, at);
    v = take ? x : v;
    place = take ? at : place;
  }
  WF void join(const Arg &o) { add(o.v, o.place); }
};
template <class T> using ArgMax = Arg<T, true>;
template <class T> using ArgMin = Arg<T, false>;
/* Mean and sum of squared deviations of n values (Welford; parts joined as Chan et al. 1979). */
template <class T> struct Welford {
  T mean = 0, m2 = 0, n = 0;
  WF void add(T x) {
    n += 1;
    const T off = x - mean;
    mean += off / n;
    m2 += off * (x - mean);
  }
  WF void add(T o_mean, T o_m2, T o_n) {
    const T total = n + o_n, off = o_mean - mean, part = total == 0 ? T(0) : o_n / total;
    mean += off * part;
    m2 += o_m2 + off * off * n * part;
    n = total;
  }
  WF void join(const Welford &o) { add(o.mean, o.m2, o.n); }
};
/* The maximum and the sum of exponentials below it, in one pass (Milakov and Gimelshein 2018). */
template <class T> struct Softmax {
  T max = T(-INFINITY), sum = 0;
  WF void add(T x) { add(x, T(1)); }
  WF void add(T o_max, T o_sum) {
    const T top = max2<T>(max, o_max);
    const T mine = max == top ? sum : sum * exp(max - top);
    sum = mine + (o_max == top ? o_sum : o_sum * exp(o_max - top));
    max = top;
  }
  WF void join(const Softmax &o) { add(o.max, o.sum); }
};

/* How the lanes' parts become one: each thread has a row of its own, a warp has, a block has. */
enum class Team { thread, warp, block };

template <class R> WF R from_lane(const R &part, int distance) {
  constexpr int words = (sizeof(R) + 3) / 4;
  union Words { R r; int w[words]; WF Words() {} } mine, other;
  mine.r = part;
#pragma unroll
  for (int i = 0; i < words; i++) other.w[i] = __shfl_xor_sync(~0u, mine.w[i], distance);
  return other.r;
}
template <class R> WF R across_warp(R part) {
#pragma unroll
  for (int distance = 16; distance; distance /= 2) part.join(from_lane(part, distance));
  return part;
}
template <class R> WF R across_block(R part) {
  __shared__ char store[32 * sizeof(R)] __attribute__((aligned(8)));
  R *parts = (R *)store;
  part = across_warp(part);
  if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = part;
  __syncthreads();
  R all = parts[0];
  for (int warp = 1; warp < blockDim.x / 32; warp++) all.join(parts[warp]);
  __syncthreads();
  return all;
}
template <Team team, class R> WF R finish(const R &part) {
  if constexpr (team == Team::warp) return across_warp(part);
  else if constexpr (team == Team::block) return across_block(part);
  else return part;
}

}  // namespace wf
