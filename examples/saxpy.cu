// y = a * x + y, the first kernel of many a course.
#include <cmath>
#include <cstdio>
#include <vector>

__global__ void saxpy(int n, float a, const float *x, float *y) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = a * x[i] + y[i];
}

int main() {
  const int n = 1 << 20;
  std::vector<float> x(n), y(n);
  for (int i = 0; i < n; i++) x[i] = i % 100, y[i] = 1.0f;

  float *dx, *dy;
  cudaMalloc(&dx, n * sizeof(float));
  cudaMalloc(&dy, n * sizeof(float));
  cudaMemcpy(dx, x.data(), n * sizeof(float), cudaMemcpyHostToDevice);
  cudaMemcpy(dy, y.data(), n * sizeof(float), cudaMemcpyHostToDevice);
  saxpy<<<(n + 255) / 256, 256>>>(n, 2.0f, dx, dy);
  cudaMemcpy(y.data(), dy, n * sizeof(float), cudaMemcpyDeviceToHost);
  cudaError_t code = cudaGetLastError();
  cudaFree(dx);
  cudaFree(dy);

  float worst = 0;
  for (int i = 0; i < n; i++) worst = fmaxf(worst, fabsf(y[i] - (2.0f * (i % 100) + 1.0f)));
  printf("saxpy of %d elements: %s, largest error %g\n", n, cudaGetErrorString(code), worst);
  printf(code == cudaSuccess && worst == 0 ? "PASS\n" : "FAIL\n");
  return code != cudaSuccess || worst != 0;
}
