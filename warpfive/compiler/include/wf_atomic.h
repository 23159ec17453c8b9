/* Atomic functions: CUDA's atomicX, atomicX_block, atomicX_system and __nv_atomic_x.

   All scopes are the same to this chip. atomicX are relaxed, as CUDA documents. */
#pragma once
#include "wf_isa.h"

#define __WF_RELAXED __ATOMIC_RELAXED

/* Replaces *address by f(*address) in one step; returns the old value. */
template <class Bits, class T, class F>
__wf_d T __wf_atomic_apply(T *address, F f) {
  Bits *const p = (Bits *)address;
  Bits seen = __atomic_load_n(p, __WF_RELAXED);
  for (;;) {
    const T old = __builtin_bit_cast(T, seen);
    const Bits wanted = __builtin_bit_cast(Bits, f(old));
    if (__atomic_compare_exchange_n(p, &seen, wanted, false, __WF_RELAXED, __WF_RELAXED))
      return old;
  }
}

/* Just the types that CUDA has, so that programs can add their own overloads for the others. */
#define __WF_FETCH(name, T, builtin)                                                       \
  __wf_d T name(T *address, T value) { return builtin(address, value, __WF_RELAXED); }     \
  __WF_SCOPES(name, T)
#define __WF_SCOPES(name, T)                                                               \
  __wf_d T name##_block(T *address, T value) { return name(address, value); }              \
  __wf_d T name##_system(T *address, T value) { return name(address, value); }
#define __WF_FETCH_WORDS(name, builtin)      \
  __WF_FETCH(name, int, builtin)             \
  __WF_FETCH(name, unsigned int, builtin)
#define __WF_FETCH_INTEGERS(name, builtin)   \
  __WF_FETCH_WORDS(name, builtin)            \
  __WF_FETCH(name, unsigned long long, builtin)
__WF_FETCH_INTEGERS(atomicAdd, __atomic_fetch_add)
__WF_FETCH_WORDS(atomicSub, __atomic_fetch_sub)
__WF_FETCH_INTEGERS(atomicMin, __atomic_fetch_min)
__WF_FETCH_INTEGERS(atomicMax, __atomic_fetch_max)
__WF_FETCH(atomicMin, long long, __atomic_fetch_min)
__WF_FETCH(atomicMax, long long, __atomic_fetch_max)
__WF_FETCH_INTEGERS(atomicAnd, __atomic_fetch_and)
__WF_FETCH_INTEGERS(atomicOr, __atomic_fetch_or)
__WF_FETCH_INTEGERS(atomicXor, __atomic_fetch_xor)
__WF_FETCH_INTEGERS(atomicExch, __atomic_exchange_n)
#undef __WF_FETCH_INTEGERS
#undef __WF_FETCH_WORDS
#undef __WF_FETCH

__wf_d float atomicExch(float *address, float value) {
  return __builtin_bit_cast(
      float, __atomic_exchange_n((int *)address, __builtin_bit_cast(int, value), __WF_RELAXED));
}
__wf_d float atomicAdd(float *address, float value) { return __wf_amoadd_s(address, value); }
__wf_d double atomicAdd(double *address, double value) { return __wf_amoadd_d(address, value); }
__WF_SCOPES(atomicExch, float)
__WF_SCOPES(atomicAdd, float)
__WF_SCOPES(atomicAdd, double)

/* old >= value ? 0 : old + 1, and (old == 0 || old > value) ? value : old - 1 */
__wf_d unsigned int atomicInc(unsigned int *address, unsigned int value) {
  return (unsigned int)__wf_amoinc_w(address, (int)value);
}
__wf_d unsigned int atomicDec(unsigned int *address, unsigned int value) {
  return (unsigned int)__wf_amodec_w(address, (int)value);
}
__WF_SCOPES(atomicInc, unsigned int)
__WF_SCOPES(atomicDec, unsigned int)

/* Element by element, as CUDA defines it: the pair is not one atomic operation. */
__wf_d float2 atomicAdd(float2 *address, float2 value) {
  return float2{atomicAdd(&address->x, value.x), atomicAdd(&address->y, value.y)};
}
__wf_d float4 atomicAdd(float4 *address, float4 value) {
  return float4{atomicAdd(&address->x, value.x), atomicAdd(&address->y, value.y),
                atomicAdd(&address->z, value.z), atomicAdd(&address->w, value.w)};
}
__WF_SCOPES(atomicAdd, float2)
__WF_SCOPES(atomicAdd, float4)
#undef __WF_SCOPES

