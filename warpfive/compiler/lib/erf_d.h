/* The error function's family in double, upon erf itself. */
#pragma once
#include "base.h"
#include "erf_f.h"
#include "exp_d.h"
#include "log_d.h"

extern "C" double __wfm_erf(double x);

/* e^(x^2) erfc(x) for x >= 0 */
WF_INLINE double erfcx_positive(double x) {
  double t = pick(x < 0x1p500, (x - 4.0) / (x + 4.0), 1.0);
  double p = poly(t, 1.2329951186255526, -0.13962111684056211, 0.015379652102609541,
                  0.068097054254653289, -0.10103906603584543, 0.093732834999500025,
                  -0.066330365820512938, 0.037167515521745888, -0.016197733980285612,
                  0.0050319700993606293, -0.00075777371134638934, -0.00019925727433725665,
                  0.00015062310757715306, -2.4397415801296711e-05, -1.1225118806867415e-05,
                  5.7060431765079572e-06, 2.9803196548671134e-07, -8.2047246362898176e-07,
                  7.1140550389261188e-08, 1.0590630192309845e-07, -1.636661697620657e-08,
                  -1.2175410342619343e-08, 1.5729154080722744e-09, 9.0159266189102437e-10);
  double d = fma(x, 2.0, 1.0);
  return pick(d < INF_D, p / d, p * (0.5 / x));
}

WF_INLINE double erfcx(double x) {
  double a = fabs(x);
  double p = erfcx_positive(a);
  double h = a * a;
  bool large = h > 720.0;
  ExpD e = exp_parts(large ? 720.0 : h, large ? 0.0 : fma(a, a, -h));
  double g = scale(e.p, e.n + 1);
  return pick(x < 0.0, g - p, p);
}

WF_INLINE double normcdf(double x) {
  double a = fabs(x);
  a = a > 40.0 ? 40.0 : a; /* NaN stays */
  double h = a * a;
  ExpD e = exp_parts(-0.5 * h, -0.5 * fma(a, a, -h));
  double r = scale(e.p * (0.5 * erfcx_positive(a * 0x1.6a09e667f3bcdp-1)), e.n);
  return pick(x > 0.0, 1.0 - r, r);
}

/* erfcinv(y) of t = sqrt(-log y), t in [10, 27.5], to float precision */
WF_INLINE float erfcinv_farthest(float t) {
  float s = (t - 16.0f) / (t + 16.0f);
  return t * poly(s, 0.993454456f, 0.022309579f, -0.0369013958f, 0.0462087058f, -0.0535544381f,
                  0.0656590089f, -0.0645798072f);
}

/* erfcinv(y) for y in (0, 0.5]: one third-order step on log erfc from a float start */
WF_INLINE double erfcinv_tail(double y) {
  double l = log(y);
  float t = sqrt(-(float)l);
  float near = pick(t < 4.1f, erfcinv_near(t), erfcinv_far(t));
  float w = -log((float)(y * (2.0 - y)));
  float central = (float)(1.0 - y) * erfinv_central(w);
  float start = pick(t < 10.1f, near, erfcinv_farthest(t));
  start = pick(y > 0.0625, central, start);
  double x = start;
  double e = erfcx_positive(x);
  double g = log(e) - (fma(x, x, l)); /* log(erfc(x) / y) */
  double slope = 0x1.20dd750429b6dp-1 / e; /* half of -(log erfc)' */
  double u = 0.5 * g / slope;
  /* half the second derivative over the square of the first is (x - slope) / (2 slope) */
  double r = x + u / (1.0 - u * (x - slope));
  return pick(y == 0.0, INF_D, r);
}

WF_INLINE double erfinv_small(double x) {
  float f = (float)x;
  float w = -log(fma(-f, f, 1.0f));
  double s = erfinv_central(w);
  double y = x * s;
  double d = __wfm_erf(y) - x;
  ExpD e = exp_parts(y * y, 0.0);
  double u = d * (0x1.c5bf891b4ef6bp-1 * e.p) * exp2i_d(e.n); /* sqrt(pi)/2 */
  return y - u / fma(y, u, 1.0);
}

WF_INLINE double erfinv(double x) {
  double a = fabs(x);
  bool small = a < 0.5;
  double far = erfcinv_tail(small ? 0.5 : 1.0 - a);
  return pick(small, erfinv_small(pick(small, x, 0.0)), copysign(far, x));
}
WF_INLINE double erfcinv(double x) {
  double c = 1.0 - x;
  bool small = fabs(c) < 0.5;
  double far = erfcinv_tail(small ? 0.5 : c < 0.0 ? 2.0 - x : x);
  return pick(small, erfinv_small(pick(small, c, 0.0)), copysign(far, c));
}
WF_INLINE double normcdfinv(double p) {
  double c = fma(p, 2.0, -1.0);
  bool small = fabs(c) < 0.5;
  double far = erfcinv_tail(small ? 0.5 : c > 0.0 ? 2.0 - 2.0 * p : 2.0 * p);
  return 0x1.6a09e667f3bcdp0 * pick(small, erfinv_small(pick(small, c, 0.0)), copysign(far, c));
}
