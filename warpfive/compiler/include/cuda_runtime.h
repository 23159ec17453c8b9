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
#endif

#if defined(__cplusplus)
#include "wf_api.h"
#endif
