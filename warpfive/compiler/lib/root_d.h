/* Roots in double. */
#pragma once
#include "base.h"

/* x^(-1/3) for normal positive x, relative error about 2^-50. */
WF_INLINE double rcbrt_estimate(double x) {
  double r = from_bits((u64)(0x553ef0ffu - (u32)(bits(x) >> 32) / 3) << 32);
  for (int i = 0; i < 3; i++) {
    double e = fma(-x * r, r * r, 1.0);
    r = fma(r * e, fma(e, 2.0 / 9.0, 1.0 / 3.0), r);
  }
  return r;
}

WF_INLINE double cbrt(double x) {
  double a = fabs(x);
  bool tiny = a < 0x1p-1022;
  double s = tiny ? a * 0x1p54 : a;
  double r = rcbrt_estimate(s);
  double c = s * r * r;
  Pair<double> square = two_product(c, c);
  double e = fma(-c, square.hi, s);
  e = fma(-c, square.lo, e);
  c = fma(e * r, r * (1.0 / 3.0), c);
  c = tiny ? c * 0x1p-18 : c;
  return pick((a > 0.0) & (a < INF_D), copysign(c, x), x);
}

WF_INLINE double rcbrt(double x) {
  double a = fabs(x);
  bool tiny = a < 0x1p-1022;
  double s = tiny ? a * 0x1p54 : a;
  double r = rcbrt_estimate(s);
  Pair<double> p = two_product(s, r), q = two_product(r, r);
  double e = fma(-p.lo, q.hi, fma(-p.hi, q.lo, fma(-p.hi, q.hi, 1.0)));
  r = fma(r * e, 1.0 / 3.0, r);
  r = tiny ? r * 0x1p18 : r;
  return pick((a > 0.0) & (a < INF_D), copysign(r, x), 1.0 / x);
}

/* One step from an approximate 1/sqrt(s.hi + s.lo). */
template <class T> WF_INLINE T rsqrt_step(Pair<T> s, T r) {
  Pair<T> q = two_product(s.hi, r);
  q.lo = fma(s.lo, r, q.lo);
  T e = fma(-q.hi, r, (T)1) - q.lo * r;
  return fma((T)0.5 * r, e, r);
}

WF_INLINE double rsqrt(double x) {
  double r = 1.0 / sqrt(x);
  double better = rsqrt_step<double>({x, 0.0}, r);
  return pick((r > 0.0) & (r < 0x1p511), better, r);
}
