// Devices: properties, attributes, limits, peers, reset.
#include "../../chip/native/device.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstring>

#include "errors.h"
#include "limits.h"
#include "memory.h"
#include "module.h"
#include "printf.h"
#include "stream.h"

namespace wf::rt {
namespace {

constexpr int kVersion = CUDART_VERSION;
constexpr char kBusId[] = "0000:05:00.0";

void fill_memory(cudaDeviceProp &p, const Chip &c) {
  p.totalGlobalMem = memory::capacity();
  p.sharedMemPerBlock = c.block_shared_bytes;
  p.sharedMemPerBlockOptin = c.block_shared_optin_bytes;
  p.sharedMemPerMultiprocessor = c.unit_shared_bytes;
  p.reservedSharedMemPerBlock = 1024;
  p.totalConstMem = c.constant_bytes;
  p.memPitch = 0x7fffffff;
  p.textureAlignment = 512;
  p.texturePitchAlignment = 32;
  p.surfaceAlignment = 512;
  p.memoryClockRate = c.memory_clock_khz;
  p.memoryBusWidth = c.memory_bus_bits;
  p.l2CacheSize = c.l2_bytes;
  p.persistingL2CacheMaxSize = c.l2_bytes / 2;
  p.accessPolicyMaxWindowSize = 128 << 20;
  p.globalL1CacheSupported = p.localL1CacheSupported = 1;
}

void fill_execution(cudaDeviceProp &p, const Chip &c) {
  p.regsPerBlock = c.block_registers;
  p.regsPerMultiprocessor = c.unit_registers;
  p.warpSize = c.warp_threads;
  p.maxThreadsPerBlock = c.block_threads;
  p.maxThreadsPerMultiProcessor = c.unit_threads;
  p.maxBlocksPerMultiProcessor = c.unit_blocks;
  for (int i = 0; i < 3; i++) {
    p.maxThreadsDim[i] = static_cast<int>(c.block_max[i]);
    p.maxGridSize[i] = static_cast<int>(c.grid_max[i]);
  }
  p.clockRate = c.clock_khz;
  p.major = c.compute_major;
  p.minor = c.compute_minor;
  p.multiProcessorCount = c.compute_units;
  p.singleToDoublePrecisionPerfRatio = 2;
  p.computeMode = cudaComputeModeDefault;
  p.kernelExecTimeoutEnabled = settings().kernel_timeout_s > 0;
}

void fill_textures(cudaDeviceProp &p) {
  p.maxTexture1D = p.maxTexture2D[0] = 131072;
  p.maxTexture2D[1] = 65536;
  p.maxTexture1DMipmap = p.maxTexture2DMipmap[0] = p.maxTexture2DMipmap[1] = 32768;
  p.maxTexture1DLinear = 1 << 28;
  p.maxTexture2DLinear[0] = 131072, p.maxTexture2DLinear[1] = 65000;
  p.maxTexture2DLinear[2] = 2097120;
  p.maxTexture2DGather[0] = p.maxTexture2DGather[1] = 32768;
  for (int i = 0; i < 3; i++) {
    p.maxTexture3D[i] = p.maxSurface3D[i] = 16384;
    p.maxTexture3DAlt[i] = i == 2 ? 32768 : 8192;
  }
  p.maxTextureCubemap = p.maxSurface1D = p.maxSurfaceCubemap = 32768;
  p.maxTexture1DLayered[0] = p.maxSurface1DLayered[0] = 32768;
  p.maxTexture1DLayered[1] = p.maxSurface1DLayered[1] = 2048;
  for (int i = 0; i < 2; i++) p.maxTexture2DLayered[i] = p.maxSurface2DLayered[i] = 32768;
  p.maxTexture2DLayered[2] = p.maxSurface2DLayered[2] = 2048;
  p.maxTextureCubemapLayered[0] = p.maxSurfaceCubemapLayered[0] = 32768;
  p.maxTextureCubemapLayered[1] = p.maxSurfaceCubemapLayered[1] = 2046;
  p.maxSurface2D[0] = 131072, p.maxSurface2D[1] = 65536;
}

void fill_abilities(cudaDeviceProp &p) {
  p.deviceOverlap = p.concurrentKernels = p.canMapHostMemory = p.unifiedAddressing = 1;
  p.asyncEngineCount = 2;
  p.ECCEnabled = 1;
  p.pciBusID = 5;
  p.streamPrioritiesSupported = p.managedMemory = p.computePreemptionSupported = 1;
  p.hostNativeAtomicSupported = p.concurrentManagedAccess = 1;
  // The device reads the process's memory in place.
  p.pageableMemoryAccess = p.pageableMemoryAccessUsesHostPageTables = 1;
  p.directManagedMemAccessFromHost = p.canUseHostPointerForRegisteredMem = 1;
  p.cooperativeLaunch = p.hostRegisterSupported = p.hostRegisterReadOnlySupported = 1;
  p.memoryPoolsSupported = 1;
  p.unifiedFunctionPointers = 1;
}

cudaDeviceProp make_properties() {
  cudaDeviceProp p;
  std::memset(&p, 0, sizeof p);
  std::snprintf(p.name, sizeof p.name, "%s", chip().name);
  std::memcpy(p.uuid.bytes, "warpfive-0000000", 16);
  fill_memory(p, chip());
  fill_execution(p, chip());
  fill_textures(p);
  fill_abilities(p);
  return p;
}

std::atomic<size_t> limits[7] = {1024, 1 << 20, 8 << 20, 2, 2048, 64, 0};
std::atomic<unsigned> device_flags{cudaDeviceMapHost};
std::atomic<int> cache_config{0}, shared_config{0};

cudaError_t check_device(int device) {
  return device == 0 ? cudaSuccess : cudaErrorInvalidDevice;
}

}  // namespace

const cudaDeviceProp &properties() {
  static const cudaDeviceProp p = make_properties();
  return p;
}

size_t limit(cudaLimit which) { return limits[which]; }

cudaError_t attribute(int *out, int which) {
  const cudaDeviceProp &p = properties();
  switch (which) {
    case cudaDevAttrMaxThreadsPerBlock: *out = p.maxThreadsPerBlock; break;
    case cudaDevAttrMaxBlockDimX: *out = p.maxThreadsDim[0]; break;
    case cudaDevAttrMaxBlockDimY: *out = p.maxThreadsDim[1]; break;
    case cudaDevAttrMaxBlockDimZ: *out = p.maxThreadsDim[2]; break;
    case cudaDevAttrMaxGridDimX: *out = p.maxGridSize[0]; break;
    case cudaDevAttrMaxGridDimY: *out = p.maxGridSize[1]; break;
    case cudaDevAttrMaxGridDimZ: *out = p.maxGridSize[2]; break;
    case cudaDevAttrMaxSharedMemoryPerBlock: *out = p.sharedMemPerBlock; break;
    case cudaDevAttrTotalConstantMemory: *out = p.totalConstMem; break;
    case cudaDevAttrWarpSize: *out = p.warpSize; break;
    case cudaDevAttrMaxPitch: *out = p.memPitch; break;
    case cudaDevAttrMaxRegistersPerBlock: *out = p.regsPerBlock; break;
    case cudaDevAttrClockRate: *out = p.clockRate; break;
    case cudaDevAttrTextureAlignment: *out = p.textureAlignment; break;
    case cudaDevAttrGpuOverlap: *out = p.deviceOverlap; break;
    case cudaDevAttrMultiProcessorCount: *out = p.multiProcessorCount; break;
    case cudaDevAttrKernelExecTimeout: *out = p.kernelExecTimeoutEnabled; break;
    case cudaDevAttrIntegrated: *out = p.integrated; break;
    case cudaDevAttrCanMapHostMemory: *out = p.canMapHostMemory; break;
    case cudaDevAttrComputeMode: *out = p.computeMode; break;
    case cudaDevAttrMaxTexture1DWidth: *out = p.maxTexture1D; break;
    case cudaDevAttrMaxTexture2DWidth: *out = p.maxTexture2D[0]; break;
    case cudaDevAttrMaxTexture2DHeight: *out = p.maxTexture2D[1]; break;
    case cudaDevAttrMaxTexture3DWidth: *out = p.maxTexture3D[0]; break;
    case cudaDevAttrMaxTexture3DHeight: *out = p.maxTexture3D[1]; break;
    case cudaDevAttrMaxTexture3DDepth: *out = p.maxTexture3D[2]; break;
    case cudaDevAttrMaxTexture2DLayeredWidth: *out = p.maxTexture2DLayered[0]; break;
    case cudaDevAttrMaxTexture2DLayeredHeight: *out = p.maxTexture2DLayered[1]; break;
    case cudaDevAttrMaxTexture2DLayeredLayers: *out = p.maxTexture2DLayered[2]; break;
    case cudaDevAttrSurfaceAlignment: *out = p.surfaceAlignment; break;
    case cudaDevAttrConcurrentKernels: *out = p.concurrentKernels; break;
    case cudaDevAttrEccEnabled: *out = p.ECCEnabled; break;
    case cudaDevAttrPciBusId: *out = p.pciBusID; break;
    case cudaDevAttrPciDeviceId: *out = p.pciDeviceID; break;
    case cudaDevAttrTccDriver: *out = p.tccDriver; break;
    case cudaDevAttrMemoryClockRate: *out = p.memoryClockRate; break;
    case cudaDevAttrGlobalMemoryBusWidth: *out = p.memoryBusWidth; break;
    case cudaDevAttrL2CacheSize: *out = p.l2CacheSize; break;
    case cudaDevAttrMaxThreadsPerMultiProcessor: *out = p.maxThreadsPerMultiProcessor; break;
    case cudaDevAttrAsyncEngineCount: *out = p.asyncEngineCount; break;
    case cudaDevAttrUnifiedAddressing: *out = p.unifiedAddressing; break;
    case cudaDevAttrMaxTexture1DLayeredWidth: *out = p.maxTexture1DLayered[0]; break;
    case cudaDevAttrMaxTexture1DLayeredLayers: *out = p.maxTexture1DLayered[1]; break;
    case cudaDevAttrMaxTexture2DGatherWidth: *out = p.maxTexture2DGather[0]; break;
    case cudaDevAttrMaxTexture2DGatherHeight: *out = p.maxTexture2DGather[1]; break;
    case cudaDevAttrMaxTexture3DWidthAlt: *out = p.maxTexture3DAlt[0]; break;
    case cudaDevAttrMaxTexture3DHeightAlt: *out = p.maxTexture3DAlt[1]; break;
    case cudaDevAttrMaxTexture3DDepthAlt: *out = p.maxTexture3DAlt[2]; break;
    case cudaDevAttrPciDomainId: *out = p.pciDomainID; break;
    case cudaDevAttrTexturePitchAlignment: *out = p.texturePitchAlignment; break;
    case cudaDevAttrMaxTextureCubemapWidth: *out = p.maxTextureCubemap; break;
    case cudaDevAttrMaxTextureCubemapLayeredWidth: *out = p.maxTextureCubemapLayered[0]; break;
    case cudaDevAttrMaxTextureCubemapLayeredLayers: *out = p.maxTextureCubemapLayered[1]; break;
    case cudaDevAttrMaxSurface1DWidth: *out = p.maxSurface1D; break;
    case cudaDevAttrMaxSurface2DWidth: *out = p.maxSurface2D[0]; break;
    case cudaDevAttrMaxSurface2DHeight: *out = p.maxSurface2D[1]; break;
    case cudaDevAttrMaxSurface3DWidth: *out = p.maxSurface3D[0]; break;
    case cudaDevAttrMaxSurface3DHeight: *out = p.maxSurface3D[1]; break;
    case cudaDevAttrMaxSurface3DDepth: *out = p.maxSurface3D[2]; break;
    case cudaDevAttrMaxSurface1DLayeredWidth: *out = p.maxSurface1DLayered[0]; break;
    case cudaDevAttrMaxSurface1DLayeredLayers: *out = p.maxSurface1DLayered[1]; break;
    case cudaDevAttrMaxSurface2DLayeredWidth: *out = p.maxSurface2DLayered[0]; break;
    case cudaDevAttrMaxSurface2DLayeredHeight: *out = p.maxSurface2DLayered[1]; break;
    case cudaDevAttrMaxSurface2DLayeredLayers: *out = p.maxSurface2DLayered[2]; break;
    case cudaDevAttrMaxSurfaceCubemapWidth: *out = p.maxSurfaceCubemap; break;
    case cudaDevAttrMaxSurfaceCubemapLayeredWidth: *out = p.maxSurfaceCubemapLayered[0]; break;
    case cudaDevAttrMaxSurfaceCubemapLayeredLayers: *out = p.maxSurfaceCubemapLayered[1]; break;
    case cudaDevAttrMaxTexture1DLinearWidth: *out = p.maxTexture1DLinear; break;
    case cudaDevAttrMaxTexture2DLinearWidth: *out = p.maxTexture2DLinear[0]; break;
    case cudaDevAttrMaxTexture2DLinearHeight: *out = p.maxTexture2DLinear[1]; break;
    case cudaDevAttrMaxTexture2DLinearPitch: *out = p.maxTexture2DLinear[2]; break;
    case cudaDevAttrMaxTexture2DMipmappedWidth: *out = p.maxTexture2DMipmap[0]; break;
    case cudaDevAttrMaxTexture2DMipmappedHeight: *out = p.maxTexture2DMipmap[1]; break;
    case cudaDevAttrComputeCapabilityMajor: *out = p.major; break;
    case cudaDevAttrComputeCapabilityMinor: *out = p.minor; break;
    case cudaDevAttrMaxTexture1DMipmappedWidth: *out = p.maxTexture1DMipmap; break;
    case cudaDevAttrStreamPrioritiesSupported: *out = p.streamPrioritiesSupported; break;
    case cudaDevAttrGlobalL1CacheSupported: *out = p.globalL1CacheSupported; break;
    case cudaDevAttrLocalL1CacheSupported: *out = p.localL1CacheSupported; break;
    case cudaDevAttrMaxSharedMemoryPerMultiprocessor: *out = p.sharedMemPerMultiprocessor; break;
    case cudaDevAttrMaxRegistersPerMultiprocessor: *out = p.regsPerMultiprocessor; break;
    case cudaDevAttrManagedMemory: *out = p.managedMemory; break;
    case cudaDevAttrIsMultiGpuBoard: *out = p.isMultiGpuBoard; break;
    case cudaDevAttrMultiGpuBoardGroupID: *out = p.multiGpuBoardGroupID; break;
    case cudaDevAttrHostNativeAtomicSupported: *out = p.hostNativeAtomicSupported; break;
    case cudaDevAttrSingleToDoublePrecisionPerfRatio:
      *out = p.singleToDoublePrecisionPerfRatio;
      break;
    case cudaDevAttrPageableMemoryAccess: *out = p.pageableMemoryAccess; break;
    case cudaDevAttrConcurrentManagedAccess: *out = p.concurrentManagedAccess; break;
    case cudaDevAttrComputePreemptionSupported: *out = p.computePreemptionSupported; break;
    case cudaDevAttrCanUseHostPointerForRegisteredMem:
      *out = p.canUseHostPointerForRegisteredMem;
      break;
    case cudaDevAttrCooperativeLaunch: *out = p.cooperativeLaunch; break;
    case cudaDevAttrCooperativeMultiDeviceLaunch: *out = p.cooperativeMultiDeviceLaunch; break;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin: *out = p.sharedMemPerBlockOptin; break;
    case cudaDevAttrHostRegisterSupported: *out = p.hostRegisterSupported; break;
    case cudaDevAttrPageableMemoryAccessUsesHostPageTables:
      *out = p.pageableMemoryAccessUsesHostPageTables;
      break;
    case cudaDevAttrDirectManagedMemAccessFromHost:
      *out = p.directManagedMemAccessFromHost;
      break;
    case cudaDevAttrMaxBlocksPerMultiprocessor: *out = p.maxBlocksPerMultiProcessor; break;
    case cudaDevAttrMaxPersistingL2CacheSize: *out = p.persistingL2CacheMaxSize; break;
    case cudaDevAttrMaxAccessPolicyWindowSize: *out = p.accessPolicyMaxWindowSize; break;
    case cudaDevAttrReservedSharedMemoryPerBlock: *out = p.reservedSharedMemPerBlock; break;
    case cudaDevAttrHostRegisterReadOnlySupported: *out = p.hostRegisterReadOnlySupported; break;
    case cudaDevAttrMemoryPoolsSupported: *out = p.memoryPoolsSupported; break;
    case cudaDevAttrMemSyncDomainCount: *out = 1; break;
    case cudaDevAttrNumaId:
    case cudaDevAttrHostNumaId: *out = -1; break;
    default:
      if (which <= 0 || which >= cudaDevAttrMax) return cudaErrorInvalidValue;
      *out = 0;  // what the chip does not have
  }
  return cudaSuccess;
}

}  // namespace wf::rt

