// Device printf: order, every conversion, and that nothing comes before the synchronisation.
#include <cstdio>

__global__ void say(int i, const char *text) {
  printf("%d|%5d|%-5d|%05d|%+d|%x|%#X|%o\n", i, i, i, i, i, 255, 255, 8);
  printf("%u %ld %lld %lu %hhd %hd\n", 4000000000u, -5000000000l, -6ll, 7ul, (char)300, (short)70000);
  printf("%f %.2f %10.3e %g %G|%a\n", 1.5, 3.14159f, 12345.678, 1e-5, 1e20, 1.0);
  printf("%c%c %s [%8s] [%-8s] [%.2s] 100%%\n", 'o', 'k', "literal", text, text, text);
  printf("%*d|%.*f\n", 6, 42, 3, 2.718281828);
  printf("no arguments\n");
}

__global__ void count() { printf("thread %d\n", threadIdx.x); }

__device__ const char word[] = "device";

int main() {
  char *text;
  cudaMallocManaged(&text, 16);
  for (int i = 0; i < 7; i++) text[i] = "device"[i];
  say<<<1, 1>>>(-42, text);
  cudaDeviceSynchronize();
  puts("host in between");
  for (int i = 0; i < 2; i++) count<<<1, 3>>>();
  cudaDeviceSynchronize();
  return 0;
}
