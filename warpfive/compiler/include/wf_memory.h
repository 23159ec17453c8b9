/* Memory in device code: cache-hinted access, malloc, new, memcpy; printf and assert. */
#pragma once
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "wf_isa.h"

/* Cache hints name nothing this chip has: these are plain accesses. */
#define __WF_LOAD(name)                             \
  template <class T>                                \
  __wf_d T name(const T *p) {                       \
    return *p;                                      \
  }
#define __WF_STORE(name)                            \
  template <class T>                                \
  __wf_d void name(T *p, __wf_same<T> value) {      \
    *p = value;                                     \
  }
__WF_LOAD(__ldg)
__WF_LOAD(__ldca)
__WF_LOAD(__ldcg)
__WF_LOAD(__ldcs)
__WF_LOAD(__ldlu)
__WF_STORE(__stwb)
__WF_STORE(__stcg)
__WF_STORE(__stcs)
/* These bypass caches: neither may be merged with another access. */
template <class T>
__wf_d T __ldcv(const T *p) {
  __asm__ volatile("" : : : "memory");
  return *p;
}
template <class T>
__wf_d void __stwt(T *p, __wf_same<T> value) {
  *p = value;
  __asm__ volatile("" : : : "memory");
}
#undef __WF_LOAD
#undef __WF_STORE
__wf_d void __prefetch_global_l1(const void *) {}
__wf_d void __prefetch_global_l2(const void *) {}

/* Functions of the device library (lib/runtime.cu). */
extern "C" {
__device__ void *malloc(size_t size);
__device__ void free(void *p);
__device__ void *memcpy(void *dst, const void *src, size_t n);
__device__ void *memmove(void *dst, const void *src, size_t n);
__device__ void *memset(void *dst, int value, size_t n);
__device__ int memcmp(const void *a, const void *b, size_t n);
__device__ size_t strlen(const char *s);
__device__ int __wf_printf(const char *format, const unsigned long *words, int count);
__device__ __attribute__((noreturn)) void __assert_fail(const char *expression, const char *file,
                                                        unsigned int line, const char *function);
__device__ __attribute__((noreturn)) void __wf_abort();
}
__device__ __forceinline__ void *calloc(size_t n, size_t size) {
  void *const p = malloc(n * size);
  if (p) memset(p, 0, n * size);
  return p;
}
__device__ __forceinline__ void abort() { __wf_abort(); }
__device__ __forceinline__ void __assertfail(const char *message, const char *file,
                                             unsigned int line, const char *function, size_t) {
  __assert_fail(message, file, line, function);
}

__device__ void *operator new(size_t size);
__device__ void *operator new[](size_t size);
__device__ void operator delete(void *p) noexcept;
__device__ void operator delete[](void *p) noexcept;
__device__ void operator delete(void *p, size_t) noexcept;
__device__ void operator delete[](void *p, size_t) noexcept;

/* printf: every argument becomes a word of a record; the runtime formats it on the host. */
__wf_d unsigned long __wf_word(double value) { return __builtin_bit_cast(unsigned long, value); }
__wf_d unsigned long __wf_word(float value) { return __wf_word((double)value); }
__wf_d unsigned long __wf_word(const volatile void *value) { return (unsigned long)value; }
__wf_d unsigned long __wf_word(decltype(nullptr)) { return 0; }
__wf_d unsigned long __wf_word(int value) { return (unsigned long)value; }
__wf_d unsigned long __wf_word(unsigned int value) { return value; }
__wf_d unsigned long __wf_word(long value) { return (unsigned long)value; }
__wf_d unsigned long __wf_word(unsigned long value) { return value; }
__wf_d unsigned long __wf_word(long long value) { return (unsigned long)value; }
__wf_d unsigned long __wf_word(unsigned long long value) { return value; }
template <class R, class... A>
__wf_d unsigned long __wf_word(R (*value)(A...)) {
  return (unsigned long)value;
}
template <class... A>
__device__ __forceinline__ int printf(const char *format, A... arguments) {
  const unsigned long words[sizeof...(A) + 1] = {__wf_word(arguments)...};
  return __wf_printf(format, words, (int)sizeof...(A));
}

/* What <cstring> and its kin brought into std before the device's overloads were there. */
namespace std {
using ::abort;
using ::calloc;
using ::free;
using ::malloc;
using ::memcmp;
using ::memcpy;
using ::memmove;
using ::memset;
using ::printf;
using ::strlen;
}  // namespace std
