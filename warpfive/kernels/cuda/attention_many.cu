// Flash attention for many queries. A block is one warp and a lane one row; keys and values are taken 32
// at a time, their elements the same for all lanes, so that maxima and sums need no exchange.
// T. Dao et al., FlashAttention, arXiv 2205.14135, for the running softmax.
#include "attention.cuh"
#include "sums.cuh"

namespace wfk {

constexpr int step = 32;      // keys at a time
constexpr int pitch = 272;    // of keys and values in shared memory: 256 and off the cache's period

/// 32 positions of keys or values as floats.
template <class T>
__device__ __forceinline__ void fetch(float *place, const Part &part, const void *data, long from,
                                      long last, long b, long h, long s, int size, int lane) {
#pragma unroll 1
  for (int j = 0; j < step; j++) {
    const T *source = (const T *)data + part.key_at(min(from + j, last), b, h, s);
    along(size, lane, [&](long d, bool in) {
      if (in) place[j * pitch + d] = value(source[d]);
    });
  }
}

template <class T>
__global__ void many_kernel(wfk_attention_args g) {
  extern __shared__ float shared[];
  Part part(g, blockIdx.z, blockIdx.y);
  int lane = threadIdx.x, size = (int)g.head_size;
  long rows = part.queries * part.group, row0 = (long)blockIdx.x * warp;
  if (row0 >= rows) return;
  float *keys = shared, *values = keys + step * pitch, *weights = values + step * pitch;
  float *q = weights + step * warp, *out = q + g.head_size * warp;
  long row = min(row0 + lane, rows - 1), query = row / part.group;
  const T *mine = (const T *)g.q + part.q_at(row);
#pragma unroll 1
  for (int d = 0; d < size; d++) {
    q[d * warp + lane] = value(mine[d]) * (float)g.scale;
    out[d * warp + lane] = 0;
  }
  long end = part.seen_end(query), begin = part.seen_begin(query), bias = part.bias_at(row);
  long last_row = min(row0 + warp, rows) - 1;
  long stop = part.seen_end(last_row / part.group), start = part.seen_begin(row0 / part.group);
  float most = -INFINITY, total = 0;
#pragma unroll 1
  for (long j0 = start / step * step; j0 < stop; j0 += step) {
    __syncwarp();
    fetch<T>(keys, part, g.k, j0, part.keys - 1, g.k_b, g.k_h, g.k_s, size, lane);
    fetch<T>(values, part, g.v, j0, part.keys - 1, g.v_b, g.v_h, g.v_s, size, lane);
    __syncwarp();
#pragma unroll 1
    for (int j = 0; j < step; j += at_once)
      eight_sums<pitch, 1>(weights + j * warp + lane, keys + j * pitch, q + lane, size, 1.0f, true);
    float before = most;
#pragma unroll 1
    for (int j = 0; j < step; j++) {
      long key = j0 + j;
      float score = weights[j * warp + lane];
      if (g.bias) score = biased<T>(g, score, bias + min(key, part.keys - 1));
      score = key < end && key >= begin ? score : -INFINITY;
      weights[j * warp + lane] = score;
      most = larger(most, score);
    }
    float centre = most == -INFINITY ? 0.0f : most, scale = exp_smooth(before - centre);
    total *= scale;
#pragma unroll 2
    for (int j = 0; j < step; j++) {
      float w = exp_smooth(weights[j * warp + lane] - centre);
      weights[j * warp + lane] = w;
      total += w;
    }
#pragma unroll 1
    for (int d = 0; d < size; d += at_once)
      eight_sums<1, pitch>(out + d * warp + lane, values + d, weights + lane, step, scale, false);
  }
  float part_of = total > 0 ? 1.0f / total : total;
  bool in = row0 + lane < rows;
  T *to = (T *)g.out + part.out_at(row);
#pragma unroll 1
  for (int d = 0; d < size; d++) {
    T x = made<T>(out[d * warp + lane] * part_of);
    if (apart(in)) to[d] = x;
  }
  if (g.lse && in) g.lse[part.lse_at(row)] = most + logf(total);
}

template <class T>
wfk_status attention_many(const wfk_attention_args &g, cudaStream_t stream) {
  int bytes = (int)sizeof(float) * (2 * step * pitch + step * warp + 2 * (int)g.head_size * warp);
  allow_shared(many_kernel<T>, bytes);
  long rows = g.queries * (g.heads / g.kv_heads);
  dim3 grid((unsigned)((rows + warp - 1) / warp), (unsigned)g.kv_heads, (unsigned)g.batch);
  many_kernel<T><<<grid, warp, bytes, stream>>>(g);
  return launched("attention");
}
template wfk_status attention_many<float>(const wfk_attention_args &, cudaStream_t);
template wfk_status attention_many<__half>(const wfk_attention_args &, cudaStream_t);
template wfk_status attention_many<__nv_bfloat16>(const wfk_attention_args &, cudaStream_t);

}  // namespace wfk
