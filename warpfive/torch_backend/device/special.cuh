// Special functions of PyTorch that CUDA's math library does not have. Computed in double where a
// series would lose digits in float. Sources: Abramowitz and Stegun (A&S), NIST DLMF.

#define WF_PI 3.14159265358979323846

/// psi(x): reflection, recurrence to x >= 10, then the asymptotic series (A&S 6.3.18).
__device__ inline double digamma_of(double x) {
  if (x == 0) return copysign(infinity<double>(), -x);
  double result = 0;
  if (x < 0) {
    if (x == floor(x)) return not_a_number<double>();
    result -= WF_PI / tan(WF_PI * (x - floor(x)));
    x = 1 - x;
  }
  for (; x < 10; x += 1) result -= 1 / x;
  const double z = 1 / (x * x);
  const double tail =
      z * (1. / 12 - z * (1. / 120 - z * (1. / 252 - z * (1. / 240 - z * (1. / 132 - z * (691. / 32760 - z / 12))))));
  return result + log(x) - 0.5 / x - tail;
}

/// Hurwitz zeta by Euler and Maclaurin (DLMF 25.11.5): a sum of twelve terms and Bernoulli's tail.
__device__ inline double zeta_of(double s, double q) {
  if (s == 1) return infinity<double>();
  if (!(s > 1)) return not_a_number<double>();
  if (q <= 0) {
    if (q == floor(q)) return infinity<double>();
    if (s != floor(s)) return not_a_number<double>();
  }
  double sum = 0, at = q;
  int terms = 0;
  while (terms < 12 || at < 12) {
    sum += pow(at, -s);
    at += 1;
    if (++terms > 100000) break;
  }
  const double bernoulli[] = {1. / 6, -1. / 30, 1. / 42, -1. / 30, 5. / 66, -691. / 2730, 7. / 6,
                              -3617. / 510};
  sum += pow(at, 1 - s) / (s - 1) + 0.5 * pow(at, -s);
  double factor = s * pow(at, -s - 1) / 2;
  for (int j = 0; j < 8; ++j) {
    sum += bernoulli[j] * factor;
    const double k = 2 * j + 1;
    factor *= (s + k) * (s + k + 1) / ((k + 2) * (k + 3)) / (at * at);
  }
  return sum;
}

/// psi'(x): zeta(2, x), reflected below zero.
__device__ inline double trigamma_of(double x) {
  if (x > 0) return zeta_of(2, x);
  const double sine = sin(WF_PI * (x - floor(x)));
  return sine == 0 ? infinity<double>() : WF_PI * WF_PI / (sine * sine) - zeta_of(2, 1 - x);
}

__device__ inline double polygamma_of(long n, double x) {
  if (n == 0) return digamma_of(x);
  if (n == 1) return trigamma_of(x);
  return (n % 2 ? 1.0 : -1.0) * tgamma((double)n + 1) * zeta_of((double)n + 1, x);
}

/// Regularised incomplete gamma functions: series (A&S 6.5.29) and continued fraction (6.5.31).
__device__ inline double gamma_series(double a, double x) {
  double term = 1 / a, sum = term;
  for (double n = a + 1; fabs(term) > fabs(sum) * 1e-17 && n < a + 20000; n += 1) {
    term *= x / n;
    sum += term;
  }
  return sum * exp(a * log(x) - x - lgamma(a));
}
__device__ inline double gamma_fraction(double a, double x) {
  double b = x + 1 - a, c = 1e300, d = 1 / b, h = d;
  for (int i = 1; i < 20000; ++i) {
    const double step = -i * (i - a);
    b += 2;
    d = step * d + b;
    if (fabs(d) < 1e-300) d = 1e-300;
    c = b + step / c;
    if (fabs(c) < 1e-300) c = 1e-300;
    d = 1 / d;
    h *= d * c;
    if (fabs(d * c - 1) < 1e-16) break;
  }
  return h * exp(a * log(x) - x - lgamma(a));
}
__device__ inline double igamma_of(double a, double x, bool upper) {
  if (is_nan(a) || is_nan(x) || x < 0 || a < 0) return not_a_number<double>();
  if (a == 0) return x > 0 ? (upper ? 0.0 : 1.0) : not_a_number<double>();
  if (x == 0) return upper ? 1 : 0;
  if (a == infinity<double>()) return x == a ? not_a_number<double>() : upper ? 1 : 0;
  if (x == infinity<double>()) return upper ? 0 : 1;
  if (x < a + 1) {
    const double low = gamma_series(a, x);
    return upper ? 1 - low : low;
  }
  const double high = gamma_fraction(a, x);
  return upper ? high : 1 - high;
}

