// Each mode makes one fault: the code, that it sticks, and that the program goes on to its end.
#include <cassert>
#include <cstdlib>

#include "check.h"

__global__ void wild(int *p) { p[threadIdx.x] = 1; }
__global__ void misaligned(char *p) { *(int *)(p + 1) = 1; }
__global__ void asserts(int n) { assert(threadIdx.x < n); }
__global__ void traps() { __trap(); }
__global__ void endless(volatile int *p) { while (*p == 0) {} }
__device__ int deep(int n, volatile int *p) {
  volatile int here[64];
  here[n % 64] = n;
  return n == 0 ? *p : deep(n - 1, p) + here[n % 64];
}
__global__ void recursion(int n, int *p) { *p = deep(n, p); }

int main(int argc, char **argv) {
  int mode = atoi(argv[1]), *p, host = 0;
  cudaError_t expected[] = {cudaErrorIllegalAddress,    cudaErrorMisalignedAddress,
                            cudaErrorAssert,            cudaErrorLaunchFailure,
                            cudaErrorLaunchTimeout,     cudaErrorHardwareStackError,
                            cudaErrorIllegalAddress};
  OK(cudaMalloc(&p, 256));
  OK(cudaMemset(p, 0, 256));
  switch (mode) {
    case 0: wild<<<1, 32>>>((int *)0x10); break;
    case 1: misaligned<<<1, 1>>>((char *)p); break;
    case 2: asserts<<<1, 64>>>(40); break;
    case 3: traps<<<1, 1>>>(); break;
    case 4: endless<<<1, 1>>>(p); break;
    case 5: recursion<<<1, 1>>>(1 << 30, p); break;
    case 6:
      int *gone;
      OK(cudaMalloc(&gone, 64 << 20));
      OK(cudaFree(gone));
      wild<<<1, 32>>>(gone);
      break;
  }
  CODE(cudaDeviceSynchronize(), expected[mode]);
  CODE(cudaGetLastError(), expected[mode]);
  CODE(cudaMemcpy(&host, p, 4, cudaMemcpyDeviceToHost), expected[mode]);
  CODE(cudaMalloc(&p, 256), expected[mode]);
  CODE(cudaPeekAtLastError(), expected[mode]);
  OK(cudaDeviceReset());
  OK(cudaMalloc(&p, 256));
  return verdict();
}
