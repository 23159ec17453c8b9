// The driver API: contexts are the one device, modules and functions are those of the runtime.
//
// Its declarations are in cuda.h; codes are the runtime's with other names, but for a few.
#include "driver.h"

#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "copy.h"
#include "errors.h"
#include "launch.h"
#include "limits.h"
#include "memory.h"
#include "module.h"
#include "stream.h"

using namespace wf::rt;

namespace {

int context_object;  // its address is the one context
thread_local std::vector<CUcontext> contexts;

CUcontext the_context() { return reinterpret_cast<CUcontext>(&context_object); }

/// Runtime codes are driver codes, except for those whose numbers the driver never had.
CUresult result(cudaError_t code) {
  switch (static_cast<int>(code)) {
    case 98: return CUDA_ERROR_INVALID_HANDLE;
    case 13: return CUDA_ERROR_NOT_FOUND;
    case 9:
    case 12:
    case 17:
    case 21: return CUDA_ERROR_INVALID_VALUE;
    default: return static_cast<CUresult>(code);
  }
}

void *pointer(CUdeviceptr at) { return reinterpret_cast<void *>(at); }

CUresult fill(CUdeviceptr at, unsigned value, unsigned element, size_t count, CUstream stream,
              bool async) {
  return result(wf::rt::fill(line(pointer(at), nullptr, count * element), value, element, stream,
                             async));
}

struct Extra {
  const void *data = nullptr;
  size_t bytes = 0;
};

/// CU_LAUNCH_PARAM_BUFFER_POINTER and CU_LAUNCH_PARAM_BUFFER_SIZE, in any order.
Extra packed(void **extra) {
  Extra found;
  for (; extra && *extra; extra += 2) {
    if (extra[0] == CU_LAUNCH_PARAM_BUFFER_POINTER) found.data = extra[1];
    if (extra[0] == CU_LAUNCH_PARAM_BUFFER_SIZE) found.bytes = *static_cast<size_t *>(extra[1]);
  }
  return found;
}

CUresult launch_function(CUfunction function, const LaunchShape &shape, CUstream stream,
                         void **params, void **extra) {
  if (!is_function(function) || !function->kernel) return CUDA_ERROR_INVALID_HANDLE;
  if (sticky_error() != cudaSuccess) return result(sticky_error());
  Extra buffer = packed(extra);
  std::shared_ptr<Ready> made;
  if (cudaError_t code = ready(function, shape, params, buffer.data, buffer.bytes, &made))
    return result(code);
  return result(enqueue(stream, WorkKind::kernel, launch_body(std::move(made))));
}

std::string driver_name(int code) {
  const ErrorText *row = error_text(code);
  if (!row) return "";
  if (code == 0) return "CUDA_SUCCESS";
  std::string name = "CUDA_ERROR_";
  std::string words = std::string(row->name).substr(9);  // after "cudaError"
  for (size_t i = 0; i < words.size(); i++) {
    bool upper = words[i] >= 'A' && words[i] <= 'Z';
    if (i && upper) name += '_';
    name += upper ? words[i] : static_cast<char>(words[i] - 'a' + 'A');
  }
  if (code == 2) return "CUDA_ERROR_OUT_OF_MEMORY";
  if (code == 3) return "CUDA_ERROR_NOT_INITIALIZED";
  if (code == 400) return "CUDA_ERROR_INVALID_HANDLE";
  if (code == 500) return "CUDA_ERROR_NOT_FOUND";
  if (code == 200) return "CUDA_ERROR_INVALID_IMAGE";
  if (code == 209) return "CUDA_ERROR_NO_BINARY_FOR_GPU";
  if (code == 719) return "CUDA_ERROR_LAUNCH_FAILED";
  return name;
}

}  // namespace

