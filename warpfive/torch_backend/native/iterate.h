// What a TensorIterator asks for, as one launch of a generated kernel.
#pragma once
#include <ATen/TensorIterator.h>

#include <optional>

#include "slots.h"

namespace wf::torch_backend {

using Slots = c10::ArrayRef<Slot>;

/// Number of a kernel's name in descriptions; the same name has the same number.
int kernel_number(const char *name);

/// Elementwise: every output element from the input elements at its place.
/// It is computed in `common`, by default the type that the iterator settled on.
void pointwise(int name, at::TensorIteratorBase &iterator, Slots slots,
               std::optional<at::ScalarType> common = {});

/// Outputs with stride 0 where a dimension is reduced.
void reduce(int name, at::TensorIteratorBase &iterator, Slots slots);

}  // namespace wf::torch_backend
