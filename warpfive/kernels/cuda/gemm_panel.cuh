// Matrix products by panels. A block makes 32 columns of D, a lane is a column, and each of its warps some
// rows. Together they turn a panel of B (`depth` x 32) into floats in shared memory; then each takes eight
// rows of A at a time against it, their values the same in all lanes. What type an operand has matters
// only where panels are filled.
#pragma once
#include "gemm.cuh"
#include "grid.cuh"
#include "sums.cuh"

namespace wfk {

constexpr int lanes = warp, tile_rows = at_once, most_warps = 8;
constexpr int turn_pitch = 33;               // of the place where 32 x 32 elements are turned
constexpr int own_room = lanes * turn_pitch; // of a warp: there, and for the rows of A
constexpr int row_depth = 128, line_depth = 32;  // of k that fit there: eight rows of A, 32 lines

/// Eight rows of A, `row_depth` apart in `place`, where A lies by rows.
template <class T, class Real>
__device__ __forceinline__ void fill_rows(Real *place, const wfk_matrix &a, long origin, long row,
                                          long last, int count, int lane) {
  int k = 0;
#pragma unroll 1
  for (; k + 32 <= count; k += 32) {
    Real x[tile_rows];
#pragma unroll
    for (int i = 0; i < tile_rows; i++)
      x[i] = Row<T>(a.data, origin + min(row + i, last) * a.rs)[k + lane];
#pragma unroll
    for (int i = 0; i < tile_rows; i++) place[i * row_depth + k + lane] = arrived(x[i]);
  }
  if (k == count) return;
#pragma unroll 1
  for (int i = 0; i < tile_rows; i++) {
    Row<T> from(a.data, origin + min(row + i, last) * a.rs);
    if (apart(k + lane < count)) place[i * row_depth + k + lane] = from[k + lane];
  }
}

/// A line of 32 elements, `step` apart, for each of `count` lines `pitch` apart: rows of A side by
/// side for each k, or columns of B.
template <class T, class Real>
__device__ __forceinline__ void fill_lines(Real *place, const void *data, long at, long pitch,
                                           long step, long last, int count, int lane) {
  constexpr int together = 8;
  if (step == 1 && last >= 31) {
    int k = 0;
#pragma unroll 1
    for (; k + together <= count; k += together) {
      Real x[together];
#pragma unroll
      for (int i = 0; i < together; i++) x[i] = Row<T>(data, at + (k + i) * pitch)[lane];
#pragma unroll
      for (int i = 0; i < together; i++) place[(k + i) * lanes + lane] = arrived(x[i]);
    }
#pragma unroll 1
    for (; k < count; k++) place[k * lanes + lane] = Row<T>(data, at + k * pitch)[lane];
  } else {
    long mine = min((long)lane, last) * step;
#pragma unroll 1
    for (int k = 0; k < count; k++) place[k * lanes + lane] = Row<T>(data, at + k * pitch)[mine];
  }
}

/// 32 lines of a panel of B, or `count`, where each column's elements lie side by side. `Scaled`: they have
/// one scale a column, which is applied on the way.
template <class T, bool Scaled, class Real>
__device__ __forceinline__ void turn_lines(const wfk_gemm_args &g, Real *panel, Real *turn,
                                           long origin, long k0, long col, int count, int lane) {
  constexpr int together = 8;
  long last = g.n - 1;
  Scales scales(g);
  bool whole = count >= 32;
#pragma unroll 1
  for (int j = 0; j < lanes; j += together) {
    Real x[together];
#pragma unroll
    for (int i = 0; i < together; i++) {
      Row<T> from(g.b.data, origin + min(col + j + i, last) * g.b.cs);
      x[i] = 0;
      if (whole) x[i] = from[lane];
      else if (apart(lane < count)) x[i] = from[lane];
    }
#pragma unroll
    for (int i = 0; i < together; i++) {
      x[i] = arrived(x[i]);
      if constexpr (Scaled) x[i] = scales.worth(x[i], k0, col + j + i);
      turn[(j + i) * turn_pitch + lane] = x[i];
    }
  }
  __syncwarp();
#pragma unroll 4
  for (int i = 0; i < 32; i++) panel[i * lanes + lane] = turn[lane * turn_pitch + i];
  __syncwarp();
}

/// A warp's part of a panel of B: every `warps`-th 32 lines of `count`.
template <class T, bool Turned, bool Quantised, class Real>
__device__ __forceinline__ void fill_b(const wfk_gemm_args &g, Real *panel, Real *turn, long k0,
                                       int count, long col, long matrix, int lane, int warp_at,
                                       int warps) {
  bool scaled = Quantised && g.b_scale, by_lines = scaled && g.group % 32 == 0;
#pragma unroll 1
  for (int k = warp_at * 32; k < count; k += warps * 32) {
    int lines = min(32, count - k);
    long origin = matrix * g.b.bs + (k0 + k) * g.b.rs;
    Real *to = panel + k * lanes;
    if constexpr (Turned && Quantised) {
      if (by_lines) {
        turn_lines<T, true>(g, to, turn, origin, k0 + k, col, lines, lane);
        continue;
      }
    }
    if constexpr (Turned) turn_lines<T, false>(g, to, turn, origin, k0 + k, col, lines, lane);
    else fill_lines<T>(to, g.b.data, origin + col * g.b.cs, g.b.rs, g.b.cs, g.n - 1 - col, lines,
                       lane);
    if constexpr (Quantised) {
      if (!scaled) continue;
      __syncwarp();
      Scales scales(g);
#pragma unroll 1
      for (int i = 0; i < lines; i++)
        to[i * lanes + lane] = scales.worth(to[i * lanes + lane], k0 + k + i, col + lane);
    }
  }
}

/// Sums of int8 products: exact in a float for one stretch of k; the stretches add up as integers.
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
  constexpr int at_a_time = Tall ? line_depth : row_depth;
  extern __shared__ __align__(16) char shared[];
  const wfk_gemm_args &g = p.args;
  int lane = threadIdx.x, warp_at = threadIdx.y, warps = blockDim.y;
  Real *panel = (Real *)shared, *own = panel + p.depth * lanes + warp_at * own_room;
  Real *all_kept = panel + p.depth * lanes + warps * own_room;
  Real *exact_sums = all_kept + p.rows_a_block * lanes + warp_at * tile_rows * lanes;
  long col = (long)blockIdx.x * lanes, batch = blockIdx.z, matrix = batch;
  long row0 = (long)blockIdx.y * p.rows_a_block, row1 = min(row0 + p.rows_a_block, (long)g.m);
  if (g.groups && !find_group(g, p.rows_a_block, blockIdx.y, row0, row1, matrix)) return;
  // Of this warp: whole lines of 32 rows where A is taken by lines.
  long own_rows = p.rows_a_block / warps, mine0 = row0 + warp_at * own_rows;
  long mine1 = min(mine0 + own_rows, row1);
  bool in = col + lane < g.n;
#pragma unroll 1
  for (long k0 = 0; k0 == 0 || k0 < g.k; k0 += p.depth) {
    int count = (int)min((long)p.depth, g.k - k0);
    if (k0) __syncthreads();
    fill_b<B, Turned, Quantised>(g, panel, own, k0, count, col, matrix, lane, warp_at, warps);
    __syncthreads();
#pragma unroll 1
    for (long row = mine0; row < mine1; row += tile_rows) {
      Real *kept = all_kept + (row - row0) * lanes + lane;
#pragma unroll 1
      for (int k = 0; k == 0 || k < count; k += at_a_time) {
        int some = min(at_a_time, count - k), within = (int)(row - mine0) % lanes;
        long origin = batch * g.a.bs + (k0 + k) * g.a.cs;
        bool fresh = k0 + k == 0;
        const Real *right = panel + k * lanes + lane;
        __syncwarp();
        if constexpr (Tall)
          fill_lines<A>(own, g.a.data, origin + (row - within) * g.a.rs, g.a.cs, g.a.rs,
                        mine1 - 1 - (row - within), some, lane);
        else fill_rows<A>(own, g.a, origin, row, mine1 - 1, some, lane);
        __syncwarp();
        if constexpr (exact) {
          eight_sums<row_depth, 1>(exact_sums + lane, own, right, some, Real(1), true);
          add_exactly((int *)kept, exact_sums + lane, fresh);
        } else if constexpr (Tall) {
          eight_sums<1, lanes>(kept, own + within, right, some, Real(1), fresh);
        } else {
          eight_sums<row_depth, 1>(kept, own, right, some, Real(1), fresh);
        }
      }
    }
  }
  __syncwarp();
#pragma unroll 1
  for (long row = mine0; row < mine1; row++) {
    Real sum = all_kept[(row - row0) * lanes + lane];
    if constexpr (exact) {
      int whole = __float_as_int(sum);
      if (g.d.type != WFK_I32) deliver(g, (float)whole, row, col + lane, batch, in);
      else if (apart(in)) ((int *)g.d.data)[row * g.d.rs + col + lane + batch * g.d.bs] = whole;
    } else {
      deliver(g, sum, row, col + lane, batch, in);
    }
  }
}

