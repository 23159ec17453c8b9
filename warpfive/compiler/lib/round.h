/* Rounding, remainders and the parts of a number, exact in both formats. */
#pragma once
#include "base.h"

template <class T> struct Format;
template <> struct Format<float> {
  typedef u32 Word;
  typedef int Int;
  static constexpr int digits = 24, bias = 127, width = 32;
  static constexpr float whole = 0x1p23f, big = 0x1p20f;
};
template <> struct Format<double> {
  typedef u64 Word;
  typedef i64 Int;
  static constexpr int digits = 53, bias = 1023, width = 64;
  static constexpr double whole = 0x1p52, big = 0x1p50;
};
template <class T> using Word = typename Format<T>::Word;

template <class T> WF_INLINE T infinity() { return (T)__builtin_inf(); }
template <class T> WF_INLINE T not_a_number() { return (T)__builtin_nan(""); }

/* To the nearest integer, ties to even. */
template <class T> WF_INLINE T rint(T x) {
  T m = copysign(Format<T>::whole, x);
  T r = copysign((x + m) - m, x);
  return fabs(x) < Format<T>::whole ? r : x;
}
template <class T> WF_INLINE T floor(T x) {
  T r = rint(x);
  return copysign(r - (r > x ? (T)1 : (T)0), x);
}
template <class T> WF_INLINE T ceil(T x) {
  T r = rint(x);
  return copysign(r + (r < x ? (T)1 : (T)0), x);
}
template <class T> WF_INLINE T trunc(T x) { return copysign(floor(fabs(x)), x); }
/* Ties away from zero. */
template <class T> WF_INLINE T round(T x) {
  T a = fabs(x);
  T f = floor(a);
  return copysign(f + (a - f >= (T)0.5 ? (T)1 : (T)0), x);
}

template <class T> WF_INLINE int exponent_field(T x) {
  return (int)(bits(x) >> (Format<T>::digits - 1)) & (2 * Format<T>::bias + 1);
}

/* x 2^n with one rounding. */
template <class T> WF_INLINE T scalbn(T x, int n) {
  constexpr int limit = 2 * Format<T>::bias + Format<T>::digits;
  n = n > limit ? limit : n < -limit ? -limit : n;
  constexpr int step = Format<T>::bias - 1; /* 2^±step is normal */
  constexpr Word<T> unit = (Word<T>)1 << (Format<T>::digits - 1);
  T up = from_bits((Word<T>)(Format<T>::bias + step) * unit);
  /* bring x up (or far down, keeping it normal) by whole steps, then the rest */
  T down = from_bits((Word<T>)(Format<T>::bias - step + Format<T>::digits) * unit);
  constexpr int down_step = step - Format<T>::digits;
  for (int i = 0; i < 2; i++) {
    bool high = n > step, low = n < -step;
    x = high ? x * up : low ? x * down : x;
    n = high ? n - step : low ? n + down_step : n;
  }
  return x * from_bits((Word<T>)(Format<T>::bias + n) * unit);
}

template <class T> WF_INLINE T frexp(T x, int *exponent) {
  bool ordinary = x != 0 && fabs(x) < infinity<T>();
  bool tiny = exponent_field(x) == 0;
  T s = tiny ? x * (Format<T>::whole * 2) : x;
  int e = exponent_field(s);
  constexpr Word<T> unit = (Word<T>)1 << (Format<T>::digits - 1);
  T m = from_bits(bits(s) - (Word<T>)(e - (Format<T>::bias - 1)) * unit);
  *exponent = ordinary ? e - (Format<T>::bias - 1) - (tiny ? Format<T>::digits : 0) : 0;
  return ordinary ? m : x;
}

template <class T> WF_INLINE int ilogb(T x) {
  int e;
  frexp(x, &e);
  int r = x == 0 ? -__INT_MAX__ - 1 : e - 1;
  r = fabs(x) == infinity<T>() ? __INT_MAX__ : r;
  return x != x ? -__INT_MAX__ - 1 : r;
}
template <class T> WF_INLINE T logb(T x) {
  int e;
  frexp(x, &e);
  T r = x == 0 ? -infinity<T>() : (T)(e - 1);
  return fabs(x) < infinity<T>() ? r : x * x;
}

template <class T> WF_INLINE T modf(T x, T *whole) {
  T t = trunc(x);
  *whole = t;
  return copysign(fabs(x) == infinity<T>() ? (T)0 : x - t, x);
}

template <class T> WF_INLINE T fdim(T x, T y) {
  T d = x > y ? x - y : (T)0;
  return x != x || y != y ? not_a_number<T>() : d;
}

template <class T> WF_INLINE T nextafter(T x, T y) {
  bool outward = (x > 0) == (y > x);
  Word<T> step = bits(x) + (outward ? (Word<T>)1 : (Word<T>)-1);
  Word<T> first = bits(copysign((T)0, y)) | 1;
  T r = from_bits(pick(x == 0, first, step));
  r = pick(x == y, y, r);
  return pick(x != x || y != y, x + y, r);
}

/* |x| mod |y| for finite x and y != 0, with the quotient's low bits. */
template <class T> WF_INLINE T positive_mod(T x, T y, u32 *quotient) {
  constexpr int step = Format<T>::digits - 4;
  /* An exact remainder for a multiple of y as far up as one quotient allows; what it takes away
     is a multiple of 8 y, so that the quotient's low bits come from the last step alone. */
  while (WF_RARE(x / y >= Format<T>::big)) {
    bool tiny = exponent_field(y) == 0;
    int ey = exponent_field(y * (tiny ? 2 * Format<T>::whole : (T)1));
    int n = exponent_field(x) - (tiny ? ey - Format<T>::digits : ey) - step;
    T w = scalbn(y, n < 3 ? 3 : n);
    T r = fma(-trunc(x / w), w, x);
    x = pick(r < 0, r + w, r);
  }
  T k = trunc(x / y);
  T r = fma(-k, y, x);
  *quotient = (u32)(i64)k - (r < 0 ? 1 : 0);
  return pick(r < 0, r + y, r);
}

template <class T> WF_INLINE T fmod(T x, T y) {
  T a = fabs(x), b = fabs(y);
  bool invalid = !(a < infinity<T>()) || b == 0 || y != y;
  bool trivial = invalid || a < b;
  u32 q;
  T r = positive_mod(trivial ? (T)0 : a, trivial ? (T)1 : b, &q);
  r = copysign(a < b ? a : r, x);
  return invalid ? not_a_number<T>() : r;
}

template <class T> WF_INLINE T remquo(T x, T y, int *quotient) {
  T a = fabs(x), b = fabs(y);
  bool invalid = !(a < infinity<T>()) || b == 0 || y != y;
  bool trivial = invalid || a < b;
  u32 q;
  T r = positive_mod(trivial ? (T)0 : a, trivial ? (T)1 : b, &q);
  r = trivial ? a : r;
  q = trivial ? 0 : q;
  T rest = b - r; /* compared with r, it says which side of half r is on */
  bool up = (b < infinity<T>()) & ((r > rest) | ((r == rest) & (q & 1)));
  r = pick(up, r - b, r);
  q = (up ? q + 1 : q) & 7;
  bool negative = (bits(x) ^ bits(y)) >> (Format<T>::width - 1);
  *quotient = invalid ? 0 : negative ? -(int)q : (int)q;
  r = bits(x) >> (Format<T>::width - 1) ? -r : r;
  return invalid ? not_a_number<T>() : r;
}
template <class T> WF_INLINE T remainder(T x, T y) {
  int q;
  return remquo(x, y, &q);
}
