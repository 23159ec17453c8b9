// Products of float16 and bfloat16 on tensor tiles. A block is one warp and makes 64 columns of D and 16,
// 32 or 64 rows; operands are read where they lie. The last blocks of a row or column are moved
// inwards, so that no tile hangs over: what two of them make is the same twice.
#include <mma.h>
#include "gemm.cuh"

namespace wfk {

using namespace nvcuda;
constexpr int side = 64, tile = 16, tiles = side / tile, lanes = 32;

template <class T, bool ColumnsA, bool ColumnsB, int Down>
__global__ void tile_kernel(Product p) {
  __shared__ __align__(128) float sums[Down * tile * side];
  constexpr int rows = Down * tile;
  using LayoutA = std::conditional_t<ColumnsA, wmma::col_major, wmma::row_major>;
  using LayoutB = std::conditional_t<ColumnsB, wmma::col_major, wmma::row_major>;
  const wfk_gemm_args &g = p.args;
  long col = min((long)blockIdx.x * side, g.n - side), row = min((long)blockIdx.y * rows, g.m - rows);
  long batch = blockIdx.z;
  long step_a = ColumnsA ? g.a.cs : g.a.rs, step_b = ColumnsB ? g.b.cs : g.b.rs;
  const T *a = (const T *)g.a.data + batch * g.a.bs + row * g.a.rs;
  const T *b = (const T *)g.b.data + batch * g.b.bs + col * g.b.cs;
  wmma::fragment<wmma::accumulator, tile, tile, tile, float> sum[Down][tiles];
#pragma unroll
  for (int i = 0; i < Down; i++)
#pragma unroll
    for (int j = 0; j < tiles; j++) wmma::fill_fragment(sum[i][j], 0.0f);
#pragma unroll 1
  for (long k = 0; k < g.k; k += tile) {
    wmma::fragment<wmma::matrix_b, tile, tile, tile, T, LayoutB> right[tiles];
#pragma unroll
    for (int j = 0; j < tiles; j++)
      wmma::load_matrix_sync(right[j], b + k * g.b.rs + j * tile * g.b.cs, step_b);
#pragma unroll
    for (int i = 0; i < Down; i++) {
      wmma::fragment<wmma::matrix_a, tile, tile, tile, T, LayoutA> left;
      wmma::load_matrix_sync(left, a + k * g.a.cs + i * tile * g.a.rs, step_a);
#pragma unroll
      for (int j = 0; j < tiles; j++) wmma::mma_sync(sum[i][j], left, right[j], sum[i][j]);
    }
  }
#pragma unroll
  for (int i = 0; i < Down; i++)
#pragma unroll
    for (int j = 0; j < tiles; j++)
      wmma::store_matrix_sync(sums + i * tile * side + j * tile, sum[i][j], side,
                              wmma::mem_row_major);
  __syncwarp();
  int lane = threadIdx.x;
#pragma unroll 1
  for (int i = 0; i < rows; i++)
#pragma unroll 1
    for (int j = 0; j < side; j += lanes)
      deliver(g, sums[i * side + j + lane], row + i, col + j + lane, batch, true);
}

template <class T, bool ColumnsA, bool ColumnsB, int Down>
static void launch_rows(const wfk_gemm_args &g, cudaStream_t stream) {
  int rows = Down * tile;
  dim3 grid((unsigned)((g.n + side - 1) / side), (unsigned)((g.m + rows - 1) / rows),
            (unsigned)g.batch);
  tile_kernel<T, ColumnsA, ColumnsB, Down><<<grid, lanes, 0, stream>>>(Product{g, 0, 0});
}

template <class T, bool ColumnsA, bool ColumnsB>
static void launch(const wfk_gemm_args &g, cudaStream_t stream) {
  if (g.m >= 64) launch_rows<T, ColumnsA, ColumnsB, 4>(g, stream);
  else if (g.m >= 32) launch_rows<T, ColumnsA, ColumnsB, 2>(g, stream);
  else launch_rows<T, ColumnsA, ColumnsB, 1>(g, stream);
}

template <class T>
static void any_layout(const wfk_gemm_args &g, cudaStream_t stream) {
  bool a = g.a.cs != 1, b = g.b.cs != 1;
  if (a && b) launch<T, true, true>(g, stream);
  else if (a) launch<T, true, false>(g, stream);
  else if (b) launch<T, false, true>(g, stream);
  else launch<T, false, false>(g, stream);
}

bool takes_tiles(const wfk_gemm_args &g) {
  if (g.a.type != g.b.type || (g.a.type != WFK_F16 && g.a.type != WFK_BF16)) return false;
  if (g.m < tile || g.n < side || g.k < tile || g.k % tile || g.groups) return false;
  // Where D is read as well, an element must not be made twice.
  long rows = g.m >= 64 ? 64 : g.m >= 32 ? 32 : 16;
  bool twice = g.m % rows || g.n % side;
  if (twice && (g.c.data == g.d.data || g.residual.data == g.d.data)) return false;
  return (g.a.cs == 1 || g.a.rs == 1) && (g.b.cs == 1 || g.b.rs == 1);
}

wfk_status by_tiles(const wfk_gemm_args &g, cudaStream_t stream) {
  if (g.a.type == WFK_BF16) any_layout<__nv_bfloat16>(g, stream);
  else any_layout<__half>(g, stream);
  return launched("gemm");
}

}  // namespace wfk
