// Copies and fills of one, two and three dimensions.
#pragma once
#include <cstddef>

#include "api.h"

namespace wf::rt {

/// `depth` slices of `height` rows of `width` bytes.
struct Box {
  char *dst = nullptr;
  size_t dst_pitch = 0, dst_slice = 0;
  const char *src = nullptr;
  size_t src_pitch = 0, src_slice = 0;
  size_t width = 0, height = 1, depth = 1;

  bool empty() const { return width == 0 || height == 0 || depth == 0; }
  size_t bytes() const { return width * height * depth; }
  size_t dst_span() const { return span(dst_pitch, dst_slice); }
  size_t src_span() const { return span(src_pitch, src_slice); }
  void run() const;

 private:
  size_t span(size_t pitch, size_t slice) const {
    return slice * (depth - 1) + pitch * (height - 1) + width;
  }
};

Box line(void *dst, const void *src, size_t bytes);

/// Copies in the stream's order and returns when CUDA's rules say the call returns: `async`
/// calls at once unless ordinary host memory is involved.
cudaError_t copy(const Box &box, cudaMemcpyKind kind, cudaStream_t stream, bool async);

/// Checks without copying.
cudaError_t check_copy(const Box &box, cudaMemcpyKind kind);

/// The box of cudaMemcpy3D's parameters (linear memory and arrays).
cudaError_t box_of(const cudaMemcpy3DParms &parms, Box *box, cudaMemcpyKind *kind);

/// Fills with elements of 1, 2 or 4 bytes; `box.src` is unused.
cudaError_t fill(const Box &box, unsigned value, unsigned element_bytes, cudaStream_t stream,
                 bool async);
void fill_now(const Box &box, unsigned value, unsigned element_bytes);

}  // namespace wf::rt

/// An array is pitched linear memory with a format.
struct cudaArray {
  cudaChannelFormatDesc format;
  cudaExtent extent;  // elements; height and depth are 0 where there is no such dimension
  unsigned flags;
  size_t element_bytes, pitch, slice;
  char *data;
};
