// Allocation, copies in one to three dimensions, symbols, managed and mapped memory, pools.
#include <vector>

#include "check.h"

__device__ int counter = 7;
__constant__ float factors[4] = {1, 2, 3, 4};
__managed__ int shared_with_host = 5;

__global__ void bump(int *p) { *p += 1; }
__global__ void use_symbols(float *out) {
  out[threadIdx.x] = factors[threadIdx.x] * counter;
  if (threadIdx.x == 0) shared_with_host *= 2;
}

static void allocation() {
  void *p = nullptr, *none = &p;
  OK(cudaMalloc(&p, 1000));
  CHECK(reinterpret_cast<size_t>(p) % 256 == 0);
  OK(cudaMalloc(&none, 0));
  CHECK(none == nullptr);
  OK(cudaFree(nullptr));
  CODE(cudaFree(static_cast<char *>(p) + 16), cudaErrorInvalidValue);
  CODE(cudaFree(&p), cudaErrorInvalidValue);
  OK(cudaFree(p));
  CODE(cudaFree(p), cudaErrorInvalidValue);
  CODE(cudaMalloc(&p, size_t(200) << 30), cudaErrorMemoryAllocation);
  CODE(cudaGetLastError(), cudaErrorMemoryAllocation);
  CODE(cudaGetLastError(), cudaSuccess);
  size_t before = 0, after = 0, total = 0;
  OK(cudaMemGetInfo(&before, &total));
  CHECK(total == size_t(96) << 30);
  OK(cudaMalloc(&p, 64 << 20));
  OK(cudaMemGetInfo(&after, &total));
  CHECK(before - after >= 64 << 20);
  OK(cudaFree(p));
}

