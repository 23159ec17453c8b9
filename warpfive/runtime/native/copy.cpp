// cudaMemcpy and cudaMemset in all their forms.
#include "copy.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "../../chip/native/device.h"
#include "errors.h"
#include "memory.h"
#include "module.h"
#include "printf.h"
#include "stream.h"

namespace wf::rt {
namespace {

/// Ordinary host memory up to this size is snapshot, so that an asynchronous copy from it
/// returns while the stream is busy.
constexpr size_t kStageBytes = 64 << 20;

bool plain_host(const void *pointer) { return locate(pointer).place == Place::host; }

/// A copy takes its time of the link to the host, or of the device's memory.
void charge_copy(const Box &box, bool from_host, bool to_host) {
  auto of = from_host == to_host ? Charge::Of::compute
            : from_host          ? Charge::Of::to_device
                                 : Charge::Of::to_host;
  double bytes = static_cast<double>(box.bytes());
  charge({.of = of,
          .seconds = wf_copy_time(&figures(), bytes, from_host != to_host),
          .kind = of == Charge::Of::compute ? "copy" : from_host ? "copy in" : "copy out",
          .bytes = box.bytes()});
}

bool on_host(const void *pointer) {
  Place place = locate(pointer).place;
  return place == Place::host || place == Place::registered || place == Place::pinned;
}

/// A copy whose source bytes are taken now and land later.
cudaError_t copy_staged(const Box &box, cudaStream_t stream) {
  auto stage = std::make_shared<std::vector<char>>(box.bytes());
  Box take = box;
  take.dst = stage->data();
  take.dst_pitch = box.width;
  take.dst_slice = box.width * box.height;
  take.run();
  Box put = box;
  put.src = stage->data();
  put.src_pitch = box.width;
  put.src_slice = box.width * box.height;
  return enqueue(stream, WorkKind::copy, [put, stage] {
    put.run();
    charge_copy(put, true, false);
  });
}

bool host_side(cudaMemcpyKind kind, bool dst) {
  return kind == cudaMemcpyHostToHost || kind == (dst ? cudaMemcpyDeviceToHost
                                                      : cudaMemcpyHostToDevice);
}

bool device_side(cudaMemcpyKind kind, bool dst) {
  return kind == cudaMemcpyDeviceToDevice || kind == (dst ? cudaMemcpyHostToDevice
                                                          : cudaMemcpyDeviceToHost);
}

/// Runs `body` in stream order; at once in the calling thread when the stream is idle.
cudaError_t run_ordered(CUstream_st *stream, cudaStream_t handle, WorkKind kind, Body body,
                        bool wait_for_it) {
  if (wait_for_it && !is_capturing(stream) && idle(stream)) {
    if (sticky_error() != cudaSuccess) return sticky_error();
    if (cudaError_t refused = refuse_in_capture()) return refused;
    drain_printf();
    Work work;
    work.body = std::move(body);
    work.time = stream->time;
    work.issue_ns = host_asks(Call::launch);
    run_now(&work);
    host_waits(work.end_ns);
    return take_async();
  }
  WorkRef work;
  cudaError_t code = enqueue(handle, kind, std::move(body), {}, &work);
  if (code != cudaSuccess) return code;
  if (!wait_for_it) return cudaSuccess;
  wait(work);
  host_waits(work->end_ns);
  drain_printf();
  return take_async();
}

void fill_row(char *row, size_t bytes, unsigned value, unsigned element_bytes) {
  if (element_bytes == 1) {
    std::memset(row, static_cast<int>(value), bytes);
  } else if (element_bytes == 2) {
    std::fill_n(reinterpret_cast<uint16_t *>(row), bytes / 2, static_cast<uint16_t>(value));
  } else {
    std::fill_n(reinterpret_cast<uint32_t *>(row), bytes / 4, value);
  }
}

struct Corner {
  char *data;
  size_t pitch, slice;
};

Corner corner(const cudaArray *array, const cudaPitchedPtr &pointer, const cudaPos &pos) {
  if (!array) {
    size_t slice = pointer.pitch * pointer.ysize;
    return {static_cast<char *>(pointer.ptr) + pos.x + pos.y * pointer.pitch + pos.z * slice,
            pointer.pitch, slice};
  }
  return {array->data + pos.x * array->element_bytes + pos.y * array->pitch + pos.z * array->slice,
          array->pitch, array->slice};
}

}  // namespace

void Box::run() const {
  if (empty()) return;
  bool solid = height * depth == 1 ||
               (dst_pitch == width && src_pitch == width &&
                (depth == 1 || (dst_slice == width * height && src_slice == width * height)));
  if (solid) {
    std::memmove(dst, src, bytes());
    return;
  }
  for (size_t z = 0; z < depth; z++)
    for (size_t y = 0; y < height; y++)
      std::memmove(dst + z * dst_slice + y * dst_pitch, src + z * src_slice + y * src_pitch,
                   width);
}

Box line(void *dst, const void *src, size_t bytes) {
  Box box;
  box.dst = static_cast<char *>(dst);
  box.src = static_cast<const char *>(src);
  box.width = box.dst_pitch = box.src_pitch = bytes;
  return box;
}

cudaError_t check_copy(const Box &box, cudaMemcpyKind kind) {
  if (kind < cudaMemcpyHostToHost || kind > cudaMemcpyDefault)
    return cudaErrorInvalidMemcpyDirection;
  if (box.empty()) return cudaSuccess;
  if (box.height * box.depth > 1 && (box.dst_pitch < box.width || box.src_pitch < box.width))
    return cudaErrorInvalidPitchValue;
  cudaError_t code = check_range(box.dst, box.dst_span(), device_side(kind, true),
                                 host_side(kind, true));
  if (code != cudaSuccess) return code;
  return check_range(box.src, box.src_span(), device_side(kind, false), host_side(kind, false));
}

cudaError_t copy(const Box &box, cudaMemcpyKind kind, cudaStream_t handle, bool async) {
  if (sticky_error() != cudaSuccess) return sticky_error();
  CUstream_st *stream = resolve(handle);
  if (!stream) return cudaErrorInvalidResourceHandle;
  if (cudaError_t code = check_copy(box, kind)) return code;
  if (box.empty()) return cudaSuccess;
  bool from_plain = plain_host(box.src), to_plain = plain_host(box.dst);
  if (async && !is_capturing(stream)) {
    if (from_plain && !to_plain && box.bytes() <= kStageBytes && !idle(stream))
      return copy_staged(box, handle);
    async = !from_plain && !to_plain;
  }
  bool from = on_host(box.src), to = on_host(box.dst);
  auto body = [box, from, to] {
    box.run();
    charge_copy(box, from, to);
  };
  return run_ordered(stream, handle, WorkKind::copy, body, !async);
}

void fill_now(const Box &box, unsigned value, unsigned element_bytes) {
  if (box.empty()) return;
  if (box.dst_pitch == box.width && (box.depth == 1 || box.dst_slice == box.width * box.height)) {
    fill_row(box.dst, box.bytes(), value, element_bytes);
    return;
  }
  for (size_t z = 0; z < box.depth; z++)
    for (size_t y = 0; y < box.height; y++)
      fill_row(box.dst + z * box.dst_slice + y * box.dst_pitch, box.width, value, element_bytes);
}

cudaError_t fill(const Box &box, unsigned value, unsigned element_bytes, cudaStream_t handle,
                 bool async) {
  if (sticky_error() != cudaSuccess) return sticky_error();
  CUstream_st *stream = resolve(handle);
  if (!stream) return cudaErrorInvalidResourceHandle;
  if (box.empty()) return cudaSuccess;
  if (box.height * box.depth > 1 && box.dst_pitch < box.width) return cudaErrorInvalidPitchValue;
  if (cudaError_t code = check_range(box.dst, box.dst_span(), true, false)) return code;
  return run_ordered(
      stream, handle, WorkKind::set,
      [box, value, element_bytes] {
        fill_now(box, value, element_bytes);
        charge({.of = Charge::Of::compute,
                .seconds = wf_fill_time(&figures(), static_cast<double>(box.bytes())),
                .kind = "set",
                .bytes = box.bytes()});
      },
      !async && idle(stream));
}

cudaError_t box_of(const cudaMemcpy3DParms &parms, Box *box, cudaMemcpyKind *kind) {
  if (parms.srcArray && parms.srcPtr.ptr) return cudaErrorInvalidValue;
  if (parms.dstArray && parms.dstPtr.ptr) return cudaErrorInvalidValue;
  Corner from = corner(parms.srcArray, parms.srcPtr, parms.srcPos);
  Corner to = corner(parms.dstArray, parms.dstPtr, parms.dstPos);
  const cudaArray *array = parms.srcArray ? parms.srcArray : parms.dstArray;
  // The extent counts elements where an array takes part, bytes otherwise.
  size_t width = parms.extent.width * (array ? array->element_bytes : 1);
  *box = {to.data,   to.pitch, to.slice,           from.data,         from.pitch,
          from.slice, width,    parms.extent.height, parms.extent.depth};
  *kind = parms.kind;
  return cudaSuccess;
}

namespace {

Box rectangle(void *dst, size_t dst_pitch, const void *src, size_t src_pitch, size_t width,
              size_t height) {
  Box box = line(dst, src, width);
  box.dst_pitch = dst_pitch;
  box.src_pitch = src_pitch;
  box.height = height;
  return box;
}

Box slab(const cudaPitchedPtr &pointer, const cudaExtent &extent) {
  Box box = rectangle(pointer.ptr, pointer.pitch, nullptr, 0, extent.width, extent.height);
  box.dst_slice = pointer.pitch * pointer.ysize;
  box.depth = extent.depth;
  return box;
}

cudaError_t copy_3d(const cudaMemcpy3DParms *parms, cudaStream_t stream, bool async) {
  Box box;
  cudaMemcpyKind kind;
  if (!parms) return cudaErrorInvalidValue;
  if (cudaError_t code = box_of(*parms, &box, &kind)) return code;
  return copy(box, kind, stream, async);
}

cudaError_t copy_symbol(const void *symbol, void *data, size_t bytes, size_t offset, bool to,
                        cudaMemcpyKind kind, cudaStream_t stream, bool async) {
  SymbolRange range;
  if (cudaError_t code = find_symbol(symbol, &range)) return code;
  if (offset > range.bytes || bytes > range.bytes - offset) return cudaErrorInvalidValue;
  if (kind == (to ? cudaMemcpyDeviceToHost : cudaMemcpyHostToDevice) ||
      kind == cudaMemcpyHostToHost)
    return cudaErrorInvalidMemcpyDirection;
  void *device = reinterpret_cast<void *>(range.address + offset);
  return to ? copy(line(device, data, bytes), kind, stream, async)
            : copy(line(data, device, bytes), kind, stream, async);
}

}  // namespace
}  // namespace wf::rt

