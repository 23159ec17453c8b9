// cat: a copy of each part to its place, without Python in between.
#include <ATen/ATen.h>
#include <ATen/WrapDimUtils.h>
#include <torch/library.h>

#include <vector>

namespace wf::torch_backend {
namespace {

/// Empty vectors count for nothing, whatever the others' dimensions are: an old rule of torch.
at::Tensor &cat(const at::ITensorListRef &tensors, int64_t dim, at::Tensor &out) {
  std::vector<at::Tensor> parts;
  for (const at::Tensor &each : tensors) {
    if (each.dim() != 1 || each.numel()) parts.push_back(each);
  }
  if (parts.empty()) return out;
  dim = at::maybe_wrap_dim(dim, parts[0].dim());
  at::DimVector shape(parts[0].sizes());
  int64_t &length = shape[static_cast<size_t>(dim)];
  length = 0;
  for (const at::Tensor &each : parts) length += each.size(dim);
  if (out.sizes() != at::IntArrayRef(shape)) out.resize_(shape);
  int64_t place = 0;
  for (const at::Tensor &each : parts) {
    out.narrow(dim, place, each.size(dim)).copy_(each);
    place += each.size(dim);
  }
  return out;
}

}  // namespace

TORCH_LIBRARY_IMPL(aten, CUDA, library) { library.impl("cat.out", &cat); }

}  // namespace wf::torch_backend
