// Products of float16 and bfloat16 on tensor tiles. A warp makes 64 columns of D and 16, 32 or 64 rows;
// operands are read where they lie, and warps of a block that stand side by side find each other's in the
// L1. Where the grid would leave cores idle, the warps of a block share out k instead and add up in shared
// memory. The last warps of a row or column are moved inwards, so that no tile hangs over: what two of
// them make is the same twice.
#include <mma.h>
#include "gemm.cuh"
#include "grid.cuh"

namespace wfk {

using namespace nvcuda;
constexpr int side = 64, tile = 16, tiles = side / tile, lanes = 32;

template <class T, bool ColumnsA, bool ColumnsB, int Down>
struct Tiles {
  using LayoutA = std::conditional_t<ColumnsA, wmma::col_major, wmma::row_major>;
  using LayoutB = std::conditional_t<ColumnsB, wmma::col_major, wmma::row_major>;
  wmma::fragment<wmma::accumulator, tile, tile, tile, float> sum[Down][tiles];

  /// sum = A B over k from `from` to `to`; all tiles of a step are on their way before the first is used.
  __device__ __forceinline__ void multiply(const wfk_gemm_args &g, const T *a, const T *b, long from,
                                           long to) {
    long step_a = ColumnsA ? g.a.cs : g.a.rs, step_b = ColumnsB ? g.b.cs : g.b.rs;
#pragma unroll
    for (int i = 0; i < Down; i++)
#pragma unroll
      for (int j = 0; j < tiles; j++) wmma::fill_fragment(sum[i][j], 0.0f);
#pragma unroll 1
    for (long k = from; k < to; k += tile) {
      wmma::fragment<wmma::matrix_a, tile, tile, tile, T, LayoutA> left[Down];
      wmma::fragment<wmma::matrix_b, tile, tile, tile, T, LayoutB> right[tiles];
#pragma unroll
      for (int j = 0; j < tiles; j++)
        wmma::load_matrix_sync(right[j], b + k * g.b.rs + j * tile * g.b.cs, step_b);
#pragma unroll
      for (int i = 0; i < Down; i++)
        wmma::load_matrix_sync(left[i], a + k * g.a.cs + i * tile * g.a.rs, step_a);
      asm volatile("" : : : "memory");
#pragma unroll
      for (int i = 0; i < Down; i++)
#pragma unroll
        for (int j = 0; j < tiles; j++) wmma::mma_sync(sum[i][j], left[i], right[j], sum[i][j]);
    }
  }