using namespace wf::rt;

extern "C" {

cudaError_t cudaMemcpy(void *dst, const void *src, size_t bytes, cudaMemcpyKind kind) {
  return note(copy(line(dst, src, bytes), kind, nullptr, false));
}

cudaError_t cudaMemcpyAsync(void *dst, const void *src, size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  return note(copy(line(dst, src, bytes), kind, stream, true));
}

cudaError_t cudaMemcpyPeer(void *dst, int to, const void *src, int from, size_t bytes) {
  if (to != 0 || from != 0) return note(cudaErrorInvalidDevice);
  return note(copy(line(dst, src, bytes), cudaMemcpyDeviceToDevice, nullptr, false));
}

cudaError_t cudaMemcpyPeerAsync(void *dst, int to, const void *src, int from, size_t bytes,
                                cudaStream_t stream) {
  if (to != 0 || from != 0) return note(cudaErrorInvalidDevice);
  return note(copy(line(dst, src, bytes), cudaMemcpyDeviceToDevice, stream, true));
}

cudaError_t cudaMemcpy2D(void *dst, size_t dst_pitch, const void *src, size_t src_pitch,
                         size_t width, size_t height, cudaMemcpyKind kind) {
  return note(
      copy(rectangle(dst, dst_pitch, src, src_pitch, width, height), kind, nullptr, false));
}

cudaError_t cudaMemcpy2DAsync(void *dst, size_t dst_pitch, const void *src, size_t src_pitch,
                              size_t width, size_t height, cudaMemcpyKind kind,
                              cudaStream_t stream) {
  return note(copy(rectangle(dst, dst_pitch, src, src_pitch, width, height), kind, stream, true));
}

cudaError_t cudaMemcpy3D(const cudaMemcpy3DParms *parms) {
  return note(copy_3d(parms, nullptr, false));
}

cudaError_t cudaMemcpy3DAsync(const cudaMemcpy3DParms *parms, cudaStream_t stream) {
  return note(copy_3d(parms, stream, true));
}

cudaError_t cudaMemcpy3DPeer(const cudaMemcpy3DPeerParms *p) {
  if (!p) return note(cudaErrorInvalidValue);
  if (p->srcDevice != 0 || p->dstDevice != 0) return note(cudaErrorInvalidDevice);
  cudaMemcpy3DParms same = {p->srcArray, p->srcPos, p->srcPtr, p->dstArray,
                            p->dstPos,   p->dstPtr, p->extent, cudaMemcpyDeviceToDevice};
  return note(copy_3d(&same, nullptr, false));
}

cudaError_t cudaMemset(void *dst, int value, size_t bytes) {
  return note(fill(line(dst, nullptr, bytes), static_cast<uint8_t>(value), 1, nullptr, false));
}

cudaError_t cudaMemsetAsync(void *dst, int value, size_t bytes, cudaStream_t stream) {
  return note(fill(line(dst, nullptr, bytes), static_cast<uint8_t>(value), 1, stream, true));
}

cudaError_t cudaMemset2D(void *dst, size_t pitch, int value, size_t width, size_t height) {
  return note(fill(rectangle(dst, pitch, nullptr, 0, width, height), static_cast<uint8_t>(value),
                   1, nullptr, false));
}

cudaError_t cudaMemset2DAsync(void *dst, size_t pitch, int value, size_t width, size_t height,
                              cudaStream_t stream) {
  return note(fill(rectangle(dst, pitch, nullptr, 0, width, height), static_cast<uint8_t>(value),
                   1, stream, true));
}

cudaError_t cudaMemset3D(cudaPitchedPtr dst, int value, cudaExtent extent) {
  return note(fill(slab(dst, extent), static_cast<uint8_t>(value), 1, nullptr, false));
}

cudaError_t cudaMemset3DAsync(cudaPitchedPtr dst, int value, cudaExtent extent,
                              cudaStream_t stream) {
  return note(fill(slab(dst, extent), static_cast<uint8_t>(value), 1, stream, true));
}

cudaError_t cudaMemcpyToSymbol(const void *symbol, const void *src, size_t bytes, size_t offset,
                               cudaMemcpyKind kind) {
  return note(copy_symbol(symbol, const_cast<void *>(src), bytes, offset, true, kind, nullptr,
                          false));
}

cudaError_t cudaMemcpyFromSymbol(void *dst, const void *symbol, size_t bytes, size_t offset,
                                 cudaMemcpyKind kind) {
  return note(copy_symbol(symbol, dst, bytes, offset, false, kind, nullptr, false));
}

cudaError_t cudaMemcpyToSymbolAsync(const void *symbol, const void *src, size_t bytes,
                                    size_t offset, cudaMemcpyKind kind, cudaStream_t stream) {
  return note(
      copy_symbol(symbol, const_cast<void *>(src), bytes, offset, true, kind, stream, true));
}

cudaError_t cudaMemcpyFromSymbolAsync(void *dst, const void *symbol, size_t bytes, size_t offset,
                                      cudaMemcpyKind kind, cudaStream_t stream) {
  return note(copy_symbol(symbol, dst, bytes, offset, false, kind, stream, true));
}

cudaError_t cudaGetSymbolAddress(void **out, const void *symbol) {
  if (!out) return note(cudaErrorInvalidValue);
  SymbolRange range;
  if (cudaError_t code = find_symbol(symbol, &range)) return note(code);
  *out = reinterpret_cast<void *>(range.address);
  return cudaSuccess;
}

cudaError_t cudaGetSymbolSize(size_t *out, const void *symbol) {
  if (!out) return note(cudaErrorInvalidValue);
  SymbolRange range;
  if (cudaError_t code = find_symbol(symbol, &range)) return note(code);
  *out = range.bytes;
  return cudaSuccess;
}

}  // extern "C"
