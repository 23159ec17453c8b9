// Allocation: device, pinned, registered, managed, pitched, pooled.
#include "memory.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <unordered_set>

#include "../../chip/native/device.h"
#include "errors.h"
#include "stream.h"

struct CUmemPoolHandle_st {
  uint64_t release_threshold = 0;
  uint64_t used = 0, used_high = 0;
  int reuse[4] = {0, 1, 1, 1};
};

namespace wf::rt {
namespace {

struct Registered {
  std::mutex mutex;
  std::map<uint64_t, std::pair<uint64_t, unsigned>> ranges;  // base: bytes, flags
};

Registered &registered() {
  static auto *r = new Registered;
  return *r;
}

struct Pools {
  std::mutex mutex;
  CUmemPoolHandle_st standard;
  CUmemPoolHandle_st *current = &standard;
  std::unordered_set<CUmemPoolHandle_st *> made;
  std::map<uint64_t, std::pair<CUmemPoolHandle_st *, uint64_t>> owner;  // address: pool, bytes
};

Pools &pools() {
  static auto *p = new Pools;
  return *p;
}

Range find_registered(uint64_t at) {
  Registered &r = registered();
  std::lock_guard lock(r.mutex);
  auto next = r.ranges.upper_bound(at);
  if (next == r.ranges.begin()) return {};
  auto [base, rest] = *std::prev(next);
  if (at - base >= rest.first) return {};
  return {Place::registered, base, rest.first};
}

Place place_of(MemoryKind kind) {
  if (kind == MemoryKind::pinned) return Place::pinned;
  return kind == MemoryKind::managed ? Place::managed : Place::device;
}

cudaError_t allocate(void **out, size_t bytes, MemoryKind kind, unsigned tag = 0) {
  if (!out) return cudaErrorInvalidValue;
  if (sticky_error() != cudaSuccess) return sticky_error();
  if (cudaError_t refused = refuse_in_capture()) return refused;
  *out = nullptr;
  if (bytes == 0) return cudaSuccess;
  uint64_t base = memory::alloc(bytes, kind);
  if (!base) return cudaErrorMemoryAllocation;
  if (tag) memory::set_tag(base, tag);
  *out = reinterpret_cast<void *>(base);
  return cudaSuccess;
}

/// Frees what begins at `pointer` if its kind is one of those asked for, after all work.
cudaError_t release(void *pointer, bool pinned) {
  if (!pointer) return cudaSuccess;
  if (cudaError_t refused = refuse_in_capture()) return refused;
  Range range = locate(pointer);
  bool right = pinned ? range.place == Place::pinned
                      : range.place == Place::device || range.place == Place::managed;
  if (!right || range.base != address(pointer)) return cudaErrorInvalidValue;
  sync_device();  // work in flight may use it
  return memory::free(range.base) ? cudaSuccess : cudaErrorInvalidValue;
}

size_t round_up(size_t value, size_t unit) { return (value + unit - 1) / unit * unit; }

cudaError_t pool_allocate(void **out, size_t bytes, CUmemPoolHandle_st *pool,
                          cudaStream_t stream) {
  if (!out) return cudaErrorInvalidValue;
  if (sticky_error() != cudaSuccess) return sticky_error();
  if (!resolve(stream)) return cudaErrorInvalidResourceHandle;
  *out = nullptr;
  if (bytes == 0) return cudaSuccess;
  uint64_t base = memory::alloc(bytes);
  if (!base) {
    sync_device();  // stream-ordered frees that are still queued may make room
    base = memory::alloc(bytes);
  }
  if (!base) return cudaErrorMemoryAllocation;
  std::lock_guard lock(pools().mutex);
  pool->used += bytes;
  pool->used_high = std::max(pool->used_high, pool->used);
  pools().owner[base] = {pool, bytes};
  *out = reinterpret_cast<void *>(base);
  return cudaSuccess;
}

void pool_release(uint64_t base) {
  memory::free(base);
  std::lock_guard lock(pools().mutex);
  auto owner = pools().owner.find(base);
  if (owner == pools().owner.end()) return;
  owner->second.first->used -= owner->second.second;
  pools().owner.erase(owner);
}

bool is_pool(CUmemPoolHandle_st *pool) {
  std::lock_guard lock(pools().mutex);
  return pool == &pools().standard || pools().made.contains(pool);
}

uint64_t *pool_counter(CUmemPoolHandle_st *pool, cudaMemPoolAttr attribute) {
  switch (attribute) {
    case cudaMemPoolAttrReleaseThreshold: return &pool->release_threshold;
    case cudaMemPoolAttrReservedMemCurrent:
    case cudaMemPoolAttrUsedMemCurrent: return &pool->used;
    case cudaMemPoolAttrReservedMemHigh:
    case cudaMemPoolAttrUsedMemHigh: return &pool->used_high;
    default: return nullptr;
  }
}

}  // namespace

uint64_t address(const void *pointer) { return reinterpret_cast<uint64_t>(pointer); }

Range locate(const void *pointer) {
  uint64_t at = address(pointer);
  if (!memory::inside(at)) return find_registered(at);
  if (auto found = memory::find(at)) return {place_of(found->kind), found->base, found->bytes};
  return {Place::nowhere, 0, 0};
}

cudaError_t check_range(const void *pointer, size_t bytes, bool device, bool host) {
  if (bytes == 0) return cudaSuccess;
  if (!pointer) return cudaErrorInvalidValue;
  Range range = locate(pointer);
  if (range.place == Place::nowhere) return cudaErrorInvalidValue;
  if (device && !device_reads(range.place)) return cudaErrorInvalidValue;
  if (host && !host_reads(range.place)) return cudaErrorInvalidValue;
  if (range.place == Place::host || range.place == Place::registered) return cudaSuccess;
  uint64_t offset = address(pointer) - range.base;
  return bytes <= range.bytes - offset ? cudaSuccess : cudaErrorInvalidValue;
}

}  // namespace wf::rt

