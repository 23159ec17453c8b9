// What the runtime knows of a pointer.
#pragma once
#include <cstddef>
#include <cstdint>

#include "api.h"

namespace wf::rt {

/// Where a pointer leads.
enum class Place {
  host,        // ordinary memory of the process
  registered,  // ordinary memory after cudaHostRegister
  pinned,      // cudaHostAlloc
  managed,
  device,      // cudaMalloc, variables of images
  nowhere,     // in the chip's range, but not allocated
};

struct Range {
  Place place = Place::host;
  uint64_t base = 0;
  uint64_t bytes = 0;  // 0 for plain host memory: unknown
};

Range locate(const void *pointer);

inline bool device_reads(Place place) { return place != Place::host && place != Place::nowhere; }
inline bool host_reads(Place place) { return place != Place::device && place != Place::nowhere; }

/// cudaSuccess if [pointer, pointer + bytes) is one allocation the device can use (or plain host
/// memory, unless `device` asks for device memory; or device memory, unless `host` ...).
cudaError_t check_range(const void *pointer, size_t bytes, bool device, bool host);

uint64_t address(const void *pointer);

constexpr size_t kPitchAlign = 512;

}  // namespace wf::rt
