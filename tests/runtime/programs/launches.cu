// What launches refuse, attributes, occupancy, limits, device queries, error texts.
#include "check.h"

__global__ void plain(int *p) { if (p) *p = 1; }
__global__ void __launch_bounds__(128) bounded() {}
__global__ void tile() {
  __shared__ float a[2048];
  a[threadIdx.x] = 1;
  __syncthreads();
  if (a[0] == 2) a[1] = 3;
}
extern __shared__ int dynamic[];
__global__ void big(int *out, int n) {
  dynamic[n - 1] = 5;
  *out = dynamic[n - 1];
}
struct Wide {
  double values[40];
  char tail[3];
};
__global__ void wide(Wide w, char c, short s, double *out) { *out = w.values[39] + w.tail[2] + c + s; }

template <class F>
static cudaError_t launch(F launch_it) {
  launch_it();
  cudaError_t code = cudaGetLastError();
  cudaError_t after = cudaDeviceSynchronize();
  return code != cudaSuccess ? code : after;
}

static void refusals() {
  CODE(launch([] { plain<<<1, 1025>>>(nullptr); }), cudaErrorInvalidConfiguration);
  CODE(launch([] { plain<<<1, dim3(1, 1, 65)>>>(nullptr); }), cudaErrorInvalidConfiguration);
  CODE(launch([] { plain<<<0, 32>>>(nullptr); }), cudaErrorInvalidConfiguration);
  CODE(launch([] { plain<<<1, 0>>>(nullptr); }), cudaErrorInvalidConfiguration);
  CODE(launch([] { plain<<<dim3(1, 65536), 1>>>(nullptr); }), cudaErrorInvalidConfiguration);
  CODE(launch([] { plain<<<1, 32, 49153>>>(nullptr); }), cudaErrorInvalidValue);
  CODE(launch([] { plain<<<1, 32>>>(nullptr); }), cudaSuccess);
  cudaStream_t bad = (cudaStream_t)0x1234560;
  CODE(launch([=] { plain<<<1, 32, 0, bad>>>(nullptr); }), cudaErrorInvalidResourceHandle);
  int on_stack = 0;
  CODE(cudaLaunchKernel(&on_stack, 1, 1, nullptr, 0, 0), cudaErrorInvalidDeviceFunction);
  (void)cudaGetLastError();
  void *args[] = {&args};
  CODE(cudaLaunchCooperativeKernel((void *)plain, 1 << 20, 1024, args, 0, 0),
       cudaErrorCooperativeLaunchTooLarge);
  CODE(cudaPeekAtLastError(), cudaErrorCooperativeLaunchTooLarge);
  CODE(cudaGetLastError(), cudaErrorCooperativeLaunchTooLarge);
  CODE(cudaGetLastError(), cudaSuccess);
}

static void shared_memory() {
  int *out, n = 200 * 1024 / 4;
  OK(cudaMallocManaged(&out, 4));
  OK(cudaFuncSetAttribute(big, cudaFuncAttributeMaxDynamicSharedMemorySize, n * 4));
  big<<<1, 1, n * 4>>>(out, n);
  OK(cudaDeviceSynchronize());
  CHECK(*out == 5);
  CODE(cudaFuncSetAttribute(big, cudaFuncAttributeMaxDynamicSharedMemorySize, 300 << 10),
       cudaErrorInvalidValue);
  (void)cudaGetLastError();
}

static void arguments() {
  double *out;
  OK(cudaMallocManaged(&out, 8));
  Wide w = {};
  w.values[39] = 0.5;
  w.tail[2] = 7;
  wide<<<1, 1>>>(w, 'A', -300, out);
  OK(cudaDeviceSynchronize());
  CHECK(*out == 0.5 + 7 + 65 - 300);
}

static void attributes() {
  cudaFuncAttributes about;
  int blocks = 0, size = 0, grid = 0;
  OK(cudaFuncGetAttributes(&about, tile));
  CHECK(about.sharedSizeBytes == 8192 && about.maxThreadsPerBlock == 1024);
  OK(cudaFuncGetAttributes(&about, bounded));
  CHECK(about.maxThreadsPerBlock == 128);
  OK(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, plain, 256, 0));
  CHECK(blocks >= 4 && blocks <= 8);
  OK(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, plain, 256, 48 << 10));
  CHECK(blocks == 4);
  OK(cudaOccupancyMaxPotentialBlockSize(&grid, &size, plain));
  CHECK(size % 32 == 0 && size > 0 && size <= 1024 && grid >= 64);
}

static void device() {
  cudaDeviceProp p;
  int count = 0, value = 0, version = 0;
  size_t limit = 0;
  OK(cudaGetDeviceCount(&count));
  CHECK(count == 1);
  OK(cudaGetDeviceProperties(&p, 0));
  CHECK(p.warpSize == 32 && p.multiProcessorCount == 64 && p.major == 8 && p.minor == 0);
  CHECK(p.maxThreadsPerBlock == 1024 && p.sharedMemPerBlock == 49152);
  CHECK(strstr(p.name, "simulated"));
  OK(cudaDeviceGetAttribute(&value, cudaDevAttrMultiProcessorCount, 0));
  CHECK(value == p.multiProcessorCount);
  OK(cudaDeviceGetAttribute(&value, cudaDevAttrMaxSharedMemoryPerBlockOptin, 0));
  CHECK(value == 228 << 10);
  CODE(cudaDeviceGetAttribute(&value, static_cast<cudaDeviceAttr>(9999), 0), cudaErrorInvalidValue);
  CODE(cudaSetDevice(1), cudaErrorInvalidDevice);
  CODE(cudaDeviceCanAccessPeer(&value, 0, 1), cudaErrorInvalidDevice);
  CODE(cudaDeviceEnablePeerAccess(1, 0), cudaErrorInvalidDevice);
  OK(cudaDriverGetVersion(&version));
  CHECK(version >= 12000);
  OK(cudaDeviceSetLimit(cudaLimitStackSize, 4096));
  OK(cudaDeviceGetLimit(&limit, cudaLimitStackSize));
  CHECK(limit == 4096);
  (void)cudaGetLastError();
}

static void texts() {
  CHECK(!strcmp(cudaGetErrorName(cudaErrorInvalidValue), "cudaErrorInvalidValue"));
  CHECK(!strcmp(cudaGetErrorString(cudaErrorInvalidValue), "invalid argument"));
  CHECK(!strcmp(cudaGetErrorString(cudaErrorMemoryAllocation), "out of memory"));
  CHECK(!strcmp(cudaGetErrorString(cudaErrorIllegalAddress),
                "an illegal memory access was encountered"));
  CHECK(!strcmp(cudaGetErrorString(cudaSuccess), "no error"));
  CHECK(!strcmp(cudaGetErrorString(static_cast<cudaError_t>(4711)), "unrecognized error code"));
}

int main() {
  refusals();
  shared_memory();
  arguments();
  attributes();
  device();
  texts();
  return verdict();
}
