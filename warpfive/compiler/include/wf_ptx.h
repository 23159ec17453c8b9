/* What the C++ of inline PTX calls (compiler/ptx.py). Included only where a source has some. */
#pragma once
#include "cuda_runtime.h"
#include "wf_round.h"

#if defined(__WF_DEVICE__)
typedef _Float16 __wf_ptx_h2 __attribute__((ext_vector_type(2)));
typedef __bf16 __wf_ptx_bf2 __attribute__((ext_vector_type(2)));

/* ---- Registers: a value of one size is its bits, of another the number ---- */

template <class T>
inline constexpr bool __wf_ptx_number = __is_integral(T) || __is_floating_point(T);

template <class T, class S>
__wf_d T __wf_ptx_in(S value) {
  if constexpr (__is_same(T, bool)) return (bool)value;
  else if constexpr (__is_same(S, bool)) return (T)value;
  else if constexpr (sizeof(T) == sizeof(S)) return __builtin_bit_cast(T, value);
  else if constexpr (__is_floating_point(T) && __is_floating_point(S)) return (T)value;
  else if constexpr (__wf_ptx_number<T>) return (T)value;
  else return __builtin_bit_cast(T, (unsigned int)value);
}
template <class T, unsigned long N>
__wf_d T __wf_ptx_in(const char (&text)[N]) {
  return (T)(unsigned long long)&text[0];
}
template <class D, class T>
__wf_d void __wf_ptx_out(D &to, T value) {
  to = __wf_ptx_in<D>(value);
}
/* Part `i` of `n` of a register, and a part put into its place. */
template <class D, class W>
__wf_d void __wf_ptx_part(D &to, W whole, int i, int n) {
  constexpr int bits = sizeof(W) * 8;
  to = __wf_ptx_in<D>((D)(bits / n == 8 ? (whole >> i * 8) & 255 : whole >> i * (bits / n)));
}
__wf_d void __wf_ptx_part(float &to, unsigned long long whole, int i, int) {
  to = __builtin_bit_cast(float, (unsigned int)(whole >> 32 * i));
}
template <class W, class S>
__wf_d W __wf_ptx_place(S part, int i, int n) {
  const int bits = (int)sizeof(W) * 8 / n;
  W value;
  if constexpr (sizeof(S) == 4) value = (W)__builtin_bit_cast(unsigned int, part);
  else value = (W)part;
  return (W)((value & ((W)-1 >> ((int)sizeof(W) * 8 - bits))) << i * bits);
}

/* ---- Integers ---- */

template <class T>
__wf_d T __wf_ptx_not(T a) {
  if constexpr (__is_same(T, bool)) return !a;
  else return (T)~a;
}
template <class T>
__wf_d T __wf_ptx_abs(T a) {
  return a < (T)0 ? (T)-a : a;
}
__wf_d float __wf_ptx_abs(float a) { return __builtin_fabsf(a); }
__wf_d double __wf_ptx_abs(double a) { return __builtin_fabs(a); }
template <class T>
__wf_d T __wf_ptx_min(T a, T b) {
  return b < a ? b : a;
}
template <class T>
__wf_d T __wf_ptx_max(T a, T b) {
  return a < b ? b : a;
}
__wf_d float __wf_ptx_min(float a, float b) { return __builtin_fminf(a, b); }
__wf_d float __wf_ptx_max(float a, float b) { return __builtin_fmaxf(a, b); }
__wf_d double __wf_ptx_min(double a, double b) { return __builtin_fmin(a, b); }
__wf_d double __wf_ptx_max(double a, double b) { return __builtin_fmax(a, b); }
__wf_d float __wf_ptx_copysign(float a, float b) { return __builtin_copysignf(a, b); }
__wf_d double __wf_ptx_copysign(double a, double b) { return __builtin_copysign(a, b); }
template <class T>
__wf_d T __wf_ptx_sad(T a, T b, T c) {
  return c + (a < b ? b - a : a - b);
}
__wf_d int __wf_ptx_mul24(int a, int b) { return __mul24(a, b); }
__wf_d unsigned int __wf_ptx_mul24(unsigned int a, unsigned int b) { return __umul24(a, b); }

