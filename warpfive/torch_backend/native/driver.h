// The CUDA API of libwarpfive.so, looked up once. torch's library and ours meet only here.
#pragma once
#include <cstddef>
#include <cstdint>

namespace wf::torch_backend {

/// Entry points this library calls; names and meanings are CUDA's.
struct Driver {
  int (*cudaMalloc)(void **, size_t);
  int (*cudaFree)(void *);
  int (*cudaHostAlloc)(void **, size_t, unsigned);
  int (*cudaFreeHost)(void *);
  int (*cudaMemGetInfo)(size_t *, size_t *);
  int (*cudaMemcpyAsync)(void *, const void *, size_t, int, void *);
  int (*cudaMemsetAsync)(void *, int, size_t, void *);
  int (*cudaDeviceSynchronize)();
  int (*cudaStreamCreateWithPriority)(void **, unsigned, int);
  int (*cudaStreamSynchronize)(void *);
  int (*cudaStreamQuery)(void *);
  int (*cudaStreamWaitEvent)(void *, void *, unsigned);
  int (*cudaStreamIsCapturing)(void *, int *);
  int (*cudaEventCreateWithFlags)(void **, unsigned);
  int (*cudaEventDestroy)(void *);
  int (*cudaEventRecord)(void *, void *);
  int (*cudaEventQuery)(void *);
  int (*cudaEventSynchronize)(void *);
  int (*cudaEventElapsedTime)(float *, void *, void *);
  int (*cudaGetLastError)();
  const char *(*cudaGetErrorString)(int);
  const char *(*cudaGetErrorName)(int);
  int (*cuLaunchKernel)(void *, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned,
                        unsigned, void *, void **, void **);
};

inline constexpr int kToDevice = 1, kToHost = 2, kOnDevice = 3, kNotReady = 600, kNoMemory = 2;

extern Driver driver;

/// Loads the library at `path`; raises c10::Error when a name is missing.
void load_driver(const char *path);

/// Raises torch.AcceleratorError for a code that is neither success nor "not ready".
void check(int code);

/// The stream this thread launches into; null is the default stream.
void *current_stream();
void set_current_stream(void *stream);

/// Waits for the stream. A fault of a kernel in it is raised here.
void synchronize(void *stream);

}  // namespace wf::torch_backend
