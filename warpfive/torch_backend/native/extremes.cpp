// Least and greatest, along a dimension with their places, or over everything.
#include <ATen/ATen.h>
#include <ATen/native/ReduceAllOps.h>
#include <ATen/native/ReduceOps.h>
#include <ATen/native/TensorCompare.h>
#include <ATen/native/TensorIterator.h>

#include "iterate.h"
#include "stubs.h"

namespace wf::torch_backend {
namespace {

void along(const char *name, const at::Tensor &values, const at::Tensor &places,
           const at::Tensor &self, int64_t dim, bool keep) {
  at::Tensor v = keep ? values : values.unsqueeze(dim);
  at::Tensor p = keep ? places : places.unsqueeze(dim);
  at::TensorIterator it = at::TensorIterator::reduce_op(v, p, self);
  reduce(kernel_number(name), it, {});
}

void greatest(const at::Tensor &values, const at::Tensor &places, const at::Tensor &self,
              int64_t dim, bool keep) {
  along("max_with_place", values, places, self, dim, keep);
}

void least(const at::Tensor &values, const at::Tensor &places, const at::Tensor &self,
           int64_t dim, bool keep) {
  along("min_with_place", values, places, self, dim, keep);
}

void over_all(const char *name, const at::Tensor &out, const at::Tensor &self) {
  const std::vector<int64_t> ones(static_cast<size_t>(self.dim()), 1);
  at::Tensor result = out.view(ones);
  at::TensorIterator it = at::TensorIterator::reduce_op(result, self);
  reduce(kernel_number(name), it, {});
}

void greatest_of_all(at::Tensor &out, const at::Tensor &self) {
  over_all("max_values", out, self);
}

void least_of_all(at::Tensor &out, const at::Tensor &self) { over_all("min_values", out, self); }

void both(const at::Tensor &self, int64_t dim, bool keep, at::Tensor &low, at::Tensor &high) {
  at::amin_out(low, self, dim, keep);
  at::amax_out(high, self, dim, keep);
}

void both_of_all(const at::Tensor &self, at::Tensor &low, at::Tensor &high) {
  low.resize_({});
  high.resize_({});
  over_all("min_values", low, self);
  over_all("max_values", high, self);
}

}  // namespace

void fill_extreme_stubs() {
  at::native::max_stub.set_cuda_dispatch_ptr(&greatest);
  at::native::min_stub.set_cuda_dispatch_ptr(&least);
  at::native::max_all_stub.set_cuda_dispatch_ptr(&greatest_of_all);
  at::native::min_all_stub.set_cuda_dispatch_ptr(&least_of_all);
  at::native::aminmax_stub.set_cuda_dispatch_ptr(&both);
  at::native::aminmax_allreduce_stub.set_cuda_dispatch_ptr(&both_of_all);
}

}  // namespace wf::torch_backend
