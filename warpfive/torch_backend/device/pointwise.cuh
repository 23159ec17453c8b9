// Scalar functions that PyTorch's elementwise operators need and C++ does not have.

template <class T>
__device__ inline T maximum_of(T a, T b) {
  return is_nan(a) ? a : is_nan(b) ? b : a < b ? b : a;
}
template <class T>
__device__ inline T minimum_of(T a, T b) {
  return is_nan(a) ? a : is_nan(b) ? b : b < a ? b : a;
}

template <class T>
__device__ inline T divided_down(T a, T b) {
  if constexpr (is_real<T>::value) {
    if (b == 0) return a / b;
    T rest = fmod(a, b);
    T quotient = (a - rest) / b;
    if (rest != 0 && (b < 0) != (rest < 0)) quotient -= 1;
    if (quotient == 0) return copysign((T)0, a / b);
    T whole = floor(quotient);
    return quotient - whole > (T)0.5 ? whole + 1 : whole;
  } else {
    if (b == 0) return (T)0;
    T quotient = a / b;
    return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
  }
}
template <class T>
__device__ inline T divided_short(T a, T b) {
  if constexpr (is_real<T>::value) return trunc(a / b);
  else return b == 0 ? (T)0 : a / b;
}
/// The rest with the sign of the divisor.
template <class T>
__device__ inline T rest_down(T a, T b) {
  if constexpr (is_real<T>::value) {
    T rest = fmod(a, b);
    return rest != 0 && (b < 0) != (rest < 0) ? rest + b : rest;
  } else {
    if (b == 0) return (T)0;
    T rest = a % b;
    return rest != 0 && (b < 0) != (rest < 0) ? rest + b : rest;
  }
}
/// The rest with the sign of the dividend.
template <class T>
__device__ inline T rest_short(T a, T b) {
  if constexpr (is_real<T>::value) return fmod(a, b);
  else return b == 0 ? (T)0 : a % b;
}

template <class T>
__device__ inline T power(T a, T b) {
  if constexpr (is_real<T>::value || is_complex_v<T>) {
    return pow(a, b);
  } else {
    if (b < 0) return a == 1 ? (T)1 : a == (T)-1 ? (b % 2 ? (T)-1 : (T)1) : (T)0;
    T result = 1;
    for (; b; b >>= 1, a *= a) {
      if (b & 1) result *= a;
    }
    return result;
  }
}

template <class T>
__device__ inline T absolute(T a) {
  if constexpr (is_real<T>::value) return fabs(a);
  else if constexpr (same<T, bool>::value) return a;
  else return a < 0 ? -a : a;
}
template <class T>
__device__ inline T flipped(T a) {
  if constexpr (same<T, bool>::value) return !a;
  else return (T)~a;
}
template <class T>
__device__ inline T sign_of(T a) {
  return (T)((a > (T)0) - (a < (T)0));
}
template <class T> __device__ inline T logistic(T a) { return (T)1 / ((T)1 + exp(-a)); }

template <class T>
__device__ inline T gelu_exact(T a) {
  return a * (T)0.5 * ((T)1 + erf(a * (T)0.70710678118654752440));
}
template <class T>
__device__ inline T gelu_tanh(T a) {
  const T inner = (T)0.79788456080286535588 * (a + (T)0.044715 * a * a * a);
  return (T)0.5 * a * ((T)1 + tanh(inner));
}

/// The greatest finite value of a float type, as the type it is computed in.
template <class T> __device__ inline math_t<T> limit_of() {
  if constexpr (same<T, double>::value) return 1.7976931348623157e308;
  else if constexpr (same<T, _Float16>::value) return 65504.0f;
  else if constexpr (same<T, __bf16>::value) return 3.3895313892515355e38f;
  else return (math_t<T>)3.4028234663852886e38;
}
