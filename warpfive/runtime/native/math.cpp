/* CUDA's own mathematical functions (normcdf, sinpi, rhypot ...) for host code: the device library's
   source, compiled for the host. */
#include "../../compiler/lib/math.cpp"

extern "C" double erf(double x);
extern "C" double __wfm_erf(double x) { return erf(x); }
