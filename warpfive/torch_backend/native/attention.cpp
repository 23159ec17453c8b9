// Which way scaled_dot_product_attention goes: through the kernel library's one kernel, or, where
// that does not serve, through products and a softmax.
#include <ATen/ATen.h>
#include <ATen/native/transformers/attention.h>
#include <ATen/native/transformers/sdp_utils_cpp.h>

#include "stubs.h"

namespace wf::torch_backend {
namespace {

constexpr int64_t kLargestHead = 256;

bool served(const at::Tensor &tensor, const at::Tensor &query) {
  return tensor.dim() == 4 && tensor.scalar_type() == query.scalar_type() &&
         tensor.sym_size(3) == query.sym_size(3) && tensor.sym_stride(3) == 1 &&
         !(tensor.requires_grad() && at::GradMode::is_enabled());
}

int64_t choose(const at::Tensor &query, const at::Tensor &key, const at::Tensor &value,
               const std::optional<at::Tensor> &, double dropout, bool, std::optional<double>,
               bool) {
  const auto type = query.scalar_type();
  const bool typed = type == at::kFloat || type == at::kHalf || type == at::kBFloat16;
  const bool one = typed && dropout == 0.0 && served(query, query) && served(key, query) &&
                   served(value, query) && query.sym_size(3) <= kLargestHead &&
                   query.sym_size(1) % key.sym_size(1) == 0;
  return static_cast<int64_t>(one ? sdp::SDPBackend::overrideable : sdp::SDPBackend::math);
}

}  // namespace

void fill_attention_stub() {
  at::native::_fused_sdp_choice_stub.set_cuda_dispatch_ptr(&choose);
}

}  // namespace wf::torch_backend
