/* What the special functions of musl's math library need to be compiled alone. It stands in the
   place of the header of the same name; the functions come out under the library's names. */
#pragma once
#include <stdint.h>

typedef double double_t;
#define INFINITY __builtin_inff()
#define hidden
#define weak_alias(old, new)
#define FORCE_EVAL(x) ((void)(x))

#define __wf_bits(d) __builtin_bit_cast(uint64_t, (double)(d))
#define EXTRACT_WORDS(hi, lo, d) \
  ((hi) = (int32_t)(__wf_bits(d) >> 32), (lo) = (uint32_t)__wf_bits(d))
#define GET_HIGH_WORD(hi, d) ((hi) = (int32_t)(__wf_bits(d) >> 32))
#define SET_LOW_WORD(d, lo) \
  ((d) = __builtin_bit_cast(double, (uint64_t)(__wf_bits(d) >> 32 << 32 | (uint32_t)(lo))))

#define erf __wfm_erf
#define erfc __wfm_erfc
#define tgamma __wfm_tgamma
#define j0 __wfm_j0
#define j1 __wfm_j1
#define jn __wfm_jn
#define y0 __wfm_y0
#define y1 __wfm_y1
#define yn __wfm_yn
#define __lgamma_r __wfm_lgamma_r
#define lgamma_r __wfm_lgamma_r_alias
#define __sin __wfm_kernel_sin
#define __cos __wfm_kernel_cos

double __wfm_erf(double), __wfm_erfc(double), __wfm_tgamma(double);
double __wfm_j0(double), __wfm_j1(double), __wfm_jn(int, double);
double __wfm_y0(double), __wfm_y1(double), __wfm_yn(int, double);
double __wfm_lgamma_r(double, int *);
double __wfm_kernel_sin(double, double, int), __wfm_kernel_cos(double, double);

double __wfm_exp(double), __wfm_log(double), __wfm_pow(double, double);
double __wfm_sin(double), __wfm_cos(double), __wfm_floor(double);
#define exp __wfm_exp
#define log __wfm_log
#define pow __wfm_pow
#define sin __wfm_sin
#define cos __wfm_cos
#define floor __wfm_floor
#define sqrt __builtin_sqrt
#define fabs __builtin_fabs
