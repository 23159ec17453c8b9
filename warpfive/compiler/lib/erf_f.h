/* The error function's family in float. */
#pragma once
#include "base.h"
#include "exp_f.h"
#include "log_f.h"

/* erf(x)/x - 1 for |x| < 0.93, of z = x^2 */
WF_INLINE float erf_small(float z) {
  return poly(z, 0.128379166f, -0.376126319f, 0.112836726f, -0.0268581882f, 0.00519806612f,
                 -0.000810918282f, 8.2288745e-05f);
}

WF_INLINE float erf(float x) {
  float a = fabs(x);
  float b = a > 4.0f ? 4.0f : a;
  float l = poly(b, -0.000209702703f, -1.12761676f, -0.637282729f, -0.103842363f, 0.0221834648f,
                 -0.00303221704f, 0.00019480614f);
  ExpF e = exp_parts(l);
  float large = 1.0f - e.p * exp2i(e.n);
  return copysign(pick(a < 0.93f, fma(a, erf_small(x * x), a), large), x);
}

/* e^(x^2) erfc(x) for x >= 0, of t = (x - 3)/(x + 3) and before the division by 1 + 2 x */
WF_INLINE float erfcx_poly(float t) {
  return poly(t, 1.25300801f, -0.135621086f, -0.0475611463f, 0.129644528f, -0.119281121f,
              0.0683139563f, -0.0237498898f, 0.00250554015f, 0.00186114165f, -0.000733201799f,
              -8.74067991e-05f, 7.98512046e-05f);
}
WF_INLINE float erfcx_positive(float x) {
  float t = pick(x < 0x1p60f, (x - 3.0f) / (x + 3.0f), 1.0f);
  float d = fma(x, 2.0f, 1.0f);
  return pick(d < INF_F, erfcx_poly(t) / d, erfcx_poly(t) * (0.5f / x));
}

/* e^-(hi + lo) factor 2^.. for hi >= 0, clamped where the result is 0 anyway */
WF_INLINE float erfc_scaled(float a, float square, float square_lo, float factor) {
  float s = square > 110.0f ? 110.0f : square;
  ExpF e = exp_parts(-s);
  float y = erfcx_positive(a) * factor;
  y = fma(y, square > 110.0f ? 0.0f : -square_lo, y);
  return scale(e.p * y, e.n);
}

WF_INLINE float erfc(float x) {
  float a = fabs(x);
  float h = a * a;
  float r = erfc_scaled(a, h, fma(a, a, -h), 1.0f);
  r = pick(x < 0.0f, 2.0f - r, r);
  float small = 1.0f - fma(x, erf_small(h), x);
  r = pick(a < 0.47f, small, r);
  return pick(x == x, r, x);
}

/* e^(h + l) doubled */
WF_INLINE float erfcx(float x) {
  float a = fabs(x);
  float p = erfcx_positive(a);
  float h = a * a;
  float c = h > 100.0f ? 100.0f : h;
  float l = h > 100.0f ? 0.0f : fma(a, a, -h);
  ExpF e = exp_parts(c);
  float g = scale(fma(e.p, l, e.p), e.n + 1);
  return pick(x < 0.0f, g - p, p);
}

WF_INLINE float normcdf(float x) {
  float a = fabs(x);
  a = a > 20.0f ? 20.0f : a; /* NaN stays */
  float h = a * a;
  float l = fma(a, a, -h);
  float r = erfc_scaled(a * 0x1.6a09e6p-1f, 0.5f * h, 0.5f * l, 0.5f);
  return pick(x > 0.0f, 1.0f - r, r);
}

/* erfinv(x)/x for w = -log(1 - x^2) up to 2.5 */
WF_INLINE float erfinv_central(float w) {
  return poly(w - 1.25f, 1.18956161f, 0.249519661f, 0.00251162262f, -0.00225391332f,
              0.000143452373f, 3.13255914e-05f, -4.74839453e-06f, -3.75689069e-07f);
}
/* erfcinv(y) for y <= 0.0625, of t = sqrt(-log y): up to 4.1, and beyond */
WF_INLINE float erfcinv_near(float t) {
  float s = (t - 2.75f) / (t + 2.75f);
  return t * poly(s, 0.892357528f, 0.304204375f, -0.362739265f, 0.277060837f, -0.153471172f,
                  0.0316581987f, 0.0695734471f, -0.126456171f);
}
WF_INLINE float erfcinv_far(float t) {
  float s = (t - 6.0f) / (t + 6.0f);
  return t * poly(s, 0.966885149f, 0.10527432f, -0.156678498f, 0.173050463f, -0.172971442f,
                  0.162031516f, -0.142750606f, 0.0890003964f);
}
WF_INLINE float erfcinv_tail(float y) {
  float t = sqrt(-log(y));
  float r = pick(t < 4.1f, erfcinv_near(t), erfcinv_far(t));
  return pick(y == 0.0f, INF_F, r);
}
WF_INLINE float erfinv(float x) {
  float a = fabs(x);
  float w = -log(fma(-x, x, 1.0f));
  float central = x * erfinv_central(w);
  float y = 1.0f - a; /* at least 2^-24 */
  float far = pick(y == 0.0f, INF_F, erfcinv_near(sqrt(-log(y))));
  return pick(a < 0.9375f, central, copysign(far, x));
}
WF_INLINE float erfcinv(float x) {
  float c = 1.0f - x;
  float w = -log(fma(-c, c, 1.0f));
  float central = c * erfinv_central(w);
  float y = c < 0.0f ? 2.0f - x : x;
  float far = erfcinv_tail(y);
  return pick(fabs(c) < 0.9375f, central, copysign(far, c));
}
WF_INLINE float normcdfinv(float p) {
  float c = fma(p, 2.0f, -1.0f);
  float w = -log(fma(-c, c, 1.0f));
  float central = c * erfinv_central(w);
  float far = erfcinv_tail(pick(c > 0.0f, 2.0f - 2.0f * p, 2.0f * p));
  return 0x1.6a09e6p0f * pick(fabs(c) < 0.9375f, central, copysign(far, c));
}
