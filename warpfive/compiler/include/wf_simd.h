/* SIMD-in-a-word ("video") functions: four bytes or two halfwords in 32 bits; and the min/max
   chains (DPX) of both sides. */
#pragma once
#include "host_defines.h"

/* Applies f to each lane of the words; lanes are passed as int (or unsigned) values. */
template <int Bits, bool Signed, class F>
__wf_d unsigned int __wf_lanes(unsigned int a, unsigned int b, F f) {
  unsigned int r = 0;
  const unsigned int mask = (1u << Bits) - 1;
#pragma unroll
  for (int at = 0; at < 32; at += Bits) {
    int x = (int)(a >> at & mask), y = (int)(b >> at & mask);
    if (Signed) {
      x = (int)((unsigned int)x << (32 - Bits)) >> (32 - Bits);
      y = (int)((unsigned int)y << (32 - Bits)) >> (32 - Bits);
    }
    r |= ((unsigned int)f(x, y) & mask) << at;
  }
  return r;
}
template <int Bits, bool Signed, class F>
__wf_d unsigned int __wf_lane_sum(unsigned int a, unsigned int b, F f) {
  unsigned int sum = 0;
  __wf_lanes<Bits, Signed>(a, b, [&](int x, int y) { return sum += (unsigned int)f(x, y), 0; });
  return sum;
}
template <int Bits, bool Signed>
__wf_d int __wf_saturate(int v) {
  const int most = Signed ? (1 << (Bits - 1)) - 1 : (1 << Bits) - 1, least = Signed ? -most - 1 : 0;
  return v > most ? most : v < least ? least : v;
}

#define __WF_SIMD2(name, sign, expression)                                                   \
  __wf_d unsigned int name##2(unsigned int a, unsigned int b) {                              \
    constexpr int bits = 16;                                                                 \
    (void)bits;                                                                              \
    return __wf_lanes<16, sign>(a, b, [](int x, int y) { return expression; });              \
  }                                                                                          \
  __wf_d unsigned int name##4(unsigned int a, unsigned int b) {                              \
    constexpr int bits = 8;                                                                  \
    (void)bits;                                                                              \
    return __wf_lanes<8, sign>(a, b, [](int x, int y) { return expression; });               \
  }
#define __WF_SIMD1(name, sign, expression)                                                   \
  __wf_d unsigned int name##2(unsigned int a) {                                              \
    constexpr int bits = 16;                                                                 \
    (void)bits;                                                                              \
    return __wf_lanes<16, sign>(a, 0, [](int x, int) { return expression; });                \
  }                                                                                          \
  __wf_d unsigned int name##4(unsigned int a) {                                              \
    constexpr int bits = 8;                                                                  \
    (void)bits;                                                                              \
    return __wf_lanes<8, sign>(a, 0, [](int x, int) { return expression; });                 \
  }
#define __WF_SIMD_SUM(name, sign, expression)                                                \
  __wf_d unsigned int name##2(unsigned int a, unsigned int b) {                              \
    return __wf_lane_sum<16, sign>(a, b, [](int x, int y) { return expression; });           \
  }                                                                                          \
  __wf_d unsigned int name##4(unsigned int a, unsigned int b) {                              \
    return __wf_lane_sum<8, sign>(a, b, [](int x, int y) { return expression; });            \
  }
