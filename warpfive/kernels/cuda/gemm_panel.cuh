// Matrix products by panels. A block is one warp and makes some rows of 32 columns of D: a lane is
// a column. It turns a panel of B (`depth` x 32) into floats in shared memory, then takes eight rows
// of A at a time against it, their values the same in all lanes. What type an operand has matters
// only where panels are filled.
#pragma once
#include "gemm.cuh"
#include "sums.cuh"

namespace wfk {

constexpr int lanes = warp, depth = 256, tile_rows = at_once;
constexpr int turn_pitch = 33;  // of the place where 32 x 32 elements are turned

/// Eight rows of A, `depth` apart in `place`, where A lies by rows.
template <class T, class Real>
__device__ __forceinline__ void fill_rows(Real *place, const wfk_matrix &a, long origin, long row,
                                          long last, int count, int lane) {
#pragma unroll 1
  for (int i = 0; i < tile_rows; i++) {
    Row<T> from(a.data, origin + min(row + i, last) * a.rs);
    Real *to = place + i * depth;
    int k = 0;
#pragma unroll 1
    for (; k + 32 <= count; k += 32) to[k + lane] = from[k + lane];
    if (apart(k + lane < count)) to[k + lane] = from[k + lane];
  }
}

/// A line of 32 elements, `step` apart, for each of `count` lines `pitch` apart: rows of A side by
/// side for each k, or columns of B.
template <class T, class Real>
__device__ __forceinline__ void fill_lines(Real *place, const void *data, long at, long pitch,
                                           long step, long last, int count, int lane) {
  if (step == 1 && last >= 31) {
#pragma unroll 1
    for (int k = 0; k < count; k++) place[k * lanes + lane] = Row<T>(data, at + k * pitch)[lane];
  } else {
    long mine = min((long)lane, last) * step;
#pragma unroll 1
    for (int k = 0; k < count; k++) place[k * lanes + lane] = Row<T>(data, at + k * pitch)[mine];
  }
}

/// A panel of B where each column's elements lie side by side: 32 x 32 of them are turned at a
/// time. `Scaled`: 32 of them have one scale, which is applied on the way.
template <class T, bool Scaled, class Real>
__device__ __forceinline__ void turn_panel(const wfk_gemm_args &g, Real *panel, Real *turn,
                                           long origin, long k0, long col, int count, int lane) {
  long last = g.n - 1;
  Scales scales(g);
#pragma unroll 1
  for (int k = 0; k < count; k += 32) {
    bool whole = k + 32 <= count;
#pragma unroll 1
    for (int j = 0; j < lanes; j++) {
      Row<T> from(g.b.data, origin + min(col + j, last) * g.b.cs);
      Real x = 0;
      if (whole) x = from[k + lane];
      else if (apart(k + lane < count)) x = from[k + lane];
      if constexpr (Scaled) x = scales.worth(x, k0 + k, col + j);
      turn[j * turn_pitch + lane] = x;
    }
    __syncwarp();
#pragma unroll 4
    for (int i = 0; i < 32; i++) panel[(k + i) * lanes + lane] = turn[lane * turn_pitch + i];
    __syncwarp();
  }
}

template <class T, bool Turned, bool Quantised, class Real>
__device__ __forceinline__ void fill_b(const wfk_gemm_args &g, Real *panel, Real *turn, long k0,
                                       int count, long col, long matrix, int lane) {
  long origin = matrix * g.b.bs + k0 * g.b.rs;
  if constexpr (Turned && Quantised) {
    if (g.b_scale && g.group % 32 == 0)
      return turn_panel<T, true>(g, panel, turn, origin, k0, col, count, lane);
  }
  if constexpr (Turned) turn_panel<T, false>(g, panel, turn, origin, k0, col, count, lane);
  else fill_lines<T>(panel, g.b.data, origin + col * g.b.cs, g.b.rs, g.b.cs, g.n - 1 - col, count,
                     lane);
  if constexpr (Quantised) {
    if (!g.b_scale) return;
    __syncwarp();
    Scales scales(g);
#pragma unroll 1
    for (int k = 0; k < count; k++)
      panel[k * lanes + lane] = scales.worth(panel[k * lanes + lane], k0 + k, col + lane);
  }
}

/// Sums of int8 products: exact in a float for one chunk of k; the chunks add up as integers.
__device__ __forceinline__ void add_exactly(int *kept, const float *sums, bool first) {
#pragma unroll 1
  for (int i = 0; i < tile_rows; i++)
    kept[i * lanes] = (first ? 0 : kept[i * lanes]) + (int)sums[i * lanes];
}

/// `Tall`: A lies by columns, or nowhere near; `Turned`: each column of B lies side by side.
template <class A, class B, bool Tall, bool Turned, bool Quantised>
__global__ void panel_kernel(Product p) {
  using Real = typename RealOf<A>::type;
  constexpr bool exact = std::is_same_v<A, signed char> && std::is_same_v<B, signed char>;
  extern __shared__ __align__(16) char shared[];
  const wfk_gemm_args &g = p.args;
  Real *panel = (Real *)shared, *turn = panel + p.depth * lanes;
  Real *rows = turn + lanes * turn_pitch, *kept = rows + depth * tile_rows;
  int lane = threadIdx.x;
  long col = (long)blockIdx.x * lanes, batch = blockIdx.z, matrix = batch;
  long row0 = (long)blockIdx.y * p.rows_a_block, row1 = min(row0 + p.rows_a_block, (long)g.m);
  if (g.groups && !find_group(g, p.rows_a_block, blockIdx.y, row0, row1, matrix)) return;
  bool in = col + lane < g.n;
#pragma unroll 1
  for (long k0 = 0; k0 == 0 || k0 < g.k; k0 += p.depth) {
    int count = (int)min((long)p.depth, g.k - k0);
    bool last_chunk = k0 + p.depth >= g.k;
    fill_b<B, Turned, Quantised>(g, panel, turn, k0, count, col, matrix, lane);
    __syncwarp();
    long origin = batch * g.a.bs + k0 * g.a.cs;
#pragma unroll 1
    for (long row = row0; row < row1; row += tile_rows) {
      int within = (int)(row - row0) % lanes;
      if constexpr (!Tall) fill_rows<A>(rows, g.a, origin, row, row1 - 1, count, lane);
      else if (within == 0)
        fill_lines<A>(rows, g.a.data, origin + row * g.a.rs, g.a.cs, g.a.rs, row1 - 1 - row, count,
                      lane);
      __syncwarp();
      Real *mine = kept + (row - row0) * lanes + lane;
      if constexpr (exact) {
        eight_sums<depth, 1>(turn + lane, rows, panel + lane, count, Real(1), true);
        add_exactly((int *)mine, turn + lane, k0 == 0);
      } else if constexpr (Tall) {
        eight_sums<1, lanes>(mine, rows + within, panel + lane, count, Real(1), k0 == 0);
      } else {
        eight_sums<depth, 1>(mine, rows, panel + lane, count, Real(1), k0 == 0);
      }
      __syncwarp();
      if (!last_chunk) continue;
#pragma unroll 1
      for (long i = row; i < min(row + tile_rows, row1); i++) {
        Real sum = kept[(i - row0) * lanes + lane];
        if constexpr (exact) {
          int whole = __float_as_int(sum);
          if (g.d.type != WFK_I32) deliver(g, (float)whole, i, col + lane, batch, in);
          else if (apart(in)) ((int *)g.d.data)[i * g.d.rs + col + lane + batch * g.d.bs] = whole;
        } else {
          deliver(g, sum, i, col + lane, batch, in);
        }
      }
    }
    __syncwarp();
  }
}

template <class A, class B, bool Tall, bool Turned, bool Quantised>
void launch_panel(Product p, cudaStream_t stream) {
  const wfk_gemm_args &g = p.args;
  // 32 rows of A at once need as much room as the panel: less depth keeps both in a host's L1.
  p.depth = Tall ? depth / 4 : depth;
  long across = (g.n + lanes - 1) / lanes, blocks = 64;
  // Enough blocks for every core, and as few fillings of a panel as that allows.
  long rows = (g.m * across * g.batch + blocks - 1) / blocks, all = (g.m + 31) / 32 * 32;
  rows = rows < 64 ? 64 : rows > 256 ? 256 : (rows + 31) / 32 * 32;
  p.rows_a_block = (int)(rows < all ? rows : all);
  long tiles = g.groups ? g.m / p.rows_a_block + g.groups
                        : (g.m + p.rows_a_block - 1) / p.rows_a_block;
  int bytes = (int)sizeof(typename RealOf<A>::type) *
              (p.depth * lanes + lanes * turn_pitch + depth * tile_rows + p.rows_a_block * lanes);
  auto *kernel = panel_kernel<A, B, Tall, Turned, Quantised>;
  allow_shared(kernel, bytes);
  kernel<<<dim3((unsigned)across, (unsigned)tiles, (unsigned)g.batch), lanes, bytes, stream>>>(p);
}

template <class A, class B, bool Tall, bool Quantised>
void turn_or_not(const wfk_gemm_args &args, cudaStream_t stream) {
  Product p{args, 0, 0};
  constexpr bool nibbles = std::is_same_v<B, I4> || std::is_same_v<B, U4>;
  if constexpr (!nibbles)
    if (args.b.rs != 1 || args.b.cs == 1)
      return launch_panel<A, B, Tall, false, Quantised>(p, stream);
  launch_panel<A, B, Tall, true, Quantised>(p, stream);
}

}  // namespace wfk
