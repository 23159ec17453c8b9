/* Barriers, fences, votes, shuffles, matches and reductions of a warp; timers; traps. */
#pragma once
#include <time.h>
#include "wf_isa.h"

/* Blocks. */
__wf_d void __syncthreads() { __wf_bar_sync(0, 0); }
__wf_d int __syncthreads_count(int predicate) { return (int)__wf_bar_red_popc(predicate != 0); }
__wf_d int __syncthreads_and(int predicate) { return (int)__wf_bar_red_and(predicate != 0); }
__wf_d int __syncthreads_or(int predicate) { return (int)__wf_bar_red_or(predicate != 0); }
__wf_d void __barrier_sync(unsigned id) { __wf_bar_sync(id, 0); }
__wf_d void __barrier_sync_count(unsigned id, unsigned count) { __wf_bar_sync(id, count); }
__wf_d void __barrier_arrive(unsigned id, unsigned count) { __wf_bar_arrive(id, count); }

/* Fences. */
__wf_d void __threadfence() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
__wf_d void __threadfence_block() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
__wf_d void __threadfence_system() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }

/* Votes. */
__wf_d unsigned int __activemask() { return (unsigned int)__wf_activemask(); }
__wf_d void __syncwarp(unsigned int mask = 0xffffffffu) { __wf_warp_sync(mask); }
__wf_d unsigned int __ballot_sync(unsigned int mask, int predicate) {
  return (unsigned int)__wf_vote_ballot(predicate != 0, mask);
}
__wf_d int __any_sync(unsigned int mask, int predicate) {
  return (int)__wf_vote_any(predicate != 0, mask);
}
__wf_d int __all_sync(unsigned int mask, int predicate) {
  return (int)__wf_vote_all(predicate != 0, mask);
}
__wf_d int __uni_sync(unsigned int mask, int predicate) {
  return (int)__wf_vote_uni(predicate != 0, mask);
}
__wf_d unsigned int __fns(unsigned int mask, unsigned int base, int offset) {
  if (offset == 0) return (mask >> base) & 1 ? base : 0xffffffffu;
  const int step = offset > 0 ? 1 : -1;
  int left = offset > 0 ? offset : -offset;
  for (int bit = (int)base; bit >= 0 && bit < 32; bit += step)
    if ((mask >> bit) & 1 && --left == 0) return (unsigned int)bit;
  return 0xffffffffu;
}

/* Any value of 1, 2, 4 or 8 bytes as a 64-bit register, and back. */
template <class T>
__wf_d long __wf_pack(T value) {
  static_assert(sizeof(T) <= 8, "warp functions move values of at most 8 bytes");
  long r = 0;
  __builtin_memcpy(&r, &value, sizeof(T));
  return r;
}
__wf_d long __wf_pack(int value) { return value; }
__wf_d long __wf_pack(unsigned int value) { return (int)value; }
__wf_d long __wf_pack(float value) { return __builtin_bit_cast(int, value); }
template <class T>
__wf_d T __wf_unpack(long bits) {
  T value;
  __builtin_memcpy(&value, &bits, sizeof(T));
  return value;
}
__wf_d unsigned long __wf_shape(unsigned int mask, int width) {
  return mask | (unsigned long)(unsigned int)width << 32;
}

/* Shuffles. */
template <class T>
__wf_d T __wf_shfl(unsigned int mask, T value, int lane, int width) {
  return __wf_unpack<T>(__wf_shfl_idx(__wf_pack(value), lane, __wf_shape(mask, width)));
}
template <class T>
__wf_d T __wf_shfl_up_(unsigned int mask, T value, unsigned int delta, int width) {
  return __wf_unpack<T>(__wf_shfl_up(__wf_pack(value), delta, __wf_shape(mask, width)));
}
template <class T>
__wf_d T __wf_shfl_down_(unsigned int mask, T value, unsigned int delta, int width) {
  return __wf_unpack<T>(__wf_shfl_down(__wf_pack(value), delta, __wf_shape(mask, width)));
}
template <class T>
__wf_d T __wf_shfl_xor_(unsigned int mask, T value, int lanes, int width) {
  return __wf_unpack<T>(__wf_shfl_bfly(__wf_pack(value), lanes, __wf_shape(mask, width)));
}

