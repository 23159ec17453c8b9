/* Logarithms, powers and inverse hyperbolic functions in double. */
#pragma once
#include "base.h"
#include "exp_d.h"

/* x = m 2^n for positive x, m in [sqrt(1/2), sqrt(2)). */
struct FractionD {
  double m, n;
};

WF_INLINE FractionD split(double x) {
  bool tiny = x < 0x1p-1022;
  u64 i = bits(tiny ? x * 0x1p52 : x);
  u32 h = (u32)(i >> 32);
  u32 e = (h - 0x3fe6a09eu) & 0xfff00000u;
  double n = (double)((int)e >> 20) - (tiny ? 52.0 : 0.0);
  return {from_bits(i - ((u64)e << 32)), n};
}

/* log(1 + f) = f - half + s (half + rest), half = f^2 / 2 */
struct LogD {
  double half, product;
};

WF_INLINE LogD log1p_parts(double f) {
  double s = f / (2.0 + f);
  double z = s * s;
  double rest = z * poly(z, 0.66666666666667351, 0.39999999999410962, 0.28571428743081356,
                         0.22222198510274438, 0.18183567309587714, 0.15313979407220854,
                         0.14796623080514526);
  double half = 0.5 * f * f;
  return {half, s * (half + rest)};
}

WF_INLINE double log_special(double x, double result) {
  result = pick(x < INF_D, result, x);
  return pick(x > 0.0, result, pick(x == 0.0, -INF_D, NAN_D));
}

WF_INLINE double log(double x) {
  FractionD a = split(x);
  double f = a.m - 1.0;
  LogD l = log1p_parts(f);
  double low = (l.half - fma(a.n, LN2_LO, l.product)) - f;
  return log_special(x, fma(a.n, LN2_HI, -low));
}

WF_INLINE double log_base(double x, double inverse_hi, double inverse_lo, double two_hi,
                          double two_lo) {
  FractionD a = split(x);
  double f = a.m - 1.0;
  LogD l = log1p_parts(f);
  Pair<double> g = fast_two_sum(f, -l.half);
  g.lo += fma(-0.5 * f, f, l.half) + l.product; /* with the rounding of half */
  g = fast_two_sum(g.hi, g.lo);
  double h = g.hi * inverse_hi;
  double low = fma(g.hi, inverse_hi, -h);
  low = fma(g.hi, inverse_lo, low);
  low = fma(g.lo, inverse_hi, low);
  low = fma(a.n, two_lo, low);
  Pair<double> sum = fast_two_sum(a.n * two_hi, h);
  return log_special(x, sum.hi + (sum.lo + low));
}

WF_INLINE double log2(double x) {
  return log_base(x, 0x1.71547652b82fep0, 0x1.777d0ffda0d24p-56, 1.0, 0.0);
}
WF_INLINE double log10(double x) {
  return log_base(x, 0x1.bcb7b1526e50ep-2, 0x1.95355baaafad3p-57, 0x1.34413509f8p-2,
                  -0x1.80433b83b532ap-44);
}

WF_INLINE double log1p(double x) {
  double u = x + 1.0;
  bool huge = u > 0x1p1000;
  u32 h = (u32)(bits(huge ? u * 0x1p-100 : u) >> 32);
  u32 e = (h - 0x3fe6a09eu) & 0xfff00000u;
  double n = (double)((int)e >> 20);
  double s = from_bits((u64)(0x3ff00000u - e) << 32); /* 2^-n */
  double f = fma(huge ? x * 0x1p-100 : x, s, huge ? -1.0 : s - 1.0);
  n += huge ? 100.0 : 0.0;
  LogD l = log1p_parts(f);
  Pair<double> sum = fast_two_sum(n * LN2_HI, f);
  double r = sum.hi + (sum.lo + (fma(n, LN2_LO, l.product) - l.half));
  r = pick(x < INF_D, r, x);
  r = pick(x > -1.0, r, pick(x == -1.0, -INF_D, NAN_D));
  return pick(x == 0.0, x, r);
}

