/* Functions that LLVM calls when it lowers IR: memory blocks and 128-bit arithmetic.

   Plain C for the chip; every one is placed in a section of its own and linked only where used. */
typedef unsigned char u8;
typedef unsigned long u64;
typedef __int128 i128;
typedef unsigned __int128 u128;

/* Whole words where both ends are aligned alike, bytes elsewhere. */
void *memcpy(void *restrict to, const void *restrict from, u64 bytes) {
  u8 *d = to;
  const u8 *s = from;
  if ((((u64)d | (u64)s) & 7) == 0)
    for (; bytes >= 8; bytes -= 8, d += 8, s += 8) *(u64 *)d = *(const u64 *)s;
  for (; bytes; bytes--) *d++ = *s++;
  return to;
}

void *memmove(void *to, const void *from, u64 bytes) {
  u8 *d = to;
  const u8 *s = from;
  if ((u64)d - (u64)s >= bytes) return memcpy(to, from, bytes);
  if ((((u64)d | (u64)s | bytes) & 7) == 0) {
    while (bytes) {
      bytes -= 8;
      *(u64 *)(d + bytes) = *(const u64 *)(s + bytes);
    }
    return to;
  }
  while (bytes--) d[bytes] = s[bytes];
  return to;
}

void *memset(void *to, int value, u64 bytes) {
  u8 *d = to;
  const u64 word = (u8)value * 0x0101010101010101ul;
  for (; bytes && ((u64)d & 7); bytes--) *d++ = (u8)value;
  for (; bytes >= 8; bytes -= 8, d += 8) *(u64 *)d = word;
  for (; bytes; bytes--) *d++ = (u8)value;
  return to;
}

int memcmp(const void *a, const void *b, u64 bytes) {
  const u8 *x = a, *y = b;
  for (; bytes; bytes--, x++, y++)
    if (*x != *y) return *x - *y;
  return 0;
}

int bcmp(const void *a, const void *b, u64 bytes) { return memcmp(a, b, bytes); }

u64 strlen(const char *text) {
  const char *end = text;
  while (*end) end++;
  return (u64)(end - text);
}

/* Division by shifting and subtracting; a 64-bit divisor and dividend take the hardware's. */
static u128 divide(u128 n, u128 d, u128 *rest) {
  if (!(n >> 64) && !(d >> 64)) {
    *rest = d ? (u64)n % (u64)d : n;
    return d ? (u64)n / (u64)d : ~(u128)0;
  }
  u128 q = 0, r = 0;
  for (int bit = 127; bit >= 0; bit--) {
    r = r << 1 | (n >> bit & 1);
    if (r >= d) {
      r -= d;
      q |= (u128)1 << bit;
    }
  }
  *rest = r;
  return q;
}

u128 __udivti3(u128 n, u128 d) {
  u128 rest;
  return divide(n, d, &rest);
}

u128 __umodti3(u128 n, u128 d) {
  u128 rest;
  divide(n, d, &rest);
  return rest;
}

i128 __divti3(i128 n, i128 d) {
  u128 rest;
  const u128 q = divide(n < 0 ? -(u128)n : (u128)n, d < 0 ? -(u128)d : (u128)d, &rest);
  return (n < 0) != (d < 0) ? -(i128)q : (i128)q;
}

i128 __modti3(i128 n, i128 d) {
  u128 rest;
  divide(n < 0 ? -(u128)n : (u128)n, d < 0 ? -(u128)d : (u128)d, &rest);
  return n < 0 ? -(i128)rest : (i128)rest;
}

/* Bits of the nearest number with `digits` significant bits, ties to even, and its exponent. */
static u64 round_to(u128 a, int digits, int *exponent) {
  int top = a >> 64 ? 128 - __builtin_clzl((u64)(a >> 64)) : 64 - __builtin_clzl((u64)a);
  *exponent = top - 1;
  if (top <= digits) return (u64)a << (digits - top);
  const int drop = top - digits;
  const u128 low = a & (((u128)1 << drop) - 1), half = (u128)1 << (drop - 1);
  u64 kept = (u64)(a >> drop);
  if (low > half || (low == half && (kept & 1))) kept++;
  if (kept >> digits) {
    kept >>= 1;
    ++*exponent;
  }
  return kept;
}

double __floatuntidf(u128 a) {
  if (!a) return 0;
  int exponent;
  const u64 kept = round_to(a, 53, &exponent);
  union { u64 bits; double value; } out = {(u64)(exponent + 1023) << 52 | (kept & ~(1ul << 52))};
  return out.value;
}

float __floatuntisf(u128 a) {
  if (!a) return 0;
  int exponent;
  const unsigned kept = (unsigned)round_to(a, 24, &exponent);
  union { unsigned bits; float value; } out = {0};
  out.bits = exponent > 127 ? 0x7f800000u
                            : (unsigned)(exponent + 127) << 23 | (kept & ~(1u << 23));
  return out.value;
}

double __floattidf(i128 a) { return a < 0 ? -__floatuntidf(-(u128)a) : __floatuntidf((u128)a); }
float __floattisf(i128 a) { return a < 0 ? -__floatuntisf(-(u128)a) : __floatuntisf((u128)a); }

u128 __fixunsdfti(double a) {
  union { double value; u64 bits; } in = {a};
  const int exponent = (int)(in.bits >> 52 & 0x7ff) - 1023;
  if (in.bits >> 63 || exponent < 0 || a != a) return 0;
  if (exponent > 127) return ~(u128)0;
  const u128 kept = (in.bits & ((1ul << 52) - 1)) | 1ul << 52;
  return exponent < 52 ? kept >> (52 - exponent) : kept << (exponent - 52);
}

i128 __fixdfti(double a) {
  const u128 top = (u128)1 << 127, whole = __fixunsdfti(a < 0 ? -a : a);
  if (a < 0) return whole >= top ? (i128)top : -(i128)whole;
  return whole >= top ? (i128)(top - 1) : (i128)whole;
}

u128 __fixunssfti(float a) { return __fixunsdfti(a); }
i128 __fixsfti(float a) { return __fixdfti(a); }