/* The low or the high half of a product. */
template <bool High, class T>
__wf_d T __wf_ptx_product(T a, T b) {
  constexpr int bits = sizeof(T) * 8;
  if constexpr (sizeof(T) == 8) {
    if constexpr (High) {
      if constexpr ((T)-1 < (T)0) return (T)(((__int128)a * b) >> 64);
      else return (T)(((unsigned __int128)a * b) >> 64);
    }
    return (T)((unsigned long long)a * (unsigned long long)b);
  } else {
    if constexpr ((T)-1 < (T)0) return (T)((long long)a * b >> (High ? bits : 0));
    else return (T)((unsigned long long)a * b >> (High ? bits : 0));
  }
}
template <class T>
__wf_d T __wf_ptx_addc(T a, T b, unsigned int taken, unsigned int &left) {
  const T sum = a + b, all = sum + (T)taken;
  left = (sum < a) | (all < sum);
  return all;
}
template <class T>
__wf_d T __wf_ptx_subc(T a, T b, unsigned int taken, unsigned int &left) {
  const T difference = a - b, all = difference - (T)taken;
  left = (a < b) | (difference < (T)taken);
  return all;
}
template <bool Left, class T>
__wf_d T __wf_ptx_shift(T a, unsigned int by) {
  constexpr unsigned int bits = sizeof(T) * 8;
  if constexpr (Left) return by >= bits ? (T)0 : (T)(a << by);
  else if constexpr ((T)-1 < (T)0) return (T)(a >> (by >= bits ? bits - 1 : by));
  else return by >= bits ? (T)0 : (T)(a >> by);
}
__wf_d unsigned int __wf_ptx_lop3(unsigned int a, unsigned int b, unsigned int c,
                                  unsigned int table) {
  unsigned int r = 0;
  if (table & 0x01) r |= ~a & ~b & ~c;
  if (table & 0x02) r |= ~a & ~b & c;
  if (table & 0x04) r |= ~a & b & ~c;
  if (table & 0x08) r |= ~a & b & c;
  if (table & 0x10) r |= a & ~b & ~c;
  if (table & 0x20) r |= a & ~b & c;
  if (table & 0x40) r |= a & b & ~c;
  if (table & 0x80) r |= a & b & c;
  return r;
}
/* A selector's highest bit fills its byte with the byte's sign. */
__wf_d unsigned int __wf_ptx_prmt(unsigned int a, unsigned int b, unsigned int selector) {
  unsigned int r = __byte_perm(a, b, selector & 0x7777u);
  for (int i = 0; i < 4; i++)
    if (selector >> (4 * i + 3) & 1) {
      const unsigned int byte = r >> 8 * i & 255;
      r = (r & ~(255u << 8 * i)) | (byte & 0x80 ? 255u << 8 * i : 0);
    }
  return r;
}
template <class T>
__wf_d T __wf_ptx_bfe(T a, unsigned int from, unsigned int count) {
  constexpr unsigned int bits = sizeof(T) * 8;
  from &= 255;
  count &= 255;
  constexpr bool is_signed = (T)-1 < (T)0;
  if (count == 0) return 0;
  if (from >= bits) return is_signed && a < 0 ? (T)-1 : (T)0;
  if (count > bits - from) count = bits - from;
  if constexpr (is_signed) return (T)(a << (bits - from - count)) >> (bits - count);
  else return (T)(a << (bits - from - count)) >> (bits - count);
}
template <class T>
__wf_d T __wf_ptx_bfi(T a, T b, unsigned int to, unsigned int count) {
  constexpr unsigned int bits = sizeof(T) * 8;
  to &= 255;
  count &= 255;
  if (count == 0 || to >= bits) return b;
  const T ones = (count >= bits ? (T)-1 : ((T)1 << count) - 1) << to;
  return (b & ~ones) | ((a << to) & ones);
}
template <class T>
__wf_d unsigned int __wf_ptx_bfind(T a, bool shift) {
  constexpr int bits = sizeof(T) * 8;
  if constexpr ((T)-1 < (T)0)
    if (a < 0) a = ~a;
  if (a == 0) return 0xffffffffu;
  const int at = 63 - __clzll((long long)(bits == 32 ? (unsigned int)a : (unsigned long long)a));
  return (unsigned int)(shift ? bits - 1 - at : at);
}
template <bool, class A, class B, class C>
__wf_d C __wf_ptx_dp4a(A a, B b, C c) {
  for (int i = 0; i < 4; i++) {
    const int x = __is_same(A, int) ? (signed char)(a >> 8 * i) : (unsigned char)(a >> 8 * i);
    const int y = __is_same(B, int) ? (signed char)(b >> 8 * i) : (unsigned char)(b >> 8 * i);
    c += x * y;
  }
  return c;
}
template <bool High, class A, class B, class C>
__wf_d C __wf_ptx_dp2a(A a, B b, C c) {
  for (int i = 0; i < 2; i++) {
    const int by = 8 * (i + (High ? 2 : 0));
    const int x = __is_same(A, int) ? (short)(a >> 16 * i) : (unsigned short)(a >> 16 * i);
    const int y = __is_same(B, int) ? (signed char)(b >> by) : (unsigned char)(b >> by);
    c += x * y;
  }
  return c;
}

/* ---- Floats and conversions ---- */