__WF_SIMD1(__vabs, true, x < 0 ? -x : x)
__WF_SIMD1(__vabsss, true, (__wf_saturate<bits, true>(x < 0 ? -x : x)))
__WF_SIMD1(__vneg, true, -x)
__WF_SIMD1(__vnegss, true, (__wf_saturate<bits, true>(-x)))
__WF_SIMD2(__vadd, false, x + y)
__WF_SIMD2(__vaddss, true, (__wf_saturate<bits, true>(x + y)))
__WF_SIMD2(__vaddus, false, (__wf_saturate<bits, false>(x + y)))
__WF_SIMD2(__vsub, false, x - y)
__WF_SIMD2(__vsubss, true, (__wf_saturate<bits, true>(x - y)))
__WF_SIMD2(__vsubus, false, (__wf_saturate<bits, false>(x - y)))
__WF_SIMD2(__vabsdiffs, true, x > y ? x - y : y - x)
__WF_SIMD2(__vabsdiffu, false, x > y ? x - y : y - x)
/* Signed averages round away from zero, unsigned ones up; __vhaddu rounds down. */
__WF_SIMD2(__vavgs, true, (x + y + (x + y >= 0)) >> 1)
__WF_SIMD2(__vavgu, false, (x + y + 1) >> 1)
__WF_SIMD2(__vhaddu, false, (x + y) >> 1)
__WF_SIMD2(__vmaxs, true, x > y ? x : y)
__WF_SIMD2(__vmaxu, false, x > y ? x : y)
__WF_SIMD2(__vmins, true, x < y ? x : y)
__WF_SIMD2(__vminu, false, x < y ? x : y)
__WF_SIMD_SUM(__vsads, true, x > y ? x - y : y - x)
__WF_SIMD_SUM(__vsadu, false, x > y ? x - y : y - x)
#define __WF_SIMD_COMPARE(name, sign, op)       \
  __WF_SIMD2(__vcmp##name, sign, -(x op y))     \
  __WF_SIMD2(__vset##name, sign, x op y)
__WF_SIMD_COMPARE(eq, false, ==)
__WF_SIMD_COMPARE(ne, false, !=)
__WF_SIMD_COMPARE(ges, true, >=)
__WF_SIMD_COMPARE(geu, false, >=)
__WF_SIMD_COMPARE(gts, true, >)
__WF_SIMD_COMPARE(gtu, false, >)
__WF_SIMD_COMPARE(les, true, <=)
__WF_SIMD_COMPARE(leu, false, <=)
__WF_SIMD_COMPARE(lts, true, <)
__WF_SIMD_COMPARE(ltu, false, <)
#undef __WF_SIMD_COMPARE
#undef __WF_SIMD_SUM
#undef __WF_SIMD1
#undef __WF_SIMD2

/* DPX: three-way and fused min/max; those ending in relu are never below 0. */
__wf_hdc int __vimax3_s32(int a, int b, int c) { return max(max(a, b), c); }
__wf_hdc int __vimin3_s32(int a, int b, int c) { return min(min(a, b), c); }
__wf_hdc unsigned int __vimax3_u32(unsigned int a, unsigned int b, unsigned int c) {
  return max(max(a, b), c);
}
__wf_hdc unsigned int __vimin3_u32(unsigned int a, unsigned int b, unsigned int c) {
  return min(min(a, b), c);
}
__wf_hdc int __vimax_s32_relu(int a, int b) { return max(max(a, b), 0); }
__wf_hdc int __vimin_s32_relu(int a, int b) { return max(min(a, b), 0); }
__wf_hdc int __vimax3_s32_relu(int a, int b, int c) { return max(max(max(a, b), c), 0); }
__wf_hdc int __vimin3_s32_relu(int a, int b, int c) { return max(min(min(a, b), c), 0); }
__wf_hdc int __viaddmax_s32(int a, int b, int c) { return max(a + b, c); }
__wf_hdc int __viaddmin_s32(int a, int b, int c) { return min(a + b, c); }
__wf_hdc int __viaddmax_s32_relu(int a, int b, int c) { return max(max(a + b, c), 0); }
__wf_hdc int __viaddmin_s32_relu(int a, int b, int c) { return max(min(a + b, c), 0); }
__wf_hdc unsigned int __viaddmax_u32(unsigned int a, unsigned int b, unsigned int c) {
  return max(a + b, c);
}
__wf_hdc unsigned int __viaddmin_u32(unsigned int a, unsigned int b, unsigned int c) {
  return min(a + b, c);
}
