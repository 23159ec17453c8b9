// torch.ops.warpfive: generated kernels by name, for operators that are written in Python.
#include <ATen/ATen.h>
#include <ATen/native/TensorIterator.h>
#include <torch/library.h>

#include <vector>

#include "iterate.h"

namespace wf::torch_backend {
namespace {

std::vector<Slot> slots_of(at::ArrayRef<at::Scalar> numbers) {
  std::vector<Slot> slots;
  for (const at::Scalar &each : numbers) slots.push_back(slot(each));
  return slots;
}

/// Elementwise over broadcast inputs into `out`, computed in `common` (that of the first input).
void apply(c10::string_view name, at::TensorList out, at::TensorList inputs,
           at::ArrayRef<at::Scalar> numbers, std::optional<at::ScalarType> common) {
  at::TensorIteratorConfig config;
  config.set_check_mem_overlap(true).resize_outputs(false).check_all_same_dtype(false);
  for (const at::Tensor &each : out) config.add_output(each);
  for (const at::Tensor &each : inputs) config.add_const_input(each);
  at::TensorIterator it = config.build();
  if (!common && !inputs.empty()) common = inputs[0].scalar_type();
  pointwise(kernel_number(std::string(name).c_str()), it, slots_of(numbers), common);
}

/// Reduces `self` to `out`, whose reduced dimensions have size 1.
void reduce_to(c10::string_view name, at::TensorList out, const at::Tensor &self,
               at::ArrayRef<at::Scalar> numbers) {
  TORCH_CHECK(out.size() == 1 || out.size() == 2, "a reduction has one result or two");
  at::Tensor first = out[0];
  at::Tensor second = out.size() > 1 ? out[1] : at::Tensor();
  at::TensorIterator it = second.defined() ? at::TensorIterator::reduce_op(first, second, self)
                                           : at::TensorIterator::reduce_op(first, self);
  reduce(kernel_number(std::string(name).c_str()), it, slots_of(numbers));
}

}  // namespace

TORCH_LIBRARY(warpfive, library) {
  library.def(
      "pointwise(str name, Tensor(a!)[] out, Tensor[] inputs, Scalar[] numbers, *, "
      "ScalarType? common=None) -> ()");
  library.def(
      "reduce(str name, Tensor(a!)[] out, Tensor self, Scalar[] numbers) -> ()");
}

TORCH_LIBRARY_IMPL(warpfive, CUDA, library) {
  library.impl("pointwise", &apply);
  library.impl("reduce", &reduce_to);
}

}  // namespace wf::torch_backend
