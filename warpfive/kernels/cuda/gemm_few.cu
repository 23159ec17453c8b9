// Products with few rows (decoding): as fast as B can be read. A warp takes some columns of B at a
// time, each of which lies side by side; a lane is a place along k, and the lanes' sums are added
// up at the end.
#include "gemm.cuh"
#include "sums.cuh"

namespace wfk {

constexpr int lanes = warp, most_rows = 16, most_columns = 32;

template <class B> constexpr bool packed = std::is_same_v<B, I4> || std::is_same_v<B, U4>;

/// sums[i][r] += A's row i x B's column r, over the 32 places from k, each a lane `in` the matrix.
template <class A, class B, bool Quantised, int Rows, int Columns>
__device__ __forceinline__ void dots(const wfk_gemm_args &g, float (&sums)[Rows][Columns],
                                     const A *const (&a)[Rows], const long (&b)[Columns],
                                     const long (&columns)[Columns], long k, int lane, bool in) {
  float x[Rows];
#pragma unroll
  for (int i = 0; i < Rows; i++) x[i] = in ? value(a[i][k + lane]) : 0.0f;
#pragma unroll
  for (int r = 0; r < Columns; r++) {
    float w = in ? value(((const B *)g.b.data)[b[r] + k + lane]) : 0.0f;
    if constexpr (Quantised)
      if (g.b_scale) w = Scales(g).worth(w, k, columns[r]);
#pragma unroll
    for (int i = 0; i < Rows; i++) sums[i][r] = fmaf(w, x[i], sums[i][r]);
  }
}

/// The same over 64 places of a B with two a byte; A lies in `halves`, even places and odd apart.
template <class A, class B, bool Quantised, int Rows, int Columns>
__device__ __forceinline__ void dots(const wfk_gemm_args &g, float (&sums)[Rows][Columns],
                                     const float *halves, const long (&b)[Columns],
                                     const long (&columns)[Columns], long k, int lane, bool in) {
  long half = g.k / 2;
#pragma unroll
  for (int r = 0; r < Columns; r++) {
    int both = ((const unsigned char *)g.b.data)[(b[r] + k) / 2 + lane];
    int low = both & 15, high = both >> 4;
    if constexpr (std::is_same_v<B, I4>) low = (low ^ 8) - 8, high = (high ^ 8) - 8;
    float w0 = (float)low, w1 = (float)high;
    if (g.b_scale) {
      Scales scales(g);
      w0 = scales.worth(w0, k, columns[r]), w1 = scales.worth(w1, k, columns[r]);
    }
#pragma unroll
    for (int i = 0; i < Rows; i++) {
      const float *row = halves + 2 * i * half + k / 2 + lane;
      sums[i][r] = fmaf(w0, row[0], fmaf(w1, row[half], sums[i][r]));
    }
  }
}

/// A's rows as floats in shared memory, even places and odd places apart. k is a multiple of 64.
template <class A, int Rows>
__device__ __forceinline__ void halve(float *halves, long k, const A *const (&a)[Rows], int lane) {
#pragma unroll
  for (int i = 0; i < Rows; i++)
#pragma unroll 1
    for (long at = lane; at < k / 2; at += lanes) {
      halves[i * k + at] = value(a[i][2 * at]);
      halves[i * k + k / 2 + at] = value(a[i][2 * at + 1]);
    }
  __syncwarp();
}

template <class A, class B, int Rows, int Columns, bool Quantised>
__global__ void few_kernel(Product p) {
  extern __shared__ float halves[];
  const wfk_gemm_args &g = p.args;
  int lane = threadIdx.x;
  constexpr int stride = packed<B> ? 2 * lanes : lanes;
  long batch = blockIdx.z, matrix = batch;
  long row0 = (long)blockIdx.y * Rows, row1 = min(row0 + Rows, (long)g.m);
  if (g.groups && !find_group(g, Rows, blockIdx.y, row0, row1, matrix)) return;
  const A *a[Rows];
#pragma unroll
  for (int i = 0; i < Rows; i++)
    a[i] = (const A *)g.a.data + batch * g.a.bs + min(row0 + i, row1 - 1) * g.a.rs;
  if constexpr (packed<B>) halve(halves, g.k, a, lane);
  long first = (long)blockIdx.x * p.depth, end = min(first + p.depth, (long)g.n);
#pragma unroll 1
  for (long col = first; col < end; col += Columns) {
    long b[Columns], columns[Columns];
    float sums[Rows][Columns];
#pragma unroll
    for (int r = 0; r < Columns; r++) {
      columns[r] = min(col + r, (long)g.n - 1);
      b[r] = matrix * g.b.bs + columns[r] * g.b.cs;
#pragma unroll
      for (int i = 0; i < Rows; i++) sums[i][r] = 0;
    }
    long k = 0;
#pragma unroll 1
    for (; k + stride <= g.k; k += stride) {
      if constexpr (packed<B>) dots<A, B, Quantised>(g, sums, halves, b, columns, k, lane, true);
      else dots<A, B, Quantised>(g, sums, a, b, columns, k, lane, true);
    }
    if constexpr (!packed<B>)
      if (k < g.k) dots<A, B, Quantised>(g, sums, a, b, columns, k, lane, apart(k + lane < g.k));
#pragma unroll
    for (int i = 0; i < Rows; i++) {
      float sum = folded(sums[i], lane);
      if (row0 + i < row1)
        deliver(g, sum, row0 + i, col + lane, batch, lane < Columns && col + lane < g.n);
    }
  }
}

template <class A, class B, int Rows, int Columns, bool Quantised>
static void launch(Product p, cudaStream_t stream) {
  const wfk_gemm_args &g = p.args;
  long columns = g.n / 256 / Columns * Columns;  // of a block; so that there are enough of them
  columns = columns < Columns ? Columns : columns < most_columns ? columns : most_columns;
  p.depth = (int)columns;
  long tiles = g.groups ? g.m / Rows + g.groups : (g.m + Rows - 1) / Rows;
  int bytes = packed<B> ? (int)(g.k * Rows * sizeof(float)) : 0;
  auto *kernel = few_kernel<A, B, Rows, Columns, Quantised>;
  allow_shared(kernel, bytes);
  dim3 grid((unsigned)((g.n + columns - 1) / columns), (unsigned)tiles, (unsigned)g.batch);
  kernel<<<grid, lanes, bytes, stream>>>(p);
}

template <class A, class B, bool Quantised>
static void by_rows(const wfk_gemm_args &g, cudaStream_t stream) {
  Product p{g, 0, 0};
  if (g.m == 1) launch<A, B, 1, 4, Quantised>(p, stream);
  else if (g.m == 2) launch<A, B, 2, 4, Quantised>(p, stream);
  else launch<A, B, 4, 4, Quantised>(p, stream);
}

template <class A>
static void weights(const wfk_gemm_args &g, cudaStream_t stream) {
  switch (g.b.type) {
    case WFK_I8: return by_rows<A, signed char, true>(g, stream);
    case WFK_F8E4M3: return by_rows<A, F8E4M3, true>(g, stream);
    case WFK_I4: return by_rows<A, I4, true>(g, stream);
    case WFK_U4: return by_rows<A, U4, true>(g, stream);
    default: return by_rows<A, A, false>(g, stream);
  }
}

bool takes_few_rows(const wfk_gemm_args &g) {
  bool nibbles = g.b.type == WFK_I4 || g.b.type == WFK_U4;
  bool known = g.b.type == g.a.type || nibbles || g.b.type == WFK_I8 || g.b.type == WFK_F8E4M3;
  if (!is_real(g.a.type) || !known || g.m > (g.groups ? 8 * g.groups : most_rows)) return false;
  if (nibbles && (g.k % 64 || g.k > 8192)) return false;
  bool aligned = !g.b_scale || (nibbles ? g.group % 64 == 0 : g.group % lanes == 0);
  return g.a.cs == 1 && g.b.rs == 1 && aligned && g.k > 0;
}

wfk_status few_rows(const wfk_gemm_args &g, cudaStream_t stream) {
  if (g.a.type == WFK_F32) weights<float>(g, stream);
  else if (g.a.type == WFK_BF16) weights<__nv_bfloat16>(g, stream);
  else weights<__half>(g, stream);
  return launched("gemm");
}

}  // namespace wfk
