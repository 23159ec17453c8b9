// Events, clock64 and streams on the chip's timeline. Usage: clock [launch_us copy_gbs copy_us]
#include <cstdlib>

#include "check.h"

__global__ void work(float *x, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  float v = x[i];
  for (int k = 0; k < 400; k++) v = v * 1.0001f + 0.5f;
  x[i] = v;
}

__global__ void wait_for(long long cycles, long long *took) {
  long long start = clock64();
  while (clock64() - start < cycles) {
  }
  if (threadIdx.x == 0) *took = clock64() - start;
}

__global__ void nothing() {}

cudaEvent_t first, last;

void begin() { OK(cudaEventRecord(first)); }

double end_us() {
  float ms = -1;
  OK(cudaEventRecord(last));
  OK(cudaEventSynchronize(last));
  OK(cudaEventElapsedTime(&ms, first, last));
  return ms * 1e3;
}

bool near(double value, double wanted, double share) {
  if (value > wanted * (1 - share) && value < wanted * (1 + share)) return true;
  printf("%g is not within %g%% of %g\n", value, share * 100, wanted);
  return false;
}

void copies(double launch_us, double gbs, double latency_us, cudaStream_t a, cudaStream_t b) {
  const size_t bytes = 16 << 20;
  char *device, *host;
  OK(cudaMalloc(&device, 2 * bytes));
  OK(cudaMallocHost(&host, 2 * bytes));
  double one = latency_us + bytes / gbs * 1e-3;
  begin();
  OK(cudaMemcpyAsync(device, host, bytes, cudaMemcpyHostToDevice, a));
  CHECK(near(end_us(), one + launch_us, 0.01));
  begin();
  OK(cudaMemcpyAsync(device, host, bytes, cudaMemcpyHostToDevice, a));
  OK(cudaMemcpyAsync(host + bytes, device + bytes, bytes, cudaMemcpyDeviceToHost, b));
  CHECK(near(end_us(), one + 2 * launch_us, 0.01));
  begin();
  OK(cudaMemcpyAsync(device, host, bytes, cudaMemcpyHostToDevice, a));
  OK(cudaMemcpyAsync(device + bytes, host + bytes, bytes, cudaMemcpyHostToDevice, b));
  CHECK(near(end_us(), 2 * one + launch_us, 0.01));
  OK(cudaFree(device));
  OK(cudaFreeHost(host));
}

void kernels(double launch_us, cudaStream_t a, cudaStream_t b) {
  const int n = 1 << 20, few = 8 * 256;
  float *x;
  OK(cudaMalloc(&x, n * sizeof(float)));
  OK(cudaMemset(x, 0, n * sizeof(float)));
  auto run = [&](int count, cudaStream_t stream) { work<<<count / 256, 256, 0, stream>>>(x, count); };
  run(n, a), run(few, a);
  OK(cudaDeviceSynchronize());
  begin(), run(n, a);
  double whole = end_us();
  begin(), run(n, a), run(n, b);
  CHECK(near(end_us(), 2 * whole, 0.25));  // each fills the chip: one after the other
  begin(), run(few, a);
  double small = end_us();
  begin(), run(few, a), run(few, b);
  CHECK(near(end_us(), small + launch_us, 0.1));  // side by side
  begin(), run(few, a), run(few, a);
  double ordered = end_us();
  CHECK(ordered > small + 0.9 * (small - launch_us) || near(ordered, small + launch_us, 0.1));
  cudaEvent_t done;
  OK(cudaEventCreateWithFlags(&done, cudaEventDisableTiming));
  begin();
  run(n, a);
  OK(cudaEventRecord(done, a));
  OK(cudaStreamWaitEvent(b, done, 0));
  run(n, b);
  CHECK(near(end_us(), 2 * whole - launch_us, 0.25));
  OK(cudaFree(x));
}

void launches(double launch_us, cudaStream_t stream) {
  nothing<<<1, 32, 0, stream>>>();
  OK(cudaDeviceSynchronize());
  begin();
  CHECK(near(end_us(), launch_us / 4, 0.01));  // the second event is asked for that much later
  begin();
  for (int i = 0; i < 100; i++) nothing<<<1, 32, 0, stream>>>();
  double apart = end_us();
  CHECK(near(apart, 100 * launch_us, 0.1));  // the host cannot ask faster
  cudaGraph_t graph;
  cudaGraphExec_t exec;
  OK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
  for (int i = 0; i < 100; i++) nothing<<<1, 32, 0, stream>>>();
  OK(cudaStreamEndCapture(stream, &graph));
  OK(cudaGraphInstantiate(&exec, graph, nullptr, nullptr, 0));
  begin();
  OK(cudaGraphLaunch(exec, stream));
  double together = end_us();
  CHECK(together > 50 && together < 0.7 * apart);
}

void clocks(cudaStream_t a, cudaStream_t b) {
  long long *took;
  int khz = 0;
  OK(cudaDeviceGetAttribute(&khz, cudaDevAttrClockRate, 0));
  OK(cudaMallocManaged(&took, 2 * sizeof *took));
  wait_for<<<1, 32, 0, a>>>(khz, took);  // a millisecond
  OK(cudaDeviceSynchronize());
  begin();
  wait_for<<<1, 32, 0, a>>>(khz, took);
  CHECK(near(end_us(), 1000, 0.15));
  CHECK(near(took[0], khz, 0.15));
  begin();
  wait_for<<<1, 32, 0, a>>>(khz, took);
  wait_for<<<1, 32, 0, b>>>(khz, took + 1);
  CHECK(near(end_us(), 1000, 0.5));  // side by side
}

int main(int argc, char **argv) {
  double launch_us = atof(argv[1]), gbs = atof(argv[2]), latency_us = atof(argv[3]);
  cudaStream_t a, b;
  OK(cudaStreamCreate(&a));
  OK(cudaStreamCreate(&b));
  OK(cudaEventCreate(&first));
  OK(cudaEventCreate(&last));
  launches(launch_us, a);
  copies(launch_us, gbs, latency_us, a, b);
  kernels(launch_us, a, b);
  clocks(a, b);
  return verdict();
}