/// exp(-|x|) I_n(x), n = 0 or 1: directly, and by the asymptotic series (A&S 9.7.1) for large x.
__device__ inline double scaled_i(int n, double x) {
  const double y = fabs(x);
  if (y < 40) return exp(-y) * (n ? cyl_bessel_i1(x) : cyl_bessel_i0(x));
  double term = 1, sum = 1;
  for (int k = 1; k < 20; ++k) {
    term *= -(4. * n * n - (2 * k - 1) * (2 * k - 1)) / (k * 8 * y);
    sum += term;
  }
  sum /= sqrt(2 * WF_PI * y);
  return n && x < 0 ? -sum : sum;
}
/// exp(x) K_nu(x), x > 0: the integral DLMF 10.32.9 by the trapezoid rule, which converges
/// exponentially here.
__device__ inline double scaled_k(double nu, double x) {
  if (is_nan(x) || x < 0) return not_a_number<double>();
  if (x == 0) return infinity<double>();
  if (x == infinity<double>()) return 0;
  const double step = 0.125;
  double sum = 0.5;
  for (int i = 1; i < 8000; ++i) {
    const double t = i * step, half = sinh(t / 2);
    const double drop = 2 * x * half * half;
    const double term = exp(nu * t - drop) / 2 + exp(-nu * t - drop) / 2;
    sum += term;
    if (drop > nu * t + 45) break;
  }
  return sum * step;
}

/// Ai(x): series (DLMF 9.4.1) near zero, K_{1/3} above, the oscillating expansion (9.7.9) below.
__device__ inline double airy_of(double x) {
  if (is_nan(x)) return x;
  if (x == infinity<double>() || x == -infinity<double>()) return 0;
  if (x > 2) {
    const double z = 2. / 3 * x * sqrt(x);
    return exp(-z) * scaled_k(1. / 3, z) * sqrt(x / 3) / WF_PI;
  }
  if (x < -7) {
    const double y = -x, z = 2. / 3 * y * sqrt(y);
    double u = 1, even = 0, odd = 0, power = 1;
    for (int k = 0; k < 14; ++k) {
      const double sign = k / 2 % 2 ? -1 : 1;
      (k % 2 ? odd : even) += sign * u / power;
      u *= (6. * k + 5) * (6. * k + 3) * (6. * k + 1) / (216. * (k + 1) * (2. * k + 1));
      power *= z;
    }
    return (cos(z - WF_PI / 4) * even + sin(z - WF_PI / 4) * odd) / (sqrt(WF_PI) * sqrt(sqrt(y)));
  }
  const double cube = x * x * x;
  double f = 1, g = x, df = 1, dg = x;
  for (int k = 1; k < 60; ++k) {
    df *= cube / ((3. * k) * (3. * k - 1));
    dg *= cube / ((3. * k) * (3. * k + 1));
    f += df;
    g += dg;
  }
  return 0.35502805388781723926 * f - 0.25881940379280679840 * g;
}

__device__ inline double log_ndtr_of(double x) {
  const double t = x * 0.70710678118654752440;
  return x < -1 ? log(erfcx(-t) / 2) - t * t : log1p(-erfc(t) / 2);
}

