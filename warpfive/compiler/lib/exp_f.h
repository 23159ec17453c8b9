/* Exponentials and hyperbolic functions in float. */
#pragma once
#include "base.h"

/* e^x = p 2^n for |x| <= 125, p in [0.70, 1.42]. */
struct ExpF {
  float p;
  int n;
};

WF_INLINE ExpF exp_parts(float x) {
  float z = fma(x, 0x1.715476p0f, ROUND_F);
  float n = z - ROUND_F;
  float r = fma(n, -0x1.62e4p-1f, x);
  r = fma(n, -0x1.7f7d1cp-20f, r);
  float q = poly(r, 0.5f, 0.166665182f, 0.0416664369f, 0.00836895686f, 0.00139375345f);
  return {fma(r * r, q, r) + 1.0f, (int)(bits(z) - bits(ROUND_F))};
}

WF_INLINE float clamp(float x, float low, float high) { /* NaN stays NaN */
  x = x > high ? high : x;
  return x < low ? low : x;
}

WF_INLINE float exp(float x) {
  ExpF e = exp_parts(clamp(x, -105.0f, 105.0f));
  return scale(e.p, e.n);
}

/* 2^(hi + lo) */
WF_INLINE float exp2(float hi, float lo) {
  hi = clamp(hi, -152.0f, 130.0f);
  float z = hi + ROUND_F;
  float r = (hi - (z - ROUND_F)) + lo;
  float p = poly(r, 1.0f, 0.693147182f, 0.240226537f, 0.0555035844f, 0.00961772818f, 0.0013391464f,
                 0.00015550977f);
  return scale(p, (int)(bits(z) - bits(ROUND_F)));
}

WF_INLINE float exp10(float x) {
  x = clamp(x, -46.0f, 40.0f);
  float z = fma(x, 0x1.a934fp1f, ROUND_F);
  float n = z - ROUND_F;
  float r = fma(n, -0x1.344p-2f, x);
  r = fma(n, -0x1.3509f8p-18f, r);
  float p = poly(r, 1.0f, 2.30258512f, 2.65094924f, 2.03465557f, 1.17122519f, 0.541849494f,
                 0.20841527f);
  return scale(p, (int)(bits(z) - bits(ROUND_F)));
}

WF_INLINE float expm1(float x) {
  float c = clamp(x, -20.0f, 89.0f);
  float z = fma(c, 0x1.715476p0f, ROUND_F);
  float n = z - ROUND_F;
  float r = fma(n, -0x1.62e4p-1f, c); /* exact */
  float low = n * -0x1.7f7d1cp-20f;
  float t = r + low;
  float q = poly(t, 0.5f, 0.166665182f, 0.0416664369f, 0.00836895686f, 0.00139375345f);
  /* 2^n is split so that n = 128 does not overflow on the way. */
  float s = from_bits((bits(z) << 23) + 0x3f000000u); /* 2^(n-1) */
  Pair<float> sum = two_sum(s - 0.5f, s * r);
  float tail = fma(s, fma(t * t, q, low), sum.lo);
  float result = (sum.hi + tail) * 2.0f;
  return pick(x == 0.0f, x, result);
}

WF_INLINE float sinh(float x) {
  float a = fabs(x);
  ExpF e = exp_parts(clamp(a, 0.0f, 95.0f));
  float h = scale(e.p, e.n - 1);
  float large = h - 0.25f / h;
  float z = x * x;
  float small = fma(a * z, poly(z, 0.166667178f, 0.00833022408f, 0.000203765318f), a);
  return copysign(pick(a < 1.0f, small, large), x);
}

WF_INLINE float cosh(float x) {
  ExpF e = exp_parts(clamp(fabs(x), 0.0f, 95.0f));
  float h = scale(e.p, e.n - 1);
  return h + 0.25f / h;
}

WF_INLINE float tanh(float x) {
  float a = fabs(x);
  ExpF e = exp_parts(2.0f * clamp(a, 0.0f, 10.0f));
  float large = 1.0f - 2.0f / (scale(e.p, e.n) + 1.0f);
  float z = x * x;
  float q = poly(z, -0.333332777f, 0.133313134f, -0.0537280962f, 0.0205988381f, -0.00565777021f);
  return copysign(pick(a < 0.6f, fma(a * z, q, a), large), x);
}
