// The least of CUDA that a kernel needs, for tests of the compiler alone.
#pragma once
#define __global__ __attribute__((global, annotate("wf.kernel")))
#define __device__ __attribute__((device))
#define __host__ __attribute__((host))
#define __shared__ __attribute__((shared))
#define __constant__ __attribute__((constant))
#define __managed__ __attribute__((device, annotate("wf.managed")))
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...) \
  __attribute__((launch_bounds(__VA_ARGS__), annotate("wf.launch_bounds", __VA_ARGS__)))
#include "wf_isa.h"
static __device__ __forceinline__ void __syncthreads() { __wf_bar_sync(0, 0); }
static __device__ __forceinline__ int tid() { return (int)__wf_tid_x(); }
static __device__ __forceinline__ int gid() {
  return (int)(__wf_ctaid_x() * __wf_ntid_x() + __wf_tid_x());
}
