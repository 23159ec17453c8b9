/* Bit counting and moving, averages, dot products of packed bytes. */
#pragma once
#include "wf_isa.h"

__wf_d unsigned int __brev(unsigned int x) { return (unsigned int)__wf_brev_w((int)x); }
__wf_d unsigned long long __brevll(unsigned long long x) {
  return (unsigned long long)__wf_brev_d((long)x);
}
__wf_d int __popc(unsigned int x) { return __builtin_popcount(x); }
__wf_d int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
__wf_d int __clz(int x) { return x ? __builtin_clz((unsigned int)x) : 32; }
__wf_d int __clzll(long long x) { return x ? __builtin_clzll((unsigned long long)x) : 64; }
__wf_d int __ffs(int x) { return __builtin_ffs(x); }
__wf_d int __ffsll(long long x) { return __builtin_ffsll(x); }

__wf_d unsigned int __byte_perm(unsigned int x, unsigned int y, unsigned int s) {
  return (unsigned int)__wf_prmt((int)x, (int)y, (int)s);
}
__wf_d unsigned int __funnelshift_l(unsigned int lo, unsigned int hi, unsigned int shift) {
  const unsigned long both = (unsigned long)hi << 32 | lo;
  return (unsigned int)(both << (shift & 31) >> 32);
}
__wf_d unsigned int __funnelshift_r(unsigned int lo, unsigned int hi, unsigned int shift) {
  const unsigned long both = (unsigned long)hi << 32 | lo;
  return (unsigned int)(both >> (shift & 31));
}
__wf_d unsigned int __funnelshift_lc(unsigned int lo, unsigned int hi, unsigned int shift) {
  return shift >= 32 ? lo : __funnelshift_l(lo, hi, shift);
}
__wf_d unsigned int __funnelshift_rc(unsigned int lo, unsigned int hi, unsigned int shift) {
  return shift >= 32 ? hi : __funnelshift_r(lo, hi, shift);
}

/* |x - y| + z */
__wf_d unsigned int __sad(int x, int y, unsigned int z) {
  return (x > y ? (unsigned int)x - (unsigned int)y : (unsigned int)y - (unsigned int)x) + z;
}
__wf_d unsigned int __usad(unsigned int x, unsigned int y, unsigned int z) {
  return (x > y ? x - y : y - x) + z;
}
/* Averages without overflow: rounded down, and rounded up. */
__wf_d int __hadd(int x, int y) { return (int)(((long)x + y) >> 1); }
__wf_d int __rhadd(int x, int y) { return (int)(((long)x + y + 1) >> 1); }
__wf_d unsigned int __uhadd(unsigned int x, unsigned int y) {
  return (unsigned int)(((unsigned long)x + y) >> 1);
}
__wf_d unsigned int __urhadd(unsigned int x, unsigned int y) {
  return (unsigned int)(((unsigned long)x + y + 1) >> 1);
}

__wf_d int __dp4a(int a, int b, int c) { return (int)__wf_dp4a_s(a, b, c); }
__wf_d unsigned int __dp4a(unsigned int a, unsigned int b, unsigned int c) {
  return (unsigned int)__wf_dp4a_u((int)a, (int)b, (int)c);
}
__wf_d int __dp4a(char4 a, char4 b, int c) {
  return __dp4a(__builtin_bit_cast(int, a), __builtin_bit_cast(int, b), c);
}
__wf_d unsigned int __dp4a(uchar4 a, uchar4 b, unsigned int c) {
  return __dp4a(__builtin_bit_cast(unsigned int, a), __builtin_bit_cast(unsigned int, b), c);
}
/* Two 16-bit numbers of a times the low (or high) two bytes of b. */
__wf_d int __dp2a_lo(int a, int b, int c) {
  return c + (short)a * (signed char)b + (a >> 16) * (signed char)(b >> 8);
}
__wf_d int __dp2a_hi(int a, int b, int c) { return __dp2a_lo(a, b >> 16, c); }
__wf_d unsigned int __dp2a_lo(unsigned int a, unsigned int b, unsigned int c) {
  return c + (a & 0xffff) * (b & 0xff) + (a >> 16) * (b >> 8 & 0xff);
}
__wf_d unsigned int __dp2a_hi(unsigned int a, unsigned int b, unsigned int c) {
  return __dp2a_lo(a, b >> 16, c);
}
__wf_d int __dp2a_lo(short2 a, char4 b, int c) {
  return __dp2a_lo(__builtin_bit_cast(int, a), __builtin_bit_cast(int, b), c);
}
__wf_d int __dp2a_hi(short2 a, char4 b, int c) {
  return __dp2a_hi(__builtin_bit_cast(int, a), __builtin_bit_cast(int, b), c);
}
__wf_d unsigned int __dp2a_lo(ushort2 a, uchar4 b, unsigned int c) {
  return __dp2a_lo(__builtin_bit_cast(unsigned int, a), __builtin_bit_cast(unsigned int, b), c);
}
__wf_d unsigned int __dp2a_hi(ushort2 a, uchar4 b, unsigned int c) {
  return __dp2a_hi(__builtin_bit_cast(unsigned int, a), __builtin_bit_cast(unsigned int, b), c);
}

/* Which space an address lies in. The chip has one flat space: all but shared memory is global. */
__wf_d unsigned int __isShared(const void *p) {
  return (unsigned long)p - (unsigned long)__wf_sharedbase() < (unsigned long)__wf_sharedsize();
}
__wf_d unsigned int __isGlobal(const void *p) { return !__isShared(p); }
__wf_d unsigned int __isConstant(const void *) { return 0; }
__wf_d unsigned int __isLocal(const void *) { return 0; }
__wf_d unsigned int __isGridConstant(const void *) { return 0; }
__wf_d size_t __cvta_generic_to_global(const void *p) { return (size_t)p; }
/* Addresses of shared memory are offsets in the block's part, so that 32 bits hold them. */
__wf_d size_t __cvta_generic_to_shared(const void *p) { return (size_t)p - __wf_sharedbase(); }
__wf_d size_t __cvta_generic_to_local(const void *p) { return (size_t)p; }
__wf_d size_t __cvta_generic_to_constant(const void *p) { return (size_t)p; }
__wf_d void *__cvta_global_to_generic(size_t p) { return (void *)p; }
__wf_d void *__cvta_shared_to_generic(size_t p) { return (void *)(p + __wf_sharedbase()); }
__wf_d void *__cvta_local_to_generic(size_t p) { return (void *)p; }
__wf_d void *__cvta_constant_to_generic(size_t p) { return (void *)p; }