using namespace wf::rt;

extern "C" {

cudaError_t cudaMalloc(void **out, size_t bytes) {
  return note(allocate(out, bytes, wf::MemoryKind::device));
}

cudaError_t cudaFree(void *pointer) {
  if (sticky_error() != cudaSuccess) return note(sticky_error());
  return note(release(pointer, false));
}

cudaError_t cudaMallocManaged(void **out, size_t bytes, unsigned flags) {
  if (bytes == 0 || (flags != cudaMemAttachGlobal && flags != cudaMemAttachHost))
    return note(cudaErrorInvalidValue);
  return note(allocate(out, bytes, wf::MemoryKind::managed));
}

cudaError_t cudaMallocPitch(void **out, size_t *pitch, size_t width, size_t height) {
  if (!pitch) return note(cudaErrorInvalidValue);
  *pitch = round_up(width, kPitchAlign);
  return note(allocate(out, *pitch * height, wf::MemoryKind::device));
}

cudaError_t cudaMalloc3D(cudaPitchedPtr *out, cudaExtent extent) {
  if (!out) return note(cudaErrorInvalidValue);
  size_t pitch = round_up(extent.width, kPitchAlign);
  *out = {nullptr, pitch, extent.width, extent.height};
  return note(allocate(&out->ptr, pitch * extent.height * extent.depth, wf::MemoryKind::device));
}

cudaError_t cudaHostAlloc(void **out, size_t bytes, unsigned flags) {
  if (flags & ~(cudaHostAllocPortable | cudaHostAllocMapped | cudaHostAllocWriteCombined))
    return note(cudaErrorInvalidValue);
  return note(allocate(out, bytes, wf::MemoryKind::pinned, flags));
}

cudaError_t cudaMallocHost(void **out, size_t bytes) { return cudaHostAlloc(out, bytes, 0); }

cudaError_t cudaFreeHost(void *pointer) {
  if (sticky_error() != cudaSuccess) return note(sticky_error());
  return note(release(pointer, true));
}

cudaError_t cudaHostRegister(void *pointer, size_t bytes, unsigned flags) {
  if (!pointer || bytes == 0 || (flags & ~0xfu)) return note(cudaErrorInvalidValue);
  uint64_t base = address(pointer);
  if (wf::memory::inside(base)) return note(cudaErrorHostMemoryAlreadyRegistered);
  std::lock_guard lock(registered().mutex);
  auto &ranges = registered().ranges;
  auto next = ranges.lower_bound(base + bytes);
  if (next != ranges.begin()) {
    auto before = std::prev(next);
    if (before->first + before->second.first > base)
      return note(cudaErrorHostMemoryAlreadyRegistered);
  }
  ranges[base] = {bytes, flags};
  return cudaSuccess;
}

cudaError_t cudaHostUnregister(void *pointer) {
  if (!pointer) return note(cudaErrorInvalidValue);
  sync_device();
  std::lock_guard lock(registered().mutex);
  return note(registered().ranges.erase(address(pointer)) ? cudaSuccess
                                                           : cudaErrorHostMemoryNotRegistered);
}

cudaError_t cudaHostGetDevicePointer(void **out, void *pointer, unsigned flags) {
  if (!out || flags) return note(cudaErrorInvalidValue);
  Place place = locate(pointer).place;
  if (place != Place::pinned && place != Place::registered && place != Place::managed)
    return note(cudaErrorInvalidValue);
  *out = pointer;
  return cudaSuccess;
}

cudaError_t cudaHostGetFlags(unsigned *flags, void *pointer) {
  if (!flags) return note(cudaErrorInvalidValue);
  auto found = wf::memory::find(address(pointer));
  if (!found || found->kind != wf::MemoryKind::pinned) return note(cudaErrorInvalidValue);
  *flags = found->tag | cudaHostAllocMapped;  // unified addressing maps all pinned memory
  return cudaSuccess;
}

cudaError_t cudaMemGetInfo(size_t *free_bytes, size_t *total_bytes) {
  if (sticky_error() != cudaSuccess) return note(sticky_error());
  if (free_bytes) *free_bytes = wf::memory::capacity() - wf::memory::allocated();
  if (total_bytes) *total_bytes = wf::memory::capacity();
  return cudaSuccess;
}

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes *out, const void *pointer) {
  if (!out) return note(cudaErrorInvalidValue);
  void *p = const_cast<void *>(pointer);
  switch (locate(pointer).place) {
    case Place::device: *out = {cudaMemoryTypeDevice, 0, p, nullptr}; break;
    case Place::managed: *out = {cudaMemoryTypeManaged, 0, p, p}; break;
    case Place::pinned:
    case Place::registered: *out = {cudaMemoryTypeHost, 0, p, p}; break;
    default: *out = {cudaMemoryTypeUnregistered, cudaInvalidDeviceId, nullptr, p}; break;
  }
  return cudaSuccess;
}

