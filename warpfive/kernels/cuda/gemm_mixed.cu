// Products with quantised operands. A lies by rows.
#include "gemm_panel.cuh"

namespace wfk {

template <class A>
static void weights(const wfk_gemm_args &g, cudaStream_t stream) {
  switch (g.b.type) {
    case WFK_I8: return turn_or_not<A, signed char, false, true>(g, stream);
    case WFK_U8: return turn_or_not<A, unsigned char, false, true>(g, stream);
    case WFK_F8E4M3: return turn_or_not<A, F8E4M3, false, true>(g, stream);
    case WFK_F8E5M2: return turn_or_not<A, F8E5M2, false, true>(g, stream);
    case WFK_I4: return turn_or_not<A, I4, false, true>(g, stream);
    default: return turn_or_not<A, U4, false, true>(g, stream);
  }
}

template <class A>
static void eighths(const wfk_gemm_args &g, cudaStream_t stream) {
  if (g.b.type == WFK_F8E4M3) turn_or_not<A, F8E4M3, false, true>(g, stream);
  else turn_or_not<A, F8E5M2, false, true>(g, stream);
}

wfk_status mixed_types(const wfk_gemm_args &g, cudaStream_t stream) {
  switch (g.a.type) {
    case WFK_F32: weights<float>(g, stream); break;
    case WFK_BF16: weights<__nv_bfloat16>(g, stream); break;
    case WFK_F16: weights<__half>(g, stream); break;
    case WFK_I8: turn_or_not<signed char, signed char, false, false>(g, stream); break;
    case WFK_F8E4M3: eighths<F8E4M3>(g, stream); break;
    default: eighths<F8E5M2>(g, stream);
  }
  return launched("gemm");
}

}  // namespace wfk
