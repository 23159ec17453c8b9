/* Exponentials and hyperbolic functions in double. */
#pragma once
#include "base.h"

constexpr double LN2_HI = 0x1.62e42fefa4p-1; /* 40 bits: its products with exponents are exact */
constexpr double LN2_LO = -0x1.8432a1b0e2634p-43;

WF_INLINE double clamp(double x, double low, double high) { /* NaN stays NaN */
  x = x > high ? high : x;
  return x < low ? low : x;
}

/* (e^r - 1 - r) / r^2 for |r| <= ln2 / 2 */
WF_INLINE double exp_tail(double r) {
  return poly(r, 0.50000000000000133, 0.16666666666666688, 0.041666666666511649,
              0.0083333333333137881, 0.001388888894783571, 0.00019841269903921838,
              2.4801489210197355e-05, 2.7557227806093676e-06, 2.763151127534801e-07,
              2.5114345539194344e-08);
}

/* e^(x + low) = p 2^n for |x| <= 1000 and low below an ulp of x */
struct ExpD {
  double p;
  int n;
};

WF_INLINE ExpD exp_parts(double x, double low) {
  double z = fma(x, 0x1.71547652b82fep0, ROUND_D);
  double n = z - ROUND_D;
  double r = fma(n, -LN2_HI, x);
  double l = fma(n, -LN2_LO, low);
  double t = r + l;
  return {fma(t * t, exp_tail(t), (r - t) + l) + t + 1.0, (int)bits(z)};
}

/* The same where every part of an ulp counts. */
WF_INLINE ExpD exp_careful(double x, double low) {
  double z = fma(x, 0x1.71547652b82fep0, ROUND_D);
  double n = z - ROUND_D;
  double r = fma(n, -LN2_HI, x);
  double l = fma(n, -LN2_LO, low);
  double t = r + l;
  double tail = fma(t * t, exp_tail(t), (r - t) + l);
  Pair<double> one = fast_two_sum(1.0, t);
  return {one.hi + (one.lo + tail), (int)bits(z)};
}

WF_INLINE double exp(double x) {
  ExpD e = exp_careful(clamp(x, -800.0, 800.0), 0.0);
  return scale(e.p, e.n);
}

/* 2^(hi + lo) */
WF_INLINE double exp2(double hi, double lo) {
  hi = clamp(hi, -1100.0, 1100.0);
  double z = hi + ROUND_D;
  double r = (hi - (z - ROUND_D)) + lo;
  double p = poly(r, 0.69314718055994529, 0.24022650695910072, 0.055504108664822936,
                  0.0096181291076280415, 0.001333355814616421, 0.00015403530394076878,
                  1.525273403716981e-05, 1.3215486291881064e-06, 1.0177985430585775e-07,
                  7.0550731548885782e-09, 4.4655772991162814e-10, 2.550323876242032e-11);
  return scale(fma(r, p, 1.0), (int)bits(z));
}

WF_INLINE double exp10(double x) {
  x = clamp(x, -400.0, 400.0);
  double z = fma(x, 0x1.a934f0979a371p1, ROUND_D);
  double n = z - ROUND_D;
  double r = fma(n, -0x1.34413509f8p-2, x);
  double l = n * 0x1.80433b83b532ap-44;
  double t = r + l;
  l = (r - t) + l;
  double p = poly(t, 2.3025850929940459, 2.6509490552391988, 2.0346785922933441,
                  1.1712551489123888, 0.53938292922159159, 0.20699584867477477,
                  0.06808936287411517, 0.019597696448229486, 0.0050140093637274803,
                  0.0011544293887319186, 0.00024081253187104216, 4.7436972880453564e-05);
  return scale(fma(t, p, fma(l, 2.302585092994046, 1.0)), (int)bits(z));
}

WF_INLINE double expm1(double x) {
  double c = clamp(x, -50.0, 710.0);
  double z = fma(c, 0x1.71547652b82fep0, ROUND_D);
  double n = z - ROUND_D;
  double r = fma(n, -LN2_HI, c); /* exact */
  double low = n * -LN2_LO;
  double t = r + low;
  double s = exp2i_d((int)bits(z) - 1); /* half of 2^n: n = 1024 must not overflow */
  Pair<double> sum = two_sum(s - 0.5, s * r);
  double tail = fma(s, fma(t * t, exp_tail(t), low), sum.lo);
  double result = (sum.hi + tail) * 2.0;
  return pick(x == 0.0, x, result);
}

WF_INLINE double sinh(double x) {
  double a = fabs(x);
  ExpD e = exp_careful(clamp(a, 0.0, 720.0), 0.0);
  double h = scale(e.p, e.n - 1);
  double large = h - 0.25 / h;
  double z = x * x;
  double q = poly(z, 0.16666666666666669, 0.0083333333333329707, 0.00019841269841531156,
                  2.7557319130403482e-06, 2.5052126851358866e-08, 1.6057000927755722e-10,
                  7.7658846537467199e-13);
  return copysign(pick(a < 1.0, fma(a * z, q, a), large), x);
}

WF_INLINE double cosh(double x) {
  ExpD e = exp_careful(clamp(fabs(x), 0.0, 720.0), 0.0);
  double h = scale(e.p, e.n - 1);
  return h + 0.25 / h;
}

WF_INLINE double tanh(double x) {
  double a = fabs(x);
  ExpD e = exp_parts(2.0 * clamp(a, 0.0, 20.0), 0.0);
  double large = 1.0 - 2.0 / (scale(e.p, e.n) + 1.0);
  double z = x * x;
  double q = poly(z, -0.33333333333333331, 0.13333333333333017, -0.053968253968052889,
                  0.02186948852951669, -0.0088632353980991601, 0.0035921263320242073,
                  -0.0014558193328828221, 0.00058993411778324027, -0.0002387176925537253,
                  9.5624622568883508e-05, -3.6431028174655992e-05, 1.1620160426500337e-05,
                  -2.2025074453041343e-06);
  return copysign(pick(a < 0.63, fma(a * z, q, a), large), x);
}
