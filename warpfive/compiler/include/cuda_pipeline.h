/* Asynchronous copies from global to shared memory, in their C form. The chip copies at once, so
   committing and waiting have nothing left to do for the thread that copied. */
#pragma once
#include "cuda_runtime.h"

#if defined(__cplusplus) && defined(__CUDA__)
typedef struct __wf_pipeline *__pipeline_t;

/* `zeros` bytes at the end of the destination are filled with zeros instead. */
__wf_d void __pipeline_memcpy_async(void *dst, const void *src, size_t bytes, size_t zeros = 0) {
  const size_t copied = bytes - zeros;
  if (zeros == 0 && bytes == 16) *(int4 *)dst = *(const int4 *)src;
  else if (zeros == 0 && bytes == 8) *(int2 *)dst = *(const int2 *)src;
  else if (zeros == 0 && bytes == 4) *(int *)dst = *(const int *)src;
  else
    for (size_t i = 0; i < bytes; i++)
      ((char *)dst)[i] = i < copied ? ((const char *)src)[i] : (char)0;
}
__wf_d void __pipeline_commit() {}
__wf_d void __pipeline_wait_prior(size_t) { __asm__ volatile("" : : : "memory"); }
#endif
