// Floats of 8 bits: kept as bytes, computed in float, rounded where they are stored. As in PyTorch,
// what is too great becomes the greatest number (e4m3) or infinity (e5m2).
#include <cuda_fp8.h>

template <__nv_fp8_interpretation_t form>
struct float8 {
  static constexpr __nv_saturation_t kLarge = form == __NV_E4M3 ? __NV_SATFINITE : __NV_NOSAT;
  unsigned char bits;
  float8() = default;
  template <class T>
  __device__ float8(T value) : bits(__nv_cvt_float_to_fp8((float)value, kLarge, form)) {}
  __device__ operator float() const {
    return form == __NV_E4M3 ? __wf_e4m3_to_float(bits) : __wf_e5m2_to_float(bits);
  }
};
typedef float8<__NV_E4M3> float8_e4m3;
typedef float8<__NV_E5M2> float8_e5m2;

template <__nv_fp8_interpretation_t form> struct math_of<float8<form>> { typedef float type; };
template <__nv_fp8_interpretation_t form> struct is_real<float8<form>> {
  static constexpr bool value = true;
};