#pragma GCC visibility push(default)
extern "C" {

CUresult cuInit(unsigned flags) { return flags ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS; }

CUresult cuDriverGetVersion(int *version) { return result(cudaDriverGetVersion(version)); }

CUresult cuGetErrorName(CUresult code, const char **out) {
  static thread_local std::string name;
  name = driver_name(static_cast<int>(code));
  if (!out || name.empty()) return CUDA_ERROR_INVALID_VALUE;
  *out = name.c_str();
  return CUDA_SUCCESS;
}

CUresult cuGetErrorString(CUresult code, const char **out) {
  const ErrorText *row = error_text(static_cast<int>(code));
  if (!out || !row) return CUDA_ERROR_INVALID_VALUE;
  *out = row->text;
  return CUDA_SUCCESS;
}

CUresult cuDeviceGetCount(int *count) { return result(cudaGetDeviceCount(count)); }

CUresult cuDeviceGet(CUdevice *device, int ordinal) {
  if (!device) return CUDA_ERROR_INVALID_VALUE;
  if (ordinal != 0) return CUDA_ERROR_INVALID_DEVICE;
  *device = 0;
  return CUDA_SUCCESS;
}

CUresult cuDeviceGetName(char *name, int bytes, CUdevice device) {
  if (!name || bytes <= 0) return CUDA_ERROR_INVALID_VALUE;
  if (device != 0) return CUDA_ERROR_INVALID_DEVICE;
  std::snprintf(name, static_cast<size_t>(bytes), "%s", properties().name);
  return CUDA_SUCCESS;
}

CUresult cuDeviceTotalMem(size_t *bytes, CUdevice device) {
  if (!bytes) return CUDA_ERROR_INVALID_VALUE;
  if (device != 0) return CUDA_ERROR_INVALID_DEVICE;
  *bytes = properties().totalGlobalMem;
  return CUDA_SUCCESS;
}

CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute which, CUdevice device) {
  if (!value) return CUDA_ERROR_INVALID_VALUE;
  if (device != 0) return CUDA_ERROR_INVALID_DEVICE;
  return result(attribute(value, which));
}

CUresult cuDeviceGetUuid(CUuuid *uuid, CUdevice device) {
  if (!uuid) return CUDA_ERROR_INVALID_VALUE;
  if (device != 0) return CUDA_ERROR_INVALID_DEVICE;
  *uuid = properties().uuid;
  return CUDA_SUCCESS;
}

CUresult cuDeviceComputeCapability(int *major, int *minor, CUdevice device) {
  if (!major || !minor) return CUDA_ERROR_INVALID_VALUE;
  if (device != 0) return CUDA_ERROR_INVALID_DEVICE;
  *major = properties().major;
  *minor = properties().minor;
  return CUDA_SUCCESS;
}

