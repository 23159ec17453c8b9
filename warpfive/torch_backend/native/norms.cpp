// Vector norms: which reduction a power asks for.
#include <ATen/native/IndexKernel.h>
#include <ATen/native/ReduceOps.h>
#include <ATen/native/TensorIterator.h>

#include <cmath>

#include "iterate.h"
#include "stubs.h"

namespace wf::torch_backend {
namespace {

const char *reduction_for(double power) {
  if (power == 0) return "norm_zero";
  if (power == 1) return "norm_one";
  if (power == 2) return "norm_two";
  if (std::isinf(power)) return power > 0 ? "norm_greatest" : "norm_least";
  return "norm_power";
}

void norm(at::TensorIterator &iterator, const c10::Scalar &power) {
  const double p = power.toDouble();
  const Slot slots[] = {slot(p)};
  reduce(kernel_number(reduction_for(p)), iterator, slots);
}

/// The iterator's strides already run the other way.
void flip(at::TensorIterator &iterator, bool) { pointwise(kernel_number("copy"), iterator, {}); }

}  // namespace

void fill_norm_stubs() {
  at::native::norm_stub.set_cuda_dispatch_ptr(&norm);
  at::native::flip_stub.set_cuda_dispatch_ptr(&flip);
}

}  // namespace wf::torch_backend
