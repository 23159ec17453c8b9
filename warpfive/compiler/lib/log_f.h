/* Logarithms, powers and inverse hyperbolic functions in float. */
#pragma once
#include "base.h"
#include "exp_f.h"

/* x = m 2^n for positive x, m in [2/3, 4/3). */
struct FractionF {
  float m;
  float n;
};

WF_INLINE FractionF split(float x) {
  bool tiny = x < 0x1p-126f;
  u32 i = bits(tiny ? x * 0x1p23f : x);
  u32 e = (i - 0x3f2aaaabu) & 0xff800000u;
  return {from_bits(i - e), (float)((int)e >> 23) - (tiny ? 23.0f : 0.0f)};
}

/* log(1 + f) - f for f in [-1/3, 1/3]. */
WF_INLINE float log1p_tail(float f) {
  float q = poly(f, 0.333332241f, -0.249997064f, 0.200100332f, -0.166846871f, 0.140111044f,
                 -0.121255599f, 0.139614969f, -0.131478027f);
  float f2 = f * f;
  return f2 * fma(f, q, -0.5f);
}

/* The logarithm's value where x is no positive finite number. */
WF_INLINE float log_special(float x, float result) {
  result = pick(x < INF_F, result, x);
  return pick(x > 0.0f, result, pick(x == 0.0f, -INF_F, NAN_F));
}

WF_INLINE float log(float x) {
  FractionF s = split(x);
  float f = s.m - 1.0f;
  float r = fma(s.n, 0x1.7f7d1cp-20f, log1p_tail(f)) + f;
  return log_special(x, fma(s.n, 0x1.62e4p-1f, r));
}

/* (n ln2 + log(1 + f)) / ln(base) */
WF_INLINE float log_base(float x, float inverse_hi, float inverse_lo, float two_hi, float two_lo) {
  FractionF s = split(x);
  float f = s.m - 1.0f;
  float t = log1p_tail(f);
  float h = f * inverse_hi;
  float l = fma(f, inverse_hi, -h);
  l = fma(f, inverse_lo, l);
  l = fma(t, inverse_hi, l);
  l = fma(s.n, two_lo, l);
  Pair<float> sum = fast_two_sum(s.n * two_hi, h);
  return log_special(x, sum.hi + (sum.lo + l));
}

WF_INLINE float log2(float x) { return log_base(x, 0x1.715476p0f, 0x1.4ae0cp-26f, 1.0f, 0.0f); }
WF_INLINE float log10(float x) {
  return log_base(x, 0x1.bcb7b2p-2f, -0x1.5b235ep-27f, 0x1.344p-2f, 0x1.3509f8p-18f);
}

WF_INLINE float log1p(float x) {
  float u = x + 1.0f;
  u32 e = (bits(u) - 0x3f2aaaabu) & 0xff800000u;
  float s = from_bits(0x3f800000u - e); /* 2^-n; |x| below 2^127 keeps it normal */
  s = u > 0x1p126f ? 0x1p-126f : s;
  float n = u > 0x1p126f ? 126.0f : (float)((int)e >> 23);
  /* 1 + f = (1 + x) 2^-n without the rounding of 1 + x */
  float f = fma(x, s, s - 1.0f);
  float f_lo = fma(x, s, (s - 1.0f) - f);
  bool large = u > 0x1p126f; /* x up to 4 * 2^126: one more split */
  FractionF last = split(large ? x * 0x1p-126f : 1.0f);
  f = large ? last.m - 1.0f : f;
  f_lo = large ? 0.0f : f_lo;
  n += last.n;
  Pair<float> sum = fast_two_sum(n * 0x1.62e4p-1f, f);
  float r = sum.hi + (sum.lo + fma(n, 0x1.7f7d1cp-20f, log1p_tail(f) + f_lo));
  r = pick(x < INF_F, r, x);
  r = pick(x > -1.0f, r, pick(x == -1.0f, -INF_F, NAN_F));
  return pick(x == 0.0f, x, r);
}

/* log2(x) as a pair with 2^-30 relative error, for positive finite x. */
WF_INLINE Pair<float> log2_pair(float x) {
  FractionF a = split(x);
  float f = a.m - 1.0f;
  float d = a.m + 1.0f;
  float d_lo = a.m - (d - 1.0f);
  float inverse = 1.0f / d;
  float s = f * inverse;
  float rest = fma(-s, d, f);
  rest = fma(-s, d_lo, rest);
  float s_lo = rest * inverse;
  /* log2(m) = 2 log2(e) (s + s^3/3 + ...); the cubic part needs 2^-24 of itself */
  float z = s * s;
  float q = poly(z, 0.961796701f, 0.57707566f, 0.412415475f, 0.312976241f, 0.360829681f);
  float h = s * 0x1.715476p1f;
  float l = fma(s, 0x1.715476p1f, -h);
  l = fma(s, 0x1.4ae0cp-25f, l);
  l = fma(s_lo, 0x1.715476p1f, l);
  Pair<float> odd = two_product(s * z, q);
  odd.lo = fma(fma(s, z, -(s * z)), q, odd.lo);
  Pair<float> sum = two_sum(a.n, h);
  Pair<float> more = two_sum(sum.hi, odd.hi);
  return fast_two_sum(more.hi, more.lo + (sum.lo + (l + odd.lo)));
}

/* 0 not an integer, 1 odd, 2 even; infinities are even. */
WF_INLINE int integer_kind(float y) {
  float a = fabs(y);
  bool big = a >= 0x1p24f;
  int i = (int)(big ? 0.0f : a);
  bool whole = big || (float)i == a;
  return whole ? 2 - (i & 1) : 0;
}

WF_INLINE float pow(float x, float y) {
  float a = fabs(x);
  Pair<float> l = log2_pair(a);
  float h = l.hi * y;
  float t = fma(l.lo, y, fma(l.hi, y, -h));
  bool bounded = fabs(h) < 200.0f; /* else 2^h is 0 or infinite, and t may be no number */
  float r = exp2(h, bounded ? t : 0.0f);
  int kind = integer_kind(y);
  /* a = 0 and a = infinity: the sign of y decides; |y| infinite: whether a is above 1 does */
  bool edge_base = a == 0.0f || a == INF_F;
  r = edge_base ? ((a == 0.0f) == (y < 0.0f) ? INF_F : 0.0f) : r;
  bool y_infinite = fabs(y) == INF_F;
  r = y_infinite ? ((a > 1.0f) == (y > 0.0f) ? INF_F : 0.0f) : r;
  r = x < 0.0f && kind == 0 && a < INF_F ? NAN_F : r;
  r = kind == 1 ? copysign(r, x) : r;
  r = x != x || y != y ? NAN_F : r;
  bool one = y == 0.0f || x == 1.0f || (x == -1.0f && y_infinite);
  return one ? 1.0f : r;
}

WF_INLINE float asinh(float x) {
  float a = fabs(x);
  bool large = a > 0x1p62f;
  float z = a * a;
  float t = a + z / (1.0f + sqrt(z + 1.0f));
  float r = log1p(pick(large, a, t)) + (large ? 0x1.62e43p-1f : 0.0f);
  return copysign(r, x);
}

WF_INLINE float acosh(float x) {
  bool large = x > 0x1p62f;
  float t = x - 1.0f;
  float r = log1p(pick(large, x, t + sqrt(fma(t, t, 2.0f * t))));
  r += large ? 0x1.62e43p-1f : 0.0f;
  return pick(x >= 1.0f, r, NAN_F);
}

WF_INLINE float atanh(float x) {
  float a = fabs(x);
  return copysign(0.5f * log1p(2.0f * a / (1.0f - a)), x);
}
