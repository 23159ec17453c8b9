// Sums of tensors by coefficients, which torch's matrix exponential asks for.
#include <ATen/ATen.h>
#include <ATen/native/FunctionOfAMatrixUtils.h>
#include <ATen/native/TensorIterator.h>

#include "stubs.h"

namespace wf::torch_backend {
namespace {

/// The tensor one step of `stride` elements further on, `steps` times.
at::Tensor moved(const at::Tensor &tensor, int64_t stride, int64_t steps) {
  return tensor.as_strided(tensor.sizes(), tensor.strides(),
                           tensor.storage_offset() + stride * steps);
}

void combine(at::TensorIterator &it, int64_t in_stride, int64_t factor_stride, int64_t terms) {
  at::Tensor out = it.tensor(0);
  const at::Tensor in = it.tensor(1), factor = it.tensor(2);
  for (int64_t i = 0; i < terms; ++i)
    out.addcmul_(moved(in, in_stride, i), moved(factor, factor_stride, i));
}

}  // namespace

void fill_combination_stub() {
  at::native::_compute_linear_combination_stub.set_cuda_dispatch_ptr(&combine);
}

}  // namespace wf::torch_backend
