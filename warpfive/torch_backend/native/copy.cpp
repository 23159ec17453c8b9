// copy_: between host and device, and on the device with conversion and any strides.
#include <ATen/ATen.h>
#include <ATen/native/Copy.h>
#include <ATen/native/TensorIterator.h>

#include "driver.h"
#include "iterate.h"
#include "stubs.h"

namespace wf::torch_backend {
namespace {

bool is_device(const at::TensorIterator &it, int operand) {
  return it.device_type(operand) == c10::kCUDA;
}

bool same_bits(const at::TensorIterator &it) {
  return it.dtype(0) == it.dtype(1) && it.tensor(0).is_conj() == it.tensor(1).is_conj() &&
         it.tensor(0).is_neg() == it.tensor(1).is_neg();
}

void copy_on_device(at::TensorIterator &it) {
  static const int plain = kernel_number("copy"), negative = kernel_number("copy_negative"),
                   conjugate = kernel_number("copy_conjugate"),
                   both = kernel_number("copy_negative_conjugate");
  if (same_bits(it) && it.is_contiguous()) {
    const auto bytes = static_cast<size_t>(it.numel() * it.element_size(0));
    check(driver.cudaMemcpyAsync(it.data_ptr(0), it.data_ptr(1), bytes, kOnDevice,
                                 current_stream()));
    return;
  }
  const bool flips = it.tensor(0).is_neg() != it.tensor(1).is_neg();
  const bool mirrors = it.tensor(0).is_conj() != it.tensor(1).is_conj();
  pointwise(mirrors ? (flips ? both : conjugate) : (flips ? negative : plain), it, {});
}

/// The same bits, both sides contiguous, one on the host.
void transfer(at::TensorIterator &it, bool non_blocking) {
  const auto bytes = static_cast<size_t>(it.numel() * it.element_size(0));
  const int way = is_device(it, 0) ? kToDevice : kToHost;
  check(driver.cudaMemcpyAsync(it.data_ptr(0), it.data_ptr(1), bytes, way, current_stream()));
  if (!non_blocking) synchronize(current_stream());
}

/// Conversion and gathering happen on the side where the data is: host to host or on the device.
void through_contiguous(at::TensorIterator &it, bool non_blocking) {
  const at::Tensor &to = it.tensor(0);
  const auto type = it.dtype(0);
  at::Tensor from = it.tensor(1).to(type).expand_as(to).contiguous().resolve_conj().resolve_neg();
  const bool direct = to.is_contiguous() && !to.is_conj() && !to.is_neg();
  if (direct) {
    at::Tensor target = to;
    target.copy_(from, non_blocking);
    return;
  }
  at::Tensor moved = at::empty_like(from, from.options().device(to.device()));
  moved.copy_(from, non_blocking && is_device(it, 0));
  at::Tensor target = to;
  target.copy_(moved, non_blocking);
}

void copy(at::TensorIterator &it, bool non_blocking) {
  if (it.numel() == 0) return;
  if (is_device(it, 0) && is_device(it, 1)) return copy_on_device(it);
  TORCH_CHECK(it.device_type(0) == c10::kCPU || it.device_type(1) == c10::kCPU,
              "cannot copy between ", it.device(0), " and ", it.device(1));
  if (same_bits(it) && it.is_contiguous() && !it.tensor(0).is_conj() && !it.tensor(0).is_neg()) {
    return transfer(it, non_blocking);
  }
  through_contiguous(it, non_blocking);
}

}  // namespace

void fill_copy_stub() { at::native::copy_stub.set_cuda_dispatch_ptr(&copy); }

}  // namespace wf::torch_backend
