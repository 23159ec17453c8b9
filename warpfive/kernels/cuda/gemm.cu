// Products of two matrices of one type.
#include "gemm_panel.cuh"

namespace wfk {

template <class T>
static void either_way(const wfk_gemm_args &g, cudaStream_t stream) {
  if (g.a.cs == 1) turn_or_not<T, T, false, false>(g, stream);
  else turn_or_not<T, T, true, false>(g, stream);
}

wfk_status same_types(const wfk_gemm_args &g, cudaStream_t stream) {
  switch (g.a.type) {
    case WFK_F64: either_way<double>(g, stream); break;
    case WFK_F32: either_way<float>(g, stream); break;
    case WFK_BF16: either_way<__nv_bfloat16>(g, stream); break;
    default: either_way<__half>(g, stream);
  }
  return launched("gemm");
}

}  // namespace wfk