WF_INLINE Pair<double> times(Pair<double> a, Pair<double> b) {
  Pair<double> p = two_product(a.hi, b.hi);
  p.lo = fma(a.lo, b.hi, fma(a.hi, b.lo, p.lo));
  return fast_two_sum(p.hi, p.lo);
}

/* log2(x) as a pair with 2^-65 relative error, for positive finite x. */
WF_INLINE Pair<double> log2_pair(double x) {
  FractionD a = split(x);
  double f = a.m - 1.0;
  double d = a.m + 1.0;
  double d_lo = a.m - (d - 1.0);
  double inverse = 1.0 / d;
  double s_hi = f * inverse;
  double rest = fma(-s_hi, d, f);
  rest = fma(-s_hi, d_lo, rest);
  Pair<double> s = fast_two_sum(s_hi, rest * inverse);
  Pair<double> z = times(s, s);
  /* log(m) = 2 s + s^3 (2/3 + z q) */
  double q = poly(z.hi, 0.40000000000004882, 0.28571428569427637, 0.22222222604451572,
                  0.18181778548578509, 0.15386980892845192, 0.13252316217401022,
                  0.13233345508784206);
  Pair<double> t = fast_two_sum(0x1.5555555555555p-1, z.hi * q);
  t.lo += 0x1.5555555555555p-55 + fma(z.hi, q, -(z.hi * q)) + z.lo * q;
  Pair<double> cube = times(times(s, z), t);
  Pair<double> sum = fast_two_sum(2.0 * s.hi, cube.hi);
  sum.lo += 2.0 * s.lo + cube.lo;
  sum = times(sum, {0x1.71547652b82fep0, 0x1.777d0ffda0d24p-56});
  Pair<double> r = fast_two_sum(a.n, sum.hi);
  r.lo += sum.lo;
  return fast_two_sum(r.hi, r.lo);
}

/* 0 not an integer, 1 odd, 2 even; infinities are even. */
WF_INLINE int integer_kind(double y) {
  double a = fabs(y);
  bool big = a >= 0x1p53;
  i64 i = (i64)(big ? 0.0 : a);
  bool whole = big || (double)i == a;
  return whole ? 2 - (int)(i & 1) : 0;
}

WF_INLINE double pow(double x, double y) {
  double a = fabs(x);
  Pair<double> l = log2_pair(a);
  double h = l.hi * y;
  double t = fma(l.lo, y, fma(l.hi, y, -h));
  bool bounded = fabs(h) < 2000.0;
  double r = exp2(h, bounded ? t : 0.0);
  int kind = integer_kind(y);
  bool edge_base = a == 0.0 || a == INF_D;
  r = edge_base ? ((a == 0.0) == (y < 0.0) ? INF_D : 0.0) : r;
  bool y_infinite = fabs(y) == INF_D;
  r = y_infinite ? ((a > 1.0) == (y > 0.0) ? INF_D : 0.0) : r;
  r = x < 0.0 && kind == 0 && a < INF_D ? NAN_D : r;
  r = kind == 1 ? copysign(r, x) : r;
  r = x != x || y != y ? NAN_D : r;
  bool one = y == 0.0 || x == 1.0 || (x == -1.0 && y_infinite);
  return one ? 1.0 : r;
}

WF_INLINE double asinh(double x) {
  double a = fabs(x);
  bool large = a > 0x1p500;
  double z = a * a;
  double t = a + z / (1.0 + sqrt(z + 1.0));
  double r = log1p(pick(large, a, t)) + (large ? 0x1.62e42fefa39efp-1 : 0.0);
  return copysign(r, x);
}

WF_INLINE double acosh(double x) {
  bool large = x > 0x1p500;
  double t = x - 1.0;
  double r = log1p(pick(large, x, t + sqrt(fma(t, t, 2.0 * t))));
  r += large ? 0x1.62e42fefa39efp-1 : 0.0;
  return pick(x >= 1.0, r, NAN_D);
}

WF_INLINE double atanh(double x) {
  double a = fabs(x);
  return copysign(0.5 * log1p(2.0 * a / (1.0 - a)), x);
}
