/* Lengths of vectors, without overflow on the way. */
#pragma once
#include "base.h"
#include "root_d.h"
#include "round.h"

/* A power of two that brings a sum of squares into range, for the largest of the terms. */
WF_INLINE float norm_scale(float largest) {
  float s = largest > 0x1p60f ? 0x1p-70f : 1.0f;
  return largest < 0x1p-45f ? 0x1p80f : s;
}
WF_INLINE double norm_scale(double largest) {
  double s = largest > 0x1p500 ? 0x1p-600 : 1.0;
  return largest < 0x1p-400 ? 0x1p650 : s;
}
WF_INLINE float larger(float a, float b) { return __builtin_fmaxf(a, b); }
WF_INLINE double larger(double a, double b) { return __builtin_fmax(a, b); }

/* The scaled sum of squares of up to four numbers; infinite if one of them is. */
template <class T> struct Squares {
  Pair<T> sum;
  T scale;
};
template <class T> WF_INLINE void add_square(Pair<T> &sum, T x) {
  Pair<T> p = two_product(x, x);
  Pair<T> s = two_sum(sum.hi, p.hi);
  sum = {s.hi, sum.lo + (s.lo + p.lo)};
}
template <class T> WF_INLINE Squares<T> squares(T x, T y, T z, T w) {
  x = fabs(x), y = fabs(y), z = fabs(z), w = fabs(w);
  T largest = larger(larger(x, y), larger(z, w));
  T s = norm_scale(largest);
  x *= s, y *= s, z *= s, w *= s;
  Pair<T> sum = two_product(x, x);
  add_square(sum, y);
  add_square(sum, z);
  add_square(sum, w);
  sum = fast_two_sum(sum.hi, sum.lo);
  return {{largest == infinity<T>() ? infinity<T>() : sum.hi, sum.lo}, s};
}
template <class T> WF_INLINE T norm(T x, T y, T z, T w) {
  Squares<T> q = squares(x, y, z, w);
  return sqrt(q.sum.hi) * ((T)1 / q.scale);
}
template <class T> WF_INLINE T rnorm(T x, T y, T z, T w) {
  Squares<T> q = squares(x, y, z, w);
  T r = (T)1 / sqrt(q.sum.hi);
  bool ordinary = (r > 0) & (r < infinity<T>());
  return pick(ordinary, rsqrt_step(q.sum, r), r) * q.scale;
}

/* Of n numbers. */
template <class T> static T norm(int n, const T *p) {
  T largest = 0;
  for (int i = 0; i < n; i++) largest = larger(largest, fabs(p[i]));
  T s = norm_scale(largest);
  double sum = 0;
  for (int i = 0; i < n; i++) sum = fma((double)(p[i] * s), (double)(p[i] * s), sum);
  return largest == infinity<T>() ? largest : (T)sqrt(sum) * ((T)1 / s);
}
