// gather, scatter and their kin: indexing along one dimension with an index of the full shape.
#include <ATen/ATen.h>
#include <ATen/native/TensorAdvancedIndexing.h>
#include <ATen/native/TensorCompare.h>
#include <ATen/native/TensorIterator.h>

#include "iterate.h"
#include "stubs.h"

namespace wf::torch_backend {
namespace {

/// `self` with the shape of the index, standing still along `dim`.
at::Tensor still(const at::Tensor &self, int64_t dim, const at::Tensor &index) {
  at::DimVector strides(self.strides());
  strides[static_cast<size_t>(dim)] = 0;
  return self.as_strided(index.sizes(), strides);
}

/// One launch over the index: `out[i] = in[i]` with the place along `dim` of one side replaced.
void by_index(const char *name, const at::Tensor &out, const at::Tensor &in,
              const at::Tensor &index, int64_t size, int64_t stride_bytes) {
  at::TensorIteratorConfig config;
  config.set_check_mem_overlap(false).resize_outputs(false).check_all_same_dtype(false);
  config.add_output(out).add_const_input(in).add_const_input(index);
  at::TensorIterator it = config.build();
  const Slot slots[] = {slot(size), slot(stride_bytes)};
  pointwise(kernel_number(name), it, slots);
}

struct Lined {
  at::Tensor self, index;
  int64_t dim, size, stride;
};

/// Scalars count as vectors of one element.
Lined lined(const at::Tensor &self, int64_t dim, const at::Tensor &index) {
  const at::Tensor s = self.dim() ? self : self.unsqueeze(0);
  const at::Tensor i = index.dim() ? index : index.unsqueeze(0);
  dim = at::maybe_wrap_dim(dim, s.dim());
  return {s, i, dim, s.size(dim), s.stride(dim) * s.element_size()};
}

void gather(const at::Tensor &result, const at::Tensor &self, int64_t dim,
            const at::Tensor &index) {
  if (index.numel() == 0) return;
  const Lined l = lined(self, dim, index);
  const at::Tensor out = result.dim() ? result : result.unsqueeze(0);
  by_index("index1", out, still(l.self, l.dim, l.index), l.index, l.size, l.stride);
}

void scatter_with(const char *name, const at::Tensor &self, int64_t dim, const at::Tensor &index,
                  const at::Tensor &src) {
  if (index.numel() == 0) return;
  const Lined l = lined(self, dim, index);
  const at::Tensor from = src.dim() ? src : src.unsqueeze(0);
  const at::Tensor in = from.as_strided(l.index.sizes(), from.strides());
  by_index(name, still(l.self, l.dim, l.index), in, l.index, l.size, l.stride);
}

void scatter(const at::Tensor &self, int64_t dim, const at::Tensor &index,
             const at::Tensor &src) {
  scatter_with("index_put1", self, dim, index, src);
}

void scatter_add(const at::Tensor &self, int64_t dim, const at::Tensor &index,
                 const at::Tensor &src) {
  scatter_with("index_add1", self, dim, index, src);
}

void scatter_fill(const at::Tensor &self, int64_t dim, const at::Tensor &index,
                  const at::Scalar &value) {
  const at::Tensor one = at::scalar_tensor(value, self.options());
  scatter_with("index_put1", self, dim, index, one.expand(index.sizes()));
}

/// Whether each element is among the few others.
void is_in(const at::Tensor &elements, const at::Tensor &others, bool invert,
           const at::Tensor &out) {
  const at::Tensor found = elements.unsqueeze(-1).eq(others.reshape({-1})).any(-1);
  const at::Tensor target = out;
  target.copy_(invert ? found.logical_not() : found);
}

}  // namespace

void fill_gather_stubs() {
  at::native::gather_stub.set_cuda_dispatch_ptr(&gather);
  at::native::scatter_stub.set_cuda_dispatch_ptr(&scatter);
  at::native::scatter_add_stub.set_cuda_dispatch_ptr(&scatter_add);
  at::native::scatter_fill_stub.set_cuda_dispatch_ptr(&scatter_fill);
  at::native::isin_default_stub.set_cuda_dispatch_ptr(&is_in);
}

}  // namespace wf::torch_backend