CUresult cuCtxCreate(CUcontext *out, unsigned, CUdevice device) {
  if (!out) return CUDA_ERROR_INVALID_VALUE;
  if (device != 0) return CUDA_ERROR_INVALID_DEVICE;
  contexts.push_back(the_context());
  *out = the_context();
  return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxRetain(CUcontext *out, CUdevice device) {
  if (!out) return CUDA_ERROR_INVALID_VALUE;
  if (device != 0) return CUDA_ERROR_INVALID_DEVICE;
  *out = the_context();
  return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxRelease(CUdevice device) {
  return device == 0 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_DEVICE;
}

CUresult cuCtxDestroy(CUcontext context) {
  if (context != the_context()) return CUDA_ERROR_INVALID_CONTEXT;
  if (!contexts.empty()) contexts.pop_back();
  return CUDA_SUCCESS;
}

CUresult cuCtxSetCurrent(CUcontext context) {
  contexts.clear();
  if (context) contexts.push_back(context);
  return CUDA_SUCCESS;
}

CUresult cuCtxGetCurrent(CUcontext *out) {
  if (!out) return CUDA_ERROR_INVALID_VALUE;
  *out = contexts.empty() ? nullptr : contexts.back();
  return CUDA_SUCCESS;
}

CUresult cuCtxPushCurrent(CUcontext context) {
  contexts.push_back(context);
  return CUDA_SUCCESS;
}

CUresult cuCtxPopCurrent(CUcontext *out) {
  if (contexts.empty()) return CUDA_ERROR_INVALID_CONTEXT;
  if (out) *out = contexts.back();
  contexts.pop_back();
  return CUDA_SUCCESS;
}

CUresult cuCtxGetDevice(CUdevice *out) { return cuDeviceGet(out, 0); }
CUresult cuCtxSynchronize(void) { return result(cudaDeviceSynchronize()); }

CUresult cuModuleLoadData(CUmodule *out, const void *image) {
  if (!out || !image) return CUDA_ERROR_INVALID_VALUE;
  return result(open_module(image, out));
}

CUresult cuModuleLoadDataEx(CUmodule *out, const void *image, unsigned, CUjit_option *, void **) {
  return cuModuleLoadData(out, image);
}

CUresult cuModuleLoadFatBinary(CUmodule *out, const void *image) {
  return cuModuleLoadData(out, image);
}

CUresult cuModuleLoad(CUmodule *out, const char *path) {
  if (!out || !path) return CUDA_ERROR_INVALID_VALUE;
  std::FILE *file = std::fopen(path, "rb");
  if (!file) return CUDA_ERROR_FILE_NOT_FOUND;
  std::string data;
  char part[65536];
  while (size_t got = std::fread(part, 1, sizeof part, file)) data.append(part, got);
  std::fclose(file);
  if (data.size() < 64) return CUDA_ERROR_INVALID_IMAGE;
  return result(open_module(data.data(), out));
}

CUresult cuModuleUnload(CUmodule module) {
  if (!is_module(module)) return CUDA_ERROR_INVALID_HANDLE;
  sync_device();
  close_module(module);
  return CUDA_SUCCESS;
}

CUresult cuModuleGetFunction(CUfunction *out, CUmodule module, const char *name) {
  if (!out || !name) return CUDA_ERROR_INVALID_VALUE;
  if (!is_module(module)) return CUDA_ERROR_INVALID_HANDLE;
  if (cudaError_t code = load(module)) return result(code);
  if (!module->image->kernel(name)) return CUDA_ERROR_NOT_FOUND;
  *out = function_of(module, name);
  return CUDA_SUCCESS;
}

CUresult cuModuleGetGlobal(CUdeviceptr *out, size_t *bytes, CUmodule module,
                              const char *name) {
  if (!name) return CUDA_ERROR_INVALID_VALUE;
  if (!is_module(module)) return CUDA_ERROR_INVALID_HANDLE;
  if (cudaError_t code = load(module)) return result(code);
  const wf::Variable *variable = module->image->variable(name);
  if (!variable) return CUDA_ERROR_NOT_FOUND;
  if (out) *out = variable->address;
  if (bytes) *bytes = variable->bytes;
  return CUDA_SUCCESS;
}

CUresult cuFuncGetAttribute(int *value, CUfunction_attribute which, CUfunction function) {
  if (!value) return CUDA_ERROR_INVALID_VALUE;
  if (!is_function(function) || !function->kernel) return CUDA_ERROR_INVALID_HANDLE;
  const wf::Kernel &kernel = *function->kernel;
  switch (static_cast<int>(which)) {
    case 0: *value = static_cast<int>(kernel.max_threads); break;
    case 1: *value = static_cast<int>(kernel.static_shared_bytes); break;
    case 2: *value = 0; break;
    case 3: *value = static_cast<int>(kernel.stack_bytes); break;
    case 4: *value = 64; break;
    case 5:
    case 6: *value = properties().major * 10 + properties().minor; break;
    case 7: *value = 0; break;
    case 8: *value = static_cast<int>(dynamic_shared_limit(function)); break;
    case 9: *value = function->carveout; break;
    default: return CUDA_ERROR_INVALID_VALUE;
  }
  return CUDA_SUCCESS;
}

CUresult cuFuncSetAttribute(CUfunction function, CUfunction_attribute which, int value) {
  if (!is_function(function) || !function->kernel) return CUDA_ERROR_INVALID_HANDLE;
  return result(set_attribute(function, static_cast<cudaFuncAttribute>(which), value));
}

CUresult cuFuncSetCacheConfig(CUfunction function, CUfunc_cache) {
  return is_function(function) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
}

CUresult cuLaunchKernel(CUfunction function, unsigned gx, unsigned gy, unsigned gz, unsigned bx,
                        unsigned by, unsigned bz, unsigned shared, CUstream stream, void **params,
                        void **extra) {
  return launch_function(function, {{gx, gy, gz}, {bx, by, bz}, shared, false}, stream, params,
                         extra);
}

CUresult cuLaunchCooperativeKernel(CUfunction function, unsigned gx, unsigned gy, unsigned gz,
                                   unsigned bx, unsigned by, unsigned bz, unsigned shared,
                                   CUstream stream, void **params) {
  return launch_function(function, {{gx, gy, gz}, {bx, by, bz}, shared, true}, stream, params,
                         nullptr);
}

CUresult cuOccupancyMaxActiveBlocksPerMultiprocessor(int *out, CUfunction function, int threads,
                                                     size_t shared) {
  if (!out || threads <= 0) return CUDA_ERROR_INVALID_VALUE;
  if (!is_function(function) || !function->kernel) return CUDA_ERROR_INVALID_HANDLE;
  *out = wf::resident_blocks(*function->kernel, static_cast<uint32_t>(threads), shared);
  return CUDA_SUCCESS;
}

CUresult cuMemAlloc(CUdeviceptr *out, size_t bytes) {
  if (bytes == 0) return CUDA_ERROR_INVALID_VALUE;
  return result(cudaMalloc(reinterpret_cast<void **>(out), bytes));
}

CUresult cuMemAllocPitch(CUdeviceptr *out, size_t *pitch, size_t width, size_t height,
                            unsigned) {
  return result(cudaMallocPitch(reinterpret_cast<void **>(out), pitch, width, height));
}

CUresult cuMemAllocManaged(CUdeviceptr *out, size_t bytes, unsigned flags) {
  return result(cudaMallocManaged(reinterpret_cast<void **>(out), bytes, flags));
}

CUresult cuMemFree(CUdeviceptr at) { return result(cudaFree(pointer(at))); }

CUresult cuMemAllocHost(void **out, size_t bytes) { return result(cudaMallocHost(out, bytes)); }

CUresult cuMemHostAlloc(void **out, size_t bytes, unsigned flags) {
  return result(cudaHostAlloc(out, bytes, flags));
}

CUresult cuMemFreeHost(void *at) { return result(cudaFreeHost(at)); }

CUresult cuMemHostGetDevicePointer(CUdeviceptr *out, void *at, unsigned flags) {
  return result(cudaHostGetDevicePointer(reinterpret_cast<void **>(out), at, flags));
}

CUresult cuMemGetInfo(size_t *free_bytes, size_t *total) {
  return result(cudaMemGetInfo(free_bytes, total));
}

CUresult cuMemGetAddressRange(CUdeviceptr *base, size_t *bytes, CUdeviceptr at) {
  Range range = locate(pointer(at));
  if (range.place == Place::host || range.place == Place::nowhere) return CUDA_ERROR_NOT_FOUND;
  if (base) *base = range.base;
  if (bytes) *bytes = range.bytes;
  return CUDA_SUCCESS;
}

CUresult cuMemcpy(CUdeviceptr to, CUdeviceptr from, size_t bytes) {
  return result(cudaMemcpy(pointer(to), pointer(from), bytes, cudaMemcpyDefault));
}

CUresult cuMemcpyAsync(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream) {
  return result(cudaMemcpyAsync(pointer(to), pointer(from), bytes, cudaMemcpyDefault, stream));
}

CUresult cuMemcpyHtoD(CUdeviceptr to, const void *from, size_t bytes) {
  return result(cudaMemcpy(pointer(to), from, bytes, cudaMemcpyHostToDevice));
}

CUresult cuMemcpyDtoH(void *to, CUdeviceptr from, size_t bytes) {
  return result(cudaMemcpy(to, pointer(from), bytes, cudaMemcpyDeviceToHost));
}

CUresult cuMemcpyDtoD(CUdeviceptr to, CUdeviceptr from, size_t bytes) {
  return result(cudaMemcpy(pointer(to), pointer(from), bytes, cudaMemcpyDeviceToDevice));
}

CUresult cuMemcpyHtoDAsync(CUdeviceptr to, const void *from, size_t bytes, CUstream stream) {
  return result(cudaMemcpyAsync(pointer(to), from, bytes, cudaMemcpyHostToDevice, stream));
}

CUresult cuMemcpyDtoHAsync(void *to, CUdeviceptr from, size_t bytes, CUstream stream) {
  return result(cudaMemcpyAsync(to, pointer(from), bytes, cudaMemcpyDeviceToHost, stream));
}

CUresult cuMemcpyDtoDAsync(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream) {
  return result(
      cudaMemcpyAsync(pointer(to), pointer(from), bytes, cudaMemcpyDeviceToDevice, stream));
}

CUresult cuMemsetD8(CUdeviceptr at, unsigned char value, size_t count) {
  return fill(at, value, 1, count, nullptr, false);
}
CUresult cuMemsetD16(CUdeviceptr at, unsigned short value, size_t count) {
  return fill(at, value, 2, count, nullptr, false);
}
CUresult cuMemsetD32(CUdeviceptr at, unsigned value, size_t count) {
  return fill(at, value, 4, count, nullptr, false);
}
CUresult cuMemsetD8Async(CUdeviceptr at, unsigned char value, size_t count, CUstream stream) {
  return fill(at, value, 1, count, stream, true);
}
CUresult cuMemsetD32Async(CUdeviceptr at, unsigned value, size_t count, CUstream stream) {
  return fill(at, value, 4, count, stream, true);
}

CUresult cuStreamCreate(CUstream *out, unsigned flags) {
  return result(cudaStreamCreateWithFlags(out, flags));
}
CUresult cuStreamCreateWithPriority(CUstream *out, unsigned flags, int priority) {
  return result(cudaStreamCreateWithPriority(out, flags, priority));
}
CUresult cuStreamDestroy(CUstream stream) { return result(cudaStreamDestroy(stream)); }
CUresult cuStreamSynchronize(CUstream stream) { return result(cudaStreamSynchronize(stream)); }
CUresult cuStreamQuery(CUstream stream) { return result(cudaStreamQuery(stream)); }
CUresult cuStreamWaitEvent(CUstream stream, CUevent event, unsigned flags) {
  return result(cudaStreamWaitEvent(stream, event, flags));
}
CUresult cuEventCreate(CUevent *out, unsigned flags) {
  return result(cudaEventCreateWithFlags(out, flags));
}
CUresult cuEventDestroy(CUevent event) { return result(cudaEventDestroy(event)); }
CUresult cuEventRecord(CUevent event, CUstream stream) {
  return result(cudaEventRecord(event, stream));
}
CUresult cuEventQuery(CUevent event) { return result(cudaEventQuery(event)); }
CUresult cuEventSynchronize(CUevent event) { return result(cudaEventSynchronize(event)); }
CUresult cuEventElapsedTime(float *ms, CUevent start, CUevent end) {
  return result(cudaEventElapsedTime(ms, start, end));
}

CUresult cuDeviceCanAccessPeer(int *can, CUdevice device, CUdevice peer) {
  return result(cudaDeviceCanAccessPeer(can, device, peer));
}

CUresult cuDevicePrimaryCtxReset(CUdevice device) {
  return device == 0 ? result(cudaDeviceReset()) : CUDA_ERROR_INVALID_DEVICE;
}

CUresult cuDevicePrimaryCtxGetState(CUdevice device, unsigned *flags, int *active) {
  if (device != 0) return CUDA_ERROR_INVALID_DEVICE;
  if (active) *active = 1;
  return flags ? result(cudaGetDeviceFlags(flags)) : CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxSetFlags(CUdevice device, unsigned flags) {
  return device == 0 ? result(cudaSetDeviceFlags(flags)) : CUDA_ERROR_INVALID_DEVICE;
}

CUresult cuCtxSetLimit(CUlimit which, size_t value) {
  return result(cudaDeviceSetLimit(static_cast<cudaLimit>(which), value));
}

CUresult cuCtxGetLimit(size_t *value, CUlimit which) {
  return result(cudaDeviceGetLimit(value, static_cast<cudaLimit>(which)));
}

CUresult cuCtxSetCacheConfig(CUfunc_cache config) {
  return result(cudaDeviceSetCacheConfig(static_cast<cudaFuncCache>(config)));
}

CUresult cuCtxGetStreamPriorityRange(int *least, int *greatest) {
  return result(cudaDeviceGetStreamPriorityRange(least, greatest));
}

CUresult cuLaunchHostFunc(CUstream stream, CUhostFn function, void *data) {
  return result(cudaLaunchHostFunc(stream, function, data));
}

CUresult cuStreamAddCallback(CUstream stream, CUstreamCallback callback, void *data,
                             unsigned flags) {
  if (!callback || flags) return CUDA_ERROR_INVALID_VALUE;
  return result(enqueue(stream, WorkKind::host,
                        [=] { callback(stream, result(sticky_error()), data); }));
}

CUresult cuMemHostRegister(void *at, size_t bytes, unsigned flags) {
  return result(cudaHostRegister(at, bytes, flags));
}

CUresult cuMemHostUnregister(void *at) { return result(cudaHostUnregister(at)); }

CUresult cuMemAllocAsync(CUdeviceptr *out, size_t bytes, CUstream stream) {
  return result(cudaMallocAsync(reinterpret_cast<void **>(out), bytes, stream));
}

CUresult cuMemFreeAsync(CUdeviceptr at, CUstream stream) {
  return result(cudaFreeAsync(pointer(at), stream));
}

CUresult cuPointerGetAttribute(void *out, CUpointer_attribute which, CUdeviceptr at) {
  if (!out) return CUDA_ERROR_INVALID_VALUE;
  Range range = locate(pointer(at));
  if (range.place == Place::host || range.place == Place::nowhere) return CUDA_ERROR_INVALID_VALUE;
  bool on_device = range.place == Place::device || range.place == Place::managed;
  switch (static_cast<int>(which)) {
    case 1: *static_cast<CUcontext *>(out) = the_context(); break;
    case 2: *static_cast<unsigned *>(out) = on_device ? 2 : 1; break;
    case 3:
    case 4: *static_cast<CUdeviceptr *>(out) = at; break;
    case 8: *static_cast<unsigned *>(out) = range.place == Place::managed; break;
    case 9: *static_cast<int *>(out) = 0; break;
    case 11: *static_cast<CUdeviceptr *>(out) = range.base; break;
    case 12: *static_cast<size_t *>(out) = range.bytes; break;
    default: return CUDA_ERROR_NOT_SUPPORTED;
  }
  return CUDA_SUCCESS;
}

CUresult cuOccupancyMaxPotentialBlockSize(int *grid, int *block, CUfunction function,
                                          CUoccupancyB2DSize shared_of, size_t shared,
                                          int limit) {
  if (!grid || !block) return CUDA_ERROR_INVALID_VALUE;
  if (!is_function(function) || !function->kernel) return CUDA_ERROR_INVALID_HANDLE;
  int most = static_cast<int>(function->kernel->max_threads), best = 0;
  if (limit > 0 && limit < most) most = limit;
  for (int threads = most / 32 * 32; threads > 0; threads -= 32) {
    size_t bytes = shared_of ? shared_of(threads) : shared;
    int blocks = wf::resident_blocks(*function->kernel, static_cast<uint32_t>(threads), bytes);
    if (blocks * threads <= best) continue;
    best = blocks * threads;
    *block = threads;
    *grid = blocks * wf::chip().compute_units;
  }
  return best ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

CUresult cuProfilerStart(void) { return CUDA_SUCCESS; }
CUresult cuProfilerStop(void) { return CUDA_SUCCESS; }

// Programs that look symbols up, or were built against other headers, use these names.
__attribute__((alias("cuCtxCreate"))) decltype(cuCtxCreate) cuCtxCreate_v2;
__attribute__((alias("cuCtxDestroy"))) decltype(cuCtxDestroy) cuCtxDestroy_v2;
__attribute__((alias("cuCtxPopCurrent"))) decltype(cuCtxPopCurrent) cuCtxPopCurrent_v2;
__attribute__((alias("cuCtxPushCurrent"))) decltype(cuCtxPushCurrent) cuCtxPushCurrent_v2;
__attribute__((alias("cuDevicePrimaryCtxRelease"))) decltype(cuDevicePrimaryCtxRelease) cuDevicePrimaryCtxRelease_v2;
__attribute__((alias("cuDeviceTotalMem"))) decltype(cuDeviceTotalMem) cuDeviceTotalMem_v2;
__attribute__((alias("cuEventDestroy"))) decltype(cuEventDestroy) cuEventDestroy_v2;
__attribute__((alias("cuMemAlloc"))) decltype(cuMemAlloc) cuMemAlloc_v2;
__attribute__((alias("cuMemAllocHost"))) decltype(cuMemAllocHost) cuMemAllocHost_v2;
__attribute__((alias("cuMemAllocPitch"))) decltype(cuMemAllocPitch) cuMemAllocPitch_v2;
__attribute__((alias("cuMemFree"))) decltype(cuMemFree) cuMemFree_v2;
__attribute__((alias("cuMemGetAddressRange"))) decltype(cuMemGetAddressRange) cuMemGetAddressRange_v2;
__attribute__((alias("cuMemGetInfo"))) decltype(cuMemGetInfo) cuMemGetInfo_v2;
__attribute__((alias("cuMemHostGetDevicePointer"))) decltype(cuMemHostGetDevicePointer) cuMemHostGetDevicePointer_v2;
__attribute__((alias("cuMemcpyDtoD"))) decltype(cuMemcpyDtoD) cuMemcpyDtoD_v2;
__attribute__((alias("cuMemcpyDtoDAsync"))) decltype(cuMemcpyDtoDAsync) cuMemcpyDtoDAsync_v2;
__attribute__((alias("cuMemcpyDtoH"))) decltype(cuMemcpyDtoH) cuMemcpyDtoH_v2;
__attribute__((alias("cuMemcpyDtoHAsync"))) decltype(cuMemcpyDtoHAsync) cuMemcpyDtoHAsync_v2;
__attribute__((alias("cuMemcpyHtoD"))) decltype(cuMemcpyHtoD) cuMemcpyHtoD_v2;
__attribute__((alias("cuMemcpyHtoDAsync"))) decltype(cuMemcpyHtoDAsync) cuMemcpyHtoDAsync_v2;
__attribute__((alias("cuMemsetD16"))) decltype(cuMemsetD16) cuMemsetD16_v2;
__attribute__((alias("cuMemsetD32"))) decltype(cuMemsetD32) cuMemsetD32_v2;
__attribute__((alias("cuMemsetD8"))) decltype(cuMemsetD8) cuMemsetD8_v2;
__attribute__((alias("cuModuleGetGlobal"))) decltype(cuModuleGetGlobal) cuModuleGetGlobal_v2;
__attribute__((alias("cuStreamDestroy"))) decltype(cuStreamDestroy) cuStreamDestroy_v2;

}  // extern "C"
#pragma GCC visibility pop