using namespace wf::rt;

extern "C" {

cudaError_t cudaGetDeviceCount(int *count) {
  if (!count) return note(cudaErrorInvalidValue);
  *count = 1;
  return cudaSuccess;
}

cudaError_t cudaGetDevice(int *device) {
  if (!device) return note(cudaErrorInvalidValue);
  *device = 0;
  return cudaSuccess;
}

cudaError_t cudaSetDevice(int device) { return note(check_device(device)); }

cudaError_t cudaInitDevice(int device, unsigned, unsigned) { return note(check_device(device)); }

cudaError_t cudaSetValidDevices(int *devices, int count) {
  if (!devices || count < 1) return note(cudaErrorInvalidValue);
  for (int i = 0; i < count; i++)
    if (cudaError_t code = check_device(devices[i])) return note(code);
  return cudaSuccess;
}

cudaError_t cudaSetDeviceFlags(unsigned flags) {
  if (flags & ~cudaDeviceMask) return note(cudaErrorInvalidValue);
  device_flags = flags | cudaDeviceMapHost;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceFlags(unsigned *flags) {
  if (!flags) return note(cudaErrorInvalidValue);
  *flags = device_flags;
  return cudaSuccess;
}

cudaError_t cudaChooseDevice(int *device, const cudaDeviceProp *wanted) {
  if (!device || !wanted) return note(cudaErrorInvalidValue);
  *device = 0;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp *out, int device) {
  if (!out) return note(cudaErrorInvalidValue);
  if (cudaError_t code = check_device(device)) return note(code);
  *out = properties();
  return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties_v2(cudaDeviceProp *out, int device) {
  return cudaGetDeviceProperties(out, device);
}

cudaError_t cudaDeviceGetAttribute(int *out, cudaDeviceAttr which, int device) {
  if (!out) return note(cudaErrorInvalidValue);
  if (cudaError_t code = check_device(device)) return note(code);
  return note(attribute(out, which));
}

cudaError_t cudaDeviceGetByPCIBusId(int *device, const char *bus_id) {
  unsigned domain = 0, bus = 0, slot = 0;
  if (!device || !bus_id) return note(cudaErrorInvalidValue);
  if (std::sscanf(bus_id, "%x:%x:%x", &domain, &bus, &slot) < 3) {
    domain = 0;
    if (std::sscanf(bus_id, "%x:%x", &bus, &slot) < 2) return note(cudaErrorInvalidValue);
  }
  if (domain != 0 || bus != 5 || slot != 0) return note(cudaErrorInvalidDevice);
  *device = 0;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetPCIBusId(char *out, int length, int device) {
  if (!out || length < static_cast<int>(sizeof kBusId)) return note(cudaErrorInvalidValue);
  if (cudaError_t code = check_device(device)) return note(code);
  std::memcpy(out, kBusId, sizeof kBusId);
  return cudaSuccess;
}

cudaError_t cudaDeviceReset(void) {
  sync_device();
  wf::memory::reset();
  reset_modules();
  reset_area();
  clear_sticky();
  return cudaSuccess;
}

cudaError_t cudaThreadExit(void) { return cudaDeviceReset(); }

cudaError_t cudaDeviceSetLimit(cudaLimit which, size_t value) {
  if (static_cast<unsigned>(which) > cudaLimitPersistingL2CacheSize)
    return note(cudaErrorUnsupportedLimit);
  if (which == cudaLimitStackSize) value = std::min<size_t>((value + 15) / 16 * 16, 512 << 10);
  limits[which] = value;
  if (which == cudaLimitPrintfFifoSize || which == cudaLimitMallocHeapSize) {
    sync_device();
    reset_area();
  }
  return cudaSuccess;
}

cudaError_t cudaDeviceGetLimit(size_t *value, cudaLimit which) {
  if (!value) return note(cudaErrorInvalidValue);
  if (static_cast<unsigned>(which) > cudaLimitPersistingL2CacheSize)
    return note(cudaErrorUnsupportedLimit);
  *value = limits[which];
  return cudaSuccess;
}

cudaError_t cudaThreadSetLimit(cudaLimit which, size_t value) {
  return cudaDeviceSetLimit(which, value);
}

cudaError_t cudaThreadGetLimit(size_t *value, cudaLimit which) {
  return cudaDeviceGetLimit(value, which);
}

cudaError_t cudaDeviceSetCacheConfig(cudaFuncCache config) {
  cache_config = config;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetCacheConfig(cudaFuncCache *config) {
  if (!config) return note(cudaErrorInvalidValue);
  *config = static_cast<cudaFuncCache>(cache_config.load());
  return cudaSuccess;
}

cudaError_t cudaThreadSetCacheConfig(cudaFuncCache config) {
  return cudaDeviceSetCacheConfig(config);
}

cudaError_t cudaThreadGetCacheConfig(cudaFuncCache *config) {
  return cudaDeviceGetCacheConfig(config);
}

cudaError_t cudaDeviceSetSharedMemConfig(cudaSharedMemConfig config) {
  shared_config = config;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetSharedMemConfig(cudaSharedMemConfig *config) {
  if (!config) return note(cudaErrorInvalidValue);
  int now = shared_config;
  *config = now ? static_cast<cudaSharedMemConfig>(now) : cudaSharedMemBankSizeFourByte;
  return cudaSuccess;
}

cudaError_t cudaDeviceCanAccessPeer(int *can, int device, int peer) {
  if (!can) return note(cudaErrorInvalidValue);
  if (check_device(device) || check_device(peer)) return note(cudaErrorInvalidDevice);
  *can = 0;  // a device is not its own peer
  return cudaSuccess;
}

cudaError_t cudaDeviceEnablePeerAccess(int, unsigned flags) {
  return note(flags ? cudaErrorInvalidValue : cudaErrorInvalidDevice);
}

cudaError_t cudaDeviceDisablePeerAccess(int peer) {
  return note(peer == 0 ? cudaErrorPeerAccessNotEnabled : cudaErrorInvalidDevice);
}

cudaError_t cudaDeviceGetP2PAttribute(int *value, cudaDeviceP2PAttr, int, int) {
  return note(value ? cudaErrorInvalidDevice : cudaErrorInvalidValue);
}

cudaError_t cudaDriverGetVersion(int *version) {
  if (!version) return note(cudaErrorInvalidValue);
  *version = kVersion;
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int *version) { return cudaDriverGetVersion(version); }

cudaError_t cudaCtxResetPersistingL2Cache(void) { return cudaSuccess; }
cudaError_t cudaProfilerStart(void) { return cudaSuccess; }
cudaError_t cudaProfilerStop(void) { return cudaSuccess; }

}  // extern "C"
