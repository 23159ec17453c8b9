/* min and max as CUDA code expects them: global names, on both sides, of mixed types too. */
#pragma once
#include "host_defines.h"

#define __WF_MINMAX(T)                                                \
  __wf_hdc T min(T a, T b) { return b < a ? b : a; }                  \
  __wf_hdc T max(T a, T b) { return a < b ? b : a; }
__WF_MINMAX(int)
__WF_MINMAX(unsigned int)
__WF_MINMAX(long)
__WF_MINMAX(unsigned long)
__WF_MINMAX(long long)
__WF_MINMAX(unsigned long long)
#undef __WF_MINMAX
/* A NaN loses against a number, as in fmin and fmax. */
__wf_hd float min(float a, float b) { return __builtin_fminf(a, b); }
__wf_hd float max(float a, float b) { return __builtin_fmaxf(a, b); }
__wf_hd double min(double a, double b) { return __builtin_fmin(a, b); }
__wf_hd double max(double a, double b) { return __builtin_fmax(a, b); }

template <class A, class B, bool Numbers, bool Same>
struct __wf_mixed {};
template <class A, class B>
struct __wf_mixed<A, B, true, false> {
  using type = decltype(true ? A() : B());
};
template <class A, class B>
using __wf_common = typename __wf_mixed<A, B, __is_arithmetic(A) && __is_arithmetic(B),
                                        __is_same(A, B)>::type;
template <class A, class B>
__wf_hdc __wf_common<A, B> min(A a, B b) {
  return min((__wf_common<A, B>)a, (__wf_common<A, B>)b);
}
template <class A, class B>
__wf_hdc __wf_common<A, B> max(A a, B b) {
  return max((__wf_common<A, B>)a, (__wf_common<A, B>)b);
}

__wf_hdc unsigned int umin(unsigned int a, unsigned int b) { return b < a ? b : a; }
__wf_hdc unsigned int umax(unsigned int a, unsigned int b) { return a < b ? b : a; }
__wf_hdc long long llmin(long long a, long long b) { return b < a ? b : a; }
__wf_hdc long long llmax(long long a, long long b) { return a < b ? b : a; }
__wf_hdc unsigned long long ullmin(unsigned long long a, unsigned long long b) {
  return b < a ? b : a;
}
__wf_hdc unsigned long long ullmax(unsigned long long a, unsigned long long b) {
  return a < b ? b : a;
}
