// Flash attention for many queries. A lane is one row; keys and values are taken 32 at a time, their elements
// the same for all lanes, so that maxima and sums need no exchange between lanes. The warps of a block share
// 32 rows: each takes some of the keys' scores, and some of the places in the head.
// T. Dao et al., FlashAttention, arXiv 2205.14135, for the running softmax.
#include "attention.cuh"
#include "sums.cuh"

namespace wfk {

constexpr int step = 32;               // keys at a time
constexpr int warps = step / at_once;  // of a block: each has eight of them
constexpr int together = 8;            // loads that are on their way at once

/// A warp's part of 32 positions of keys or values as floats, `Pitch` apart.
template <int Pitch, class T>
__device__ __forceinline__ void fetch(float *place, const Part &part, const void *data, long from,
                                      long last, long b, long h, long s, int size) {
  int lane = threadIdx.x, first = threadIdx.y * at_once;
  const T *source[together];
#pragma unroll
  for (int j = 0; j < together; j++)
    source[j] = (const T *)data + part.key_at(min(from + first + j, last), b, h, s);
  along(size, lane, [&](long d, bool in) {
    float x[together];
#pragma unroll
    for (int j = 0; j < together; j++) x[j] = in ? value(source[j][d]) : 0.0f;
#pragma unroll
    for (int j = 0; j < together; j++) {
      float here = arrived(x[j]);
      if (in) place[(first + j) * Pitch + d] = here;
    }
  });
}

template <class T, int Pitch>
__global__ void many_kernel(wfk_attention_args g) {
  extern __shared__ __align__(16) float shared[];
  Part part(g, blockIdx.z, blockIdx.y);
  int lane = threadIdx.x, at = threadIdx.y, size = (int)g.head_size;
  long rows = part.queries * part.group, row0 = (long)blockIdx.x * warp;
  if (row0 >= rows) return;
  float *keys = shared, *values = keys + step * Pitch, *weights = values + step * Pitch;
  float *exchange = weights + step * warp, *q = exchange + warps * warp, *out = q + size * warp;
  long row = min(row0 + lane, rows - 1), query = row / part.group;
  const T *mine = (const T *)g.q + part.q_at(row);
#pragma unroll 1
  for (int d = at * together; d < size; d += warps * together) {
    float x[together];
#pragma unroll
    for (int i = 0; i < together; i++) x[i] = value(mine[d + i]);
#pragma unroll
    for (int i = 0; i < together; i++) {
      q[(d + i) * warp + lane] = arrived(x[i]) * (float)g.scale;
      out[(d + i) * warp + lane] = 0;
    }
  }
  long end = part.seen_end(query), begin = part.seen_begin(query), bias = part.bias_at(row);
  long last_row = min(row0 + warp, rows) - 1;
  long stop = part.seen_end(last_row / part.group), start = part.seen_begin(row0 / part.group);
  float most = -INFINITY, total = 0;  // the total of this warp's keys
  float *own = weights + at * at_once * warp + lane;
#pragma unroll 1
  for (long j0 = start / step * step; j0 < stop; j0 += step) {
    __syncthreads();
    fetch<Pitch, T>(keys, part, g.k, j0, part.keys - 1, g.k_b, g.k_h, g.k_s, size);
    fetch<Pitch, T>(values, part, g.v, j0, part.keys - 1, g.v_b, g.v_h, g.v_s, size);
    __syncthreads();
    eight_sums<Pitch, 1>(own, keys + at * at_once * Pitch, q + lane, size, 1.0f, true);
    float before = most, here = -INFINITY;
#pragma unroll 1
    for (int j = 0; j < at_once; j++) {
      long key = j0 + at * at_once + j;
      float score = own[j * warp];
      if (g.bias) score = biased<T>(g, score, bias + min(key, part.keys - 1));
      score = key < end && key >= begin ? score : -INFINITY;
      own[j * warp] = score;
      here = larger(here, score);
    }
    exchange[at * warp + lane] = here;
    __syncthreads();
#pragma unroll
    for (int w = 0; w < warps; w++) most = larger(most, exchange[w * warp + lane]);
    float centre = most == -INFINITY ? 0.0f : most, scale = exp_smooth(before - centre);
    total *= scale;
#pragma unroll 2
    for (int j = 0; j < at_once; j++) {
      float w = exp_smooth(own[j * warp] - centre);
      own[j * warp] = w;
      total += w;
    }
    __syncthreads();
#pragma unroll 1
    for (int d = at * at_once; d < size; d += warps * at_once)
      eight_sums<1, Pitch>(out + d * warp + lane, values + d, weights + lane, step, scale, false);
  }
  __syncthreads();
  exchange[at * warp + lane] = total;
  __syncthreads();
  total = 0;
#pragma unroll
  for (int w = 0; w < warps; w++) total += exchange[w * warp + lane];
  float part_of = total > 0 ? 1.0f / total : total;
  bool in = row0 + lane < rows;
  T *to = (T *)g.out + part.out_at(row);
#pragma unroll 1
  for (int d0 = at * at_once; d0 < size; d0 += warps * at_once)
#pragma unroll 1
    for (int d = d0; d < d0 + at_once; d++) {
      T x = made<T>(out[d * warp + lane] * part_of);
      if (apart(in)) to[d] = x;
    }
  if (g.lse && at == 0 && in) g.lse[part.lse_at(row)] = most + logf(total);
}

/// `Pitch` is that of keys and values in shared memory: the head and off the cache's period.
template <class T, int Pitch>
static void launch(const wfk_attention_args &g, cudaStream_t stream) {
  int floats = 2 * step * Pitch + step * warp + warps * warp + 2 * (int)g.head_size * warp;
  int bytes = (int)sizeof(float) * floats;
  allow_shared(many_kernel<T, Pitch>, bytes);
  long rows = g.queries * (g.heads / g.kv_heads);
  dim3 grid((unsigned)((rows + warp - 1) / warp), (unsigned)g.kv_heads, (unsigned)g.batch);
  many_kernel<T, Pitch><<<grid, dim3(warp, warps), bytes, stream>>>(g);
}

template <class T>
wfk_status attention_many(const wfk_attention_args &g, cudaStream_t stream) {
  if (g.head_size <= 64) launch<T, 80>(g, stream);
  else if (g.head_size <= 128) launch<T, 144>(g, stream);
  else launch<T, 272>(g, stream);
  return launched("attention");
}
template wfk_status attention_many<float>(const wfk_attention_args &, cudaStream_t);
template wfk_status attention_many<__half>(const wfk_attention_args &, cudaStream_t);
template wfk_status attention_many<__nv_bfloat16>(const wfk_attention_args &, cudaStream_t);

}  // namespace wfk
