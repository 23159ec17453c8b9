/* The body of cuda_fp16.h and cuda_bf16.h: one text for both types.

   Set before inclusion: WF_H and WF_H2 (the types), WF_RAW and WF_RAW2, WF_N (the word in the
   names of conversions), WF_NATIVE (the device's type), WF_EXPONENT and WF_MANTISSA (bits),
   WF_ROUND (the instruction that rounds a float to the type), WF_FROM_DOUBLE (prepares
   a double for the conversion to WF_NATIVE). */

#define __WF_CAT2(a, b) a##b
#define __WF_CAT(a, b) __WF_CAT2(a, b)
#define __WF_CAT3(a, b, c) __WF_CAT(__WF_CAT(a, b), c)
#define __WF_CAT4(a, b, c, d) __WF_CAT(__WF_CAT3(a, b, c), d)
#define __WF_TO(from) __WF_CAT3(from, 2, WF_N)     /* __float -> __float2half */
#define __WF_FROM(to) __WF_CAT3(__, WF_N, to)      /* 2float -> __half2float */

struct WF_RAW {
  unsigned short x;
};
struct WF_RAW2 {
  unsigned short x, y;
};
struct WF_H;
struct WF_H2;

#define __WF_ENCODE(value, mode) \
  ((unsigned short)__wf_encode<WF_EXPONENT, WF_MANTISSA>((double)(value), mode))
#define __WF_DECODE(bits) __wf_decode<WF_EXPONENT, WF_MANTISSA>(bits)

/* ---- The types ---- */

struct __align__(2) WF_H {
  unsigned short __x;

  WF_H() = default;
  __wf_hd WF_H(WF_RAW raw) : __x(raw.x) {}
  __wf_hd WF_H(float value);
  __wf_hd WF_H(double value);
#define __WF_CONSTRUCT(T) __wf_hd WF_H(T value) : WF_H(__wf_integer(value)) {}
  __WF_CONSTRUCT(short)
  __WF_CONSTRUCT(unsigned short)
  __WF_CONSTRUCT(int)
  __WF_CONSTRUCT(unsigned int)
  __WF_CONSTRUCT(long)
  __WF_CONSTRUCT(unsigned long)
  __WF_CONSTRUCT(long long)
  __WF_CONSTRUCT(unsigned long long)
#undef __WF_CONSTRUCT
#if defined(__WF_DEVICE__)
  __device__ __forceinline__ WF_H(WF_NATIVE value)
      : __x(__builtin_bit_cast(unsigned short, value)) {}
  __device__ __forceinline__ WF_NATIVE __native() const {
    return __builtin_bit_cast(WF_NATIVE, __x);
  }
#endif
  __wf_hd operator WF_RAW() const { return WF_RAW{__x}; }
  __wf_hd operator WF_RAW() const volatile { return WF_RAW{__x}; }
  __wf_hd operator float() const;
  __wf_hd explicit operator bool() const { return (__x & 0x7fff) != 0; }
#define __WF_CONVERT(T) \
  __wf_hd explicit operator T() const { return __wf_to_integer<T>((float)*this, __wf_rz); }
  __WF_CONVERT(char)
  __WF_CONVERT(signed char)
  __WF_CONVERT(unsigned char)
  __WF_CONVERT(short)
  __WF_CONVERT(unsigned short)
  __WF_CONVERT(int)
  __WF_CONVERT(unsigned int)
  __WF_CONVERT(long)
  __WF_CONVERT(unsigned long)
  __WF_CONVERT(long long)
  __WF_CONVERT(unsigned long long)
#undef __WF_CONVERT
};

struct __align__(4) WF_H2 {
  WF_H x, y;

  WF_H2() = default;
  __wf_hd WF_H2(const WF_H &a, const WF_H &b) : x(a), y(b) {}
  __wf_hd WF_H2(const WF_RAW2 &raw) : x(WF_RAW{raw.x}), y(WF_RAW{raw.y}) {}
  __wf_hd operator WF_RAW2() const { return WF_RAW2{x.__x, y.__x}; }
};

