/* Trigonometric functions and their inverses in float. */
#pragma once
#include "base.h"
#include "round.h"

/* The bits of 2/pi after 32 zero bits: 384 bits reach the last exponent. */
static const u32 TWO_OVER_PI_F[] = {
    0x00000000u, 0xa2f9836eu, 0x4e441529u, 0xfc2757d1u, 0xf534ddc0u, 0xdb629599u, 0x3c439041u,
    0xfe5163abu, 0xdebbc561u, 0xb7246e3au};

/* x = r + k pi/2 with |r| <= pi/4; k counts modulo 4. */
struct QuadrantF {
  float r;
  u32 k;
};

/* For finite |x| >= 2^7, by fixed-point multiplication with the bits of 2/pi that matter. */
WF_INLINE QuadrantF reduce_large(float x) {
  u32 i = bits(x);
  int e = (int)(i >> 23 & 255) - 150;
  u32 first = (u32)(e - 2 + 32); /* the bit worth 2 quadrants once multiplied */
  const u32 *w = TWO_OVER_PI_F + (first >> 5 < 6 ? first >> 5 : 6);
  u32 s = first & 31;
  u64 w0 = (u64)w[0] << 32 | w[1], w1 = (u64)w[1] << 32 | w[2], w2 = (u64)w[2] << 32 | w[3];
  u64 high = (w0 << s >> 32 << 32) | (u32)(w1 << s >> 32);
  u64 low = (u32)(w2 << s >> 32);
  u64 m = (i & 0x7fffffu) | 0x800000u;
  u64 turns = m * high + (m * low >> 32); /* quadrants in units of 2^-62 */
  u64 k = (turns + (1ull << 61)) >> 62;
  double r = (double)(i64)(turns - (k << 62)) * 0x1.921fb54442d18p-62;
  return {x < 0 ? -(float)r : (float)r, (u32)(x < 0 ? -k : k)};
}

WF_INLINE QuadrantF reduce(float x) {
  float z = fma(x, 0x1.45f306p-1f, ROUND_F);
  float k = z - ROUND_F;
  float r = fma(k, -0x1.921fb4p0f, x);
  r = fma(k, -0x1.4442d0p-24f, r);
  r = fma(k, -0x1.846988p-48f, r);
  QuadrantF q = {r, bits(z)};
  if (WF_RARE(!(fabs(x) < 40000.0f))) {
    q = reduce_large(x);
    q.r = fabs(x) < INF_F ? q.r : NAN_F;
  }
  return q;
}

WF_INLINE float sin_poly(float r) {
  float z = r * r;
  return fma(r * z, poly(z, -0.166666552f, 0.00833218917f, -0.000195181899f), r);
}
WF_INLINE float cos_poly(float r) {
  float z = r * r;
  return fma(z * z, poly(z, 0.0416666456f, -0.00138873118f, 2.44327239e-05f), fma(z, -0.5f, 1.0f));
}

WF_INLINE float flip(float x, u32 sign_bit) { return from_bits(bits(x) ^ sign_bit); }

WF_INLINE float sin(float x) {
  QuadrantF q = reduce(x);
  float r = flip(pick(q.k & 1, cos_poly(q.r), sin_poly(q.r)), (q.k & 2) << 30);
  return x == 0.0f ? x : r;
}
WF_INLINE float cos(float x) {
  QuadrantF q = reduce(x);
  return flip(pick(q.k & 1, sin_poly(q.r), cos_poly(q.r)), ((q.k + 1) & 2) << 30);
}
WF_INLINE void sincos(float x, float *sine, float *cosine) {
  QuadrantF q = reduce(x);
  float s = sin_poly(q.r), c = cos_poly(q.r);
  *sine = x == 0.0f ? x : flip(q.k & 1 ? c : s, (q.k & 2) << 30);
  *cosine = flip(q.k & 1 ? s : c, ((q.k + 1) & 2) << 30);
}
WF_INLINE float tan(float x) {
  QuadrantF q = reduce(x);
  float z = q.r * q.r;
  float p = poly(z, 0.333331317f, 0.133393943f, 0.0533658564f, 0.0245813653f, 0.00289134681f,
                 0.00951393507f);
  float t = fma(q.r * z, p, q.r);
  float r = pick(q.k & 1, -1.0f / t, t);
  return x == 0.0f ? x : r;
}

