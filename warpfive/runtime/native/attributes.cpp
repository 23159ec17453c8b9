// Stream attributes, range attributes, and what one process on one chip refuses.
#include <dlfcn.h>

#include <cstring>


#include "errors.h"
#include "memory.h"
#include "stream.h"

using namespace wf::rt;

extern "C" {

cudaError_t cudaStreamGetDevice(cudaStream_t stream, int *device) {
  if (!resolve(stream)) return note(cudaErrorInvalidResourceHandle);
  if (!device) return note(cudaErrorInvalidValue);
  *device = 0;
  return cudaSuccess;
}

cudaError_t cudaStreamCopyAttributes(cudaStream_t to, cudaStream_t from) {
  return note(resolve(to) && resolve(from) ? cudaSuccess : cudaErrorInvalidResourceHandle);
}

cudaError_t cudaStreamGetAttribute(cudaStream_t handle, cudaLaunchAttributeID which,
                                   cudaLaunchAttributeValue *value) {
  CUstream_st *stream = resolve(handle);
  if (!stream) return note(cudaErrorInvalidResourceHandle);
  if (!value) return note(cudaErrorInvalidValue);
  std::memset(value, 0, sizeof *value);
  if (which == cudaLaunchAttributePriority) value->priority = stream->priority;
  if (which == cudaLaunchAttributeSynchronizationPolicy) value->syncPolicy = cudaSyncPolicyAuto;
  return cudaSuccess;
}

cudaError_t cudaStreamSetAttribute(cudaStream_t handle, cudaLaunchAttributeID which,
                                   const cudaLaunchAttributeValue *value) {
  CUstream_st *stream = resolve(handle);
  if (!stream) return note(cudaErrorInvalidResourceHandle);
  if (!value) return note(cudaErrorInvalidValue);
  if (which == cudaLaunchAttributePriority) stream->priority = value->priority;
  return cudaSuccess;  // cache hints do not change what the chip does
}

cudaError_t cudaMemRangeGetAttribute(void *data, size_t bytes, cudaMemRangeAttribute which,
                                     const void *pointer, size_t count) {
  if (!data || bytes < sizeof(int)) return note(cudaErrorInvalidValue);
  if (locate(pointer).place != Place::managed) return note(cudaErrorInvalidValue);
  if (cudaError_t code = check_range(pointer, count, true, false)) return note(code);
  *static_cast<int *>(data) =
      which == cudaMemRangeAttributeReadMostly ? 0 : static_cast<int>(cudaInvalidDeviceId);
  return cudaSuccess;
}

cudaError_t cudaGetDriverEntryPoint(const char *symbol, void **out, unsigned long long,
                                    cudaDriverEntryPointQueryResult *status) {
  if (!symbol || !out) return note(cudaErrorInvalidValue);
  *out = dlsym(RTLD_DEFAULT, symbol);
  if (status)
    *status = *out ? cudaDriverEntryPointSuccess : cudaDriverEntryPointSymbolNotFound;
  return note(*out ? cudaSuccess : cudaErrorSymbolNotFound);
}

// Memory of another process's chip is not this one's.
cudaError_t cudaIpcGetMemHandle(cudaIpcMemHandle_t *, void *) {
  return note(cudaErrorNotSupported);
}
cudaError_t cudaIpcOpenMemHandle(void **, cudaIpcMemHandle_t, unsigned) {
  return note(cudaErrorNotSupported);
}
cudaError_t cudaIpcCloseMemHandle(void *) { return note(cudaErrorNotSupported); }
cudaError_t cudaIpcGetEventHandle(cudaIpcEventHandle_t *, cudaEvent_t) {
  return note(cudaErrorNotSupported);
}
cudaError_t cudaIpcOpenEventHandle(cudaEvent_t *, cudaIpcEventHandle_t) {
  return note(cudaErrorNotSupported);
}

}  // extern "C"
