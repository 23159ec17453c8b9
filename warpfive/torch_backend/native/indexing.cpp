// Reading and writing by index tensors: torch prepares an iterator, a kernel follows the indices.
#include <ATen/ATen.h>
#include <ATen/ExpandUtils.h>
#include <ATen/native/IndexKernel.h>
#include <ATen/native/IndexingUtils.h>
#include <ATen/native/TensorAdvancedIndexing.h>
#include <ATen/native/TensorIterator.h>

#include "iterate.h"
#include "stubs.h"

namespace wf::torch_backend {
namespace {

constexpr size_t kMost = 4;  // index tensors of one call

/// Sizes and byte strides of the indexed dimensions, then what the kernel's formula expects.
void with_indices(const char *name, at::TensorIteratorBase &it, at::IntArrayRef sizes,
                  at::IntArrayRef strides) {
  TORCH_CHECK(sizes.size() <= kMost, "more than ", kMost, " index tensors in one call");
  Slot slots[2 * kMost];
  for (size_t i = 0; i < sizes.size(); ++i) {
    slots[2 * i] = slot(sizes[i]);
    slots[2 * i + 1] = slot(strides[i]);
  }
  const int number = kernel_number((std::string(name) + std::to_string(sizes.size())).c_str());
  pointwise(number, it, {slots, 2 * sizes.size()});
}

void index(at::TensorIteratorBase &it, at::IntArrayRef sizes, at::IntArrayRef strides) {
  with_indices("index", it, sizes, strides);
}

void index_put(at::TensorIterator &it, at::IntArrayRef sizes, at::IntArrayRef strides,
               bool accumulate) {
  with_indices(accumulate ? "index_add" : "index_put", it, sizes, strides);
}

/// Indices as torch takes them apart: masks become positions, all have one shape, and the
/// dimensions they name stand together.
struct Indexed {
  at::Tensor target;  // self with the index's shape, stride 0, where the dimensions were
  std::vector<at::Tensor> indices;
  at::DimVector sizes, strides;
};

Indexed take_apart(at::Tensor self, const c10::List<std::optional<at::Tensor>> &given) {
  auto indices = at::native::expandTensors(self, given, true);
  indices = at::expand_outplace(indices);
  while (indices.size() < static_cast<size_t>(self.dim())) indices.emplace_back();
  if (!at::native::hasContiguousSubspace(indices)) {
    std::tie(self, indices) = at::native::transposeToFront(self, indices);
  }
  Indexed out;
  int64_t before = 0, after = 0;
  at::IntArrayRef shape;
  for (size_t dim = 0; dim < indices.size(); ++dim) {
    const auto axis = static_cast<int64_t>(dim);
    if (indices[dim].defined()) {
      shape = indices[dim].sizes();
      out.sizes.push_back(self.size(axis));
      out.strides.push_back(self.stride(axis) * self.element_size());
    } else {
      ++(out.sizes.empty() ? before : after);
    }
  }
  at::DimVector sizes(self.sizes()), strides(self.strides());
  const auto place = sizes.begin() + before, end = sizes.end() - after;
  const auto splace = strides.begin() + before, send = strides.end() - after;
  sizes.erase(place, end);
  sizes.insert(sizes.begin() + before, shape.begin(), shape.end());
  strides.erase(splace, send);
  strides.insert(strides.begin() + before, shape.size(), 0);
  out.target = self.as_strided(sizes, strides);
  for (const at::Tensor &each : indices) {
    if (!each.defined()) continue;
    at::DimVector full(static_cast<size_t>(before), 1);
    full.append(each.sizes().begin(), each.sizes().end());
    full.append(static_cast<size_t>(after), 1);
    out.indices.push_back(each.to(at::kLong).reshape(full));
  }
  return out;
}

/// The operator of scatter type: several index tuples may name one element.
void index_put_with_sort(at::Tensor &self, const c10::List<std::optional<at::Tensor>> &indices,
                         const at::Tensor &value, bool accumulate, bool) {
  const Indexed parts = take_apart(self, indices);
  const at::Tensor values = value.to(self.scalar_type()).expand_as(parts.target);
  at::TensorIteratorConfig config;
  config.set_check_mem_overlap(false).resize_outputs(false).check_all_same_dtype(false);
  config.add_output(parts.target).add_const_input(values);
  for (const at::Tensor &each : parts.indices) config.add_const_input(each);
  at::TensorIterator it = config.build();
  index_put(it, parts.sizes, parts.strides, accumulate);
}

}  // namespace

void fill_index_stubs() {
  at::native::index_put_with_sort_stub.set_cuda_dispatch_ptr(&index_put_with_sort);
  at::native::index_stub.set_cuda_dispatch_ptr(&index);
  at::native::index_put_stub.set_cuda_dispatch_ptr(&index_put);
}

}  // namespace wf::torch_backend