#define __WF_CAS(T)                                                                          \
  __wf_d T atomicCAS(T *address, T compare, T value) {                                       \
    __atomic_compare_exchange_n(address, &compare, value, false, __WF_RELAXED, __WF_RELAXED); \
    return compare;                                                                          \
  }                                                                                          \
  __wf_d T atomicCAS_block(T *address, T compare, T value) {                                 \
    return atomicCAS(address, compare, value);                                               \
  }                                                                                          \
  __wf_d T atomicCAS_system(T *address, T compare, T value) {                                \
    return atomicCAS(address, compare, value);                                               \
  }
__WF_CAS(unsigned short)
__WF_CAS(int)
__WF_CAS(unsigned int)
__WF_CAS(unsigned long long)
#undef __WF_CAS

/* The atomics that CUDA 12.8 added, with orders and scopes. */
#define __NV_ATOMIC_RELAXED 0
#define __NV_ATOMIC_CONSUME 1
#define __NV_ATOMIC_ACQUIRE 2
#define __NV_ATOMIC_RELEASE 3
#define __NV_ATOMIC_ACQ_REL 4
#define __NV_ATOMIC_SEQ_CST 5
#define __NV_THREAD_SCOPE_THREAD 0
#define __NV_THREAD_SCOPE_BLOCK 1
#define __NV_THREAD_SCOPE_CLUSTER 2
#define __NV_THREAD_SCOPE_DEVICE 3
#define __NV_THREAD_SCOPE_SYSTEM 4

template <class T>
struct __wf_identity {
  using type = T;
};
template <class T>
using __wf_same = typename __wf_identity<T>::type;
template <unsigned long Size>
struct __wf_bits;
template <>
struct __wf_bits<1> {
  using type = unsigned char;
};
template <>
struct __wf_bits<2> {
  using type = unsigned short;
};
template <>
struct __wf_bits<4> {
  using type = unsigned int;
};
template <>
struct __wf_bits<8> {
  using type = unsigned long;
};
template <class T>
using __wf_bits_of = typename __wf_bits<sizeof(T)>::type;

/* Orders are constants in practice; a variable one is as good as the strongest. */
#define __WF_ORDERED(order, expression)                                   \
  if (__builtin_constant_p(order) && (order) == __ATOMIC_RELAXED) {       \
    enum { __order = __ATOMIC_RELAXED };                                  \
    expression;                                                           \
  } else {                                                                \
    enum { __order = __ATOMIC_SEQ_CST };                                  \
    expression;                                                           \
  }
template <class T>
__wf_d T __nv_atomic_load_n(T *p, int order, int = 4) {
  __WF_ORDERED(order, return __atomic_load_n(p, __order))
}
template <class T>
__wf_d void __nv_atomic_load(T *p, T *result, int order, int = 4) {
  __wf_bits_of<T> bits = __nv_atomic_load_n((__wf_bits_of<T> *)p, order);
  *result = __builtin_bit_cast(T, bits);
}
template <class T>
__wf_d void __nv_atomic_store_n(T *p, __wf_same<T> value, int order, int = 4) {
  __WF_ORDERED(order, __atomic_store_n(p, value, __order))
}
template <class T>
__wf_d void __nv_atomic_store(T *p, T *value, int order, int = 4) {
  __nv_atomic_store_n((__wf_bits_of<T> *)p, __builtin_bit_cast(__wf_bits_of<T>, *value), order);
}
template <class T>
__wf_d T __nv_atomic_exchange_n(T *p, __wf_same<T> value, int order, int = 4) {
  __WF_ORDERED(order, return __atomic_exchange_n(p, value, __order))
}
template <class T>
__wf_d void __nv_atomic_exchange(T *p, T *value, T *result, int order, int = 4) {
  const auto bits = __nv_atomic_exchange_n((__wf_bits_of<T> *)p,
                                           __builtin_bit_cast(__wf_bits_of<T>, *value), order);
  *result = __builtin_bit_cast(T, bits);
}
template <class T>
__wf_d bool __nv_atomic_compare_exchange_n(T *p, T *expected, __wf_same<T> desired, bool,
                                           int order, int, int = 4) {
  __WF_ORDERED(order, return __atomic_compare_exchange_n(p, expected, desired, false, __order,
                                                         __order))
}
template <class T>
__wf_d bool __nv_atomic_compare_exchange(T *p, T *expected, T *desired, bool, int order, int,
                                         int = 4) {
  __WF_ORDERED(order, return __atomic_compare_exchange((__wf_bits_of<T> *)p,
                                                       (__wf_bits_of<T> *)expected,
                                                       (__wf_bits_of<T> *)desired, false, __order,
                                                       __order))
}
#define __WF_NV_FETCH(op, builtin)                                                     \
  template <class T>                                                                   \
  __wf_d T __nv_atomic_fetch_##op(T *p, __wf_same<T> value, int order, int = 4) {      \
    __WF_ORDERED(order, return builtin(p, value, __order))                             \
  }                                                                                    \
  template <class T>                                                                   \
  __wf_d void __nv_atomic_##op(T *p, __wf_same<T> value, int order, int = 4) {         \
    __nv_atomic_fetch_##op(p, value, order);                                           \
  }
