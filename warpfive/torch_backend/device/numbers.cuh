// Element types of tensors on the chip: how they are held in memory, and what they are computed in.

/// A number passed by value, in every form; written by native/slots.h.
struct Slot {
  double real, imaginary;
  long whole;
};

/// What a type is computed in: 16-bit floats in float, all others in themselves.
template <class T> struct math_of { typedef T type; };
template <> struct math_of<_Float16> { typedef float type; };
template <> struct math_of<__bf16> { typedef float type; };
template <class T> using math_t = typename math_of<T>::type;

template <class T> struct is_real { static constexpr bool value = false; };
template <> struct is_real<float> { static constexpr bool value = true; };
template <> struct is_real<double> { static constexpr bool value = true; };
template <> struct is_real<_Float16> { static constexpr bool value = true; };
template <> struct is_real<__bf16> { static constexpr bool value = true; };
template <class A, class B> struct same { static constexpr bool value = false; };
template <class A> struct same<A, A> { static constexpr bool value = true; };
template <class T> constexpr bool is_complex_v = false;

/// Conversion as the host does it: a float that an integer cannot hold goes by way of long.
template <class To, class From>
__device__ inline To to(From value) {
  if constexpr (same<To, From>::value) {
    return value;
  } else if constexpr (is_complex_v<From> && !is_complex_v<To>) {
    if constexpr (same<To, bool>::value) return value.re != 0 || value.im != 0;
    else return to<To>(value.re);
  } else if constexpr (same<To, bool>::value) {
    return value != (From)0;
  } else if constexpr (same<From, _Float16>::value || same<From, __bf16>::value) {
    return to<To>((float)value);
  } else if constexpr (is_real<From>::value && !is_real<To>::value && !is_complex_v<To>) {
    if constexpr (sizeof(To) < 8) return (To)(long)value;
    else return (To)value;
  } else if constexpr (!is_real<From>::value && !is_complex_v<From> &&
                       (same<To, _Float16>::value || same<To, __bf16>::value)) {
    return (To)(float)value;
  } else {
    return (To)value;
  }
}

/// The slot's number as a type to compute in.
template <class T>
__device__ inline T number(const Slot &slot) {
  if constexpr (is_complex_v<T>) return T(slot.real, slot.imaginary);
  else if constexpr (is_real<T>::value) return to<T>(slot.real);
  else return to<T>(slot.whole);
}

template <class T> __device__ inline T infinity() { return (T)__builtin_inf(); }
template <class T> __device__ inline T not_a_number() { return (T)__builtin_nan(""); }

/// Least and greatest values of a type; infinities for floats.
template <class T>
__device__ inline T lowest() {
  if constexpr (is_real<T>::value) return -infinity<T>();
  else if constexpr (same<T, bool>::value) return false;
  else if constexpr ((T)-1 > (T)0) return (T)0;
  else return (T)((unsigned long)1 << (sizeof(T) * 8 - 1));
}
template <class T>
__device__ inline T greatest() {
  if constexpr (is_real<T>::value) return infinity<T>();
  else if constexpr (same<T, bool>::value) return true;
  else return (T)~lowest<T>();
}

template <class T>
__device__ inline bool is_nan(T value) {
  if constexpr (is_real<T>::value) return value != value;
  else return false;
}
