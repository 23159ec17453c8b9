/* The same algorithms for the host's compiler: gcc -O3 -march=native -ffast-math -fopenmp. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return t.tv_sec + 1e-9 * t.tv_nsec;
}
static void *room(size_t bytes) {
  void *p = aligned_alloc(64, (bytes + 63) / 64 * 64);
  memset(p, 0, bytes);
  return p;
}
#define RAMP(i) ((float)((i) % 1000) * 0.001f)
#define MIX(i) ((int)((unsigned)(i) * 2654435761u >> 7))
#define BEST(body)                                                                  \
  do {                                                                              \
    double spent = 0;                                                               \
    for (int run = 0; run < 20 && (run < 3 || spent < 0.6); run++) {                \
      double start = now();                                                         \
      body;                                                                         \
      double took = now() - start;                                                  \
      if (took < seconds) seconds = took;                                           \
      spent += took;                                                                \
    }                                                                               \
  } while (0)
#define SUM(data, count)                                                            \
  for (size_t i = 0; i < (size_t)(count); i++) sum += (double)(data)[i]

static double seconds = 1e30, sum = 0;
enum { BIG = 1 << 23, MID = 1 << 20 };

static void copy(int n, const float *restrict x, float *restrict y) {
#pragma omp parallel for
  for (int i = 0; i < n; i++) y[i] = x[i];
}
static void saxpy(int n, float a, const float *restrict x, float *restrict y) {
#pragma omp parallel for
  for (int i = 0; i < n; i++) y[i] = a * x[i] + y[i];
}
static void stencil(int n, const float *restrict x, float *restrict y) {
#pragma omp parallel for
  for (int i = 0; i < n; i++)
    y[i] = 0.25f * (i ? x[i - 1] : 0) + 0.5f * x[i] + 0.25f * (i + 1 < n ? x[i + 1] : 0);
}
static void transpose(int n, const float *restrict x, float *restrict y) {
#pragma omp parallel for collapse(2)
  for (int by = 0; by < n; by += 32)
    for (int bx = 0; bx < n; bx += 32)
      for (int j = 0; j < 32; j++)
        for (int i = 0; i < 32; i++) y[(bx + j) * n + by + i] = x[(by + i) * n + bx + j];
}
/* The kernel's own order: a thread's loop over k is innermost. */
static void matmul(int n, const float *restrict a, const float *restrict b, float *restrict c) {
#pragma omp parallel for
  for (int row = 0; row < n; row++)
    for (int col = 0; col < n; col++) {
      float s = 0;
      for (int k = 0; k < n; k++) s += a[row * n + k] * b[k * n + col];
      c[row * n + col] = s;
    }
}
static void tiled(int n, const float *restrict a, const float *restrict b, float *restrict c) {
#pragma omp parallel for collapse(2)
  for (int by = 0; by < n; by += 16)
    for (int bx = 0; bx < n; bx += 16) {
      float s[16][16] = {{0}};
      for (int t = 0; t < n; t += 16)
        for (int y = 0; y < 16; y++)
          for (int k = 0; k < 16; k++)
            for (int x = 0; x < 16; x++) s[y][x] += a[(by + y) * n + t + k] * b[(t + k) * n + bx + x];
      for (int y = 0; y < 16; y++)
        for (int x = 0; x < 16; x++) c[(by + y) * n + bx + x] = s[y][x];
    }
}
static void nbody(int n, const float *restrict p, float *restrict f) {
#pragma omp parallel for
  for (int i = 0; i < n; i++) {
    float ax = 0, ay = 0, az = 0;
    for (int j = 0; j < n; j++) {
      float dx = p[4 * j] - p[4 * i], dy = p[4 * j + 1] - p[4 * i + 1], dz = p[4 * j + 2] - p[4 * i + 2];
      float r = 1 / sqrtf(dx * dx + dy * dy + dz * dz + 0.01f), s = p[4 * j + 3] * r * r * r;
      ax += dx * s, ay += dy * s, az += dz * s;
    }
    f[4 * i] = ax, f[4 * i + 1] = ay, f[4 * i + 2] = az, f[4 * i + 3] = 0;
  }
}
static void mandelbrot(int n, int *restrict out) {
#pragma omp parallel for schedule(dynamic, 8)
  for (int y = 0; y < n; y++)
    for (int x = 0; x < n; x++) {
      float cr = -2.0f + 3.0f * x / n, ci = -1.5f + 3.0f * y / n, zr = 0, zi = 0;
      int k = 0;
      while (k < 256 && zr * zr + zi * zi < 4.0f) {
        float t = zr * zr - zi * zi + cr;
        zi = 2 * zr * zi + ci;
        zr = t;
        k++;
      }
      out[y * n + x] = k;
    }
}
static void collatz(int n, int *restrict out) {
#pragma omp parallel for schedule(dynamic, 256)
  for (int i = 0; i < n; i++) {
    unsigned v = i + 1;
    int steps = 0;
    while (v != 1) {
      v = v & 1 ? 3 * v + 1 : v / 2;
      steps++;
    }
    out[i] = steps;
  }
}
static float reduce(int n, const float *restrict x) {
  float s = 0;
#pragma omp parallel for reduction(+ : s)
  for (int i = 0; i < n; i++) s += x[i];
  return s;
}
static void scan(int n, const int *restrict x, int *restrict y) {
#pragma omp parallel for
  for (int b = 0; b < n; b += 256) {
    int s = 0;
    for (int i = b; i < b + 256; i++) y[i] = s += x[i];
  }
}
static void histogram(int n, const int *restrict x, int *restrict h) {
  memset(h, 0, 1024);
#pragma omp parallel
  {
    int own[256] = {0};
#pragma omp for
    for (int i = 0; i < n; i++) own[x[i] & 255]++;
#pragma omp critical
    for (int i = 0; i < 256; i++) h[i] += own[i];
  }
}
static void scatter(int n, const int *restrict x, int *restrict h) {
  memset(h, 0, 262144);
#pragma omp parallel for
  for (int i = 0; i < n; i++)
#pragma omp atomic
    h[x[i] & 65535]++;
}
static void jacobi(int n, const double *restrict x, double *restrict y) {
#pragma omp parallel for
  for (int j = 1; j < n - 1; j++)
    for (int i = 1; i < n - 1; i++)
      y[j * n + i] = 0.25 * (x[j * n + i - 1] + x[j * n + i + 1] + x[(j - 1) * n + i] + x[(j + 1) * n + i]);
}
static void blackscholes(int n, const float *restrict s, float *restrict out) {
  const float k = 100, r = 0.02f, v = 0.3f, t = 1.0f;
#pragma omp parallel for
  for (int i = 0; i < n; i++) {
    float d1 = (logf(s[i] / k) + (r + 0.5f * v * v) * t) / (v * sqrtf(t)), d2 = d1 - v * sqrtf(t);
    float n1 = 0.5f * erfcf(-d1 * 0.70710678f), n2 = 0.5f * erfcf(-d2 * 0.70710678f);
    out[i] = s[i] * n1 - k * expf(-r * t) * n2;
  }
}

