#include "driver.h"

#include <c10/util/Exception.h>
#include <dlfcn.h>

#include <string>

namespace wf::torch_backend {

Driver driver;

namespace {

thread_local void *stream_of_thread = nullptr;

template <typename F>
void look_up(void *library, const char *name, F &function) {
  void *found = dlsym(library, name);
  TORCH_CHECK(found, "libwarpfive.so has no ", name);
  function = reinterpret_cast<F>(found);
}

}  // namespace

#define FIND(name) look_up(library, #name, driver.name)

void load_driver(const char *path) {
  void *library = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
  TORCH_CHECK(library, "cannot load ", path, ": ", dlerror());
  FIND(cudaMalloc);
  FIND(cudaFree);
  FIND(cudaHostAlloc);
  FIND(cudaFreeHost);
  FIND(cudaMemGetInfo);
  FIND(cudaMemcpyAsync);
  FIND(cudaMemsetAsync);
  FIND(cudaDeviceSynchronize);
  FIND(cudaStreamCreateWithPriority);
  FIND(cudaStreamSynchronize);
  FIND(cudaStreamQuery);
  FIND(cudaStreamWaitEvent);
  FIND(cudaStreamIsCapturing);
  FIND(cudaEventCreateWithFlags);
  FIND(cudaEventDestroy);
  FIND(cudaEventRecord);
  FIND(cudaEventQuery);
  FIND(cudaEventSynchronize);
  FIND(cudaEventElapsedTime);
  FIND(cudaGetLastError);
  FIND(cudaGetErrorString);
  FIND(cudaGetErrorName);
  FIND(cuLaunchKernel);
}

#undef FIND

void check(int code) {
  if (code == 0 || code == kNotReady) [[likely]]
    return;
  driver.cudaGetLastError();
  const std::string text = std::string("CUDA error: ") + driver.cudaGetErrorString(code) + " (" +
                           driver.cudaGetErrorName(code) + ")";
  throw c10::AcceleratorError({__func__, __FILE__, __LINE__}, code, text);
}

void *current_stream() { return stream_of_thread; }

void set_current_stream(void *stream) { stream_of_thread = stream; }

void synchronize(void *stream) { check(driver.cudaStreamSynchronize(stream)); }

}  // namespace wf::torch_backend
