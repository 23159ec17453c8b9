/* The device math library: every function under its `__wfm_` name. */
#include "base.h"
#include "bessel.h"
#include "erf_d.h"
#include "erf_f.h"
#include "exp_d.h"
#include "exp_f.h"
#include "log_d.h"
#include "log_f.h"
#include "norm.h"
#include "root_d.h"
#include "root_f.h"
#include "round.h"
#include "trig_d.h"
#include "trig_f.h"

#define EXPORT_F1(name) \
  WF_EXPORT float __wfm_##name##f(float x) { return name(x); }
#define EXPORT_D1(name) \
  WF_EXPORT double __wfm_##name(double x) { return name(x); }
#define EXPORT1(name) EXPORT_F1(name) EXPORT_D1(name)
#define EXPORT2(name)                                                     \
  WF_EXPORT float __wfm_##name##f(float x, float y) { return name(x, y); } \
  WF_EXPORT double __wfm_##name(double x, double y) { return name(x, y); }

EXPORT1(acos)
EXPORT1(acosh)
EXPORT1(asin)
EXPORT1(asinh)
EXPORT1(atan)
EXPORT1(atanh)
EXPORT1(cbrt)
EXPORT1(ceil)
EXPORT1(cos)
EXPORT1(cosh)
EXPORT1(cospi)
EXPORT1(exp)
EXPORT1(exp10)
EXPORT1(expm1)
EXPORT1(floor)
EXPORT1(log)
EXPORT1(log10)
EXPORT1(log1p)
EXPORT1(log2)
EXPORT1(logb)
EXPORT1(rcbrt)
EXPORT1(rint)
EXPORT1(round)
EXPORT1(sin)
EXPORT1(sinh)
EXPORT1(sinpi)
EXPORT1(tan)
EXPORT1(trunc)
EXPORT2(atan2)
EXPORT2(fdim)
EXPORT2(fmod)
EXPORT2(nextafter)
EXPORT2(pow)
EXPORT2(remainder)

EXPORT_F1(erf)
EXPORT_F1(erfc)
EXPORT1(erfcinv)
EXPORT1(erfcx)
EXPORT1(erfinv)
EXPORT1(normcdf)
EXPORT1(normcdfinv)
EXPORT1(tanh)
EXPORT_D1(cyl_bessel_i0)
EXPORT_D1(cyl_bessel_i1)
EXPORT_D1(rsqrt)

WF_EXPORT float __wfm_exp2f(float x) { return exp2(x, 0.0f); }
WF_EXPORT double __wfm_exp2(double x) { return exp2(x, 0.0); }
WF_EXPORT float __wfm_nearbyintf(float x) { return rint(x); }
WF_EXPORT double __wfm_nearbyint(double x) { return rint(x); }

WF_EXPORT float __wfm_hypotf(float x, float y) { return norm(x, y, 0.0f, 0.0f); }
WF_EXPORT double __wfm_hypot(double x, double y) { return norm(x, y, 0.0, 0.0); }
WF_EXPORT float __wfm_rhypotf(float x, float y) { return rnorm(x, y, 0.0f, 0.0f); }
WF_EXPORT double __wfm_rhypot(double x, double y) { return rnorm(x, y, 0.0, 0.0); }
WF_EXPORT float __wfm_norm3df(float x, float y, float z) { return norm(x, y, z, 0.0f); }
WF_EXPORT double __wfm_norm3d(double x, double y, double z) { return norm(x, y, z, 0.0); }
WF_EXPORT float __wfm_rnorm3df(float x, float y, float z) { return rnorm(x, y, z, 0.0f); }
WF_EXPORT double __wfm_rnorm3d(double x, double y, double z) { return rnorm(x, y, z, 0.0); }
WF_EXPORT float __wfm_norm4df(float x, float y, float z, float w) { return norm(x, y, z, w); }
WF_EXPORT double __wfm_norm4d(double x, double y, double z, double w) { return norm(x, y, z, w); }
WF_EXPORT float __wfm_rnorm4df(float x, float y, float z, float w) { return rnorm(x, y, z, w); }
WF_EXPORT double __wfm_rnorm4d(double x, double y, double z, double w) {
  return rnorm(x, y, z, w);
}
WF_LARGE float __wfm_normf(int n, const float *p) { return norm(n, p); }
WF_LARGE double __wfm_norm(int n, const double *p) { return norm(n, p); }

/* Functions with two results return them in registers. */
struct PairF {
  float x, y;
};
struct PairD {
  double x, y;
};
struct PartsF {
  float x;
  int n;
};
struct PartsD {
  double x;
  i64 n;
};

WF_EXPORT PairF __wfm_sincosf(float x) {
  PairF p;
  sincos(x, &p.x, &p.y);
  return p;
}
WF_EXPORT PairD __wfm_sincos(double x) {
  PairD p;
  sincos(x, &p.x, &p.y);
  return p;
}
WF_EXPORT PartsF __wfm_frexpf(float x) {
  int n;
  float m = frexp(x, &n);
  return {m, n};
}
WF_EXPORT PartsD __wfm_frexp(double x) {
  int n;
  double m = frexp(x, &n);
  return {m, n};
}
WF_EXPORT PartsF __wfm_remquof(float x, float y) {
  int n;
  float r = remquo(x, y, &n);
  return {r, n};
}
WF_EXPORT PartsD __wfm_remquo(double x, double y) {
  int n;
  double r = remquo(x, y, &n);
  return {r, n};
}
WF_EXPORT float __wfm_ldexpf(float x, int n) { return scalbn(x, n); }
WF_EXPORT double __wfm_ldexp(double x, int n) { return scalbn(x, n); }
WF_EXPORT int __wfm_ilogbf(float x) { return ilogb(x); }
WF_EXPORT int __wfm_ilogb(double x) { return ilogb(x); }
WF_EXPORT float __wfm_cyl_bessel_i0f(float x) { return (float)cyl_bessel_i0((double)x); }
WF_EXPORT float __wfm_cyl_bessel_i1f(float x) { return (float)cyl_bessel_i1((double)x); }
