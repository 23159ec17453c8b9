// The Mandelbrot set, drawn in the terminal: threads of a warp leave the loop at their own time.
#include <cstdio>

__global__ void mandelbrot(int *out, int width, int height, int limit) {
  int column = blockIdx.x * blockDim.x + threadIdx.x;
  int row = blockIdx.y * blockDim.y + threadIdx.y;
  if (column >= width || row >= height) return;
  float cr = -2.2f + 3.2f * column / width, ci = -1.2f + 2.4f * row / height;
  float zr = 0, zi = 0;
  int steps = 0;
  while (steps < limit && zr * zr + zi * zi < 4.0f) {
    float next = zr * zr - zi * zi + cr;
    zi = 2.0f * zr * zi + ci;
    zr = next;
    steps++;
  }
  out[row * width + column] = steps;
}

int main() {
  const int width = 72, height = 24, limit = 2000;
  int *out;
  cudaMallocManaged(&out, width * height * sizeof(int));
  mandelbrot<<<dim3((width + 15) / 16, (height + 15) / 16), dim3(16, 16)>>>(out, width, height,
                                                                             limit);
  cudaError_t code = cudaDeviceSynchronize();
  int inside = 0;
  for (int row = 0; row < height; row++) {
    for (int column = 0; column < width; column++) {
      int steps = out[row * width + column];
      inside += steps == limit;
      putchar(" .:-=+*#%@"[steps == limit ? 9 : steps > 40 ? 8 : steps / 5]);
    }
    putchar('\n');
  }
  bool fine = code == cudaSuccess && inside > 250 && inside < 450;
  printf("%d of %d points inside\n", inside, width * height);
  printf(fine ? "PASS\n" : "FAIL: %s\n", cudaGetErrorString(code));
  return !fine;
}
