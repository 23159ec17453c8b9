/* Roots in float. */
#pragma once
#include "base.h"

/* x^(-1/3) for normal positive x, relative error about 2^-23. */
WF_INLINE float rcbrt_estimate(float x) {
  float r = from_bits(0x54a2fa8cu - bits(x) / 3);
  float e = fma(-x * r, r * r, 1.0f);
  r = fma(r * e, fma(e, 2.0f / 9.0f, 1.0f / 3.0f), r);
  e = fma(-x * r, r * r, 1.0f);
  return fma(r * e, fma(e, 2.0f / 9.0f, 1.0f / 3.0f), r);
}

WF_INLINE float cbrt(float x) {
  float a = fabs(x);
  bool tiny = a < 0x1p-126f;
  float s = tiny ? a * 0x1p24f : a;
  float r = rcbrt_estimate(s);
  float c = s * r * r;
  /* one step on c^3 = s, its residual taken with two products' full length */
  Pair<float> square = two_product(c, c);
  float e = fma(-c, square.hi, s);
  e = fma(-c, square.lo, e);
  c = fma(e * r, r * (1.0f / 3.0f), c);
  c = tiny ? c * 0x1p-8f : c;
  return pick((a > 0.0f) & (a < INF_F), copysign(c, x), x);
}

WF_INLINE float rcbrt(float x) {
  float a = fabs(x);
  bool tiny = a < 0x1p-126f;
  float s = tiny ? a * 0x1p24f : a;
  float r = rcbrt_estimate(s);
  Pair<float> p = two_product(s, r), q = two_product(r, r);
  float e = fma(-p.lo, q.hi, fma(-p.hi, q.lo, fma(-p.hi, q.hi, 1.0f)));
  r = fma(r * e, 1.0f / 3.0f, r);
  r = tiny ? r * 0x1p8f : r;
  return pick((a > 0.0f) & (a < INF_F), copysign(r, x), 1.0f / x);
}
