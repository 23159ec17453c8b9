// Products with one to four rows where B lies by rows: a lane is a column of each of a few groups of 32,
// and A's elements are the same for all lanes.
#include "gemm.cuh"
#include "warp.cuh"

namespace wfk {

constexpr int most_rows = 4, most_floats = 48 << 10;  // of A in shared memory

template <class T, int Rows, int Columns>
__global__ void wide_kernel(Product p) {
  extern __shared__ float left[];
  const wfk_gemm_args &g = p.args;
  int lane = threadIdx.x;
  long batch = blockIdx.z, col = (long)blockIdx.x * warp * Columns + lane;
#pragma unroll
  for (int i = 0; i < Rows; i++) {
    const T *a = (const T *)g.a.data + batch * g.a.bs + min((long)i, g.m - 1) * g.a.rs;
    along(g.k, lane, [&](long k, bool in) {
      if (in) left[i * g.k + k] = value(a[k]);
    });
  }
  __syncwarp();
  const T *b = (const T *)g.b.data + batch * g.b.bs + col;
  float sums[Rows][Columns];
#pragma unroll
  for (int i = 0; i < Rows; i++)
#pragma unroll
    for (int c = 0; c < Columns; c++) sums[i][c] = 0;
  bool whole = (blockIdx.x + 1l) * warp * Columns <= g.n;
#pragma unroll 2
  for (long k = 0; k < g.k; k++, b += g.b.rs) {
#pragma unroll
    for (int c = 0; c < Columns; c++) {
      float right = 0;
      if (whole) right = value(b[c * warp]);
      else if (apart(col + c * warp < g.n)) right = value(b[c * warp]);
#pragma unroll
      for (int i = 0; i < Rows; i++) sums[i][c] = fmaf(left[i * g.k + k], right, sums[i][c]);
    }
  }
  __syncwarp();
  float *kept = left + lane;  // A is done with; one copy of what follows is enough
#pragma unroll
  for (int i = 0; i < Rows; i++)
#pragma unroll
    for (int c = 0; c < Columns; c++) kept[(i * Columns + c) * warp] = sums[i][c];
#pragma unroll 1
  for (int i = 0; i < min((long)Rows, g.m); i++)
#pragma unroll 1
    for (int c = 0; c < Columns; c++)
      deliver(g, kept[(i * Columns + c) * warp], i, col + c * warp, batch, col + c * warp < g.n);
}

template <class T, int Rows, int Columns>
static void launch(const wfk_gemm_args &g, cudaStream_t stream) {
  long floats = Rows * (g.k > Columns * warp ? g.k : Columns * warp);
  int bytes = (int)(floats * sizeof(float));
  allow_shared(wide_kernel<T, Rows, Columns>, bytes);
  long across = warp * Columns;
  dim3 grid((unsigned)((g.n + across - 1) / across), 1, (unsigned)g.batch);
  wide_kernel<T, Rows, Columns><<<grid, warp, bytes, stream>>>(Product{g, 0, 0});
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