/// Orthogonal polynomials of degree n by their three-term recurrences.
__device__ inline double chebyshev(double x, long n, double slope, double shift) {
  if (n < 0) return 0;
  if (n == 0) return 1;
  double before = 1, now = slope * x + shift;
  for (long k = 1; k < n; ++k) {
    const double next = 2 * x * now - before;
    before = now;
    now = next;
  }
  return now;
}
__device__ inline double hermite(double x, long n, double slope) {
  if (n < 0) return 0;
  if (n == 0) return 1;
  double before = 1, now = slope * x;
  for (long k = 1; k < n; ++k) {
    const double next = slope * (x * now - k * before);
    before = now;
    now = next;
  }
  return now;
}
__device__ inline double laguerre(double x, long n) {
  if (n < 0) return 0;
  if (n == 0) return 1;
  double before = 1, now = 1 - x;
  for (long k = 1; k < n; ++k) {
    const double next = ((2. * k + 1 - x) * now - k * before) / (k + 1);
    before = now;
    now = next;
  }
  return now;
}
__device__ inline double legendre(double x, long n) {
  if (n < 0) return 0;
  if (n == 0) return 1;
  double before = 1, now = x;
  for (long k = 1; k < n; ++k) {
    const double next = ((2. * k + 1) * x * now - k * before) / (k + 1);
    before = now;
    now = next;
  }
  return now;
}

template <class T>
__device__ inline T log_add(T a, T b) {
  if (a == b && (a == infinity<T>() || a == -infinity<T>())) return a;
  const T most = a < b ? b : a;
  return most + log1p(exp(-fabs(a - b)));
}
template <class T>
__device__ inline T log_add_2(T a, T b) {
  if (a == b && (a == infinity<T>() || a == -infinity<T>())) return a;
  const T most = a < b ? b : a;
  return most + log1p(exp2(-fabs(a - b))) * (T)1.44269504088896340736;
}
template <class T>
__device__ inline T entropy(T a) {
  return is_nan(a) ? a : a > 0 ? -a * log(a) : a == 0 ? (T)0 : -infinity<T>();
}
template <class T>
__device__ inline T common_divisor(T a, T b) {
  a = a < 0 ? -a : a;
  b = b < 0 ? -b : b;
  while (a != 0) {
    const T rest = b % a;
    b = a;
    a = rest;
  }
  return b;
}
template <class T>
__device__ inline T common_multiple(T a, T b) {
  const T divisor = common_divisor(a, b);
  if (divisor == 0) return 0;
  const T result = a / divisor * b;
  return result < 0 ? -result : result;
}
template <class T>
__device__ inline T rounded(T a, long decimals) {
  const T scale = (T)pow(10.0, (double)(decimals < 0 ? -decimals : decimals));
  return decimals < 0 ? rint(a / scale) * scale : rint(a * scale) / scale;
}
template <class T>
__device__ inline T logit_of(T a, double clamp) {
  if (clamp >= 0) {
    const T low = (T)clamp, high = (T)1 - low;
    a = a < low ? low : a > high ? high : a;
  }
  return log(a / ((T)1 - a));
}
/// The next number of a type towards b; 16-bit floats step their own bits.
template <class X>
__device__ inline X next_after(X a, X b) {
  if constexpr (same<X, double>::value || same<X, float>::value) {
    return nextafter(a, b);
  } else {
    const float from = (float)a, to = (float)b;
    if (from != from || to != to) return (X)(from + to);
    if (from == to) return b;
    union { X value; unsigned short bits; } u = {a};
    if (from == 0) u.bits = to < 0 ? 0x8001 : 1;
    else u.bits += (from < to) == (from > 0) ? 1 : -1;
    return u.value;
  }
}

/// The angle of a number: 0 or pi for a real one.
template <class T>
__device__ inline T angle_of(T a) {
  if constexpr (is_complex_v<T>) return T(phase_of(a));
  else return is_nan(a) ? a : a < (T)0 ? (T)WF_PI : (T)0;
}
