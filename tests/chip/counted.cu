// Kernels whose counts are known by hand.
#include <cuda_fp16.h>
#include <mma.h>

extern "C" {

__constant__ float coefficients[32];

__global__ void strided(const float *in, float *out, int stride, int offset) {
  int i = threadIdx.x;
  out[i] = in[i * stride + offset];
}

__global__ void quads(const float4 *in, float4 *out) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  float4 v = in[i];
  v.x += 1, v.y += 2, v.z += 3, v.w += 4;
  out[i] = v;
}

__global__ void quads_apart(const float *in, float *out) {
  int i = threadIdx.x;
  float sum = 0;
  for (int k = 0; k < 4; k++) sum += in[4 * i + 1 + k];  // never aligned to 16 bytes
  out[i] = sum;
}

__global__ void banks(float *out, int stride) {
  __shared__ float part[32 * 33];
  int i = threadIdx.x;
  part[i * stride] = i;
  __syncwarp();
  out[i] = part[i * stride];
}

__global__ void shared_doubles(double *out) {
  __shared__ double part[64];
  int i = threadIdx.x;
  part[i] = i;
  __syncthreads();
  out[i] = part[blockDim.x - 1 - i];
}

__global__ void ways(int *out, int k) {
  int i = threadIdx.x, way = i % k, sum = 0;
  switch (way) {
    case 0: sum = out[i] * 3; break;
    case 1: sum = out[i + 32] / 7; break;
    case 2: sum = out[i + 64] ^ 0x55; break;
    case 3: sum = out[i + 96] << 3; break;
    default: break;
  }
  out[i] = sum;
}

__global__ void half_works(int *out) {
  int i = threadIdx.x;
  if (i % 32 < 16) out[i] = i;
}

__global__ void uneven_loop(int *out) {
  int i = threadIdx.x, sum = 0;
  for (int k = 0; k < i; k++) sum += out[k] * k;
  out[64 + i] = sum;
}

__global__ void add_to(int *out, int spread) {
  atomicAdd(&out[threadIdx.x % spread], 1);
}

__global__ void add_shared(int *out, int spread) {
  __shared__ int bins[32];
  bins[threadIdx.x % 32] = 0;
  __syncthreads();
  int old = atomicAdd(&bins[threadIdx.x % spread], 1);
  __syncthreads();
  out[threadIdx.x] = bins[threadIdx.x % 32] + old;
}

__global__ void barriers(int *out, int rounds) {
  __shared__ volatile int part[256];
  int i = threadIdx.x;
  part[i] = i;
  for (int r = 0; r < rounds; r++) {
    if (i < 32)
      for (int k = 0; k < 10; k++) part[i] = part[i] * 5 + k;
    __syncthreads();
  }
  out[i] = part[i];
}

__global__ void tiles(const half *a, const half *b, float *c) {
  using namespace nvcuda::wmma;
  fragment<matrix_a, 16, 16, 16, half, row_major> fa;
  fragment<matrix_b, 16, 16, 16, half, row_major> fb;
  fragment<accumulator, 16, 16, 16, float> acc;
  fill_fragment(acc, 0.0f);
  load_matrix_sync(fa, a, 16);
  load_matrix_sync(fb, b, 16);
  for (int k = 0; k < 3; k++) mma_sync(acc, fa, fb, acc);
  store_matrix_sync(c, acc, 16, mem_row_major);
}

__global__ void arithmetic(float *f, double *d, half *h) {
  int i = threadIdx.x;
  f[i] = fmaf(f[i], 2.5f, 1.0f) + f[i] * 3.0f;
  d[i] = fma(d[i], 2.5, 1.0) / 3.0;
  h[i] = h[i] * h[i + 1];
  f[i + 64] = sqrtf(f[i]) + (float)d[i];
}

__global__ void looked_up(float *out, int n) {
  float sum = 0;
  for (int k = 0; k < n; k++) sum += coefficients[(k + threadIdx.x / 16) % 32];
  out[threadIdx.x] = sum;
}

__global__ void stacked(int *out, int n) {
  int own[16];
  for (int k = 0; k < 16; k++) own[k] = k * n;
  for (int k = 0; k < n; k++) own[(k * 7) % 16] += k;
  out[threadIdx.x] = own[n % 16];
}

__global__ void shuffled(int *out) {
  int v = out[threadIdx.x];
  for (int d = 16; d; d /= 2) v += __shfl_xor_sync(0xffffffff, v, d);
  out[threadIdx.x] = v + __popc(__ballot_sync(0xffffffff, v > 3));
}

__device__ __noinline__ int descend(int n) { return n <= 1 ? 1 : descend(n - 1) + descend(n - 2); }

__global__ void recursive(int *out) { out[threadIdx.x] = descend(threadIdx.x % 4 + 2); }

__global__ void wrapped(int *out, unsigned shift) {
  // The 32-bit index may wrap: fast code guards, and hands the warp over where it does.
  unsigned i = threadIdx.x + shift;
  out[i % 64] = out[i - shift] + 1;
}

__global__ void stream(const float *in, float *out, int n) {
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x)
    out[i] = in[i] * 2;
}

__global__ void table_loop(const float *table, float *out, int n, int rounds) {
  float sum = 0;
  for (int r = 0; r < rounds; r++)
    for (int i = threadIdx.x; i < n; i += blockDim.x) sum += table[i];
  out[blockIdx.x * blockDim.x + threadIdx.x] = sum;
}

__global__ void broadcasts(const float *in, float *out, int n) {
  float sum = 0;
  for (int j = 0; j < n; j++) sum += in[j];
  out[blockIdx.x * blockDim.x + threadIdx.x] = sum;
}

__global__ void matmul(int n, const float *a, const float *b, float *c) {
  __shared__ float as[16][16], bs[16][16];
  int tx = threadIdx.x, ty = threadIdx.y, col = blockIdx.x * 16 + tx, row = blockIdx.y * 16 + ty;
  float s = 0;
  for (int t = 0; t < n / 16; t++) {
    as[ty][tx] = a[row * n + t * 16 + tx];
    bs[ty][tx] = b[(t * 16 + ty) * n + col];
    __syncthreads();
    for (int k = 0; k < 16; k++) s += as[ty][k] * bs[k][tx];
    __syncthreads();
  }
  c[row * n + col] = s;
}

}

/* More loads on their way at once than the machine has registers for floats; volatile keeps their order. */
extern "C" __global__ void many_loads(const volatile float *in, float *out) {
  float x[40];
#pragma unroll
  for (int i = 0; i < 40; i++) x[i] = in[i * 32 + threadIdx.x];
#pragma unroll
  for (int i = 0; i < 40; i++) asm volatile("" : "+f"(x[i]));
  float sum = 0;
#pragma unroll
  for (int i = 0; i < 40; i++) sum = sum * 0.5f + x[i];
  out[threadIdx.x] = sum;
}
