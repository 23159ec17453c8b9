// C = A * B with tiles in shared memory.
#include <cmath>
#include <cstdio>
#include <vector>

constexpr int kTile = 16;

__global__ void matmul(const float *a, const float *b, float *c, int n) {
  __shared__ float left[kTile][kTile], right[kTile][kTile];
  int row = blockIdx.y * kTile + threadIdx.y;
  int column = blockIdx.x * kTile + threadIdx.x;
  float sum = 0;
  for (int k = 0; k < n; k += kTile) {
    left[threadIdx.y][threadIdx.x] = a[row * n + k + threadIdx.x];
    right[threadIdx.y][threadIdx.x] = b[(k + threadIdx.y) * n + column];
    __syncthreads();
    for (int i = 0; i < kTile; i++) sum += left[threadIdx.y][i] * right[i][threadIdx.x];
    __syncthreads();
  }
  c[row * n + column] = sum;
}

int main() {
  const int n = 512;
  const size_t bytes = n * n * sizeof(float);
  std::vector<float> a(n * n), b(n * n), c(n * n);
  for (int i = 0; i < n * n; i++) a[i] = (i * 7 % 13) - 6, b[i] = (i * 5 % 11) - 5;

  float *da, *db, *dc;
  cudaMalloc(&da, bytes);
  cudaMalloc(&db, bytes);
  cudaMalloc(&dc, bytes);
  cudaMemcpy(da, a.data(), bytes, cudaMemcpyHostToDevice);
  cudaMemcpy(db, b.data(), bytes, cudaMemcpyHostToDevice);

  cudaEvent_t start, stop;
  cudaEventCreate(&start);
  cudaEventCreate(&stop);
  cudaEventRecord(start);
  matmul<<<dim3(n / kTile, n / kTile), dim3(kTile, kTile)>>>(da, db, dc, n);
  cudaEventRecord(stop);
  cudaEventSynchronize(stop);
  float ms = 0;
  cudaEventElapsedTime(&ms, start, stop);
  cudaMemcpy(c.data(), dc, bytes, cudaMemcpyDeviceToHost);

  double worst = 0;
  for (int i = 0; i < n; i += 37) {
    for (int j = 0; j < n; j += 41) {
      double sum = 0;
      for (int k = 0; k < n; k++) sum += double(a[i * n + k]) * b[k * n + j];
      worst = fmax(worst, fabs(sum - c[i * n + j]));
    }
  }
  printf("%d x %d product: largest error %g\n", n, n, worst);
  printf(ms > 0 && worst < 1e-3 ? "PASS\n" : "FAIL\n");
  return !(ms > 0 && worst < 1e-3);
}
