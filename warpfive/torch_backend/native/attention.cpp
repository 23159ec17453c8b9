// Which way scaled_dot_product_attention goes.
#include <ATen/ATen.h>
#include <ATen/native/transformers/attention.h>
#include <ATen/native/transformers/sdp_utils_cpp.h>

#include "stubs.h"

namespace wf::torch_backend {
namespace {

int64_t choose(const at::Tensor &, const at::Tensor &, const at::Tensor &,
               const std::optional<at::Tensor> &, double, bool, std::optional<double>, bool) {
  return static_cast<int64_t>(sdp::SDPBackend::math);
}

}  // namespace

void fill_attention_stub() {
  at::native::_fused_sdp_choice_stub.set_cuda_dispatch_ptr(&choose);
}

}  // namespace wf::torch_backend
