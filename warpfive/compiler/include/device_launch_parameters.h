/* threadIdx, blockIdx, blockDim, gridDim and warpSize. */
#pragma once
#include "host_defines.h"
#include "vector_types.h"

#if defined(__CUDA__)
#include "wf_isa.h"

/* A coordinate is a property: reading it reads the special register, so nothing is stored. */
#define __WF_COORDINATE(member, reg)                                                     \
  __declspec(property(get = __get_##member)) unsigned int member;                        \
  static __device__ __forceinline__ unsigned int __get_##member() {                      \
    return __wf_##reg##_##member();                                        \
  }
#define __WF_COORDINATES(name, reg)                                                      \
  struct __wf_##name##_t {                                                               \
    __WF_COORDINATE(x, reg)                                                              \
    __WF_COORDINATE(y, reg)                                                              \
    __WF_COORDINATE(z, reg)                                                              \
    __device__ __forceinline__ operator uint3() const { return uint3{x, y, z}; }         \
    __device__ __forceinline__ operator dim3() const { return dim3(x, y, z); }           \
  };                                                                                     \
  extern const __device__ __wf_##name##_t name;

__WF_COORDINATES(threadIdx, tid)
__WF_COORDINATES(blockIdx, ctaid)
__WF_COORDINATES(blockDim, ntid)
__WF_COORDINATES(gridDim, nctaid)

#undef __WF_COORDINATE
#undef __WF_COORDINATES

__device__ const int warpSize = 32;
#endif
