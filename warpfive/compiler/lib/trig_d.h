/* Trigonometric functions and their inverses in double. */
#pragma once
#include "base.h"
#include "round.h"

/* The bits of 2/pi after 64 zero bits. */
static const u64 TWO_OVER_PI_D[] = {
    0x0000000000000000, 0xa2f9836e4e441529, 0xfc2757d1f534ddc0, 0xdb6295993c439041,
    0xfe5163abdebbc561, 0xb7246e3a424dd2e0, 0x06492eea09d1921c, 0xfe1deb1cb129a73e,
    0xe88235f52ebb4484, 0xe99c7026b45f7e41, 0x3991d639835339f4, 0x9c845f8bbdf9283b,
    0x1ff897ffde05980f, 0xef2f118b5a0a6d1f, 0x6d367ecf27cb09b7, 0x4f463f669e5fea2d,
    0x7527bac7ebe5f17b, 0x3d0739f78a5292ea, 0x6bfb5fb11f8d5d08, 0x56033046fc7b6bab,
    0xf0cfbc209af4361d};

constexpr double HALF_PI_D = 0x1.921fb54442d18p0;
constexpr double HALF_PI_LO_D = 0x1.1a62633145c07p-54;
constexpr double PI_D = 0x1.921fb54442d18p1;

/* x = r + low + k pi/2 with |r| <= pi/4; k counts modulo 4. */
struct QuadrantD {
  double r, low;
  u32 k;
};

/* For finite |x| >= 2^20, by fixed-point multiplication with the bits of 2/pi that matter. */
WF_INLINE QuadrantD reduce_large(double x) {
  typedef unsigned __int128 u128;
  u64 i = bits(x);
  int e = (int)(i >> 52 & 2047) - 1075;
  u32 first = (u32)(e - 2 + 64); /* the bit worth 2 quadrants once multiplied */
  u32 word = first >> 6 < 17 ? first >> 6 : 17, s = first & 63;
  const u64 *w = TWO_OVER_PI_D + word;
  u64 high = w[0] << s | w[1] >> 1 >> (63 - s);
  u64 middle = w[1] << s | w[2] >> 1 >> (63 - s);
  u64 low = w[2] << s | w[3] >> 1 >> (63 - s);
  u64 m = (i & 0xfffffffffffffull) | 1ull << 52;
  u128 q = (u128)m * middle + (u64)((u128)m * low >> 64);
  u64 top = m * high + (u64)(q >> 64), next = (u64)q;
  u64 k = (top + (1ull << 61)) >> 62;
  top -= k << 62;
  bool negative = top >> 63;
  u64 a = negative ? ~top : top, b = negative ? ~next : next;
  /* the first 64 bits of the fraction's magnitude, in quadrants */
  u32 shift = (u32)__builtin_clzll(a | 1);
  u64 c = a << shift | b >> 1 >> (63 - shift);
  double unit = exp2i_d(-62 - (int)shift);
  double y = (double)(i64)(c >> 11) * 2048.0 * unit, y_low = (double)(i64)(c & 2047) * unit;
  Pair<double> p = two_product(y, HALF_PI_D);
  p.lo = fma(y, HALF_PI_LO_D, fma(y_low, HALF_PI_D, p.lo));
  bool flip = negative != (x < 0);
  return {flip ? -p.hi : p.hi, flip ? -p.lo : p.lo, (u32)(x < 0 ? -k : k)};
}

WF_INLINE QuadrantD reduce(double x) {
  double z = fma(x, 0x1.45f306dc9c883p-1, ROUND_D);
  double k = z - ROUND_D;
  double r = fma(k, -HALF_PI_D, x); /* exact */
  double w = k * HALF_PI_LO_D;
  double t = r - w;
  double low = (r - t) - w - fma(k, -0x1.f1976b7ed8fbcp-110, fma(k, HALF_PI_LO_D, -w));
  QuadrantD q = {t, low, (u32)bits(z)};
  if (WF_RARE(!(fabs(x) < 0x1p27))) {
    q = reduce_large(x);
    q.r = fabs(x) < INF_D ? q.r : NAN_D;
  }
  return q;
}