__wf_hd WF_H __WF_CAT3(__ushort_as_, WF_N, )(unsigned short bits) { return WF_H(WF_RAW{bits}); }
__wf_hd WF_H __WF_CAT3(__short_as_, WF_N, )(short bits) {
  return WF_H(WF_RAW{(unsigned short)bits});
}
__wf_hd unsigned short __WF_FROM(_as_ushort)(WF_H a) { return a.__x; }
__wf_hd short __WF_FROM(_as_short)(WF_H a) { return (short)a.__x; }

/* ---- Conversions ---- */

#if defined(__WF_DEVICE__)
__wf_hd WF_H::operator float() const { return (float)__native(); }
__wf_hd WF_H::WF_H(float value) : WF_H((WF_NATIVE)value) {}
__wf_hd WF_H::WF_H(double value) : WF_H((WF_NATIVE)WF_FROM_DOUBLE(value)) {}
/* Inline assembly takes _Float16 in a register, but not __bf16. */
#define __WF_DIRECTED(suffix, code)                                              \
  __wf_d WF_H __WF_CAT3(__wf_float2, WF_N, suffix)(float value) {                \
    _Float16 r;                                                                  \
    __asm__(WF_ROUND " %0, %1, " code : "=f"(r) : "f"(value));                   \
    return WF_H(WF_RAW{__builtin_bit_cast(unsigned short, r)});                  \
  }
__WF_DIRECTED(_rz, "rtz")
__WF_DIRECTED(_rd, "rdn")
__WF_DIRECTED(_ru, "rup")
#undef __WF_DIRECTED
#define __WF_ROUNDED(suffix, value) __WF_CAT3(__wf_float2, WF_N, suffix)(value)
#else
__wf_hd WF_H::operator float() const { return __WF_DECODE(__x); }
__wf_hd WF_H::WF_H(float value) : __x(__WF_ENCODE(value, __wf_rn)) {}
__wf_hd WF_H::WF_H(double value) : __x(__WF_ENCODE(value, __wf_rn)) {}
#define __WF_ROUNDED(suffix, value) WF_H(WF_RAW{__WF_ENCODE(value, __WF_CAT(__wf, suffix))})
#endif

__wf_hd float __WF_FROM(2float)(WF_H a) { return (float)a; }
__wf_hd WF_H __WF_TO(__float)(float a) { return WF_H(a); }
__wf_hd WF_H __WF_CAT(__WF_TO(__float), _rn)(float a) { return WF_H(a); }
__wf_hd WF_H __WF_CAT(__WF_TO(__float), _rz)(float a) { return __WF_ROUNDED(_rz, a); }
__wf_hd WF_H __WF_CAT(__WF_TO(__float), _rd)(float a) { return __WF_ROUNDED(_rd, a); }
__wf_hd WF_H __WF_CAT(__WF_TO(__float), _ru)(float a) { return __WF_ROUNDED(_ru, a); }
#undef __WF_ROUNDED
__wf_hd WF_H __WF_TO(__double)(double a) { return WF_H(a); }

