// C = A * B in half precision on the chip's tensor tiles, one 16x16 tile of C a warp.
#include <cuda_fp16.h>
#include <mma.h>

#include <cmath>
#include <cstdio>
#include <vector>

using namespace nvcuda;

__global__ void gemm(const half *a, const half *b, float *c, int n) {
  int row = (blockIdx.y * blockDim.y + threadIdx.y) * 16;
  int column = (blockIdx.x * blockDim.x + threadIdx.x) / 32 * 16;
  wmma::fragment<wmma::matrix_a, 16, 16, 16, half, wmma::row_major> left;
  wmma::fragment<wmma::matrix_b, 16, 16, 16, half, wmma::row_major> right;
  wmma::fragment<wmma::accumulator, 16, 16, 16, float> sum;
  wmma::fill_fragment(sum, 0.0f);
  for (int k = 0; k < n; k += 16) {
    wmma::load_matrix_sync(left, a + row * n + k, n);
    wmma::load_matrix_sync(right, b + k * n + column, n);
    wmma::mma_sync(sum, left, right, sum);
  }
  wmma::store_matrix_sync(c + row * n + column, sum, n, wmma::mem_row_major);
}

int main() {
  const int n = 256;
  std::vector<half> a(n * n), b(n * n);
  std::vector<float> c(n * n);
  for (int i = 0; i < n * n; i++) {
    a[i] = __float2half((i * 7 % 13 - 6) / 8.0f);
    b[i] = __float2half((i * 5 % 11 - 5) / 8.0f);
  }
  half *da, *db;
  float *dc;
  cudaMalloc(&da, n * n * sizeof(half));
  cudaMalloc(&db, n * n * sizeof(half));
  cudaMalloc(&dc, n * n * sizeof(float));
  cudaMemcpy(da, a.data(), n * n * sizeof(half), cudaMemcpyHostToDevice);
  cudaMemcpy(db, b.data(), n * n * sizeof(half), cudaMemcpyHostToDevice);
  gemm<<<dim3(n / 64, n / 64), dim3(128, 4)>>>(da, db, dc, n);
  cudaMemcpy(c.data(), dc, n * n * sizeof(float), cudaMemcpyDeviceToHost);

  double worst = 0;
  for (int i = 0; i < n; i += 7) {
    for (int j = 0; j < n; j += 5) {
      double sum = 0;
      for (int k = 0; k < n; k++)
        sum += double(__half2float(a[i * n + k])) * __half2float(b[k * n + j]);
      worst = fmax(worst, fabs(sum - c[i * n + j]));
    }
  }
  bool fine = cudaGetLastError() == cudaSuccess && worst < 1e-3;
  printf("%d x %d product on tensor tiles: largest error %g\n", n, n, worst);
  printf(fine ? "PASS\n" : "FAIL\n");
  return !fine;
}
