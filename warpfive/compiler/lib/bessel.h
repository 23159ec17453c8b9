/* Modified Bessel functions of the first kind. */
#pragma once
#include "base.h"
#include "exp_d.h"

/* The rounding of z = x^2 moves I(x) by several ulp; `slope` is about I'(z) / I(z). */
WF_INLINE double with_square(double x, double z, double slope, double value) {
  return fma(value * fma(x, x, -z), slope, value);
}

WF_INLINE double bessel_i0_near(double x) { /* 0 <= x <= 16 */
  double z = x * x;
  double r = poly(z, 1.0, 0.25, 0.015625, 0.00043402777777777775, 6.7816840277777893e-06,
              6.7816840277775501e-08, 4.7095027970704439e-10, 2.402807549506242e-12,
              9.3859669912269756e-15, 2.896903388886175e-17, 7.2422585647030965e-20,
              1.4963342263323269e-22, 2.5978054289305332e-25, 3.8428711439531853e-28,
              4.9019725178919621e-31, 5.443955873990891e-34, 5.3324714131294841e-37,
              4.5371387108143392e-40, 3.7758363194261654e-43, 1.8598882622907031e-46,
              2.6766213357736678e-49, -5.7394789905713719e-53, 1.4803344402501876e-55);
  return with_square(x, z, 0.5 / (x + 1.2), r);
}
WF_INLINE double bessel_i1_near(double x) {
  double z = x * x;
  double r = poly(z, 0.5, 0.0625, 0.0026041666666666665, 5.4253472222222307e-05,
                  6.781684027777579e-07, 5.6514033564840099e-09, 3.363930569314137e-11,
                  1.5017547185604241e-13, 5.2144261016404251e-16, 1.4484517075079537e-18,
                  3.2919354310655665e-21, 6.2347305567300829e-24, 9.9915002854502896e-27,
                  1.372513177283353e-29, 1.6335246991768143e-32, 1.7041162318475607e-35,
                  1.5544968139117086e-38, 1.3118302102926237e-41, 8.4935116319987935e-45,
                  7.5963998761510136e-48, 2.2357817943853446e-51, 2.2636005181405995e-54,
                  1.7938170409305225e-57);
  return x * with_square(x, z, 0.5 / (x + 3.0), r);
}
/* I(x) sqrt(x) e^-x of u = 1/x <= 1/16 */
WF_INLINE double bessel_i0_tail(double u) {
  return poly(u, 0.3989422804014327, 0.049867785050131196, 0.0280506291189066,
              0.029219397391533928, 0.044743493018425631, 0.090471309664962446,
              0.23757400210781399, 0.23974817790779951, 18.220757560560671, -392.09110628554271,
              7410.1092316041313, -95162.058753514852, 834411.69254255341, -4437225.9027112555,
              11148538.296043113);
}
WF_INLINE double bessel_i1_tail(double u) {
  return poly(u, 0.3989422804014327, -0.14960335515058504, -0.04675104845632843,
              -0.040907175374788961, -0.05752441781561967, -0.11086886058759828,
              -0.26084663776181061, -1.2286593069708904, 11.852998746976583, -358.45400806090561,
              5717.5704285927486, -64520.659771831633, 445257.42210718087, -1641502.3852245447,
              1787980.7300081581);
}
/* tail(1/x) e^x / sqrt(x), where e^x alone may overflow */
WF_INLINE double bessel_far(double x, double tail) {
  ExpD e = exp_parts(x > 800.0 ? 800.0 : x, 0.0);
  return scale(e.p * (tail / sqrt(x)), e.n);
}
WF_INLINE double cyl_bessel_i0(double x) {
  double a = fabs(x);
  double b = a > 16.0 ? a : 16.0;
  double far = bessel_far(b, bessel_i0_tail(1.0 / b));
  double near = bessel_i0_near(a < 16.0 ? a : 0.0);
  double r = pick(a < 16.0, near, pick(a == INF_D, a, far));
  return pick(x != x, x, r);
}
WF_INLINE double cyl_bessel_i1(double x) {
  double a = fabs(x);
  double b = a > 16.0 ? a : 16.0;
  double far = bessel_far(b, bessel_i1_tail(1.0 / b));
  double near = bessel_i1_near(a < 16.0 ? a : 0.0);
  double r = pick(a < 16.0, near, pick(a == INF_D, a, far));
  return pick(x != x, x, copysign(r, x));
}
