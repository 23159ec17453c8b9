__device__ int factor = 1;
extern "C" __global__ void scale(int *data, int n) {
  if (threadIdx.x < n) data[threadIdx.x] *= factor;
}
