// The sum of an array: cooperative groups within the block, a grid-wide barrier between blocks.
#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>

#include <cstdio>
#include <vector>

namespace cg = cooperative_groups;

__global__ void total(const int *values, int n, long long *partial, long long *sum) {
  cg::grid_group grid = cg::this_grid();
  cg::thread_block block = cg::this_thread_block();
  cg::thread_block_tile<32> warp = cg::tiled_partition<32>(block);
  __shared__ long long warps[32];

  long long mine = 0;
  for (int i = grid.thread_rank(); i < n; i += grid.size()) mine += values[i];
  mine = cg::reduce(warp, mine, cg::plus<long long>());
  if (warp.thread_rank() == 0) warps[warp.meta_group_rank()] = mine;
  block.sync();
  if (block.thread_rank() == 0) {
    long long blocks = 0;
    for (unsigned w = 0; w < warp.meta_group_size(); w++) blocks += warps[w];
    partial[blockIdx.x] = blocks;
  }
  grid.sync();
  if (grid.thread_rank() == 0) {
    *sum = 0;
    for (unsigned b = 0; b < gridDim.x; b++) *sum += partial[b];
  }
}

int main() {
  int n = 1 << 20, threads = 256, blocks = 0;
  std::vector<int> values(n);
  long long expected = 0;
  for (int i = 0; i < n; i++) expected += values[i] = i % 1000 - 300;

  cudaDeviceProp chip;
  cudaGetDeviceProperties(&chip, 0);
  cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, total, threads, 0);
  blocks = min(blocks * chip.multiProcessorCount, 64);

  int *in;
  long long *partial, *sum;
  cudaMalloc(&in, n * sizeof(int));
  cudaMalloc(&partial, blocks * sizeof(long long));
  cudaMallocManaged(&sum, sizeof(long long));
  cudaMemcpy(in, values.data(), n * sizeof(int), cudaMemcpyHostToDevice);
  void *args[] = {&in, &n, &partial, &sum};
  cudaLaunchCooperativeKernel((void *)total, blocks, threads, args, 0, 0);
  cudaError_t code = cudaDeviceSynchronize();

  bool fine = code == cudaSuccess && *sum == expected;
  printf("%d blocks: sum %lld, expected %lld\n", blocks, *sum, expected);
  printf(fine ? "PASS\n" : "FAIL: %s\n", cudaGetErrorString(code));
  return !fine;
}
