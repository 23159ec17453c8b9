// Order within and between streams, events, callbacks, overlap with the host, launch cost.
#include <chrono>
#include <thread>
#include <unistd.h>

#include "check.h"

__global__ void append(int *log, int *count, int value) { log[atomicAdd(count, 1)] = value; }
__global__ void wait_for(volatile int *flag) {
  while (*flag == 0) {}
}
__global__ void set(volatile int *flag) { *flag = 1; }
__global__ void nothing() {}

static int *logged, *count;
static volatile int *flag;

static void restart() {
  OK(cudaDeviceSynchronize());
  *count = 0;
  *flag = 0;
}

static void order_and_host_overlap() {
  cudaStream_t s;
  OK(cudaStreamCreate(&s));
  restart();
  wait_for<<<1, 1, 0, s>>>(flag);
  append<<<1, 1, 0, s>>>(logged, count, 1);
  append<<<1, 1, 0, s>>>(logged, count, 2);
  CODE(cudaStreamQuery(s), cudaErrorNotReady);
  CHECK(*count == 0);
  *flag = 1;  // the host goes on while the kernel spins
  OK(cudaStreamSynchronize(s));
  OK(cudaStreamQuery(s));
  CHECK(*count == 2 && logged[0] == 1 && logged[1] == 2);
  OK(cudaStreamDestroy(s));
}

static void legacy_stream_waits_for_all() {
  cudaStream_t blocking, free_running;
  OK(cudaStreamCreate(&blocking));
  OK(cudaStreamCreateWithFlags(&free_running, cudaStreamNonBlocking));
  restart();
  wait_for<<<1, 1, 0, blocking>>>(flag);
  append<<<1, 1>>>(logged, count, 1);  // after the blocking stream's kernel
  CODE(cudaStreamQuery(0), cudaErrorNotReady);
  append<<<1, 1, 0, free_running>>>(logged, count, 2);  // does not wait
  OK(cudaStreamSynchronize(free_running));
  CHECK(*count == 1 && logged[0] == 2);
  set<<<1, 1, 0, free_running>>>(flag);
  OK(cudaDeviceSynchronize());
  CHECK(*count == 2 && logged[1] == 1);
  OK(cudaStreamDestroy(blocking));
  OK(cudaStreamDestroy(free_running));
}

static void events() {
  cudaStream_t a, b;
  cudaEvent_t passed, start, end, untimed;
  float ms = -1;
  OK(cudaStreamCreateWithFlags(&a, cudaStreamNonBlocking));
  OK(cudaStreamCreateWithFlags(&b, cudaStreamNonBlocking));
  OK(cudaEventCreate(&passed));
  OK(cudaEventCreate(&start));
  OK(cudaEventCreate(&end));
  OK(cudaEventCreateWithFlags(&untimed, cudaEventDisableTiming));
  restart();
  OK(cudaEventRecord(start, a));
  wait_for<<<1, 1, 0, a>>>(flag);
  OK(cudaEventRecord(passed, a));
  OK(cudaStreamWaitEvent(b, passed, 0));
  append<<<1, 1, 0, b>>>(logged, count, 1);
  OK(cudaEventRecord(end, b));
  CODE(cudaEventQuery(passed), cudaErrorNotReady);
  CODE(cudaEventElapsedTime(&ms, start, end), cudaErrorNotReady);
  usleep(2000);
  CHECK(*count == 0);
  *flag = 1;
  OK(cudaEventSynchronize(end));
  CHECK(*count == 1);
  OK(cudaEventElapsedTime(&ms, start, end));
  CHECK(ms > 0 && ms < 60000);  // the chip's time: how often it spun is the host's affair
  CODE(cudaEventElapsedTime(&ms, untimed, end), cudaErrorInvalidResourceHandle);
  CODE(cudaGetLastError(), cudaErrorInvalidResourceHandle);
  OK(cudaEventDestroy(passed));
  CODE(cudaEventDestroy(passed), cudaErrorInvalidResourceHandle);
  OK(cudaStreamDestroy(a));
  OK(cudaStreamDestroy(b));
  CODE(cudaStreamDestroy(b), cudaErrorInvalidResourceHandle);
}

static void host_functions() {
  static int seen[2];
  cudaStream_t s;
  OK(cudaStreamCreate(&s));
  restart();
  append<<<1, 1, 0, s>>>(logged, count, 1);
  OK(cudaLaunchHostFunc(s, [](void *data) { seen[0] = *static_cast<int *>(data); }, count));
  OK(cudaStreamAddCallback(
      s, [](cudaStream_t, cudaError_t status, void *) { seen[1] = status == cudaSuccess; },
      nullptr, 0));
  OK(cudaStreamSynchronize(s));
  CHECK(seen[0] == 1 && seen[1] == 1);
  OK(cudaStreamDestroy(s));
}

static void capture() {
  cudaStream_t s, side;
  cudaGraph_t graph;
  cudaGraphExec_t exec;
  cudaEvent_t fork, join;
  size_t nodes = 0;
  OK(cudaStreamCreate(&s));
  OK(cudaStreamCreate(&side));
  OK(cudaEventCreate(&fork));
  OK(cudaEventCreate(&join));
  restart();
  OK(cudaStreamBeginCapture(s, cudaStreamCaptureModeGlobal));
  append<<<1, 1, 0, s>>>(logged, count, 1);
  OK(cudaEventRecord(fork, s));
  OK(cudaStreamWaitEvent(side, fork, 0));
  append<<<1, 1, 0, side>>>(logged, count, 2);
  OK(cudaEventRecord(join, side));
  OK(cudaStreamWaitEvent(s, join, 0));
  append<<<1, 1, 0, s>>>(logged, count, 3);
  OK(cudaStreamEndCapture(s, &graph));
  CHECK(*count == 0);
  OK(cudaGraphGetNodes(graph, nullptr, &nodes));
  CHECK(nodes == 3);
  OK(cudaGraphInstantiate(&exec, graph, 0));
  for (int i = 0; i < 3; i++) OK(cudaGraphLaunch(exec, s));
  OK(cudaStreamSynchronize(s));
  CHECK(*count == 9);
  for (int i = 0; i < 9; i++) CHECK(logged[i] == i % 3 + 1);
  OK(cudaGraphExecDestroy(exec));
  OK(cudaGraphDestroy(graph));

  void *p;
  OK(cudaStreamBeginCapture(s, cudaStreamCaptureModeGlobal));
  CODE(cudaMalloc(&p, 16), cudaErrorStreamCaptureUnsupported);
  CODE(cudaStreamEndCapture(s, &graph), cudaErrorStreamCaptureInvalidated);
  (void)cudaGetLastError();
}

static void launch_cost() {
  using Clock = std::chrono::steady_clock;
  nothing<<<1, 32>>>();
  OK(cudaDeviceSynchronize());
  double best = 1e9;
  for (int round = 0; round < 5; round++) {
    auto start = Clock::now();
    for (int i = 0; i < 500; i++) nothing<<<1, 32>>>();
    OK(cudaDeviceSynchronize());
    std::chrono::duration<double, std::micro> took = Clock::now() - start;
    best = took.count() / 500 < best ? took.count() / 500 : best;
  }
  printf("launch: %.1f us\n", best);
}

int main() {
  OK(cudaMallocManaged(&logged, 4000));
  OK(cudaMallocManaged(&count, 4));
  OK(cudaHostAlloc((void **)&flag, 4, cudaHostAllocMapped));
  order_and_host_overlap();
  legacy_stream_waits_for_all();
  events();
  host_functions();
  capture();
  launch_cost();
  return verdict();
}
