/* Rare functions, from musl in double (library.py); the float forms round its results. */
#include "base.h"

extern "C" {
double __wfm_erfc(double), __wfm_tgamma(double), __wfm_lgamma_r(double, int *);
double __wfm_j0(double), __wfm_j1(double), __wfm_jn(int, double);
double __wfm_y0(double), __wfm_y1(double), __wfm_yn(int, double);
}
WF_LARGE double __wfm_lgamma(double x) {
  int sign;
  return __wfm_lgamma_r(x, &sign);
}
WF_LARGE float __wfm_lgammaf(float x) { return (float)__wfm_lgamma((double)x); }
WF_LARGE float __wfm_tgammaf(float x) { return (float)__wfm_tgamma((double)x); }
WF_LARGE float __wfm_j0f(float x) { return (float)__wfm_j0((double)x); }
WF_LARGE float __wfm_j1f(float x) { return (float)__wfm_j1((double)x); }
WF_LARGE float __wfm_y0f(float x) { return (float)__wfm_y0((double)x); }
WF_LARGE float __wfm_y1f(float x) { return (float)__wfm_y1((double)x); }
WF_LARGE float __wfm_jnf(int n, float x) { return (float)__wfm_jn(n, (double)x); }
WF_LARGE float __wfm_ynf(int n, float x) { return (float)__wfm_yn(n, (double)x); }