WF_INLINE double sin_poly(double r, double low) {
  double z = r * r;
  double p = poly(z, -0.16666666666666632, 0.0083333333333224877, -0.00019841269829856708,
                  2.7557313706611285e-06, -2.5050760161201335e-08, 1.5896903004504517e-10);
  return fma(r * z, p, fma(z * low, -0.5, low)) + r;
}
WF_INLINE double cos_poly(double r, double low) {
  double z = r * r;
  double p = poly(z, 0.041666666666666602, -0.0013888888888874483, 2.4801587289680583e-05,
                  -2.7557314404342658e-07, 2.0875729793799951e-09, -1.1359962834280127e-11);
  double h = 0.5 * z;
  double w = 1.0 - h;
  return w + (((1.0 - w) - h) + fma(z * z, p, -r * low));
}

WF_INLINE double flip(double x, u32 odd) { return from_bits(bits(x) ^ (u64)(odd & 2) << 62); }

WF_INLINE double sin(double x) {
  QuadrantD q = reduce(x);
  double r = flip(pick(q.k & 1, cos_poly(q.r, q.low), sin_poly(q.r, q.low)), q.k);
  return x == 0.0 ? x : r;
}
WF_INLINE double cos(double x) {
  QuadrantD q = reduce(x);
  return flip(pick(q.k & 1, sin_poly(q.r, q.low), cos_poly(q.r, q.low)), q.k + 1);
}
WF_INLINE void sincos(double x, double *sine, double *cosine) {
  QuadrantD q = reduce(x);
  double s = sin_poly(q.r, q.low), c = cos_poly(q.r, q.low);
  *sine = x == 0.0 ? x : flip(q.k & 1 ? c : s, q.k);
  *cosine = flip(q.k & 1 ? s : c, q.k + 1);
}
WF_INLINE double tan(double x) {
  QuadrantD q = reduce(x);
  double z = q.r * q.r;
  double p = poly(z, 0.33333333333332715, 0.13333333333422612, 0.053968253923082604,
                  0.021869489690110256, 0.008863218082132614, 0.0035922983527575886,
                  0.0014547042988513885, 0.0005952804222320319, 0.00022177080548009174,
                  0.00013772980087793917, -2.8019027801820654e-05, 9.0898530123355921e-05,
                  -4.5630130780839183e-05, 2.1038444616181912e-05);
  double rest = fma(q.r * z, p, fma(z, q.low, q.low));
  double t = q.r + rest;
  rest = (q.r - t) + rest;
  double inverse = -1.0 / t;
  inverse = fma(fma(inverse, t, 1.0) + inverse * rest, inverse, inverse);
  double r = q.k & 1 ? inverse : t;
  return x == 0.0 ? x : r;
}

WF_INLINE QuadrantD reduce_pi(double x) {
  double c = fma(rint(0.5 * x), -2.0, x); /* x modulo 2; infinities become NaN */
  double z = c + c + ROUND_D;
  return {fma(z - ROUND_D, -0.5, c), 0.0, (u32)bits(z)};
}
WF_INLINE double sinpi_poly(double r) {
  double z = r * r;
  double h = r * PI_D;
  double l = fma(r, PI_D, -h);
  l = fma(r, 0x1.1a62633145c07p-53, l);
  double p = poly(z, -5.1677127800499703, 2.5501640398774006, -0.59926452932555641,
                  0.082145886804725468, -0.0073704348648147506, 0.00046633797749883745,
                  -2.1959979327191473e-05);
  return fma(r * z, p, l) + h;
}
WF_INLINE double cospi_poly(double r) {
  double z = r * r;
  return poly(z, 1.0, -4.934802200544679, 4.0587121264166672, -1.3352627688426961,
              0.23533062966549773, -0.025806869176481256, 0.0019291760025274311,
              -0.00010088770487268261, -1.0150836463950218e-05);
}
WF_INLINE double sinpi(double x) {
  QuadrantD q = reduce_pi(x);
  double r = flip(pick(q.k & 1, cospi_poly(q.r), sinpi_poly(q.r)), q.k);
  return r == 0.0 ? copysign(0.0, x) : r;
}
WF_INLINE double cospi(double x) {
  QuadrantD q = reduce_pi(x);
  double r = flip(pick(q.k & 1, sinpi_poly(q.r), cospi_poly(q.r)), q.k + 1);
  return r == 0.0 ? 0.0 : r;
}