cudaError_t cudaMallocAsync(void **out, size_t bytes, cudaStream_t stream) {
  return note(pool_allocate(out, bytes, pools().current, stream));
}

cudaError_t cudaMallocFromPoolAsync(void **out, size_t bytes, cudaMemPool_t pool,
                                    cudaStream_t stream) {
  if (!is_pool(pool)) return note(cudaErrorInvalidValue);
  return note(pool_allocate(out, bytes, pool, stream));
}

cudaError_t cudaFreeAsync(void *pointer, cudaStream_t stream) {
  if (!pointer) return cudaSuccess;
  Range range = locate(pointer);
  if (range.place != Place::device || range.base != address(pointer))
    return note(cudaErrorInvalidValue);
  return note(enqueue(stream, WorkKind::free, [base = range.base] { pool_release(base); }));
}

cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t *out, int device) {
  if (!out) return note(cudaErrorInvalidValue);
  if (device != 0) return note(cudaErrorInvalidDevice);
  *out = &pools().standard;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetMemPool(cudaMemPool_t *out, int device) {
  if (!out) return note(cudaErrorInvalidValue);
  if (device != 0) return note(cudaErrorInvalidDevice);
  *out = pools().current;
  return cudaSuccess;
}

cudaError_t cudaDeviceSetMemPool(int device, cudaMemPool_t pool) {
  if (device != 0) return note(cudaErrorInvalidDevice);
  if (!is_pool(pool)) return note(cudaErrorInvalidValue);
  pools().current = pool;
  return cudaSuccess;
}

cudaError_t cudaMemPoolCreate(cudaMemPool_t *out, const cudaMemPoolProps *props) {
  if (!out || !props || props->allocType != cudaMemAllocationTypePinned)
    return note(cudaErrorInvalidValue);
  std::lock_guard lock(pools().mutex);
  *out = new CUmemPoolHandle_st;
  pools().made.insert(*out);
  return cudaSuccess;
}

cudaError_t cudaMemPoolDestroy(cudaMemPool_t pool) {
  sync_device();
  std::lock_guard lock(pools().mutex);
  if (!pools().made.erase(pool)) return note(cudaErrorInvalidValue);
  if (pools().current == pool) pools().current = &pools().standard;
  for (auto &[base, owner] : pools().owner)
    if (owner.first == pool) owner.first = &pools().standard;
  delete pool;
  return cudaSuccess;
}

cudaError_t cudaMemPoolTrimTo(cudaMemPool_t pool, size_t) {
  return note(is_pool(pool) ? cudaSuccess : cudaErrorInvalidValue);
}

cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t pool, cudaMemPoolAttr attribute, void *value) {
  if (!is_pool(pool) || !value) return note(cudaErrorInvalidValue);
  if (attribute >= 1 && attribute <= 3) {
    pool->reuse[attribute] = *static_cast<int *>(value);
    return cudaSuccess;
  }
  uint64_t *counter = pool_counter(pool, attribute);
  if (!counter) return note(cudaErrorInvalidValue);
  if (attribute == cudaMemPoolAttrReleaseThreshold || attribute == cudaMemPoolAttrUsedMemHigh)
    *counter = *static_cast<uint64_t *>(value);
  return cudaSuccess;
}

cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t pool, cudaMemPoolAttr attribute, void *value) {
  if (!is_pool(pool) || !value) return note(cudaErrorInvalidValue);
  if (attribute >= 1 && attribute <= 3) {
    *static_cast<int *>(value) = pool->reuse[attribute];
    return cudaSuccess;
  }
  uint64_t *counter = pool_counter(pool, attribute);
  if (!counter) return note(cudaErrorInvalidValue);
  *static_cast<uint64_t *>(value) = *counter;
  return cudaSuccess;
}

cudaError_t cudaMemPoolSetAccess(cudaMemPool_t pool, const cudaMemAccessDesc *, size_t) {
  return note(is_pool(pool) ? cudaSuccess : cudaErrorInvalidValue);
}

cudaError_t cudaMemPoolGetAccess(cudaMemAccessFlags *out, cudaMemPool_t pool, cudaMemLocation *) {
  if (!out || !is_pool(pool)) return note(cudaErrorInvalidValue);
  *out = cudaMemAccessFlagsProtReadWrite;
  return cudaSuccess;
}

cudaError_t cudaMemPrefetchAsync(const void *pointer, size_t bytes, int device,
                                 cudaStream_t stream) {
  if (device != 0 && device != cudaCpuDeviceId) return note(cudaErrorInvalidDevice);
  if (!resolve(stream)) return note(cudaErrorInvalidResourceHandle);
  if (locate(pointer).place != Place::managed) return note(cudaErrorInvalidValue);
  return note(check_range(pointer, bytes, true, false));
}

cudaError_t cudaMemAdvise(const void *pointer, size_t bytes, cudaMemoryAdvise advice, int) {
  if (advice < cudaMemAdviseSetReadMostly || advice > cudaMemAdviseUnsetAccessedBy)
    return note(cudaErrorInvalidValue);
  if (locate(pointer).place != Place::managed) return note(cudaErrorInvalidValue);
  return note(check_range(pointer, bytes, true, false));
}

}  // extern "C"