int main(int argc, char **argv) {
  const char *name = argc > 1 ? argv[1] : "";
#define IS(other) (!strcmp(name, other))
  size_t most = BIG;
  float *x = room(4 * most), *y = room(4 * most), *z = room(4 * most);
  for (size_t i = 0; i < most; i++) x[i] = RAMP(i);
  int *ints = (int *)z;
  if (IS("copy")) { BEST(copy(BIG, x, y)); SUM(y, BIG); }
  else if (IS("saxpy")) { BEST(saxpy(BIG, 0.0f, x, y)); SUM(y, BIG); }
  else if (IS("stencil")) { BEST(stencil(BIG, x, y)); SUM(y, BIG); }
  else if (IS("transpose")) { BEST(transpose(2048, x, y)); SUM(y + 2048, 2048); }
  else if (IS("matmul")) { BEST(matmul(512, x, x, y)); SUM(y, 512 * 512); }
  else if (IS("tiled")) { BEST(tiled(512, x, x, y)); SUM(y, 512 * 512); }
  else if (IS("nbody")) { BEST(nbody(8192, x, y)); SUM(y, 4 * 8192); }
  else if (IS("mandelbrot")) { BEST(mandelbrot(1024, ints)); SUM(ints, 1024 * 1024); }
  else if (IS("collatz")) { BEST(collatz(MID, ints)); SUM(ints, MID); }
  else if (IS("reduce")) { BEST(sum = reduce(BIG, x)); }
  else if (IS("scan")) {
    int *in = (int *)y;
    for (int i = 0; i < BIG; i++) in[i] = MIX(i) & 7;
    BEST(scan(BIG, in, ints)); SUM(ints, BIG);
  } else if (IS("histogram") || IS("scatter")) {
    for (int i = 0; i < BIG; i++) ints[i] = MIX(i);
    if (IS("histogram")) { BEST(histogram(BIG, ints, (int *)y)); SUM((int *)y, 128); }
    else { BEST(scatter(MID, ints, (int *)y)); SUM((int *)y, 32768); }
  } else if (IS("jacobi")) {
    double *in = room(8ul * 2048 * 2048), *out = room(8ul * 2048 * 2048);
    for (int i = 0; i < 2048 * 2048; i++) in[i] = RAMP(i);
    BEST(jacobi(2048, in, out)); SUM(out, 2048 * 2048);
  } else if (IS("blackscholes")) {
    for (int i = 0; i < MID; i++) x[i] = 50 + 100 * RAMP(i);
    BEST(blackscholes(MID, x, y)); SUM(y, MID);
  } else return 1;
  printf("%.9f %.6f\n", seconds, sum);
}
