// Flash attention on tensor tiles, for float16 and bfloat16. A warp takes 16 queries of one head and goes
// through the keys 64 at a time: scores on tiles, the running softmax in float32, weights rounded to the
// type for the product with the values. Keys and values are read where they lie; a block's warps take
// neighbouring queries and find them in the L1. The last keys, and the last queries, are moved inwards.
// T. Dao, FlashAttention-2, arXiv 2307.08691.
#include <mma.h>
#include "attention.cuh"

namespace wfk {

using namespace nvcuda;
constexpr int tile = 16, step = 64, key_tiles = step / tile, pitch = step + 4, block_warps = 4;

/// A warp's room in shared memory.
template <class T> struct Scratch {
  float scores[tile * pitch];
  float factors[tile];  // of each row, for what has been summed
  T weights[tile * pitch];
};

template <class T, class Layout>
using Right = wmma::fragment<wmma::matrix_b, tile, tile, tile, T, Layout>;
template <class T>
using Left = wmma::fragment<wmma::matrix_a, tile, tile, tile, T, wmma::row_major>;
using Sum = wmma::fragment<wmma::accumulator, tile, tile, tile, float>;

/// q K^T for 16 queries and 64 keys, to `place`.
template <int Places, class T>
__device__ __forceinline__ void score(float *place, const T *q, long q_step, const T *keys,
                                      long key_step) {
  Sum sums[key_tiles];
#pragma unroll
  for (int j = 0; j < key_tiles; j++) wmma::fill_fragment(sums[j], 0.0f);
#pragma unroll 1
  for (int d = 0; d < Places * tile; d += tile) {
    Left<T> left;
    Right<T, wmma::col_major> right[key_tiles];
    wmma::load_matrix_sync(left, q + d, q_step);
#pragma unroll
    for (int j = 0; j < key_tiles; j++)
      wmma::load_matrix_sync(right[j], keys + j * tile * key_step + d, key_step);
    asm volatile("" : : : "memory");
#pragma unroll
    for (int j = 0; j < key_tiles; j++) wmma::mma_sync(sums[j], left, right[j], sums[j]);
  }
#pragma unroll
  for (int j = 0; j < key_tiles; j++)
    wmma::store_matrix_sync(place + j * tile, sums[j], pitch, wmma::mem_row_major);
}

/// sums += weights x values of 64 keys.
template <int Places, class T>
__device__ __forceinline__ void add_values(Sum (&sums)[Places], const T *weights, const T *values,
                                           long step_v) {
#pragma unroll 1
  for (int j = 0; j < step; j += tile) {
    Left<T> left;
    Right<T, wmma::row_major> right[Places];
    wmma::load_matrix_sync(left, weights + j, pitch);
#pragma unroll
    for (int t = 0; t < Places; t++)
      wmma::load_matrix_sync(right[t], values + j * step_v + t * tile, step_v);
    asm volatile("" : : : "memory");
#pragma unroll
    for (int t = 0; t < Places; t++) wmma::mma_sync(sums[t], left, right[t], sums[t]);
  }
}

template <class T, int Places>
__global__ void tile_attention_kernel(wfk_attention_args g) {
  __shared__ __align__(128) Scratch<T> all[block_warps];
  Scratch<T> &own = all[threadIdx.y];
  long head = blockIdx.y, group = g.heads / g.kv_heads;
  Part part(g, blockIdx.z, head / group);
  int lane = threadIdx.x, my_row = lane % tile, half = lane / tile;
  long first = ((long)blockIdx.x * block_warps + threadIdx.y) * tile;
  if (first >= part.queries) return;
  first = min(first, part.queries - tile);
  long query = first + my_row, row0 = first * group + head % group;
  const T *q = (const T *)g.q + part.q_at(row0);
  const T *keys = (const T *)g.k + part.key_at(0, g.k_b, g.k_h, g.k_s);
  const T *values = (const T *)g.v + part.key_at(0, g.v_b, g.v_h, g.v_s);
  long end = part.seen_end(query), begin = part.seen_begin(query);
  long bias = part.bias_at(query * group + head % group);
  long stop = part.seen_end(first + tile - 1), start = part.seen_begin(first);
  float most = -INFINITY, total = 0;
  Sum sums[Places];
#pragma unroll
  for (int t = 0; t < Places; t++) wmma::fill_fragment(sums[t], 0.0f);
#pragma unroll 1
  for (long nominal = start / step * step; nominal < stop; nominal += step) {
    long j0 = min(nominal, part.keys - step);  // keys before `nominal` have been counted
    score<Places>(own.scores, q, g.q_s, keys + j0 * g.k_s, g.k_s);
    __syncwarp();
    float *mine = own.scores + my_row * pitch + half * (step / 2);
    T *weights = own.weights + my_row * pitch + half * (step / 2);
    long key0 = j0 + half * (step / 2), from = max(begin, nominal);
    float before = most;
#pragma unroll 4
    for (int i = 0; i < step / 2; i++) {
      float x = mine[i] * (float)g.scale;
      if (g.bias) x = biased<T>(g, x, bias + key0 + i);
      x = key0 + i < end && key0 + i >= from ? x : -INFINITY;
      mine[i] = x;
      most = larger(most, x);
    }
    most = larger(most, __shfl_xor_sync(everyone, most, tile));
    float centre = most == -INFINITY ? 0.0f : most, factor = exp_smooth(before - centre), here = 0;
#pragma unroll 4
    for (int i = 0; i < step / 2; i++) {
      float w = exp_smooth(mine[i] - centre);
      weights[i] = made<T>(w);
      here += w;
    }
    total = total * factor + here + __shfl_xor_sync(everyone, here, tile);
    own.factors[my_row] = factor;
    __syncwarp();
#pragma unroll
    for (int i = 0; i < 8; i++) {  // element i of a tile lies in row 2 i + lane / 16
      float scale = own.factors[2 * i + half];
#pragma unroll
      for (int t = 0; t < Places; t++) sums[t].x[i] *= scale;
    }
    add_values<Places>(sums, own.weights, values + j0 * g.v_s, g.v_s);
    __syncwarp();
  }
  own.factors[my_row] = total > 0 ? 1.0f / total : total;
  T *out = (T *)g.out + part.out_at(row0);
#pragma unroll
  for (int t = 0; t < Places; t += key_tiles) {
#pragma unroll
    for (int j = 0; j < key_tiles; j++)
      wmma::store_matrix_sync(own.scores + j * tile, sums[t + j], pitch, wmma::mem_row_major);
    __syncwarp();
#pragma unroll 2
    for (int r = 0; r < tile; r++)
#pragma unroll
      for (int d = 0; d < step; d += warp)
        out[r * g.o_s + t * tile + d + lane] =
            made<T>(own.scores[r * pitch + d + lane] * own.factors[r]);
    __syncwarp();
  }
  if (g.lse && half == 0) g.lse[part.lse_at(query * group + head % group)] = most + logf(total);
}

bool takes_tiles(const wfk_attention_args &g) {
  bool lies = !g.table && !g.query_starts && !g.key_starts && !g.key_lengths;
  return lies && (g.type == WFK_F16 || g.type == WFK_BF16) && g.queries >= tile && g.keys >= step &&
         (g.head_size == 64 || g.head_size == 128) && g.heads <= 65535;
}

template <class T, int Places>
static void launch(const wfk_attention_args &g, cudaStream_t stream) {
  constexpr int rows = block_warps * tile;
  dim3 grid((unsigned)((g.queries + rows - 1) / rows), (unsigned)g.heads, (unsigned)g.batch);
  tile_attention_kernel<T, Places><<<grid, dim3(warp, block_warps), 0, stream>>>(g);
}

template <class T>
static void with_head(const wfk_attention_args &g, cudaStream_t stream) {
  if (g.head_size == 64) launch<T, 4>(g, stream);
  else launch<T, 8>(g, stream);
}

wfk_status attention_by_tiles(const wfk_attention_args &g, cudaStream_t stream) {
  if (g.type == WFK_BF16) with_head<__nv_bfloat16>(g, stream);
  else with_head<__half>(g, stream);
  return launched("attention");
}

}  // namespace wfk