/* x = r + k/2 with |r| <= 1/4, exact; k counts modulo 4. */
WF_INLINE QuadrantF reduce_pi(float x) {
  float c = fma(rint(0.5f * x), -2.0f, x); /* x modulo 2; infinities become NaN */
  float z = c + c + ROUND_F;
  return {fma(z - ROUND_F, -0.5f, c), bits(z)};
}
WF_INLINE float sinpi_poly(float r) {
  float z = r * r;
  float h = r * 0x1.921fb6p1f;
  float l = fma(r, 0x1.921fb6p1f, -h);
  l = fma(r, -0x1.777a5cp-24f, l);
  return fma(r * z, poly(z, -5.16771269f, 2.55015588f, -0.599032283f, 0.0796789974f), l) + h;
}
WF_INLINE float cospi_poly(float r) {
  float z = r * r;
  return poly(z, 1.0f, -4.93480206f, 4.05869818f, -1.33481634f, 0.229552001f);
}
WF_INLINE float sinpi(float x) {
  QuadrantF q = reduce_pi(x);
  float r = flip(pick(q.k & 1, cospi_poly(q.r), sinpi_poly(q.r)), (q.k & 2) << 30);
  /* whole numbers give a zero with the sign of x */
  return r == 0.0f || x == 0.0f ? copysign(0.0f, x) : r;
}
WF_INLINE float cospi(float x) {
  QuadrantF q = reduce_pi(x);
  float r = flip(pick(q.k & 1, sinpi_poly(q.r), cospi_poly(q.r)), ((q.k + 1) & 2) << 30);
  return r == 0.0f ? 0.0f : r;
}

constexpr float PI_F = 0x1.921fb6p1f;
constexpr float HALF_PI_F = 0x1.921fb6p0f;
constexpr float HALF_PI_LO_F = -0x1.777a5cp-25f;

/* asin(x) - x over x^3, of z = x^2 <= 1/4 */
WF_INLINE float asin_tail(float z) {
  return poly(z, 0.166667551f, 0.0749518871f, 0.0454845466f, 0.0241077021f, 0.042290587f);
}
WF_INLINE float asin(float x) {
  float a = fabs(x);
  bool large = a > 0.5f;
  float half = fma(a, -0.5f, 0.5f);
  float z = large ? half : a * a;
  float t = pick(large, sqrt(half), a);
  float p = fma(t * z, asin_tail(z), t);
  return copysign(large ? fma(p, -2.0f, HALF_PI_F) : p, x);
}
WF_INLINE float acos(float x) {
  float a = fabs(x);
  bool large = a > 0.5f;
  float half = fma(a, -0.5f, 0.5f);
  float z = large ? half : x * x;
  float t = pick(large, sqrt(half), x);
  float p = fma(t * z, asin_tail(z), t);
  float far = pick(x < 0, fma(p, -2.0f, PI_F), 2.0f * p);
  return pick(large, far, HALF_PI_F - (p - HALF_PI_LO_F));
}

/* atan(t) for |t| <= 1 */
WF_INLINE float atan_poly(float t) {
  float z = t * t;
  float p = poly(z, -0.333333015f, 0.199986309f, -0.142651752f, 0.10957244f, -0.0841855183f,
                 0.0582197383f, -0.0314414501f, 0.0110569904f, -0.0018255813f);
  return fma(t * z, p, t);
}
WF_INLINE float atan(float x) {
  float a = fabs(x);
  bool large = a > 1.0f;
  float p = atan_poly(pick(large, 1.0f / a, a));
  return copysign(large ? HALF_PI_F - (p - HALF_PI_LO_F) : p, x);
}
WF_INLINE float atan2(float y, float x) {
  float a = fabs(x), b = fabs(y);
  bool steep = b > a;
  float num = steep ? a : b, den = steep ? b : a;
  float t = num / den;
  t = num == den ? 1.0f : t; /* both infinite, or both zero */
  t = den == 0.0f ? 0.0f : t;
  float p = atan_poly(t);
  p = steep ? HALF_PI_F - (p - HALF_PI_LO_F) : p;
  p = bits(x) >> 31 ? PI_F - (p - 2.0f * HALF_PI_LO_F) : p;
  return x != x || y != y ? NAN_F : copysign(p, y);
}
