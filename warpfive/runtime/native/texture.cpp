// Texture and surface objects: descriptors in device memory, which device code reads.
#include <mutex>
#include <unordered_map>

#include "../../chip/native/device.h"
#include "../../compiler/include/wf_texture.h"
#include "copy.h"
#include "errors.h"
#include "memory.h"

namespace wf::rt {
namespace {

struct Objects {
  std::mutex mutex;
  std::unordered_map<uint64_t, cudaResourceDesc> live;
};

Objects &objects() {
  static auto *one = new Objects;
  return *one;
}

uint32_t at_least_one(size_t count) { return count ? static_cast<uint32_t>(count) : 1; }

/// Fills in an element's format. False: there is no such format.
bool describe(const cudaChannelFormatDesc &format, WfTexture *out) {
  const int bits[] = {format.x, format.y, format.z, format.w};
  int channels = 0;
  while (channels < 4 && bits[channels]) channels++;
  for (int c = 1; c < channels; c++)
    if (bits[c] != bits[0]) return false;
  bool known = bits[0] == 8 || bits[0] == 16 || bits[0] == 32;
  if (channels == 0 || channels == 3 || !known || format.f > cudaChannelFormatKindFloat) return false;
  if (format.f == cudaChannelFormatKindFloat && bits[0] == 8) return false;
  out->channels = static_cast<uint8_t>(channels);
  out->bytes = static_cast<uint8_t>(bits[0] / 8);
  out->kind = static_cast<uint8_t>(format.f);
  return true;
}

cudaError_t of_array(const cudaArray *array, WfTexture *out) {
  if (!array) return cudaErrorInvalidValue;
  if (!describe(array->format, out)) return cudaErrorInvalidChannelDescriptor;
  out->data = address(array->data);
  out->pitch = array->pitch;
  out->slice = array->slice;
  out->width = at_least_one(array->extent.width);
  out->height = at_least_one(array->extent.height);
  out->depth = at_least_one(array->extent.depth);
  return cudaSuccess;
}

cudaError_t of_memory(const void *pointer, const cudaChannelFormatDesc &format, WfTexture *out) {
  if (!device_reads(locate(pointer).place)) return cudaErrorInvalidValue;
  if (!describe(format, out)) return cudaErrorInvalidChannelDescriptor;
  out->data = address(pointer);
  out->height = out->depth = 1;
  return cudaSuccess;
}

cudaError_t of_resource(const cudaResourceDesc &from, WfTexture *out) {
  *out = {};
  if (from.resType == cudaResourceTypeArray) return of_array(from.res.array.array, out);
  if (from.resType == cudaResourceTypeLinear) {
    const auto &linear = from.res.linear;
    if (cudaError_t code = of_memory(linear.devPtr, linear.desc, out)) return code;
    size_t element = static_cast<size_t>(out->channels) * out->bytes;
    out->width = static_cast<uint32_t>(linear.sizeInBytes / element);
    out->pitch = out->slice = linear.sizeInBytes;
    return cudaSuccess;
  }
  if (from.resType == cudaResourceTypePitch2D) {
    const auto &plane = from.res.pitch2D;
    if (cudaError_t code = of_memory(plane.devPtr, plane.desc, out)) return code;
    out->width = static_cast<uint32_t>(plane.width);
    out->height = static_cast<uint32_t>(plane.height);
    out->pitch = plane.pitchInBytes;
    out->slice = plane.pitchInBytes * plane.height;
    return cudaSuccess;
  }
  return cudaErrorNotSupported;  // mipmaps
}

cudaError_t sampled(const cudaTextureDesc &how, WfTexture *out) {
  if (how.sRGB) return cudaErrorNotSupported;
  bool floats = out->kind == cudaChannelFormatKindFloat;
  out->to_float = how.readMode == cudaReadModeNormalizedFloat && !floats;
  out->linear = how.filterMode == cudaFilterModeLinear;
  out->unit = how.normalizedCoords != 0;
  if (out->to_float && out->bytes == 4) return cudaErrorInvalidNormSetting;
  if (out->linear && !floats && !out->to_float) return cudaErrorInvalidFilterSetting;
  for (int side = 0; side < 3; side++) {
    auto mode = how.addressMode[side];
    bool folds = mode == cudaAddressModeWrap || mode == cudaAddressModeMirror;
    if (folds && !out->unit) mode = cudaAddressModeClamp;
    out->address[side] = static_cast<uint8_t>(mode);
  }
  for (int c = 0; c < 4; c++) out->border[c] = how.borderColor[c];
  return cudaSuccess;
}

/// Puts a descriptor where kernels can read it.
cudaError_t publish(const WfTexture &made, const cudaResourceDesc &resource,
                    unsigned long long *object) {
  uint64_t place = memory::alloc(sizeof made);
  if (!place) return cudaErrorMemoryAllocation;
  *reinterpret_cast<WfTexture *>(place) = made;
  std::lock_guard lock(objects().mutex);
  objects().live[place] = resource;
  *object = place;
  return cudaSuccess;
}

cudaError_t create_texture(unsigned long long *object, const cudaResourceDesc *resource,
                           const cudaTextureDesc *how, const cudaResourceViewDesc *view) {
  if (!object || !resource || !how) return cudaErrorInvalidValue;
  if (view) return cudaErrorNotSupported;
  WfTexture made;
  if (cudaError_t code = of_resource(*resource, &made)) return code;
  if (cudaError_t code = sampled(*how, &made)) return code;
  return publish(made, *resource, object);
}

cudaError_t create_surface(unsigned long long *object, const cudaResourceDesc *resource) {
  if (!object || !resource || resource->resType != cudaResourceTypeArray)
    return cudaErrorInvalidValue;
  WfTexture made;
  if (cudaError_t code = of_resource(*resource, &made)) return code;
  return publish(made, *resource, object);
}

/// Frees a descriptor once the kernels that may read it have ended, as cudaFree waits for them.
cudaError_t destroy(unsigned long long object) {
  {
    std::lock_guard lock(objects().mutex);
    if (!objects().live.erase(object)) return cudaErrorInvalidValue;
  }
  return cudaFree(reinterpret_cast<void *>(object));
}

}  // namespace
}  // namespace wf::rt

using namespace wf::rt;

extern "C" {

cudaError_t cudaCreateTextureObject(cudaTextureObject_t *object, const cudaResourceDesc *resource,
                                    const cudaTextureDesc *how, const cudaResourceViewDesc *view) {
  return note(create_texture(object, resource, how, view));
}

cudaError_t cudaDestroyTextureObject(cudaTextureObject_t object) { return note(destroy(object)); }

cudaError_t cudaGetTextureObjectResourceDesc(cudaResourceDesc *desc, cudaTextureObject_t object) {
  std::lock_guard lock(objects().mutex);
  auto found = objects().live.find(object);
  if (!desc || found == objects().live.end()) return note(cudaErrorInvalidValue);
  *desc = found->second;
  return note(cudaSuccess);
}

cudaError_t cudaCreateSurfaceObject(cudaSurfaceObject_t *object, const cudaResourceDesc *resource) {
  return note(create_surface(object, resource));
}

cudaError_t cudaDestroySurfaceObject(cudaSurfaceObject_t object) { return note(destroy(object)); }

}  // extern "C"
