// Cooperative groups: blocks, tiles, coalesced groups, and a grid that meets in the middle.
#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>

#include "check.h"

namespace cg = cooperative_groups;

__global__ void tiles(int *out) {
  cg::thread_block block = cg::this_thread_block();
  auto tile = cg::tiled_partition<8>(block);
  int rank = (int)block.thread_rank();
  out[rank] = cg::reduce(tile, rank, cg::plus<int>());
  out[64 + rank] = tile.shfl_xor(rank, 3) + (int)tile.meta_group_rank() * 100;
  out[128 + rank] = (int)tile.ballot(rank % 3 == 0);
  if (rank % 5 == 0) {
    auto some = cg::coalesced_threads();
    out[192 + rank] = (int)some.size() * 1000 + (int)some.thread_rank() * 10 + some.any(rank == 5);
  }
}

// Every block adds to its neighbour's cell between two meetings of the grid.
__global__ void meet(int *cells, int rounds, int *sums) {
  cg::grid_group grid = cg::this_grid();
  int blocks = (int)gridDim.x, mine = (int)blockIdx.x;
  for (int round = 0; round < rounds; round++) {
    if (threadIdx.x == 0) cells[(mine + round) % blocks] += mine + 1;
    grid.sync();
  }
  if (grid.thread_rank() == 0)
    for (int i = 0; i < blocks; i++) *sums += cells[i];
}

int main() {
  int *out;
  OK(cudaMallocManaged(&out, 4096));
  tiles<<<1, 64>>>(out);
  OK(cudaDeviceSynchronize());
  for (int i = 0; i < 64; i++) {
    int first = i & ~7, ballot = 0;
    for (int j = 0; j < 8; j++) ballot |= ((first + j) % 3 == 0) << j;
    CHECK(out[i] == 8 * first + 28);
    CHECK(out[64 + i] == (i ^ 3) + i / 8 * 100);
    CHECK(out[128 + i] == ballot);
    // lanes 0, 5 ... 30 of warp 0 and 3, 8 ... 28 of warp 1
    if (i % 5 == 0) CHECK(out[192 + i] / 1000 == (i < 32 ? 7 : 6));
    if (i % 5 == 0) CHECK(out[192 + i] % 10 == (i < 32));
  }
  int blocks = 96, rounds = 5;
  OK(cudaMemset(out, 0, 4096));
  int *sums = out + 512;
  void *arguments[] = {&out, &rounds, &sums};
  OK(cudaLaunchCooperativeKernel((void *)meet, dim3(blocks), dim3(64), arguments, 0, 0));
  OK(cudaDeviceSynchronize());
  CHECK(*sums == rounds * blocks * (blocks + 1) / 2);
  int resident = 0, supported = 0;
  OK(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&resident, meet, 64, 0));
  OK(cudaDeviceGetAttribute(&supported, cudaDevAttrCooperativeLaunch, 0));
  CHECK(supported == 1 && resident > 0);
  cudaDeviceProp chip;
  OK(cudaGetDeviceProperties(&chip, 0));
  dim3 many(resident * chip.multiProcessorCount + 1);
  CODE(cudaLaunchCooperativeKernel((void *)meet, many, dim3(64), arguments, 0, 0),
       cudaErrorCooperativeLaunchTooLarge);
  CODE(cudaGetLastError(), cudaErrorCooperativeLaunchTooLarge);
  return verdict();
}