  /// Row `i` of tiles to shared memory, its rows `side` apart.
  __device__ __forceinline__ void keep(float *place, int i) const {
#pragma unroll
    for (int j = 0; j < tiles; j++)
      wmma::store_matrix_sync(place + j * tile, sum[i][j], side, wmma::mem_row_major);
  }
};

/// Where a warp's part of D begins.
struct Corner {
  long row, col;
};

/// False: the warp has nothing to do.
template <int Down>
__device__ __forceinline__ bool find_corner(const Product &p, int warp_at, Corner &at) {
  constexpr int rows = Down * tile;
  const wfk_gemm_args &g = p.args;
  at.col = ((long)blockIdx.x * p.across + warp_at % p.across) * side;
  at.row = ((long)blockIdx.y * p.down + warp_at / p.across) * rows;
  if (at.row >= g.m || at.col >= g.n) return false;
  at.col = min(at.col, g.n - side), at.row = min(at.row, g.m - rows);
  return true;
}

template <class T, bool ColumnsA, bool ColumnsB, int Down>
__global__ void tile_kernel(Product p) {
  extern __shared__ __align__(128) float shared[];
  const wfk_gemm_args &g = p.args;
  Corner at;
  if (!find_corner<Down>(p, threadIdx.y, at)) return;
  long batch = blockIdx.z;
  Tiles<T, ColumnsA, ColumnsB, Down> made;
  made.multiply(g, (const T *)g.a.data + batch * g.a.bs + at.row * g.a.rs,
                (const T *)g.b.data + batch * g.b.bs + at.col * g.b.cs, 0, g.k);
  float *place = shared + threadIdx.y * tile * side;
  int lane = threadIdx.x;
#pragma unroll
  for (int i = 0; i < Down; i++) {
    made.keep(place, i);
    __syncwarp();
#pragma unroll 2
    for (int r = 0; r < tile; r++)
#pragma unroll
      for (int j = 0; j < side; j += lanes)
        deliver(g, place[r * side + j + lane], at.row + i * tile + r, at.col + j + lane, batch);
    __syncwarp();
  }
}

/// The warps of a block make the same part of D, each over its own stretch of k.
template <class T, bool ColumnsA, bool ColumnsB, int Down>
__global__ void sliced_kernel(Product p) {
  extern __shared__ __align__(128) float shared[];
  const wfk_gemm_args &g = p.args;
  constexpr int part = Down * tile * side;
  int slices = blockDim.y, slice = threadIdx.y, lane = threadIdx.x;
  long steps = g.k / tile, batch = blockIdx.z;
  Corner at;
  find_corner<Down>(p, 0, at);
  Tiles<T, ColumnsA, ColumnsB, Down> made;
  made.multiply(g, (const T *)g.a.data + batch * g.a.bs + at.row * g.a.rs,
                (const T *)g.b.data + batch * g.b.bs + at.col * g.b.cs, steps * slice / slices * tile,
                steps * (slice + 1) / slices * tile);
#pragma unroll
  for (int i = 0; i < Down; i++) made.keep(shared + slice * part + i * tile * side, i);
  __syncthreads();
#pragma unroll 1
  for (int r = slice; r < Down * tile; r += slices) {
#pragma unroll
    for (int j = 0; j < side; j += lanes) {
      float sum = 0;
#pragma unroll 4
      for (int s = 0; s < slices; s++) sum += shared[s * part + r * side + j + lane];
      deliver(g, sum, at.row + r, at.col + j + lane, batch);
    }
  }
}

/// A grid and its blocks: tiles a warp's part is high, warps across and down, or slices of k.
struct Shape {
  int tiles_down, across, down, slices;
};

/// The shape that a chip with so many cores takes least time for, as far as these things decide: the busiest
/// core's share, and what it reads past its L1.
static Shape best_shape(const wfk_gemm_args &g) {
  constexpr double read = 28;  // columns and rows of a block with which reading takes a product's time
  static const int sizes[][2] = {{1, 1}, {2, 1}, {1, 2}, {2, 2}};
  int tiles_down = g.m >= 64 ? 4 : g.m >= 32 ? 2 : 1, cores = core_count();
  Shape best{};
  double least = 0;
  for (auto [across, down] : sizes) {
    long width = across * side, height = down * tiles_down * tile;
    if ((across > 1 && g.n < width) || (down > 1 && g.m < height)) continue;
    long blocks = ((g.n + width - 1) / width) * ((g.m + height - 1) / height) * g.batch;
    double reading = read * (1.0 / width + 1.0 / height);
    double time = (double)((blocks + cores - 1) / cores * width * height) *
                  joined(1, reading);
    if (least > 0 && time >= least) continue;
    least = time;
    best = {tiles_down, across, down, 1};
  }
  long warps = ((g.n + side - 1) / side) * ((g.m + tile * tiles_down - 1) / (tile * tiles_down)) * g.batch;
  int slices = few_slices(warps, g.k, 128);
  if (slices > 1) best = {tiles_down, 1, 1, slices};
  return best;
}

template <class T, bool ColumnsA, bool ColumnsB, int Down>
static void launch_rows(const wfk_gemm_args &g, Shape shape, cudaStream_t stream) {
  long width = shape.across * side, height = shape.down * Down * tile;
  dim3 grid((unsigned)((g.n + width - 1) / width), (unsigned)((g.m + height - 1) / height),
            (unsigned)g.batch);
  Product p{g, 0, 0, shape.across, shape.down};
  if (shape.slices > 1) {
    auto *kernel = sliced_kernel<T, ColumnsA, ColumnsB, Down>;
    int bytes = shape.slices * Down * tile * side * (int)sizeof(float);
    allow_shared(kernel, bytes);
    kernel<<<grid, dim3(lanes, shape.slices), bytes, stream>>>(p);
  } else {
    int warps = shape.across * shape.down;
    tile_kernel<T, ColumnsA, ColumnsB, Down>
        <<<grid, dim3(lanes, warps), warps * tile * side * sizeof(float), stream>>>(p);
  }
}

template <class T, bool ColumnsA, bool ColumnsB>
static void launch(const wfk_gemm_args &g, cudaStream_t stream) {
  Shape shape = best_shape(g);
  if (shape.tiles_down == 4) launch_rows<T, ColumnsA, ColumnsB, 4>(g, shape, stream);
  else if (shape.tiles_down == 2) launch_rows<T, ColumnsA, ColumnsB, 2>(g, shape, stream);
  else launch_rows<T, ColumnsA, ColumnsB, 1>(g, shape, stream);
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