__WF_NV_FETCH(and, __atomic_fetch_and)
__WF_NV_FETCH(or, __atomic_fetch_or)
__WF_NV_FETCH(xor, __atomic_fetch_xor)
#undef __WF_NV_FETCH
/* These take floating-point numbers, too. */
template <class T>
__wf_d T __wf_fetch_add(T *p, T value) {
  return __atomic_fetch_add(p, value, __WF_RELAXED);
}
template <class T>
__wf_d T __wf_fetch_sub(T *p, T value) {
  return __atomic_fetch_sub(p, value, __WF_RELAXED);
}
template <class T>
__wf_d T __wf_fetch_min(T *p, T value) {
  return __atomic_fetch_min(p, value, __WF_RELAXED);
}
template <class T>
__wf_d T __wf_fetch_max(T *p, T value) {
  return __atomic_fetch_max(p, value, __WF_RELAXED);
}
__wf_d float __wf_fetch_add(float *p, float value) { return __wf_amoadd_s(p, value); }
__wf_d double __wf_fetch_add(double *p, double value) { return __wf_amoadd_d(p, value); }
__wf_d float __wf_fetch_sub(float *p, float value) { return __wf_amoadd_s(p, -value); }
__wf_d double __wf_fetch_sub(double *p, double value) { return __wf_amoadd_d(p, -value); }
__wf_d float __wf_fetch_min(float *p, float value) {
  return __wf_atomic_apply<int>(p, [=](float x) { return __builtin_fminf(x, value); });
}
__wf_d float __wf_fetch_max(float *p, float value) {
  return __wf_atomic_apply<int>(p, [=](float x) { return __builtin_fmaxf(x, value); });
}
__wf_d double __wf_fetch_min(double *p, double value) {
  return __wf_atomic_apply<long>(p, [=](double x) { return __builtin_fmin(x, value); });
}
__wf_d double __wf_fetch_max(double *p, double value) {
  return __wf_atomic_apply<long>(p, [=](double x) { return __builtin_fmax(x, value); });
}
#define __WF_NV_NUMBER(op)                                                             \
  template <class T>                                                                   \
  __wf_d T __nv_atomic_fetch_##op(T *p, __wf_same<T> value, int order, int = 4) {      \
    const bool ordered = !__builtin_constant_p(order) || order != __ATOMIC_RELAXED;    \
    if (ordered) __atomic_thread_fence(__ATOMIC_SEQ_CST);                              \
    const T old = __wf_fetch_##op(p, value);                                           \
    if (ordered) __atomic_thread_fence(__ATOMIC_SEQ_CST);                              \
    return old;                                                                        \
  }                                                                                    \
  template <class T>                                                                   \
  __wf_d void __nv_atomic_##op(T *p, __wf_same<T> value, int order, int = 4) {         \
    __nv_atomic_fetch_##op(p, value, order);                                           \
  }
__WF_NV_NUMBER(add)
__WF_NV_NUMBER(sub)
__WF_NV_NUMBER(min)
__WF_NV_NUMBER(max)
#undef __WF_NV_NUMBER
__wf_d void __nv_atomic_thread_fence(int, int = 4) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
