// Matrix products by the kernel library.
#pragma once

namespace wf::torch_backend {

/// Entry points of `libwarpfive_kernels.so`: wfk_gemm and wfk_error.
struct Products {
  void *gemm = nullptr, *error = nullptr;
};

/// How the library is found, once it is needed; both stay null where it cannot be.
void find_products(void (*function)(Products *));

}  // namespace wf::torch_backend
