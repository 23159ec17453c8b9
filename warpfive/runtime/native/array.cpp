// CUDA arrays: pitched device memory with an element format.
#include <unordered_set>

#include "../../chip/native/device.h"
#include "copy.h"
#include "errors.h"
#include "memory.h"
#include "stream.h"

namespace wf::rt {
namespace {

std::unordered_set<const cudaArray *> &live_arrays() {
  static auto *arrays = new std::unordered_set<const cudaArray *>;
  return *arrays;
}

bool is_array(const cudaArray *array) {
  std::lock_guard lock(streams_mutex());
  return live_arrays().contains(array);
}

size_t at_least_one(size_t count) { return count ? count : 1; }

cudaError_t make_array(cudaArray_t *out, const cudaChannelFormatDesc *format, cudaExtent extent,
                       unsigned flags) {
  if (!out || !format || extent.width == 0) return cudaErrorInvalidValue;
  size_t bits = format->x + format->y + format->z + format->w;
  if (bits == 0 || bits % 8) return cudaErrorInvalidChannelDescriptor;
  size_t element = bits / 8;
  size_t pitch = (extent.width * element + kPitchAlign - 1) / kPitchAlign * kPitchAlign;
  size_t slice = pitch * at_least_one(extent.height);
  uint64_t data = memory::alloc(slice * at_least_one(extent.depth));
  if (!data) return cudaErrorMemoryAllocation;
  *out = new cudaArray{*format, extent, flags, element, pitch, slice,
                       reinterpret_cast<char *>(data)};
  std::lock_guard lock(streams_mutex());
  live_arrays().insert(*out);
  return cudaSuccess;
}

Box to_array(const cudaArray *array, size_t x, size_t y, size_t width, size_t height) {
  Box box;
  box.dst = array->data + x + y * array->pitch;
  box.dst_pitch = array->pitch;
  box.width = width;
  box.height = height;
  return box;
}

Box from_array(const cudaArray *array, size_t x, size_t y, size_t width, size_t height) {
  Box box;
  box.src = array->data + x + y * array->pitch;
  box.src_pitch = array->pitch;
  box.width = width;
  box.height = height;
  return box;
}

/// Copies `bytes` bytes row by row, as cudaMemcpyToArray and its twin do.
cudaError_t copy_rows(const cudaArray *array, size_t x, size_t y, char *linear, size_t bytes,
                      cudaMemcpyKind kind, bool to) {
  size_t row = array->extent.width * array->element_bytes;
  while (bytes > 0) {
    size_t part = std::min(bytes, row - x);
    Box box = to ? to_array(array, x, y, part, 1) : from_array(array, x, y, part, 1);
    (to ? box.src_pitch : box.dst_pitch) = part;
    if (to) box.src = linear;
    else box.dst = linear;
    if (cudaError_t code = copy(box, kind, nullptr, false)) return code;
    linear += part;
    bytes -= part;
    x = 0;
    y++;
  }
  return cudaSuccess;
}

}  // namespace
}  // namespace wf::rt

using namespace wf::rt;

extern "C" {

cudaChannelFormatDesc cudaCreateChannelDesc(int x, int y, int z, int w, cudaChannelFormatKind f) {
  return {x, y, z, w, f};
}

cudaError_t cudaMalloc3DArray(cudaArray_t *out, const cudaChannelFormatDesc *format,
                              cudaExtent extent, unsigned flags) {
  return note(make_array(out, format, extent, flags));
}

cudaError_t cudaMallocArray(cudaArray_t *out, const cudaChannelFormatDesc *format, size_t width,
                            size_t height, unsigned flags) {
  return note(make_array(out, format, {width, height, 0}, flags));
}

cudaError_t cudaFreeArray(cudaArray_t array) {
  if (!array) return cudaSuccess;
  if (!is_array(array)) return note(cudaErrorInvalidResourceHandle);
  sync_device();
  wf::memory::free(address(array->data));
  std::lock_guard lock(streams_mutex());
  live_arrays().erase(array);
  delete array;
  return cudaSuccess;
}

cudaError_t cudaArrayGetInfo(cudaChannelFormatDesc *format, cudaExtent *extent, unsigned *flags,
                             cudaArray_t array) {
  if (!is_array(array)) return note(cudaErrorInvalidResourceHandle);
  if (format) *format = array->format;
  if (extent) *extent = array->extent;
  if (flags) *flags = array->flags;
  return cudaSuccess;
}

cudaError_t cudaGetChannelDesc(cudaChannelFormatDesc *format, cudaArray_const_t array) {
  if (!format) return note(cudaErrorInvalidValue);
  if (!is_array(array)) return note(cudaErrorInvalidResourceHandle);
  *format = array->format;
  return cudaSuccess;
}

cudaError_t cudaMemcpy2DToArray(cudaArray_t dst, size_t x, size_t y, const void *src,
                                size_t pitch, size_t width, size_t height, cudaMemcpyKind kind) {
  if (!is_array(dst)) return note(cudaErrorInvalidResourceHandle);
  Box box = to_array(dst, x, y, width, height);
  box.src = static_cast<const char *>(src);
  box.src_pitch = pitch;
  return note(copy(box, kind, nullptr, false));
}

cudaError_t cudaMemcpy2DFromArray(void *dst, size_t pitch, cudaArray_const_t src, size_t x,
                                  size_t y, size_t width, size_t height, cudaMemcpyKind kind) {
  if (!is_array(src)) return note(cudaErrorInvalidResourceHandle);
  Box box = from_array(src, x, y, width, height);
  box.dst = static_cast<char *>(dst);
  box.dst_pitch = pitch;
  return note(copy(box, kind, nullptr, false));
}

cudaError_t cudaMemcpyToArray(cudaArray_t dst, size_t x, size_t y, const void *src, size_t bytes,
                              cudaMemcpyKind kind) {
  if (!is_array(dst)) return note(cudaErrorInvalidResourceHandle);
  char *linear = static_cast<char *>(const_cast<void *>(src));
  return note(copy_rows(dst, x, y, linear, bytes, kind, true));
}

cudaError_t cudaMemcpyFromArray(void *dst, cudaArray_const_t src, size_t x, size_t y,
                                size_t bytes, cudaMemcpyKind kind) {
  if (!is_array(src)) return note(cudaErrorInvalidResourceHandle);
  return note(copy_rows(src, x, y, static_cast<char *>(dst), bytes, kind, false));
}

}  // extern "C"