WF_INLINE double asin_tail(double z) {
  return poly(z, 0.16666666666666763, 0.074999999999701458, 0.044642857175238804,
              0.03038194267749553, 0.022372215845499411, 0.017351596550684214,
              0.013981006312952009, 0.011397390317022162, 0.010788789875056739,
              0.0036741439211283471, 0.021785987966443737, -0.021110264955119432,
              0.032698205974957983);
}
WF_INLINE double asin(double x) {
  double a = fabs(x);
  bool large = a > 0.5;
  double half = fma(a, -0.5, 0.5);
  double z = large ? half : a * a;
  double t = pick(large, sqrt(half), a);
  double p = fma(t * z, asin_tail(z), t);
  double far = HALF_PI_D - fma(p, 2.0, -HALF_PI_LO_D);
  return copysign(large ? far : p, x);
}
WF_INLINE double acos(double x) {
  double a = fabs(x);
  bool large = a > 0.5;
  double half = fma(a, -0.5, 0.5);
  double z = large ? half : x * x;
  double t = pick(large, sqrt(half), x);
  double tail = t * z * asin_tail(z);
  double p = t + tail;
  double far = pick(x < 0, fma(p, -2.0, PI_D), 2.0 * p);
  return pick(large, far, HALF_PI_D - (t - (HALF_PI_LO_D - tail)));
}

/* atan(num / den) for num, den >= 0, not both 0 or both infinite */
WF_INLINE double atan_quotient(double num, double den) {
  /* beyond 2.414 pi/2 - atan(den/num), beyond 0.414 pi/4 + atan((num - den)/(num + den)) */
  bool steep = num > den * 0x1.3504f333f9de6p1;
  bool middle = !steep && num > den * 0x1.a827999fcef32p-2;
  double top = steep ? -den : middle ? num - den : num;
  double bottom = steep ? num : middle ? num + den : den;
  double t = top / bottom;
  double base = steep ? HALF_PI_D : middle ? 0.5 * HALF_PI_D : 0.0;
  double base_lo = steep ? HALF_PI_LO_D : middle ? 0.5 * HALF_PI_LO_D : 0.0;
  double z = t * t;
  double p = poly(z, -0.33333333333333198, 0.19999999999953891, -0.14285714280231149,
                  0.1111111078530978, -0.090908978132207996, 0.076920612297800992,
                  -0.066631157922152823, 0.0584797566256351, -0.050396960161472076,
                  0.038074525024423538, -0.017918119890828411);
  return base + (t + fma(t * z, p, base_lo));
}
WF_INLINE double atan(double x) { return copysign(atan_quotient(fabs(x), 1.0), x); }
WF_INLINE double atan2(double y, double x) {
  double a = fabs(x), b = fabs(y);
  bool same = a == b && (a == 0.0 || a == INF_D); /* 0/0 and infinite/infinite */
  bool large = a > 0x1p1000 || b > 0x1p1000;
  double s = large ? 0x1p-60 : 1.0; /* num + den must not overflow */
  double num = same ? (a == 0.0 ? 0.0 : 1.0) : b * s;
  double den = same ? 1.0 : a * s;
  double p = atan_quotient(num, den);
  p = bits(x) >> 63 ? PI_D - (p - 2.0 * HALF_PI_LO_D) : p;
  return x != x || y != y ? NAN_D : copysign(p, y);
}
