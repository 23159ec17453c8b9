// Operators that make, resize or read storages; they run no kernel.
#include <ATen/ATen.h>
#include <ATen/EmptyTensor.h>
#include <ATen/native/Resize.h>
#include <ATen/native/ResizeCommon.h>
#include <torch/library.h>

#include "allocator.h"
#include "driver.h"

namespace wf::torch_backend {
namespace {

constexpr c10::DispatchKeySet kKeys(c10::DispatchKey::CUDA);

void require(std::optional<c10::Device> device, std::optional<c10::Layout> layout,
             std::optional<bool> pin_memory) {
  TORCH_CHECK(!pin_memory.value_or(false), "Only dense CPU tensors can be pinned");
  TORCH_CHECK(layout.value_or(at::kStrided) == at::kStrided, "expected a strided tensor, not ",
              layout.value_or(at::kStrided));
  TORCH_CHECK(!device || device->index() <= 0, "there is one chip, cuda:0; there is no ",
              device.value_or(c10::Device(c10::kCUDA)));
}

at::Tensor empty(c10::SymIntArrayRef size, std::optional<c10::ScalarType> dtype,
                 std::optional<c10::Layout> layout, std::optional<c10::Device> device,
                 std::optional<bool> pin_memory, std::optional<c10::MemoryFormat> format) {
  require(device, layout, pin_memory);
  return at::detail::empty_generic(C10_AS_INTARRAYREF_SLOW(size), device_allocator(), kKeys,
                                   c10::dtype_or_default(dtype), format);
}

at::Tensor empty_strided(c10::SymIntArrayRef size, c10::SymIntArrayRef stride,
                         std::optional<c10::ScalarType> dtype, std::optional<c10::Layout> layout,
                         std::optional<c10::Device> device, std::optional<bool> pin_memory) {
  require(device, layout, pin_memory);
  return at::detail::empty_strided_generic(C10_AS_INTARRAYREF_SLOW(size),
                                           C10_AS_INTARRAYREF_SLOW(stride), device_allocator(),
                                           kKeys, c10::dtype_or_default(dtype));
}

void resize_storage(c10::StorageImpl *storage, size_t bytes) {
  TORCH_CHECK(storage->resizable(), "Trying to resize storage that is not resizable");
  c10::DataPtr data = device_allocator()->allocate(bytes);
  const size_t kept = std::min(bytes, storage->nbytes());
  if (kept) {
    check(driver.cudaMemcpyAsync(data.get(), storage->data(), kept, kOnDevice, current_stream()));
  }
  storage->set_data_ptr_noswap(std::move(data));
  storage->set_nbytes(bytes);
}

void grow(c10::TensorImpl *self, size_t bytes) {
  if (self->numel() == 0) return;
  const c10::Storage &storage = self->unsafe_storage();
  TORCH_CHECK(storage, "a tensor without storage cannot be resized");
  if (bytes > storage.nbytes()) resize_storage(storage.unsafeGetStorageImpl(), bytes);
}

const at::Tensor &resize(const at::Tensor &self, c10::SymIntArrayRef given,
                         std::optional<c10::MemoryFormat> format) {
  const auto size = C10_AS_INTARRAYREF_SLOW(given);
  auto *impl = self.unsafeGetTensorImpl();
  if (self.sizes() != size) {
    impl->generic_set_sizes_contiguous(size);
    grow(impl, at::detail::computeStorageNbytesContiguous(
                   size, self.dtype().itemsize(), static_cast<size_t>(self.storage_offset())));
  }
  if (format) {
    TORCH_CHECK(*format != c10::MemoryFormat::Preserve, "Unsupported memory format ", *format);
    impl->empty_tensor_restride(*format);
  }
  return self;
}

at::Tensor &set_storage(at::Tensor &self, c10::Storage storage, c10::SymInt offset,
                        c10::SymIntArrayRef size, c10::SymIntArrayRef stride) {
  const auto sizes = C10_AS_INTARRAYREF_SLOW(size);
  const auto strides = C10_AS_INTARRAYREF_SLOW(stride);
  const auto start = offset.guard_int(__FILE__, __LINE__);
  at::native::checkSetStorage(self, std::move(storage), start, sizes, strides);
  auto *impl = self.unsafeGetTensorImpl();
  impl->set_storage_offset(start);
  if (strides.data()) {
    impl->set_sizes_and_strides(sizes, strides);
    grow(impl, at::detail::computeStorageNbytes(sizes, strides, self.dtype().itemsize(),
                                                static_cast<size_t>(start)));
  } else {
    impl->generic_set_sizes_contiguous(sizes);
    grow(impl, at::detail::computeStorageNbytesContiguous(sizes, self.dtype().itemsize(),
                                                          static_cast<size_t>(start)));
  }
  return self;
}

at::Tensor &set_empty(at::Tensor &self) {
  c10::Storage storage(c10::Storage::use_byte_size_t(), 0, device_allocator()->allocate(0),
                       device_allocator(), true);
  return self.set_(std::move(storage), 0, {0}, {1});
}

c10::Scalar local_scalar(const at::Tensor &self) {
  at::Tensor host = at::empty({}, self.options().device(at::kCPU));
  check(driver.cudaMemcpyAsync(host.mutable_data_ptr(), self.const_data_ptr(),
                               static_cast<size_t>(self.element_size()), kToHost,
                               current_stream()));
  synchronize(current_stream());
  return host.item();
}

void record(at::Tensor &self, c10::Stream stream) {
  record_stream(self.storage().data(), reinterpret_cast<void *>(stream.id()));
}

at::Tensor copy_and_resize(const at::Tensor &from, const at::Tensor &to) {
  return const_cast<at::Tensor &>(to.resize_(from.sizes())).copy_(from);
}

}  // namespace

TORCH_LIBRARY_IMPL(aten, CUDA, library) {
  library.impl("empty.memory_format", &empty);
  library.impl("empty_strided", &empty_strided);
  library.impl("resize_", &resize);
  library.impl("set_.source_Storage_storage_offset", &set_storage);
  library.impl("set_", &set_empty);
  library.impl("_local_scalar_dense", &local_scalar);
  library.impl("record_stream", &record);
  library.impl("_copy_from_and_resize", &copy_and_resize);
}

}  // namespace wf::torch_backend
