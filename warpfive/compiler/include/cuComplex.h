/* Complex numbers of CUDA: cuFloatComplex is float2, cuDoubleComplex is double2. */
#pragma once
#include <math.h>
#include "vector_functions.h"
#if defined(__CUDA__)
#include "cuda_runtime.h"
#endif

#if !defined(__cplusplus)
#undef __wf_hd
#define __wf_hd static __inline__
#endif

typedef float2 cuFloatComplex;
typedef double2 cuDoubleComplex;
typedef cuFloatComplex cuComplex;

#define __WF_COMPLEX(C, R, make, suffix, sqrt_, fabs_)                                        \
  __wf_hd C make##Complex(R re, R im) {                                                       \
    C z = {re, im};                                                                           \
    return z;                                                                                 \
  }                                                                                           \
  __wf_hd R cuCreal##suffix(C z) { return z.x; }                                              \
  __wf_hd R cuCimag##suffix(C z) { return z.y; }                                              \
  __wf_hd C cuConj##suffix(C z) { return make##Complex(z.x, -z.y); }                          \
  __wf_hd C cuCadd##suffix(C a, C b) { return make##Complex(a.x + b.x, a.y + b.y); }          \
  __wf_hd C cuCsub##suffix(C a, C b) { return make##Complex(a.x - b.x, a.y - b.y); }          \
  __wf_hd C cuCmul##suffix(C a, C b) {                                                        \
    return make##Complex(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x);                       \
  }                                                                                           \
  /* Scaled, so that nothing overflows before the quotient does. */                           \
  __wf_hd C cuCdiv##suffix(C a, C b) {                                                        \
    const R s = fabs_(b.x) + fabs_(b.y), one = 1 / s;                                         \
    const R ax = a.x * one, ay = a.y * one, bx = b.x * one, by = b.y * one;                   \
    const R norm = 1 / (bx * bx + by * by);                                                   \
    return make##Complex((ax * bx + ay * by) * norm, (ay * bx - ax * by) * norm);             \
  }                                                                                           \
  __wf_hd R cuCabs##suffix(C z) {                                                             \
    const R a = fabs_(z.x), b = fabs_(z.y);                                                   \
    const R big = a > b ? a : b, small = a > b ? b : a;                                       \
    if (big == 0 || __builtin_isinf(big)) return big;                                         \
    const R ratio = small / big;                                                              \
    return big * sqrt_(1 + ratio * ratio);                                                    \
  }                                                                                           \
  __wf_hd C cuCfma##suffix(C a, C b, C c) {                                                   \
    return make##Complex((a.x * b.x + c.x) - a.y * b.y, (a.x * b.y + c.y) + a.y * b.x);       \
  }
__WF_COMPLEX(cuFloatComplex, float, make_cuFloat, f, __builtin_sqrtf, __builtin_fabsf)
__WF_COMPLEX(cuDoubleComplex, double, make_cuDouble, , __builtin_sqrt, __builtin_fabs)
#undef __WF_COMPLEX

__wf_hd cuComplex make_cuComplex(float re, float im) { return make_cuFloatComplex(re, im); }
__wf_hd cuDoubleComplex cuComplexFloatToDouble(cuFloatComplex z) {
  return make_cuDoubleComplex(z.x, z.y);
}
__wf_hd cuFloatComplex cuComplexDoubleToFloat(cuDoubleComplex z) {
  return make_cuFloatComplex((float)z.x, (float)z.y);
}
