/* thrust::complex, as far as PyTorch's headers use it. */
#pragma once

#include <cmath>
#include <complex>
#include <cuda_runtime.h>

#define WF_HD __host__ __device__ inline

namespace thrust {

template <class T> struct complex {
  T re = T(0), im = T(0);
  WF_HD complex() {}
  WF_HD complex(T r) : re(r) {}
  WF_HD complex(T r, T i) : re(r), im(i) {}
  template <class U> WF_HD complex(const complex<U> &o) : re(T(o.real())), im(T(o.imag())) {}
  inline complex(const std::complex<T> &o) : re(o.real()), im(o.imag()) {}
  inline operator std::complex<T>() const { return std::complex<T>(re, im); }
  WF_HD T real() const { return re; }
  WF_HD T imag() const { return im; }
  WF_HD complex operator-() const { return complex(-re, -im); }
};

template <class T> WF_HD complex<T> operator+(complex<T> a, complex<T> b) {
  return complex<T>(a.re + b.re, a.im + b.im);
}
template <class T> WF_HD complex<T> operator-(complex<T> a, complex<T> b) {
  return complex<T>(a.re - b.re, a.im - b.im);
}
template <class T> WF_HD complex<T> operator*(complex<T> a, complex<T> b) {
  return complex<T>(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re);
}
/* Smith's division: no overflow where the quotient has none */
template <class T> WF_HD complex<T> operator/(complex<T> a, complex<T> b) {
  if (::fabs(b.re) >= ::fabs(b.im)) {
    const T ratio = b.im / b.re, below = b.re + b.im * ratio;
    return complex<T>((a.re + a.im * ratio) / below, (a.im - a.re * ratio) / below);
  }
  const T ratio = b.re / b.im, below = b.re * ratio + b.im;
  return complex<T>((a.re * ratio + a.im) / below, (a.im * ratio - a.re) / below);
}
template <class T> WF_HD complex<T> operator*(T a, complex<T> b) { return complex<T>(a) * b; }
template <class T> WF_HD complex<T> operator*(complex<T> a, T b) { return a * complex<T>(b); }
template <class T> WF_HD bool operator==(complex<T> a, complex<T> b) {
  return a.re == b.re && a.im == b.im;
}

template <class T> WF_HD T abs(complex<T> z) { return ::hypot(z.re, z.im); }
template <class T> WF_HD T arg(complex<T> z) { return ::atan2(z.im, z.re); }
template <class T> WF_HD complex<T> polar(T r, T theta = T(0)) {
  return complex<T>(r * ::cos(theta), r * ::sin(theta));
}
template <class T> WF_HD complex<T> exp(complex<T> z) { return polar(T(::exp(z.re)), z.im); }
template <class T> WF_HD complex<T> log(complex<T> z) {
  return complex<T>(::log(abs(z)), arg(z));
}
template <class T> WF_HD complex<T> log10(complex<T> z) {
  return log(z) * complex<T>(T(0.43429448190325182765));
}
template <class T> WF_HD complex<T> sqrt(complex<T> z) {
  if (z.re == T(0) && z.im == T(0)) return complex<T>();
  const T size = abs(z);
  const T half = ::sqrt((size + ::fabs(z.re)) / T(2)), other = z.im / (T(2) * half);
  if (z.re >= T(0)) return complex<T>(half, other);
  return complex<T>(::fabs(other), ::copysign(half, z.im));
}
template <class T> WF_HD complex<T> pow(complex<T> a, complex<T> b) { return exp(b * log(a)); }
template <class T> WF_HD complex<T> pow(complex<T> a, T b) { return pow(a, complex<T>(b)); }
template <class T> WF_HD complex<T> pow(T a, complex<T> b) { return pow(complex<T>(a), b); }
template <class T> WF_HD complex<T> sinh(complex<T> z) {
  return complex<T>(::sinh(z.re) * ::cos(z.im), ::cosh(z.re) * ::sin(z.im));
}
template <class T> WF_HD complex<T> cosh(complex<T> z) {
  return complex<T>(::cosh(z.re) * ::cos(z.im), ::sinh(z.re) * ::sin(z.im));
}
template <class T> WF_HD complex<T> tanh(complex<T> z) {
  const T below = ::cosh(T(2) * z.re) + ::cos(T(2) * z.im);
  return complex<T>(::sinh(T(2) * z.re) / below, ::sin(T(2) * z.im) / below);
}
/* the circular functions are the hyperbolic ones turned by i */
template <class T> WF_HD complex<T> times_i(complex<T> z) { return complex<T>(-z.im, z.re); }
template <class T> WF_HD complex<T> over_i(complex<T> z) { return complex<T>(z.im, -z.re); }
template <class T> WF_HD complex<T> sin(complex<T> z) { return over_i(sinh(times_i(z))); }
template <class T> WF_HD complex<T> cos(complex<T> z) { return cosh(times_i(z)); }
template <class T> WF_HD complex<T> tan(complex<T> z) { return over_i(tanh(times_i(z))); }
template <class T> WF_HD complex<T> asinh(complex<T> z) {
  return log(z + sqrt(z * z + complex<T>(T(1))));
}
template <class T> WF_HD complex<T> acosh(complex<T> z) {
  return log(z + sqrt(z + complex<T>(T(1))) * sqrt(z - complex<T>(T(1))));
}
template <class T> WF_HD complex<T> atanh(complex<T> z) {
  const complex<T> one(T(1));
  return (log(one + z) - log(one - z)) * complex<T>(T(0.5));
}
template <class T> WF_HD complex<T> asin(complex<T> z) { return over_i(asinh(times_i(z))); }
template <class T> WF_HD complex<T> acos(complex<T> z) {
  return complex<T>(T(1.57079632679489661923)) - asin(z);
}
template <class T> WF_HD complex<T> atan(complex<T> z) { return over_i(atanh(times_i(z))); }

}  // namespace thrust