template <class T>
__wf_d bool __wf_ptx_unordered(T a, T b) {
  return a != a || b != b;
}
template <class T>
__wf_d T __wf_ptx_fma(T a, T b, T c) {
  return __builtin_elementwise_fma(a, b, c);
}
__wf_d _Float16 __wf_ptx_ex2(_Float16 a) { return (_Float16)exp2f((float)a); }
__wf_d float __wf_ptx_tf32(float value) {
  const unsigned int bits = __builtin_bit_cast(unsigned int, value);
  if ((bits & 0x7f800000u) == 0x7f800000u) return value;
  return __builtin_bit_cast(float, (bits + 0x1000u) & ~0x1fffu);
}
template <class P, class S>
__wf_d P __wf_ptx_pair(S low, S high) {
  P r;
  r.x = (decltype(r.x + r.x))low;
  r.y = (decltype(r.x + r.x))high;
  return r;
}
template <class T>
__wf_d T __wf_ptx_whole(T a, __wf_rounding mode) {
  if (mode == __wf_rn) return __builtin_elementwise_rint(a);
  if (mode == __wf_rz) return __builtin_elementwise_trunc(a);
  return mode == __wf_rd ? __builtin_elementwise_floor(a) : __builtin_elementwise_ceil(a);
}
/* Beyond the range: the nearest number; NaN: zero. */
template <class T, class S>
__wf_d T __wf_ptx_to_integer(S a, __wf_rounding mode) {
  const S whole = __wf_ptx_whole(a, mode);
  constexpr bool is_signed = (T)-1 < (T)0;
  constexpr T top = is_signed ? (T)(((T)1 << (sizeof(T) * 8 - 2)) - 1 +
                                    ((T)1 << (sizeof(T) * 8 - 2))) : (T)-1;
  if (whole != whole) return 0;
  if (whole >= (S)top) return top;
  if (whole <= (is_signed ? -(S)top - 1 : (S)0)) return is_signed ? (T)(-top - 1) : (T)0;
  return (T)whole;
}
template <class T, class S>
__wf_d T __wf_ptx_clamp(S a) {
  constexpr bool is_signed = (T)-1 < (T)0;
  constexpr __int128 top = is_signed ? ((__int128)1 << (sizeof(T) * 8 - 1)) - 1
                                     : ((__int128)1 << sizeof(T) * 8) - 1;
  constexpr __int128 bottom = is_signed ? -top - 1 : 0;
  return a < 0 && (__int128)a < bottom ? (T)bottom : (__int128)a > top ? (T)top : (T)a;
}

/* ---- Special registers ---- */

__wf_d unsigned long long __wf_ptx_globaltimer() { return __wf_globaltimer(); }
__wf_d unsigned int __wf_ptx_smid() { return __wf_smid(); }
__wf_d unsigned int __wf_ptx_nsmid() { return __wf_nsmid(); }
__wf_d unsigned int __wf_ptx_warpid() { return __wf_warpid(); }
__wf_d unsigned int __wf_ptx_nwarpid() { return __wf_nwarpid(); }

/* ---- Memory: addresses in shared memory are offsets in the block's part ---- */

template <class T>
__wf_d T __wf_ptx_to_shared(T address) {
  return (T)__cvta_generic_to_shared((const void *)(unsigned long long)address);
}
template <class T>
__wf_d unsigned long long __wf_ptx_from_shared(T address) {
  return (unsigned long long)__cvta_shared_to_generic((size_t)address);
}
__wf_d bool __wf_ptx_is_shared(unsigned long long p) { return __isShared((const void *)p); }
__wf_d bool __wf_ptx_is_global(unsigned long long p) { return __isGlobal((const void *)p); }
__wf_d bool __wf_ptx_is_local(unsigned long long p) { return __isLocal((const void *)p); }
__wf_d bool __wf_ptx_is_const(unsigned long long p) { return __isConstant((const void *)p); }

