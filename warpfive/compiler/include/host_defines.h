/* Attributes of the CUDA language, and what they mean to clang in each of the three modes:
   device pass, host pass of a .cu file, and a plain C or C++ file. */
#pragma once

#define __no_return__ __attribute__((noreturn))
#define __align__(n) __attribute__((aligned(n)))
#define __builtin_align__(n) __align__(n)
#define __thread__ __thread
#define __import__
#define __export__
#define CUDARTAPI
#define CUDARTAPI_CDECL
#define CUDAAPI

#if defined(__cplusplus)
#define __wf_default(v) = v
#else
#define __wf_default(v)
#endif
#define __dv(v) __wf_default(v)

#if defined(__CUDA__)

/* Only the device pass has __CUDA_ARCH__; clang alone gives it no compute capability. */
#if defined(__CUDA_ARCH__)
#define __WF_DEVICE__ 1
#if __CUDA_ARCH__ < 100
#undef __CUDA_ARCH__
#define __CUDA_ARCH__ 800
#endif
#endif
#if !defined(__CUDACC__)
#define __CUDACC__ 1
#endif
#if !defined(__CUDACC_VER_MAJOR__)
#define __CUDACC_VER_MAJOR__ 12
#define __CUDACC_VER_MINOR__ 6
#define __CUDACC_VER_BUILD__ 0
#endif

#define __host__ __attribute__((host))
#define __device__ __attribute__((device))
#define __global__ __attribute__((global, annotate("wf.kernel")))
#define __shared__ __attribute__((shared))
#define __constant__ __attribute__((constant))
/* Both sides keep the variable in pages of its own: the loader maps the device's pages over the
   host's, so that host and kernel see one memory. */
#define __managed__ \
  __attribute__((device, section(".wf_managed"), aligned(4096), annotate("wf.managed")))
/* The annotation carries the bounds into the device image. */
#define __launch_bounds__(...) \
  __attribute__((launch_bounds(__VA_ARGS__), annotate("wf.launch_bounds", __VA_ARGS__)))
#define __maxnreg__(n)
#define __grid_constant__
#define __cluster_dims__(...)
#define __block_size__(...)
#define __nv_pure__ __attribute__((pure))
#define __forceinline__ __inline__ __attribute__((always_inline))
#define __inline_hint__
#define __tile_global__ __global__

#else

#define __host__
#define __device__
#define __global__
#define __shared__
#define __constant__
#define __managed__
#define __launch_bounds__(...)
#define __maxnreg__(n)
#define __grid_constant__
#define __cluster_dims__(...)
#define __nv_pure__ __attribute__((pure))
#define __forceinline__ __inline__ __attribute__((always_inline))

#endif

/* Inline functions of both sides, usable in constant expressions where C++ allows it. */
#if defined(__cplusplus)
#define __wf_hd __host__ __device__ __forceinline__
#define __wf_hdc __host__ __device__ constexpr inline
#else
#define __wf_hd static __inline__
#endif
#define __wf_d static __device__ __forceinline__
