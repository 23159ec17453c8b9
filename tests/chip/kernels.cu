// Kernels that exercise the scheduler: barriers, waiting on others, faults.
#include <cooperative_groups.h>

extern "C" {

__device__ int counter;
__device__ int lock_word;
__constant__ int table[4] = {1, 2, 3, 4};

__global__ void fill(int *out, int n, int value) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) out[i] = value + table[i & 3];
}

__global__ void where_am_i(int *out) {
  unsigned block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
  unsigned thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
  out[block * blockDim.x * blockDim.y * blockDim.z + thread] = block * 10000 + thread;
}

__global__ void block_sum(const int *in, int *out, int rounds) {
  extern __shared__ int part[];
  int t = threadIdx.x;
  part[t] = in[blockIdx.x * blockDim.x + t];
  for (int r = 0; r < rounds; r++) {
    __syncthreads();
    int other = part[(t + 1) % blockDim.x];
    __syncthreads();
    part[t] = other;
  }
  for (unsigned half = blockDim.x / 2; half; half /= 2) {
    __syncthreads();
    if (t < half) part[t] += part[t + half];
  }
  if (t == 0) out[blockIdx.x] = part[0];
}

__global__ void early_exit(int *out) {
  if (threadIdx.x % 3 == 1 || threadIdx.x / 32 == 2) return;
  __syncthreads();
  int both = __syncthreads_count(threadIdx.x % 2);
  out[threadIdx.x] = both + 1000 * __syncthreads_and(threadIdx.x < 400) +
                     2000 * __syncthreads_or(threadIdx.x == 400);
}

__global__ void lane_locks(int *sum, int rounds) {
  for (int r = 0; r < rounds; r++) {
    while (atomicCAS(&lock_word, 0, 1) != 0) {
    }
    *(volatile int *)sum = *(volatile int *)sum + 1;
    __threadfence();
    atomicExch(&lock_word, 0);
  }
}

__global__ void warp_chain(volatile int *turn) {
  int warp = threadIdx.x / 32;
  if (threadIdx.x % 32 == 0) {
    int next = blockDim.x / 32 - 1 - warp;  // the last warp goes first
    while (*turn != next) {
    }
    *turn = next + 1;
  }
}

__global__ void block_chain(volatile int *turn, int last_first) {
  if (threadIdx.x == 0) {
    int next = last_first ? gridDim.x - 1 - blockIdx.x : blockIdx.x;
    while (*turn != next) {
    }
    __threadfence();
    *turn = next + 1;
  }
}

__global__ void own_grid_barrier(int *arrived, int *out, int rounds) {
  for (int r = 1; r <= rounds; r++) {
    __syncthreads();
    if (threadIdx.x == 0) {
      __threadfence();
      atomicAdd(arrived, 1);
      while (*(volatile int *)arrived < r * (int)gridDim.x) {
      }
    }
    __syncthreads();
  }
  if (threadIdx.x == 0) out[blockIdx.x] = *(volatile int *)arrived;
}

__global__ void grid_steps(int *cells, int *out, int rounds) {
  auto grid = cooperative_groups::this_grid();
  int i = blockIdx.x * blockDim.x + threadIdx.x, n = gridDim.x * blockDim.x;
  cells[i] = i;
  for (int r = 0; r < rounds; r++) {
    grid.sync();
    int next = cells[(i + 37) % n];
    grid.sync();
    cells[i] = next;
  }
  out[i] = cells[i];
}

__global__ void half_waits(int *out) {
  if (threadIdx.x < 32) __trap();
  out[threadIdx.x] = 1;
}

__global__ void no_instruction(int *out) {
  if (threadIdx.x == 40) __builtin_trap();
  out[threadIdx.x] = 1;
}

// Half of the block makes, half takes, over two named barriers.
__global__ void hand_over(int *out, int rounds) {
  __shared__ int box[64];
  int t = threadIdx.x % 64, sum = 0;
  for (int r = 0; r < rounds; r++) {
    if (threadIdx.x < 64) {
      __wf_bar_sync(2, 128);
      box[t] = t * 10 + r;
      __wf_bar_arrive(1, 128);
    } else {
      __wf_bar_arrive(2, 128);
      __wf_bar_sync(1, 128);
      sum += box[63 - t];
    }
  }
  if (threadIdx.x >= 64) out[t] = sum;
}

// Each warp of two meets itself alone at a barrier of its own.
__global__ void halves(int *out) {
  __shared__ int cell[64];
  int half = threadIdx.x / 32;
  for (int r = 0; r <= half * 5; r++) {
    cell[threadIdx.x] = threadIdx.x + r;
    __wf_bar_sync(1 + half, 32);
    out[threadIdx.x] = cell[threadIdx.x ^ 31];
    __wf_bar_sync(1 + half, 32);
  }
}

__global__ void never_meet(int *out) {
  if (threadIdx.x < 32) __wf_bar_sync(3, 64);
  out[threadIdx.x] = 1;
}

__global__ void forever(volatile int *flag) {
  while (*flag == 0) {
  }
}

__global__ void forever_counting(int *out) {
  unsigned i = 1;
  while (i) {
    i |= 1;
    asm volatile("" : "+r"(i));
  }
  *out = i;
}

__global__ void store_at(int *p, int thread) {
  if (threadIdx.x == thread) *p = 1;
}

__device__ __noinline__ int deep(int n, volatile int *sink) {
  volatile int here[64];
  here[n & 63] = n;
  if (n == 0) return *sink;
  return deep(n - 1, sink) + here[n & 63];
}

__global__ void recurse(int *out, int depth) { out[threadIdx.x] = deep(depth, out); }

__global__ void split(int *out) {
  int i = threadIdx.x;
  if (i < 8) out[i] = i * i + 3;
  else out[i] = -i;
}
}
