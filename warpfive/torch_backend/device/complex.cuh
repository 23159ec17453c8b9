// Complex numbers: arithmetic, and the functions that PyTorch has for them.
// Branch cuts are those of C99 annex G as far as the formulas below reach.

template <class R>
struct complex {
  R re, im;
  complex() = default;
  template <class A>
  __device__ complex(A real) : re((R)real), im((R)0) {}
  template <class A, class B>
  __device__ complex(A real, B imaginary) : re((R)real), im((R)imaginary) {}
  template <class Q>
  __device__ complex(const complex<Q> &other) : re((R)other.re), im((R)other.im) {}
  template <class Q>
  __device__ explicit operator Q() const { return (Q)re; }
  __device__ complex operator-() const { return {-re, -im}; }
  __device__ complex &operator+=(const complex &b) { return *this = *this + b; }
  __device__ complex &operator-=(const complex &b) { return *this = *this - b; }
  __device__ complex &operator*=(const complex &b) { return *this = *this * b; }
  __device__ complex &operator/=(const complex &b) { return *this = *this / b; }
  friend __device__ complex operator+(const complex &a, const complex &b) {
    return {a.re + b.re, a.im + b.im};
  }
  friend __device__ complex operator-(const complex &a, const complex &b) {
    return {a.re - b.re, a.im - b.im};
  }
  friend __device__ complex operator*(const complex &a, const complex &b) {
    return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
  }
  /// Smith, Algorithm 116 (CACM 1962): no overflow where the quotient has none.
  friend __device__ complex operator/(const complex &a, const complex &b) {
    if (fabs((double)b.re) >= fabs((double)b.im)) {
      const R ratio = b.im / b.re, scale = b.re + b.im * ratio;
      return {(a.re + a.im * ratio) / scale, (a.im - a.re * ratio) / scale};
    }
    const R ratio = b.re / b.im, scale = b.re * ratio + b.im;
    return {(a.re * ratio + a.im) / scale, (a.im * ratio - a.re) / scale};
  }
  friend __device__ bool operator==(const complex &a, const complex &b) {
    return a.re == b.re && a.im == b.im;
  }
  friend __device__ bool operator!=(const complex &a, const complex &b) { return !(a == b); }
};

template <> constexpr bool is_complex_v<complex<_Float16>> = true;
template <> constexpr bool is_complex_v<complex<float>> = true;
template <> constexpr bool is_complex_v<complex<double>> = true;
template <> struct math_of<complex<_Float16>> { typedef complex<float> type; };

template <class R> __device__ inline bool is_nan(const complex<R> &a) {
  return a.re != a.re || a.im != a.im;
}
template <class R> __device__ inline R length_of(const complex<R> &a) { return hypot(a.re, a.im); }
template <class R> __device__ inline R phase_of(const complex<R> &a) { return atan2(a.im, a.re); }
template <class R> __device__ inline complex<R> absolute(const complex<R> &a) {
  return length_of(a);
}
template <class R> __device__ inline complex<R> fabs(const complex<R> &a) { return length_of(a); }
template <class R> __device__ inline complex<R> conjugate(const complex<R> &a) {
  return {a.re, -a.im};
}
template <class R> __device__ inline complex<R> sign_of(const complex<R> &a) {
  const R length = length_of(a);
  return length == 0 ? complex<R>(0) : complex<R>(a.re / length, a.im / length);
}
template <class R> __device__ inline complex<R> exp(const complex<R> &a) {
  const R size = exp(a.re);
  return {size * cos(a.im), size * sin(a.im)};
}
template <class R> __device__ inline complex<R> log(const complex<R> &a) {
  return {log(length_of(a)), phase_of(a)};
}
template <class R> __device__ inline complex<R> log2(const complex<R> &a) {
  return log(a) * complex<R>((R)1.44269504088896340736);
}
template <class R> __device__ inline complex<R> log10(const complex<R> &a) {
  return log(a) * complex<R>((R)0.43429448190325182765);
}
template <class R> __device__ inline complex<R> log1p(const complex<R> &a) {
  return log(complex<R>(1) + a);
}
template <class R> __device__ inline complex<R> expm1(const complex<R> &a) {
  return exp(a) - complex<R>(1);
}
template <class R> __device__ inline complex<R> exp2(const complex<R> &a) {
  return exp(a * complex<R>((R)0.69314718055994530942));
}
template <class R> __device__ inline complex<R> sqrt(const complex<R> &a) {
  const R length = length_of(a);
  if (length == 0) return complex<R>((R)0, a.im);
  const R part = sqrt((length + (a.re < 0 ? -a.re : a.re)) / 2), other = a.im / (2 * part);
  if (a.re >= 0) return {part, other};
  return {a.im < 0 ? -other : other, a.im < 0 ? -part : part};
}
template <class R> __device__ inline complex<R> sinh(const complex<R> &a) {
  return {sinh(a.re) * cos(a.im), cosh(a.re) * sin(a.im)};
}
template <class R> __device__ inline complex<R> cosh(const complex<R> &a) {
  return {cosh(a.re) * cos(a.im), sinh(a.re) * sin(a.im)};
}
template <class R> __device__ inline complex<R> tanh(const complex<R> &a) {
  return sinh(a) / cosh(a);
}
/// sin z = -i sinh(i z), and its kin.
template <class R> __device__ inline complex<R> by_i(const complex<R> &a) {
  return {-a.im, a.re};
}
template <class R> __device__ inline complex<R> by_minus_i(const complex<R> &a) {
  return {a.im, -a.re};
}
template <class R> __device__ inline complex<R> sin(const complex<R> &a) {
  return by_minus_i(sinh(by_i(a)));
}
template <class R> __device__ inline complex<R> cos(const complex<R> &a) {
  return cosh(by_i(a));
}
template <class R> __device__ inline complex<R> tan(const complex<R> &a) {
  return by_minus_i(tanh(by_i(a)));
}
template <class R> __device__ inline complex<R> asinh(const complex<R> &a) {
  return log(a + sqrt(a * a + complex<R>(1)));
}
template <class R> __device__ inline complex<R> acosh(const complex<R> &a) {
  return log(a + sqrt(a + complex<R>(1)) * sqrt(a - complex<R>(1)));
}
template <class R> __device__ inline complex<R> atanh(const complex<R> &a) {
  return (log(complex<R>(1) + a) - log(complex<R>(1) - a)) * complex<R>((R)0.5);
}
template <class R> __device__ inline complex<R> asin(const complex<R> &a) {
  return by_minus_i(asinh(by_i(a)));
}
template <class R> __device__ inline complex<R> acos(const complex<R> &a) {
  return complex<R>((R)1.57079632679489661923) - asin(a);
}
template <class R> __device__ inline complex<R> atan(const complex<R> &a) {
  return by_minus_i(atanh(by_i(a)));
}
template <class R>
__device__ inline complex<R> pow(const complex<R> &a, const complex<R> &b) {
  if (b == complex<R>(0)) return complex<R>(1);
  if (a == complex<R>(0)) return complex<R>(0);
  return exp(b * log(a));
}