template <bool Shared>
__wf_d unsigned long long __wf_ptx_address(unsigned long long address) {
  return Shared ? __wf_ptx_from_shared(address) : address;
}
enum __wf_ptx_order {
  __wf_ptx_weak, __wf_ptx_volatile, __wf_ptx_relaxed, __wf_ptx_acquire, __wf_ptx_release
};
template <__wf_ptx_order Order, class T, unsigned long N>
__wf_d void __wf_ptx_ld(T (&to)[N], unsigned long long address) {
  if constexpr (Order == __wf_ptx_weak) {
    struct __align__(sizeof(T) * N) all {
      T part[N];
    };
    const all value = *(const all *)address;
    for (unsigned long i = 0; i < N; i++) to[i] = value.part[i];
  } else {
    for (unsigned long i = 0; i < N; i++) to[i] = ((const volatile T *)address)[i];
    if constexpr (Order == __wf_ptx_acquire) __threadfence();
  }
}
template <__wf_ptx_order Order, class T, unsigned long N>
__wf_d void __wf_ptx_st(unsigned long long address, const T (&from)[N]) {
  if constexpr (Order == __wf_ptx_weak) {
    struct __align__(sizeof(T) * N) all {
      T part[N];
    } value;
    for (unsigned long i = 0; i < N; i++) value.part[i] = from[i];
    *(all *)address = value;
  } else {
    if constexpr (Order == __wf_ptx_release) __threadfence();
    for (unsigned long i = 0; i < N; i++) ((volatile T *)address)[i] = from[i];
  }
}
__wf_d void __wf_ptx_copy(void *to, const void *from, unsigned int size, unsigned int read) {
  if (read == size && size == 16) *(int4 *)to = *(const int4 *)from;
  else if (read == size && size == 8) *(int2 *)to = *(const int2 *)from;
  else if (read == size && size == 4) *(int *)to = *(const int *)from;
  else
    for (unsigned int i = 0; i < size; i++)
      ((char *)to)[i] = i < read ? ((const char *)from)[i] : (char)0;
}

/* ---- Warps ---- */

enum __wf_ptx_mode { __wf_ptx_idx, __wf_ptx_up, __wf_ptx_down, __wf_ptx_bfly };
template <__wf_ptx_mode Mode>
__wf_d unsigned int __wf_ptx_shfl(unsigned int a, unsigned int b, unsigned int c,
                                  unsigned int mask, bool &in_range) {
  const int lane = (int)__wf_laneid(), segments = (int)(c >> 8 & 31), clamp = (int)(c & 31);
  const int last = (lane & segments) | (clamp & ~segments), by = (int)(b & 31);
  int from;
  if constexpr (Mode == __wf_ptx_up) from = lane - by;
  else if constexpr (Mode == __wf_ptx_down) from = lane + by;
  else if constexpr (Mode == __wf_ptx_bfly) from = lane ^ by;
  else from = (lane & segments) | (by & ~segments);
  in_range = Mode == __wf_ptx_up ? from >= last : from <= last;
  return __shfl_sync(mask, a, in_range ? from : lane);
}

/* ---- Matrices of 8x8 16-bit elements; lane l of a fragment holds row l / 4, columns 2 (l mod 4)
   and the next ---- */

template <bool Turned, unsigned long N>
__wf_d void __wf_ptx_ldmatrix(unsigned int (&to)[N], unsigned long long address) {
  const int lane = (int)__wf_laneid();
  for (int m = 0; m < (int)N; m++) {
    if constexpr (Turned) {
      const int row = 8 * m + 2 * (lane % 4), column = lane / 4;
      const auto *low = (const unsigned short *)__shfl_sync(0xffffffffu, address, row);
      const auto *high = (const unsigned short *)__shfl_sync(0xffffffffu, address, row + 1);
      to[m] = low[column] | (unsigned int)high[column] << 16;
    } else {
      const auto *row =
          (const unsigned int *)__shfl_sync(0xffffffffu, address, 8 * m + lane / 4);
      to[m] = row[lane % 4];
    }
  }
}
template <class T>
__wf_d float __wf_ptx_half_of(unsigned int pair, int which) {
  return (float)__builtin_bit_cast(T, (unsigned short)(pair >> 16 * which));
}
/* C (16x8, float) += A (16 x 8 Halves) B: lanes of a row of A and of a column of B exchange them. */
template <class T, unsigned long A, unsigned long B>
__wf_d void __wf_ptx_mma(float (&c)[4], const unsigned int (&a)[A], const unsigned int (&b)[B]) {
  const int lane = (int)__wf_laneid(), row = lane & ~3, column = lane % 4 * 8;
  for (int k = 0; k < (int)B; k++) {
    for (int part = 0; part < 4; part++) {
      const unsigned int up = __shfl_sync(0xffffffffu, a[2 * k], row + part);
      const unsigned int down = __shfl_sync(0xffffffffu, a[2 * k + 1], row + part);
      const unsigned int left = __shfl_sync(0xffffffffu, b[k], column + part);
      const unsigned int right = __shfl_sync(0xffffffffu, b[k], column + 4 + part);
      for (int which = 0; which < 2; which++) {
        const float x = __wf_ptx_half_of<T>(left, which), y = __wf_ptx_half_of<T>(right, which);
        const float u = __wf_ptx_half_of<T>(up, which), d = __wf_ptx_half_of<T>(down, which);
        c[0] = __builtin_fmaf(u, x, c[0]);
        c[1] = __builtin_fmaf(u, y, c[1]);
        c[2] = __builtin_fmaf(d, x, c[2]);
        c[3] = __builtin_fmaf(d, y, c[3]);
      }
    }
  }
}
#endif