static void copies() {
  std::vector<int> in(1000), out(1000);
  for (int i = 0; i < 1000; i++) in[i] = i * 3;
  int *d, *e;
  OK(cudaMalloc(&d, 4000));
  OK(cudaMalloc(&e, 4000));
  OK(cudaMemcpy(d, in.data(), 4000, cudaMemcpyHostToDevice));
  OK(cudaMemcpy(e, d, 4000, cudaMemcpyDeviceToDevice));
  OK(cudaMemcpy(out.data(), e, 4000, cudaMemcpyDefault));
  CHECK(in == out);
  CODE(cudaMemcpy(d, in.data(), 4001, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  CODE(cudaMemcpy(d, in.data(), 4000, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
  CODE(cudaMemcpy(d, in.data(), 4, static_cast<cudaMemcpyKind>(9)),
       cudaErrorInvalidMemcpyDirection);
  OK(cudaMemset(d, 0x11, 4000));
  OK(cudaMemcpy(out.data(), d, 4000, cudaMemcpyDeviceToHost));
  CHECK(out[999] == 0x11111111);
  OK(cudaFree(d));
  OK(cudaFree(e));
}

static void rectangles() {
  char *d;
  size_t pitch = 0;
  OK(cudaMallocPitch(&d, &pitch, 100, 10));
  CHECK(pitch >= 100 && pitch % 512 == 0);
  char in[10][100], out[10][100] = {};
  for (int i = 0; i < 1000; i++) (&in[0][0])[i] = i % 127;
  OK(cudaMemcpy2D(d, pitch, in, 100, 100, 10, cudaMemcpyHostToDevice));
  OK(cudaMemcpy2D(out, 100, d, pitch, 100, 10, cudaMemcpyDeviceToHost));
  CHECK(!memcmp(in, out, sizeof in));
  CODE(cudaMemcpy2D(d, pitch, in, 50, 100, 10, cudaMemcpyHostToDevice), cudaErrorInvalidPitchValue);
  OK(cudaMemset2D(d, pitch, 9, 50, 10));
  OK(cudaMemcpy2D(out, 100, d, pitch, 100, 10, cudaMemcpyDeviceToHost));
  CHECK(out[9][49] == 9 && out[9][50] == in[9][50]);
  OK(cudaFree(d));

  cudaPitchedPtr box;
  OK(cudaMalloc3D(&box, make_cudaExtent(20, 10, 5)));
  cudaMemcpy3DParms p = {};
  p.srcPtr = make_cudaPitchedPtr(in, 20, 20, 10);
  p.dstPtr = box;
  p.extent = make_cudaExtent(20, 10, 5);
  p.kind = cudaMemcpyHostToDevice;
  OK(cudaMemcpy3D(&p));
  p.srcPtr = box;
  p.dstPtr = make_cudaPitchedPtr(out, 20, 20, 10);
  p.kind = cudaMemcpyDeviceToHost;
  OK(cudaMemcpy3D(&p));
  CHECK(!memcmp(in, out, sizeof in));
  OK(cudaFree(box.ptr));
}

static void symbols() {
  int value = 0;
  size_t bytes = 0;
  float scale[4] = {10, 20, 30, 40}, *out;
  void *at = nullptr;
  OK(cudaMemcpyFromSymbol(&value, counter, sizeof value));
  CHECK(value == 7);
  value = 3;
  OK(cudaMemcpyToSymbol(counter, &value, sizeof value));
  OK(cudaMemcpyToSymbol(factors, scale, sizeof scale));
  OK(cudaGetSymbolSize(&bytes, factors));
  CHECK(bytes == 16);
  OK(cudaGetSymbolAddress(&at, counter));
  CHECK(at != nullptr);
  CODE(cudaMemcpyToSymbol(factors, scale, 20), cudaErrorInvalidValue);
  int plain;
  CODE(cudaMemcpyToSymbol(plain, scale, 4), cudaErrorInvalidSymbol);
  shared_with_host = 21;
  OK(cudaMallocManaged(&out, 16));
  use_symbols<<<1, 4>>>(out);
  OK(cudaDeviceSynchronize());
  CHECK(out[3] == 120 && out[0] == 30);
  CHECK(shared_with_host == 42);
  OK(cudaFree(out));
}

static void host_memory() {
  int *pinned, *mapped, plain = 4;
  unsigned flags = 0;
  cudaPointerAttributes about;
  OK(cudaMallocHost(&pinned, 100));
  *pinned = 1;
  OK(cudaHostGetDevicePointer(&mapped, pinned, 0));
  bump<<<1, 1>>>(mapped);
  OK(cudaDeviceSynchronize());
  CHECK(*pinned == 2);
  OK(cudaHostGetFlags(&flags, pinned));
  CHECK(flags & cudaHostAllocMapped);
  OK(cudaPointerGetAttributes(&about, pinned));
  CHECK(about.type == cudaMemoryTypeHost);
  OK(cudaPointerGetAttributes(&about, &plain));
  CHECK(about.type == cudaMemoryTypeUnregistered);
  OK(cudaHostRegister(&plain, sizeof plain, cudaHostRegisterMapped));
  CODE(cudaHostRegister(&plain, sizeof plain, 0), cudaErrorHostMemoryAlreadyRegistered);
  OK(cudaHostGetDevicePointer(&mapped, &plain, 0));
  bump<<<1, 1>>>(mapped);
  OK(cudaDeviceSynchronize());
  CHECK(plain == 5);
  OK(cudaHostUnregister(&plain));
  CODE(cudaHostUnregister(&plain), cudaErrorHostMemoryNotRegistered);
  CODE(cudaFree(pinned), cudaErrorInvalidValue);
  OK(cudaFreeHost(pinned));
}

static void pools() {
  cudaStream_t stream;
  cudaMemPool_t pool;
  uint64_t used = 1;
  int *p;
  OK(cudaStreamCreate(&stream));
  OK(cudaDeviceGetDefaultMemPool(&pool, 0));
  OK(cudaMallocAsync(&p, 4000, stream));
  OK(cudaMemsetAsync(p, 0, 4000, stream));
  bump<<<1, 1, 0, stream>>>(p);
  int value = 0;
  OK(cudaMemcpyAsync(&value, p, 4, cudaMemcpyDeviceToHost, stream));
  CHECK(value == 1);
  OK(cudaMemPoolGetAttribute(pool, cudaMemPoolAttrUsedMemCurrent, &used));
  CHECK(used == 4000);
  OK(cudaFreeAsync(p, stream));
  OK(cudaStreamSynchronize(stream));
  OK(cudaMemPoolGetAttribute(pool, cudaMemPoolAttrUsedMemCurrent, &used));
  CHECK(used == 0);
  OK(cudaStreamDestroy(stream));
}

int main() {
  allocation();
  copies();
  rectangles();
  symbols();
  host_memory();
  pools();
  return verdict();
}
