/* The CUDA language and runtime API: what nvcc includes before the first line of every .cu file. */
#pragma once
#include "host_defines.h"
#include "vector_functions.h"
#include "cuda_runtime_api.h"

#if defined(__CUDA__)
#include "wf_std.h"
#include "device_launch_parameters.h"
#include "wf_warp.h"
#include "wf_bits.h"
#include "wf_atomic.h"
#include "wf_memory.h"
#include "wf_minmax.h"
#if __has_include("wf_math.h")
#include "wf_math.h"
#endif
#include "wf_simd.h"
#include "wf_texture.h"
#endif

#if defined(__cplusplus)
#include "wf_api.h"
#endif

/* clang keeps device code only in objects that register something: units for a device link that
   have neither kernels nor variables register this. */
#if defined(__CUDA__) && defined(__CUDACC_RDC__)
__device__ __attribute__((weak)) char __wf_unit;
#endif

/* --default-stream per-thread: handle 0 of every call means the calling thread's own stream. */
#if defined(CUDA_API_PER_THREAD_DEFAULT_STREAM) && defined(__cplusplus) && !defined(__CUDA_ARCH__)
extern "C" void __wf_per_thread_default_stream(void);
static const int __wf_per_thread = (__wf_per_thread_default_stream(), 0);
#endif
