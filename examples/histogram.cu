// A histogram: counts in shared memory first, one global atomic a block and bin afterwards.
#include <cstdio>
#include <vector>

constexpr int kBins = 256;

__global__ void histogram(const unsigned char *data, int n, unsigned *bins) {
  __shared__ unsigned local[kBins];
  for (int i = threadIdx.x; i < kBins; i += blockDim.x) local[i] = 0;
  __syncthreads();
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x)
    atomicAdd(&local[data[i]], 1u);
  __syncthreads();
  for (int i = threadIdx.x; i < kBins; i += blockDim.x) atomicAdd(&bins[i], local[i]);
}

int main() {
  const int n = 1 << 20;
  std::vector<unsigned char> data(n);
  std::vector<unsigned> expected(kBins), bins(kBins);
  unsigned state = 1;
  for (unsigned char &value : data) {
    state = state * 1664525u + 1013904223u;
    value = state >> 24;
    expected[value]++;
  }
  unsigned char *in;
  unsigned *out;
  cudaMalloc(&in, n);
  cudaMalloc(&out, kBins * sizeof(unsigned));
  cudaMemcpy(in, data.data(), n, cudaMemcpyHostToDevice);
  cudaMemset(out, 0, kBins * sizeof(unsigned));
  histogram<<<32, 256>>>(in, n, out);
  cudaMemcpy(bins.data(), out, kBins * sizeof(unsigned), cudaMemcpyDeviceToHost);
  bool fine = cudaGetLastError() == cudaSuccess && bins == expected;
  printf("%d values in %d bins, bin 0 has %u\n", n, kBins, bins[0]);
  printf(fine ? "PASS\n" : "FAIL\n");
  return !fine;
}
