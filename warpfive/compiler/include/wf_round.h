/* Rounding to the small floating-point formats in integer arithmetic: exact in every mode. */
#pragma once
#include "host_defines.h"

enum __wf_rounding { __wf_rn = 0, __wf_rz = 1, __wf_rd = 2, __wf_ru = 3 };

template <class To, class From>
__wf_hd To __wf_cast(const From &value) {
  static_assert(sizeof(To) == sizeof(From), "a value keeps its size");
  return __builtin_bit_cast(To, value);
}

/* The bits of `value` with the given widths of exponent and mantissa, as IEEE 754 lays them out
   (an all-ones exponent means infinity or NaN). */
template <int ExponentBits, int MantissaBits>
__wf_hd unsigned int __wf_encode(double value, __wf_rounding mode) {
  const unsigned long long bits = __wf_cast<unsigned long long>(value);
  const unsigned int sign = (unsigned int)(bits >> 63) << (ExponentBits + MantissaBits);
  const unsigned int infinity = ((1u << ExponentBits) - 1) << MantissaBits;
  const int bias = (1 << (ExponentBits - 1)) - 1;
  const int field = (int)(bits >> 52) & 0x7ff;
  unsigned long long mantissa = bits & 0xfffffffffffffull;
  if (field == 0x7ff) return mantissa ? infinity | ((1u << MantissaBits) - 1) : sign | infinity;
  if (field) mantissa |= 1ull << 52;
  const int exponent = field ? field - 1023 : -1022;
  const int below = 1 - bias - exponent;  /* how far under the smallest normal number */
  int shift = 52 - MantissaBits + (below > 0 ? below : 0);
  if (shift > 54) shift = 54;
  const unsigned long long rest = mantissa & ((1ull << shift) - 1), half = 1ull << (shift - 1);
  unsigned int result = (unsigned int)(mantissa >> shift);
  bool up = false;
  if (mode == __wf_rn) up = rest > half || (rest == half && (result & 1));
  if (mode == __wf_rd) up = sign && rest;
  if (mode == __wf_ru) up = !sign && rest;
  result += up;
  if (below <= 0) {
    if (exponent > bias + 1) result = infinity;
    else result += (unsigned int)(exponent + bias - 1) << MantissaBits;
  }
  if (result >= infinity) {
    const bool away = mode == __wf_rn || (mode == __wf_rd && sign) || (mode == __wf_ru && !sign);
    result = away ? infinity : infinity - 1;
  }
  return sign | result;
}

template <int ExponentBits, int MantissaBits>
__wf_hd float __wf_decode(unsigned int bits) {
  const unsigned int magnitude = bits & ((1u << (ExponentBits + MantissaBits)) - 1);
  const unsigned int sign = (bits >> (ExponentBits + MantissaBits) & 1) << 31;
  const unsigned int infinity = ((1u << ExponentBits) - 1) << MantissaBits;
  const int bias = (1 << (ExponentBits - 1)) - 1;
  if (magnitude >= infinity)
    return __wf_cast<float>(sign | 0x7f800000u | (magnitude - infinity) << (23 - MantissaBits));
  /* Scaling by a power of two turns subnormal numbers of the small format into normal ones. */
  if (bias == 127) return __wf_cast<float>(sign | magnitude << (23 - MantissaBits));
  const float scale = __wf_cast<float>((unsigned int)(127 + 127 - bias) << 23);
  const float value = __wf_cast<float>(magnitude << (23 - MantissaBits)) * scale;
  return __wf_cast<float>(__wf_cast<unsigned int>(value) | sign);
}

/* x * y + z as a double that has its last bit set when it is not exact: rounding that to a format
   with half the digits rounds the exact value. x and y have at most 26 digits each. */
__wf_hd double __wf_fma_odd(double x, double y, double z) {
  const double p = x * y, s = p + z, part = s - p;
  const double error = (p - (s - part)) + (z - part);
  unsigned long long bits = __wf_cast<unsigned long long>(s);
  if (error == error && error != 0 && !(bits & 1)) {
    const bool away = (error > 0) == (s > 0);
    bits += away ? 1 : -1ull;
  }
  return __wf_cast<double>(bits);
}

/* An integer as a double that rounds like it: what lies below 53 digits is kept as one odd bit. */
__wf_hd double __wf_integer(unsigned long long value) {
  if (value >> 53) value = (value & ~0x7ffull) | (unsigned long long)((value & 0x7ff) != 0) << 11;
  return (double)value;
}
__wf_hd double __wf_integer(long long value) {
  return value < 0 ? -__wf_integer(0 - (unsigned long long)value)
                   : __wf_integer((unsigned long long)value);
}
__wf_hd double __wf_integer(long value) { return __wf_integer((long long)value); }
__wf_hd double __wf_integer(unsigned long value) {
  return __wf_integer((unsigned long long)value);
}
__wf_hd double __wf_integer(int value) { return value; }
__wf_hd double __wf_integer(unsigned int value) { return value; }
__wf_hd double __wf_integer(short value) { return value; }
__wf_hd double __wf_integer(unsigned short value) { return value; }

/* The integer nearest to a small float in the mode, saturated; NaN gives 0, or the lowest number
   of a 64-bit type. */
template <class T>
__wf_hd T __wf_to_integer(float value, __wf_rounding mode) {
  const bool is_signed = (T)-1 < (T)0;
  const int digits = (int)sizeof(T) * 8 - is_signed;
  const T most = (T)(((1ull << (digits - 1)) - 1) * 2 + 1), least = is_signed ? (T)(-most - 1) : (T)0;
  if (value != value) return sizeof(T) == 8 ? (T)(1ull << 63) : (T)0;
  float whole = __builtin_truncf(value);
  if (mode == __wf_rn) whole = __builtin_rintf(value);
  if (mode == __wf_rd) whole = __builtin_floorf(value);
  if (mode == __wf_ru) whole = __builtin_ceilf(value);
  if (whole >= (float)most) return most;
  if (whole <= (float)least) return least;
  return (T)whole;
}