template <class A, class B, bool Tall, bool Turned, bool Quantised>
void launch_panel(Product p, cudaStream_t stream) {
  using Real = typename RealOf<A>::type;
  const wfk_gemm_args &g = p.args;
  // A warp takes eight rows at least, 32 of a line; twice that where there are blocks enough.
  long across = (g.n + lanes - 1) / lanes, unit = Tall ? lanes : tile_rows;
  long units = (g.m + unit - 1) / unit, warps = units < most_warps ? units : most_warps;
  while (warps & (warps - 1)) warps++;  // few shapes of blocks
  bool twice = !Tall && units * across * g.batch >= 32l * most_warps * core_count();
  p.rows_a_block = (int)(warps * unit * (twice ? 2 : 1));
  p.depth = sizeof(Real) == 8 ? 128 : 256;
  long tiles = g.groups ? g.m / p.rows_a_block + g.groups
                        : (g.m + p.rows_a_block - 1) / p.rows_a_block;
  bool exact = std::is_same_v<A, signed char>;
  int bytes = (int)(sizeof(Real) * (p.depth * lanes + warps * own_room + p.rows_a_block * lanes +
                                    (exact ? warps * tile_rows * lanes : 0)));
  auto *kernel = panel_kernel<A, B, Tall, Turned, Quantised>;
  allow_shared(kernel, bytes);
  kernel<<<dim3((unsigned)across, (unsigned)tiles, (unsigned)g.batch), dim3(lanes, (unsigned)warps),
           bytes, stream>>>(p);
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
