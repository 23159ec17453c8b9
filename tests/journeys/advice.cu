// Kernels with one fault each, and one without.
#include <cstdio>

__global__ void strided(float *y, const float *x) {
  int i = blockIdx.x * 256 + threadIdx.x;
  y[i] = x[8 * i];  // fault: strided
}

__global__ void conflicts(float *y) {
  __shared__ float tile[32 * 32];
  float sum = 0;
  for (int k = 0; k < 64; k++) {
    tile[threadIdx.x * 32 + k % 32] = sum;  // fault: conflicts
    sum += tile[threadIdx.x * 32 + (k + 1) % 32];
  }
  y[blockIdx.x * 32 + threadIdx.x] = sum;
}

__global__ void diverges(float *y) {
  float v = threadIdx.x;
  if (threadIdx.x % 32 < 4)
    for (int k = 0; k < 512; k++) v = v * 0.999f + 1;  // fault: diverges
  y[blockIdx.x * 256 + threadIdx.x] = v;
}

__global__ void hot(int *count) {
  atomicAdd(count, 1);  // fault: hot
}

__global__ void few(float *y, const float *x) {
  float sum = 0;
  for (int k = 0; k < 4096; k++) sum += x[(k * 256 + threadIdx.x) % 65536];
  y[threadIdx.x] = sum;
}

__global__ void doubles(double *y) {
  int i = blockIdx.x * 256 + threadIdx.x;
  double v = y[i];
  for (int k = 0; k < 64; k++) v = v * 1.5 + 0.25;
  y[i] = v;
}

__global__ void streams(float *y, const float *x) {
  int i = blockIdx.x * 256 + threadIdx.x;
  y[i] = x[i] + 1;
}

int main() {
  const int n = 1 << 22;
  float *x, *y;
  double *d;
  int *count;
  cudaMalloc(&x, 8 * n * sizeof(float));
  cudaMalloc(&y, n * sizeof(float));
  cudaMalloc(&d, n / 4 * sizeof(double));
  cudaMalloc(&count, sizeof(int));
  strided<<<n / 8 / 256, 256>>>(y, x);
  conflicts<<<2048, 32>>>(y);
  diverges<<<2048, 256>>>(y);
  hot<<<1024, 256>>>(count);
  few<<<2, 256>>>(y, x);
  doubles<<<n / 4 / 256, 256>>>(d);
  streams<<<n / 256, 256>>>(y, x);
  return cudaDeviceSynchronize();
}
