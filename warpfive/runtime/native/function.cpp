// Function attributes and the occupancy queries.
#include <algorithm>
#include <cstring>

#include "../../chip/native/device.h"
#include "errors.h"
#include "launch.h"
#include "limits.h"
#include "module.h"

namespace wf::rt {
namespace {

constexpr int kRegisters = 64;  // a thread's integer and float registers

}  // namespace

cudaError_t set_attribute(CUfunc_st *function, cudaFuncAttribute which, int value) {
  int most = static_cast<int>(chip().block_shared_optin_bytes -
                              function->kernel->static_shared_bytes);
  switch (which) {
    case cudaFuncAttributeMaxDynamicSharedMemorySize:
      if (value < 0 || value > most) return cudaErrorInvalidValue;
      function->max_dynamic_shared = value;
      return cudaSuccess;
    case cudaFuncAttributePreferredSharedMemoryCarveout:
      if (value < -1 || value > 100) return cudaErrorInvalidValue;
      function->carveout = value;
      return cudaSuccess;
    case cudaFuncAttributeNonPortableClusterSizeAllowed:
    case cudaFuncAttributeClusterSchedulingPolicyPreference: return cudaSuccess;
    default: return cudaErrorInvalidValue;
  }
}

}  // namespace wf::rt

using namespace wf::rt;

extern "C" {

cudaError_t cudaFuncGetAttributes(cudaFuncAttributes *out, const void *stub) {
  if (!out) return note(cudaErrorInvalidValue);
  CUfunc_st *function = nullptr;
  if (cudaError_t code = find_function(stub, &function)) return note(code);
  std::memset(out, 0, sizeof *out);
  const wf::Kernel &kernel = *function->kernel;
  out->sharedSizeBytes = kernel.static_shared_bytes;
  out->localSizeBytes = kernel.stack_bytes;
  out->maxThreadsPerBlock = static_cast<int>(kernel.max_threads);
  out->numRegs = kRegisters;
  out->ptxVersion = out->binaryVersion = properties().major * 10 + properties().minor;
  out->maxDynamicSharedSizeBytes = static_cast<int>(dynamic_shared_limit(function));
  out->preferredShmemCarveout = function->carveout;
  return cudaSuccess;
}

cudaError_t cudaFuncSetAttribute(const void *stub, cudaFuncAttribute which, int value) {
  CUfunc_st *function = nullptr;
  if (cudaError_t code = find_function(stub, &function)) return note(code);
  return note(set_attribute(function, which, value));
}

cudaError_t cudaFuncSetCacheConfig(const void *stub, cudaFuncCache) {
  CUfunc_st *function = nullptr;
  return note(find_function(stub, &function));
}

cudaError_t cudaFuncSetSharedMemConfig(const void *stub, cudaSharedMemConfig) {
  CUfunc_st *function = nullptr;
  return note(find_function(stub, &function));
}

cudaError_t cudaFuncGetName(const char **name, const void *stub) {
  CUfunc_st *function = nullptr;
  if (!name) return note(cudaErrorInvalidValue);
  if (cudaError_t code = find_function(stub, &function)) return note(code);
  *name = function->name.c_str();
  return cudaSuccess;
}

cudaError_t cudaGetFuncBySymbol(cudaFunction_t *out, const void *stub) {
  if (!out) return note(cudaErrorInvalidValue);
  return note(find_function(stub, out));
}

cudaError_t cudaGetKernel(cudaKernel_t *out, const void *stub) {
  if (!out) return note(cudaErrorInvalidValue);
  return note(find_function(stub, reinterpret_cast<CUfunc_st **>(out)));
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *out, const void *stub,
                                                                   int threads, size_t shared,
                                                                   unsigned) {
  if (!out || threads <= 0) return note(cudaErrorInvalidValue);
  CUfunc_st *function = nullptr;
  if (cudaError_t code = find_function(stub, &function)) return note(code);
  *out = wf::resident_blocks(*function->kernel, static_cast<uint32_t>(threads), shared);
  return cudaSuccess;
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int *out, const void *stub, int threads,
                                                          size_t shared) {
  return cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(out, stub, threads, shared, 0);
}

cudaError_t cudaOccupancyAvailableDynamicSMemPerBlock(size_t *out, const void *stub, int blocks,
                                                      int threads) {
  if (!out || blocks <= 0 || threads <= 0) return note(cudaErrorInvalidValue);
  CUfunc_st *function = nullptr;
  if (cudaError_t code = find_function(stub, &function)) return note(code);
  const wf::Chip &chip = wf::chip();
  uint64_t share = chip.unit_shared_bytes / blocks;
  uint64_t taken = function->kernel->static_shared_bytes + properties().reservedSharedMemPerBlock;
  share = share > taken ? share - taken : 0;
  *out = std::min<uint64_t>(share, chip.block_shared_optin_bytes);
  return cudaSuccess;
}

cudaError_t cudaOccupancyMaxPotentialClusterSize(int *out, const void *,
                                                 const cudaLaunchConfig_t *) {
  if (!out) return note(cudaErrorInvalidValue);
  return note(cudaErrorNotSupported);
}

cudaError_t cudaOccupancyMaxActiveClusters(int *out, const void *, const cudaLaunchConfig_t *) {
  if (!out) return note(cudaErrorInvalidValue);
  return note(cudaErrorNotSupported);
}

}  // extern "C"
