// Products with one to four rows where B lies by rows: a lane is a column of each of a few groups of 32,
// and A's elements are the same for all lanes. The warps of a block share out k.
#include "gemm.cuh"
#include "grid.cuh"
#include "warp.cuh"

namespace wfk {

constexpr int most_rows = 4, most_floats = 48 << 10;  // of A in shared memory

/// sums[i][c] += A's row i (`left`, `pitch` apart) x B's column of group c, over `Rounds` rows of B.
template <int Rounds, class T, int Rows, int Columns>
__device__ __forceinline__ void rounds_of(float (&sums)[Rows][Columns], const T *b, long step,
                                          const float *left, long pitch, const bool (&in)[Columns]) {
  float right[Rounds][Columns];
#pragma unroll
  for (int u = 0; u < Rounds; u++)
#pragma unroll
    for (int c = 0; c < Columns; c++) right[u][c] = in[c] ? value(b[u * step + c * warp]) : 0.0f;
#pragma unroll
  for (int u = 0; u < Rounds; u++)
#pragma unroll
    for (int c = 0; c < Columns; c++) {
      float mine = arrived(right[u][c]);
#pragma unroll
      for (int i = 0; i < Rows; i++) sums[i][c] = fmaf(left[i * pitch + u], mine, sums[i][c]);
    }
}

template <class T, int Rows, int Columns>
__global__ void wide_kernel(Product p) {
  extern __shared__ float shared[];
  const wfk_gemm_args &g = p.args;
  constexpr int rounds = 8;
  int lane = threadIdx.x, slice = threadIdx.y, slices = blockDim.y;
  long batch = blockIdx.z, col = (long)blockIdx.x * warp * Columns + lane;
  long from = g.k * slice / slices, count = g.k * (slice + 1) / slices - from;
  float *left = shared + Rows * from;
#pragma unroll
  for (int i = 0; i < Rows; i++) {
    const T *a = (const T *)g.a.data + batch * g.a.bs + min((long)i, g.m - 1) * g.a.rs + from;
    along(count, lane, [&](long k, bool in) {
      if (in) left[i * count + k] = value(a[k]);
    });
  }
  __syncwarp();
  const T *b = (const T *)g.b.data + batch * g.b.bs + from * g.b.rs + col;
  float sums[Rows][Columns];
#pragma unroll
  for (int i = 0; i < Rows; i++)
#pragma unroll
    for (int c = 0; c < Columns; c++) sums[i][c] = 0;
  bool whole[Columns], in[Columns];
#pragma unroll
  for (int c = 0; c < Columns; c++) whole[c] = true, in[c] = apart(col + c * warp < g.n);
  long k = 0;
  if ((blockIdx.x + 1l) * warp * Columns <= g.n) {
#pragma unroll 1
    for (; k + rounds <= count; k += rounds)
      rounds_of<rounds>(sums, b + k * g.b.rs, g.b.rs, left + k, count, whole);
  }
#pragma unroll 1
  for (; k < count; k++) rounds_of<1>(sums, b + k * g.b.rs, g.b.rs, left + k, count, in);
  float *parts = shared + Rows * g.k;
#pragma unroll
  for (int i = 0; i < Rows; i++)
#pragma unroll
    for (int c = 0; c < Columns; c++)
      parts[((slice * Rows + i) * Columns + c) * warp + lane] = sums[i][c];
  __syncthreads();
#pragma unroll 1
  for (int at = slice; at < (int)min((long)Rows, g.m) * Columns; at += slices) {
    float sum = 0;
#pragma unroll 1
    for (int s = 0; s < slices; s++) sum += parts[(s * Rows * Columns + at) * warp + lane];
    long mine = col + at % Columns * warp;
    deliver(g, sum, at / Columns, mine, batch, mine < g.n);
  }
}

template <class T, int Rows, int Columns>
static void launch(const wfk_gemm_args &g, cudaStream_t stream) {
  long across = warp * Columns, blocks = (g.n + across - 1) / across;
  int slices = few_slices(blocks * g.batch, g.k, 64, 16);
  int bytes = (int)(sizeof(float) * Rows * (g.k + slices * across));
  allow_shared(wide_kernel<T, Rows, Columns>, bytes);
  dim3 grid((unsigned)blocks, 1, (unsigned)g.batch);
  wide_kernel<T, Rows, Columns><<<grid, dim3(warp, slices), bytes, stream>>>(Product{g, 0, 0, 0, 0});
}

bool takes_wide(const wfk_gemm_args &g) {
  return is_real(g.a.type) && g.a.type == g.b.type && g.m <= most_rows && g.b.cs == 1 && g.a.cs == 1 &&
         !g.groups && g.k > 0 && most_rows * g.k <= most_floats;
}

wfk_status wide(const wfk_gemm_args &g, cudaStream_t stream) {
  return with_type(g.a.type, "gemm", [&](auto *t) {
    using T = std::remove_pointer_t<decltype(t)>;
    if (g.m == 1) launch<T, 1, 4>(g, stream);
    else launch<T, 4, 2>(g, stream);
  });
}

}  // namespace wfk
