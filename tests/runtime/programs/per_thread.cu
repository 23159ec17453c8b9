// --default-stream per-thread: threads' default streams do not wait for one another.
#include <thread>

#include "check.h"

__global__ void wait_for(volatile int *flag) {
  while (*flag == 0) {}
}
__global__ void set(volatile int *flag) { *flag = 1; }

int main() {
  int *flag;
  OK(cudaMallocManaged(&flag, 4));
  *flag = 0;
  wait_for<<<1, 1>>>(flag);
  std::thread([&] {
    set<<<1, 1>>>(flag);
    OK(cudaStreamSynchronize(0));
  }).join();
  OK(cudaStreamSynchronize(0));
  CHECK(*flag == 1);
  return verdict();
}