#define __WF_SHUFFLES(T)                                                                          \
  __wf_d T __shfl_sync(unsigned int mask, T value, int lane, int width = 32) {                    \
    return __wf_shfl(mask, value, lane, width);                                                   \
  }                                                                                               \
  __wf_d T __shfl_up_sync(unsigned int mask, T value, unsigned int delta, int width = 32) {       \
    return __wf_shfl_up_(mask, value, delta, width);                                              \
  }                                                                                               \
  __wf_d T __shfl_down_sync(unsigned int mask, T value, unsigned int delta, int width = 32) {     \
    return __wf_shfl_down_(mask, value, delta, width);                                            \
  }                                                                                               \
  __wf_d T __shfl_xor_sync(unsigned int mask, T value, int lanes, int width = 32) {               \
    return __wf_shfl_xor_(mask, value, lanes, width);                                             \
  }                                                                                               \
  __wf_d T __shfl(T value, int lane, int width = 32) {                                            \
    return __wf_shfl(__activemask(), value, lane, width);                                         \
  }                                                                                               \
  __wf_d T __shfl_up(T value, unsigned int delta, int width = 32) {                               \
    return __wf_shfl_up_(__activemask(), value, delta, width);                                    \
  }                                                                                               \
  __wf_d T __shfl_down(T value, unsigned int delta, int width = 32) {                             \
    return __wf_shfl_down_(__activemask(), value, delta, width);                                  \
  }                                                                                               \
  __wf_d T __shfl_xor(T value, int lanes, int width = 32) {                                       \
    return __wf_shfl_xor_(__activemask(), value, lanes, width);                                   \
  }
__WF_SHUFFLES(int)
__WF_SHUFFLES(unsigned int)
__WF_SHUFFLES(long)
__WF_SHUFFLES(unsigned long)
__WF_SHUFFLES(long long)
__WF_SHUFFLES(unsigned long long)
__WF_SHUFFLES(float)
__WF_SHUFFLES(double)

/* Votes without a mask: the lanes that are active. */
__wf_d unsigned int __ballot(int predicate) { return __ballot_sync(__activemask(), predicate); }
__wf_d int __any(int predicate) { return __any_sync(__activemask(), predicate); }
__wf_d int __all(int predicate) { return __all_sync(__activemask(), predicate); }

/* Matches compare all bits. */
template <class T>
__wf_d unsigned int __match_any_sync(unsigned int mask, T value) {
  return (unsigned int)__wf_match_any(__wf_pack(value), mask);
}
template <class T>
__wf_d unsigned int __match_all_sync(unsigned int mask, T value, int *predicate) {
  const unsigned int same = (unsigned int)__wf_match_all(__wf_pack(value), mask);
  *predicate = same != 0;
  return same;
}

/* Reductions. */
__wf_d int __reduce_add_sync(unsigned int mask, int v) { return (int)__wf_redux_add(v, mask); }
__wf_d int __reduce_min_sync(unsigned int mask, int v) { return (int)__wf_redux_min(v, mask); }
__wf_d int __reduce_max_sync(unsigned int mask, int v) { return (int)__wf_redux_max(v, mask); }
__wf_d unsigned int __reduce_add_sync(unsigned int mask, unsigned int v) {
  return (unsigned int)__wf_redux_add((int)v, mask);
}
__wf_d unsigned int __reduce_min_sync(unsigned int mask, unsigned int v) {
  return (unsigned int)__wf_redux_minu((int)v, mask);
}
__wf_d unsigned int __reduce_max_sync(unsigned int mask, unsigned int v) {
  return (unsigned int)__wf_redux_maxu((int)v, mask);
}
__wf_d unsigned int __reduce_and_sync(unsigned int mask, unsigned int v) {
  return (unsigned int)__wf_redux_and((int)v, mask);
}
__wf_d unsigned int __reduce_or_sync(unsigned int mask, unsigned int v) {
  return (unsigned int)__wf_redux_or((int)v, mask);
}
__wf_d unsigned int __reduce_xor_sync(unsigned int mask, unsigned int v) {
  return (unsigned int)__wf_redux_xor((int)v, mask);
}

/* Time, sleep, the end. */
__wf_d long long clock64() { return __wf_clock64(); }
__device__ __forceinline__ clock_t clock() { return __wf_clock64(); }
__wf_d unsigned long long __globaltimer() { return (unsigned long long)__wf_globaltimer(); }
__wf_d void __nanosleep(unsigned int ns) { __wf_nanosleep(ns); }
__wf_d void __trap() { __wf_trap(2); }
__wf_d void __brkpt() { __wf_trap(2); }
__wf_d void __brkpt(int) { __wf_trap(2); }
__wf_d void __prof_trigger(int) {}
__wf_d unsigned int __pm0() { return 0; }
__wf_d unsigned int __pm1() { return 0; }
__wf_d unsigned int __pm2() { return 0; }
__wf_d unsigned int __pm3() { return 0; }