/* Integers beyond 2^53 are far beyond both formats' precision: a double stands for them. */
#define __WF_INTEGER(T, name)                                                                 \
  __wf_hd WF_H __WF_CAT(__WF_TO(__##name), _rn)(T a) {                                        \
    return WF_H(__wf_integer(a));                                                             \
  }                                                                                           \
  __wf_hd WF_H __WF_CAT(__WF_TO(__##name), _rz)(T a) {                                        \
    return WF_H(WF_RAW{__WF_ENCODE(__wf_integer(a), __wf_rz)});                               \
  }                                                                                           \
  __wf_hd WF_H __WF_CAT(__WF_TO(__##name), _rd)(T a) {                                        \
    return WF_H(WF_RAW{__WF_ENCODE(__wf_integer(a), __wf_rd)});                               \
  }                                                                                           \
  __wf_hd WF_H __WF_CAT(__WF_TO(__##name), _ru)(T a) {                                        \
    return WF_H(WF_RAW{__WF_ENCODE(__wf_integer(a), __wf_ru)});                               \
  }                                                                                           \
  __wf_hd T __WF_FROM(2##name##_rn)(WF_H a) { return __wf_to_integer<T>((float)a, __wf_rn); } \
  __wf_hd T __WF_FROM(2##name##_rz)(WF_H a) { return __wf_to_integer<T>((float)a, __wf_rz); } \
  __wf_hd T __WF_FROM(2##name##_rd)(WF_H a) { return __wf_to_integer<T>((float)a, __wf_rd); } \
  __wf_hd T __WF_FROM(2##name##_ru)(WF_H a) { return __wf_to_integer<T>((float)a, __wf_ru); }
__WF_INTEGER(short, short)
__WF_INTEGER(unsigned short, ushort)
__WF_INTEGER(int, int)
__WF_INTEGER(unsigned int, uint)
__WF_INTEGER(long long, ll)
__WF_INTEGER(unsigned long long, ull)
#undef __WF_INTEGER
__wf_hd signed char __WF_FROM(2char_rz)(WF_H a) { return (signed char)a; }
__wf_hd unsigned char __WF_FROM(2uchar_rz)(WF_H a) { return (unsigned char)a; }

__wf_hd WF_H2 __WF_CAT3(make_, WF_N, 2)(WF_H x, WF_H y) { return WF_H2(x, y); }
__wf_hd WF_H2 __WF_CAT(__WF_TO(__float), 2_rn)(float a) { return WF_H2(WF_H(a), WF_H(a)); }
__wf_hd WF_H2 __WF_CAT(__WF_TO(__floats), 2_rn)(float a, float b) {
  return WF_H2(WF_H(a), WF_H(b));
}
__wf_hd WF_H2 __WF_CAT4(__float2, 2, WF_N, 2_rn)(float2 a) { return WF_H2(WF_H(a.x), WF_H(a.y)); }
__wf_hd float2 __WF_FROM(22float2)(WF_H2 a) {
  float2 r = {(float)a.x, (float)a.y};
  return r;
}
__wf_hd float __low2float(WF_H2 a) { return (float)a.x; }
__wf_hd float __high2float(WF_H2 a) { return (float)a.y; }
__wf_hd WF_H __WF_CAT(__low2, WF_N)(WF_H2 a) { return a.x; }
__wf_hd WF_H __WF_CAT(__high2, WF_N)(WF_H2 a) { return a.y; }
__wf_hd WF_H2 __WF_CAT3(__low2, WF_N, 2)(WF_H2 a) { return WF_H2(a.x, a.x); }
__wf_hd WF_H2 __WF_CAT3(__high2, WF_N, 2)(WF_H2 a) { return WF_H2(a.y, a.y); }
__wf_hd WF_H2 __WF_CAT3(__lows2, WF_N, 2)(WF_H2 a, WF_H2 b) { return WF_H2(a.x, b.x); }
__wf_hd WF_H2 __WF_CAT3(__highs2, WF_N, 2)(WF_H2 a, WF_H2 b) { return WF_H2(a.y, b.y); }
__wf_hd WF_H2 __WF_CAT3(__halves2, WF_N, 2)(WF_H a, WF_H b) { return WF_H2(a, b); }
__wf_hd WF_H2 __WF_CAT4(__WF_CAT(__, WF_N), 2, WF_N, 2)(WF_H a) { return WF_H2(a, a); }
__wf_hd WF_H2 __lowhigh2highlow(WF_H2 a) { return WF_H2(a.y, a.x); }

/* ---- Arithmetic ---- */

#define __WF_BINARY(name, op)                                                                 \
  __wf_hd WF_H name(WF_H a, WF_H b) { return __WF_ARITHMETIC(a, op, b); }                     \
  __wf_hd WF_H name##_rn(WF_H a, WF_H b) {                                                    \
    __WF_NO_CONTRACTION                                                                       \
    return __WF_ARITHMETIC(a, op, b);                                                         \
  }                                                                                           \
  __wf_hd WF_H2 name##2(WF_H2 a, WF_H2 b) { return WF_H2(name(a.x, b.x), name(a.y, b.y)); }   \
  __wf_hd WF_H2 name##2_rn(WF_H2 a, WF_H2 b) {                                                \
    return WF_H2(name##_rn(a.x, b.x), name##_rn(a.y, b.y));                                   \
  }
#if defined(__clang__)
#define __WF_NO_CONTRACTION _Pragma("clang fp contract(off)")
#else
#define __WF_NO_CONTRACTION
#endif
#if defined(__WF_DEVICE__)
#define __WF_ARITHMETIC(a, op, b) WF_H((WF_NATIVE)(a.__native() op b.__native()))
#else
/* A float has more than twice the digits: rounding its result again gives the rounded result. */
#define __WF_ARITHMETIC(a, op, b) WF_H((float)a op(float) b)
#endif
__WF_BINARY(__hadd, +)
__WF_BINARY(__hsub, -)
__WF_BINARY(__hmul, *)
__wf_hd WF_H __hdiv(WF_H a, WF_H b) { return __WF_ARITHMETIC(a, /, b); }
__wf_hd WF_H2 __h2div(WF_H2 a, WF_H2 b) { return WF_H2(__hdiv(a.x, b.x), __hdiv(a.y, b.y)); }
#undef __WF_BINARY
#undef __WF_ARITHMETIC
#undef __WF_NO_CONTRACTION

__wf_hd WF_H __hneg(WF_H a) { return WF_H(WF_RAW{(unsigned short)(a.__x ^ 0x8000)}); }
__wf_hd WF_H __habs(WF_H a) { return WF_H(WF_RAW{(unsigned short)(a.__x & 0x7fff)}); }
__wf_hd WF_H2 __hneg2(WF_H2 a) { return WF_H2(__hneg(a.x), __hneg(a.y)); }
__wf_hd WF_H2 __habs2(WF_H2 a) { return WF_H2(__habs(a.x), __habs(a.y)); }

__wf_hd WF_H __hfma(WF_H a, WF_H b, WF_H c) {
#if defined(__WF_DEVICE__)
  return WF_H(__wf_fma_native(a.__native(), b.__native(), c.__native()));
#else
  return WF_H(__wf_fma_odd((float)a, (float)b, (float)c));
#endif
}
__wf_hd WF_H2 __hfma2(WF_H2 a, WF_H2 b, WF_H2 c) {
  return WF_H2(__hfma(a.x, b.x, c.x), __hfma(a.y, b.y, c.y));
}
/* (a.x + i a.y) (b.x + i b.y) + (c.x + i c.y) */
__wf_hd WF_H2 __hcmadd(WF_H2 a, WF_H2 b, WF_H2 c) {
  const WF_H x = __hfma(a.x, b.x, c.x), y = __hfma(a.x, b.y, c.y);
  return WF_H2(__hfma(__hneg(a.y), b.y, x), __hfma(a.y, b.x, y));
}

/* ---- Comparisons: ordered forms are false for NaN, those ending in u true ---- */

__wf_hd bool __hisnan(WF_H a) { return (float)a != (float)a; }
__wf_hd int __hisinf(WF_H a) {
  const unsigned int infinity = ((1u << WF_EXPONENT) - 1) << WF_MANTISSA;
  return (a.__x & 0x7fffu) != infinity ? 0 : a.__x >> 15 ? -1 : 1;
}
__wf_hd WF_H2 __hisnan2(WF_H2 a) {
  return WF_H2(WF_H(__hisnan(a.x) ? 1.0f : 0.0f), WF_H(__hisnan(a.y) ? 1.0f : 0.0f));
}
#define __WF_COMPARE(name, ordered, unordered)                                                  \
  __wf_hd bool __h##name(WF_H a, WF_H b) { return ordered; }                                    \
  __wf_hd bool __h##name##u(WF_H a, WF_H b) { return unordered; }                               \
  __wf_hd bool __hb##name##2(WF_H2 a, WF_H2 b) {                                                \
    return __h##name(a.x, b.x) && __h##name(a.y, b.y);                                          \
  }                                                                                             \
  __wf_hd bool __hb##name##u2(WF_H2 a, WF_H2 b) {                                               \
    return __h##name##u(a.x, b.x) && __h##name##u(a.y, b.y);                                    \
  }                                                                                             \
  __wf_hd WF_H2 __h##name##2(WF_H2 a, WF_H2 b) {                                                \
    return WF_H2(WF_H(__h##name(a.x, b.x) ? 1.0f : 0.0f),                                       \
                 WF_H(__h##name(a.y, b.y) ? 1.0f : 0.0f));                                      \
  }                                                                                             \
  __wf_hd WF_H2 __h##name##u2(WF_H2 a, WF_H2 b) {                                               \
    return WF_H2(WF_H(__h##name##u(a.x, b.x) ? 1.0f : 0.0f),                                    \
                 WF_H(__h##name##u(a.y, b.y) ? 1.0f : 0.0f));                                   \
  }                                                                                             \
  __wf_hd unsigned int __h##name##2_mask(WF_H2 a, WF_H2 b) {                                    \
    return (__h##name(a.x, b.x) ? 0xffffu : 0) | (__h##name(a.y, b.y) ? 0xffff0000u : 0);       \
  }                                                                                             \
  __wf_hd unsigned int __h##name##u2_mask(WF_H2 a, WF_H2 b) {                                   \
    return (__h##name##u(a.x, b.x) ? 0xffffu : 0) | (__h##name##u(a.y, b.y) ? 0xffff0000u : 0); \
  }
__WF_COMPARE(eq, (float)a == (float)b, !((float)a < (float)b || (float)a > (float)b))
__WF_COMPARE(ne, (float)a < (float)b || (float)a > (float)b, (float)a != (float)b)
__WF_COMPARE(lt, (float)a < (float)b, !((float)a >= (float)b))
__WF_COMPARE(le, (float)a <= (float)b, !((float)a > (float)b))
__WF_COMPARE(gt, (float)a > (float)b, !((float)a <= (float)b))
__WF_COMPARE(ge, (float)a >= (float)b, !((float)a < (float)b))
#undef __WF_COMPARE

/* A NaN loses; the _nan forms give NaN. -0 is below +0. */
__wf_hd WF_H __WF_CAT(__wf_nan_, WF_N)() { return WF_H(WF_RAW{0x7fff}); }
#if defined(__WF_DEVICE__)
__wf_hd WF_H __hmax(WF_H a, WF_H b) { return WF_H(__builtin_fmaxf((float)a, (float)b)); }
__wf_hd WF_H __hmin(WF_H a, WF_H b) { return WF_H(__builtin_fminf((float)a, (float)b)); }
#else
__wf_hd WF_H __hmax(WF_H a, WF_H b) {
  if (__hisnan(a)) return __hisnan(b) ? __WF_CAT(__wf_nan_, WF_N)() : b;
  if (__hisnan(b)) return a;
  return (float)a > (float)b || ((float)a == (float)b && !(a.__x >> 15)) ? a : b;
}
__wf_hd WF_H __hmin(WF_H a, WF_H b) {
  if (__hisnan(a)) return __hisnan(b) ? __WF_CAT(__wf_nan_, WF_N)() : b;
  if (__hisnan(b)) return a;
  return (float)a < (float)b || ((float)a == (float)b && a.__x >> 15) ? a : b;
}
#endif
__wf_hd WF_H __hmax_nan(WF_H a, WF_H b) {
  return __hisnan(a) || __hisnan(b) ? __WF_CAT(__wf_nan_, WF_N)() : __hmax(a, b);
}
__wf_hd WF_H __hmin_nan(WF_H a, WF_H b) {
  return __hisnan(a) || __hisnan(b) ? __WF_CAT(__wf_nan_, WF_N)() : __hmin(a, b);
}
#define __WF_PAIR(name)                                                \
  __wf_hd WF_H2 name##2(WF_H2 a, WF_H2 b) {                            \
    return WF_H2(name(a.x, b.x), name(a.y, b.y));                      \
  }
__WF_PAIR(__hmax)
__WF_PAIR(__hmin)
#undef __WF_PAIR
__wf_hd WF_H2 __hmax2_nan(WF_H2 a, WF_H2 b) {
  return WF_H2(__hmax_nan(a.x, b.x), __hmax_nan(a.y, b.y));
}
__wf_hd WF_H2 __hmin2_nan(WF_H2 a, WF_H2 b) {
  return WF_H2(__hmin_nan(a.x, b.x), __hmin_nan(a.y, b.y));
}

/* Results held in [0, 1] (NaN becomes 0), and negative results replaced by 0. */
__wf_hd WF_H __WF_CAT(__wf_saturate_, WF_N)(WF_H a) {
  const float v = (float)a;
  return v >= 1.0f ? WF_H(1.0f) : v > 0.0f ? a : WF_H(0.0f);
}
__wf_hd WF_H __WF_CAT(__wf_relu_, WF_N)(WF_H a) {
  return __hisnan(a) ? __WF_CAT(__wf_nan_, WF_N)() : (float)a > 0.0f ? a : WF_H(0.0f);
}
#define __WF_SATURATED(name)                                                                   \
  __wf_hd WF_H __h##name##_sat(WF_H a, WF_H b) {                                               \
    return __WF_CAT(__wf_saturate_, WF_N)(__h##name(a, b));                                    \
  }                                                                                            \
  __wf_hd WF_H2 __h##name##2_sat(WF_H2 a, WF_H2 b) {                                           \
    return WF_H2(__h##name##_sat(a.x, b.x), __h##name##_sat(a.y, b.y));                        \
  }
__WF_SATURATED(add)
__WF_SATURATED(sub)
__WF_SATURATED(mul)
#undef __WF_SATURATED
__wf_hd WF_H __hfma_sat(WF_H a, WF_H b, WF_H c) {
  return __WF_CAT(__wf_saturate_, WF_N)(__hfma(a, b, c));
}
__wf_hd WF_H2 __hfma2_sat(WF_H2 a, WF_H2 b, WF_H2 c) {
  return WF_H2(__hfma_sat(a.x, b.x, c.x), __hfma_sat(a.y, b.y, c.y));
}
__wf_hd WF_H __hfma_relu(WF_H a, WF_H b, WF_H c) {
  return __WF_CAT(__wf_relu_, WF_N)(__hfma(a, b, c));
}
__wf_hd WF_H2 __hfma2_relu(WF_H2 a, WF_H2 b, WF_H2 c) {
  return WF_H2(__hfma_relu(a.x, b.x, c.x), __hfma_relu(a.y, b.y, c.y));
}

/* ---- Operators ---- */

#define __WF_OPERATOR(op, name, name2)                                                        \
  __wf_hd WF_H operator op(const WF_H &a, const WF_H &b) { return name(a, b); }               \
  __wf_hd WF_H &operator op##=(WF_H &a, const WF_H &b) { return a = name(a, b); }             \
  __wf_hd WF_H2 operator op(const WF_H2 &a, const WF_H2 &b) { return name2(a, b); }           \
  __wf_hd WF_H2 &operator op##=(WF_H2 &a, const WF_H2 &b) { return a = name2(a, b); }
__WF_OPERATOR(+, __hadd, __hadd2)
__WF_OPERATOR(-, __hsub, __hsub2)
__WF_OPERATOR(*, __hmul, __hmul2)
__WF_OPERATOR(/, __hdiv, __h2div)
#undef __WF_OPERATOR
#define __WF_OPERATOR(op, name)                                                               \
  __wf_hd bool operator op(const WF_H &a, const WF_H &b) { return name(a, b); }
__WF_OPERATOR(==, __heq)
__WF_OPERATOR(!=, __hneu)
__WF_OPERATOR(<, __hlt)
__WF_OPERATOR(<=, __hle)
__WF_OPERATOR(>, __hgt)
__WF_OPERATOR(>=, __hge)
#undef __WF_OPERATOR
#define __WF_OPERATOR(op, name)                                                               \
  __wf_hd bool operator op(const WF_H2 &a, const WF_H2 &b) { return name(a, b); }
__WF_OPERATOR(==, __hbeq2)
__WF_OPERATOR(!=, __hbneu2)
__WF_OPERATOR(<, __hblt2)
__WF_OPERATOR(<=, __hble2)
__WF_OPERATOR(>, __hbgt2)
__WF_OPERATOR(>=, __hbge2)
#undef __WF_OPERATOR
__wf_hd WF_H operator+(const WF_H &a) { return a; }
__wf_hd WF_H operator-(const WF_H &a) { return __hneg(a); }
__wf_hd WF_H2 operator+(const WF_H2 &a) { return a; }
__wf_hd WF_H2 operator-(const WF_H2 &a) { return __hneg2(a); }
#define __WF_STEP(T, op, name, one)                            \
  __wf_hd T &operator op(T &a) { return a = name(a, one); }    \
  __wf_hd T operator op(T &a, int) {                           \
    const T old = a;                                           \
    a = name(a, one);                                          \
    return old;                                                \
  }
__WF_STEP(WF_H, ++, __hadd, WF_H(1.0f))
__WF_STEP(WF_H, --, __hsub, WF_H(1.0f))
__WF_STEP(WF_H2, ++, __hadd2, WF_H2(WF_H(1.0f), WF_H(1.0f)))
__WF_STEP(WF_H2, --, __hsub2, WF_H2(WF_H(1.0f), WF_H(1.0f)))
#undef __WF_STEP

/* ---- Functions: computed in float, rounded once ---- */

#if defined(__CUDA__)
#define __WF_FUNCTION(name, expression)                                                 \
  __wf_d WF_H h##name(WF_H a) {                                                         \
    const float x = (float)a;                                                           \
    return WF_H(expression);                                                            \
  }                                                                                     \
  __wf_d WF_H2 h2##name(WF_H2 a) { return WF_H2(h##name(a.x), h##name(a.y)); }
__WF_FUNCTION(sqrt, __builtin_sqrtf(x))
__WF_FUNCTION(rsqrt, rsqrtf(x))
__WF_FUNCTION(rcp, 1.0f / x)
__WF_FUNCTION(log, logf(x))
__WF_FUNCTION(log2, log2f(x))
__WF_FUNCTION(log10, log10f(x))
__WF_FUNCTION(exp, expf(x))
__WF_FUNCTION(exp2, exp2f(x))
__WF_FUNCTION(exp10, exp10f(x))
__WF_FUNCTION(cos, cosf(x))
__WF_FUNCTION(sin, sinf(x))
__WF_FUNCTION(tanh, tanhf(x))
__WF_FUNCTION(tanh_approx, tanhf(x))
__WF_FUNCTION(floor, __builtin_floorf(x))
__WF_FUNCTION(ceil, __builtin_ceilf(x))
__WF_FUNCTION(trunc, __builtin_truncf(x))
__WF_FUNCTION(rint, __builtin_rintf(x))
#undef __WF_FUNCTION

/* ---- Warps and atomics ---- */

__WF_SHUFFLES(WF_H)
__WF_SHUFFLES(WF_H2)
#endif

#undef __WF_CAT
#undef __WF_CAT2
#undef __WF_CAT3
#undef __WF_CAT4
#undef __WF_TO
#undef __WF_FROM
#undef __WF_ENCODE
#undef __WF_DECODE
#undef WF_H
#undef WF_H2
#undef WF_RAW
#undef WF_RAW2
#undef WF_N
#undef WF_NATIVE
#undef WF_EXPONENT
#undef WF_MANTISSA
#undef WF_ROUND
#undef WF_FROM_DOUBLE
