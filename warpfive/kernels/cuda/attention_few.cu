// Attention for a few rows (decoding): as fast as keys and values can be read. A block is one warp and
// takes a stretch of the keys; a lane is a place in the head. The stretches are put together by a second
// kernel.
#include "attention.cuh"
#include "sums.cuh"

namespace wfk {

constexpr int step = 32;  // keys at a time

/// Scores of `Rows` queries with `Keys` keys to weights[row * step + key].
template <class T, int Rows, int Keys>
__device__ __forceinline__ void score(float *weights, const float *q, const T *const (&keys)[Keys],
                                      int size, int lane) {
  float sums[Rows * Keys];
#pragma unroll
  for (int i = 0; i < Rows * Keys; i++) sums[i] = 0;
  along(size, lane, [&](long d, bool in) {
    float x[Rows];
#pragma unroll
    for (int r = 0; r < Rows; r++) x[r] = in ? q[r * most_head + d] : 0.0f;
#pragma unroll
    for (int k = 0; k < Keys; k++) {
      float y = in ? value(keys[k][d]) : 0.0f;
#pragma unroll
      for (int r = 0; r < Rows; r++) sums[r * Keys + k] = fmaf(x[r], y, sums[r * Keys + k]);
    }
  });
  float sum = folded(sums, lane);
  if (apart(lane < Rows * Keys)) weights[lane / Keys * step + lane % Keys] = sum;
}

template <class T, int Rows, int Keys>
__global__ void few_rows_kernel(wfk_attention_args g, float *partial, long stretch, int tiles) {
  extern __shared__ float shared[];
  Part part(g, blockIdx.z, blockIdx.y);
  int lane = threadIdx.x, size = (int)g.head_size;
  // Blocks along x: for each stretch of keys, each tile of rows.
  long rows = part.queries * part.group, row0 = blockIdx.x % tiles * Rows;
  long place = blockIdx.x / tiles;
  float *q = shared, *out = q + Rows * most_head, *weights = out + Rows * most_head;
  float *states = weights + Rows * step;  // of each row: largest score, sum
#pragma unroll 1
  for (int r = 0; r < Rows; r++) {
    const T *from = (const T *)g.q + part.q_at(min(row0 + r, max(rows - 1, 0l)));
    along(size, lane, [&](long d, bool in) {
      if (in) q[r * most_head + d] = value(from[d]) * (float)g.scale, out[r * most_head + d] = 0;
    });
    states[2 * r] = -INFINITY, states[2 * r + 1] = 0;
  }
  __syncwarp();
  long last_query = max(part.queries - 1, 0l);
  long from = max(place * stretch, part.seen_begin(0) / step * step);
  long stop = min((place + 1) * stretch, part.seen_end(last_query));
#pragma unroll 1
  for (long j0 = from; j0 < stop; j0 += step) {
#pragma unroll 1
    for (int j = 0; j < step; j += Keys) {
      const T *keys[Keys];
#pragma unroll
      for (int k = 0; k < Keys; k++)
        keys[k] = (const T *)g.k +
                  part.key_at(min(j0 + j + k, part.keys - 1), g.k_b, g.k_h, g.k_s);
      score<T, Rows, Keys>(weights + j, q, keys, size, lane);
    }
    __syncwarp();
    float scales[Rows];
    long key = j0 + lane;
#pragma unroll
    for (int r = 0; r < Rows; r++) {
      long row = min(row0 + r, max(rows - 1, 0l)), query = row / part.group;
      float x = weights[r * step + lane], before = states[2 * r];
      if (g.bias) x = biased<T>(g, x, part.bias_at(row) + min(key, part.keys - 1));
      bool seen = key < part.seen_end(query) && key >= part.seen_begin(query) && key < stop;
      x = seen ? x : -INFINITY;
      float most = larger(before, largest_of_lanes(x));
      float centre = most == -INFINITY ? 0.0f : most;
      float w = exp_smooth(x - centre);
      scales[r] = exp_smooth(before - centre);
      float total = states[2 * r + 1] * scales[r] + sum_of_lanes(w);
      weights[r * step + lane] = w;
      __syncwarp();
      states[2 * r] = most, states[2 * r + 1] = total;
    }
    __syncwarp();
    int count = (int)min((long)step, stop - j0);
    along(size, lane, [&](long d, bool in) {
      float sums[Rows];
#pragma unroll
      for (int r = 0; r < Rows; r++) sums[r] = in ? out[r * most_head + d] * scales[r] : 0.0f;
#pragma unroll 1
      for (int j = 0; j < count; j++) {
        const T *from_here = (const T *)g.v + part.key_at(j0 + j, g.v_b, g.v_h, g.v_s);
        float v = in ? value(from_here[d]) : 0.0f;
#pragma unroll
        for (int r = 0; r < Rows; r++) sums[r] = fmaf(weights[r * step + j], v, sums[r]);
      }
#pragma unroll
      for (int r = 0; r < Rows; r++)
        if (in) out[r * most_head + d] = sums[r];
    });
    __syncwarp();
  }
#pragma unroll 1
  for (int r = 0; r < Rows; r++) {
    if (row0 + r >= rows) break;
    float most = states[2 * r], total = states[2 * r + 1];
    if (partial) {
      long at = (part.batch * g.kv_heads + part.kv_head) * (gridDim.x / tiles) + place;
      float *to = partial + (at * tiles * Rows + row0 + r) * (most_head + 2);
      to[0] = most, to[1] = total;
      along(size, lane, [&](long d, bool in) {
        if (in) to[2 + d] = out[r * most_head + d];
      });
    } else {
      T *to = (T *)g.out + part.out_at(row0 + r);
      float part_of = total > 0 ? 1.0f / total : total;
      along(size, lane, [&](long d, bool in) {
        if (in) to[d] = made<T>(out[r * most_head + d] * part_of);
      });
      if (g.lse) g.lse[part.lse_at(row0 + r)] = most + logf(total);
    }
  }
}

/// The stretches of one row.
template <class T>
__global__ void together_kernel(wfk_attention_args g, const float *partial, int stretches,
                                int row_places) {
  Part part(g, blockIdx.z, blockIdx.y);
  long row = blockIdx.x;
  if (row >= part.queries * part.group) return;
  const float *first = partial +
      ((part.batch * g.kv_heads + part.kv_head) * stretches * row_places + row) * (most_head + 2);
  long next = (long)row_places * (most_head + 2);
  float most = -INFINITY, total = 0;
#pragma unroll 1
  for (int i = 0; i < stretches; i++) most = larger(most, first[i * next]);
  float centre = most == -INFINITY ? 0.0f : most;
#pragma unroll 1
  for (int i = 0; i < stretches; i++)
    total += first[i * next + 1] * exp_smooth(first[i * next] - centre);
  float part_of = total > 0 ? 1.0f / total : total;
  T *to = (T *)g.out + part.out_at(row);
  along(g.head_size, threadIdx.x, [&](long d, bool in) {
    float sum = 0;
#pragma unroll 1
    for (int i = 0; i < stretches; i++) {
      float x = in ? first[i * next + 2 + d] : 0.0f;
      sum = fmaf(x, exp_smooth(first[i * next] - centre), sum);
    }
    if (in) to[d] = made<T>(sum * part_of);
  });
  if (g.lse) g.lse[part.lse_at(row)] = most + logf(total);
}

template <class T, int Rows, int Keys>
static wfk_status launch(const wfk_attention_args &g, cudaStream_t stream) {
  // About 128 blocks, of 128 keys or more.
  long wanted = (128 + g.kv_heads * g.batch - 1) / (g.kv_heads * g.batch);
  long most = (g.keys + 127) / 128, stretches = wanted < most ? wanted : most;
  long stretch = (g.keys + stretches - 1) / stretches;
  stretch = (stretch + step - 1) / step * step, stretches = (g.keys + stretch - 1) / stretch;
  long rows = g.queries * (g.heads / g.kv_heads);
  int tiles = (int)((rows + Rows - 1) / Rows);
  float *partial = nullptr;
  if (stretches > 1) {
    size_t bytes =
        (size_t)g.batch * g.kv_heads * stretches * tiles * Rows * (most_head + 2) * sizeof(float);
    if (cudaMallocAsync((void **)&partial, bytes, stream) != cudaSuccess)
      return launched("attention");
  }
  int bytes = (int)sizeof(float) * Rows * (2 * most_head + step + 2);
  dim3 grid((unsigned)(stretches * tiles), (unsigned)g.kv_heads, (unsigned)g.batch);
  few_rows_kernel<T, Rows, Keys><<<grid, warp, bytes, stream>>>(g, partial, stretch, tiles);
  if (partial) {
    grid.x = (unsigned)rows;
    together_kernel<T><<<grid, warp, 0, stream>>>(g, partial, (int)stretches, tiles * Rows);
    cudaFreeAsync(partial, stream);
  }
  return launched("attention");
}

template <class T>
wfk_status attention_few(const wfk_attention_args &g, cudaStream_t stream) {
  long rows = g.queries * (g.heads / g.kv_heads);
  if (rows == 1) return launch<T, 1, 8>(g, stream);
  if (rows == 2) return launch<T, 2, 4>(g, stream);
  return launch<T, 4, 2>(g, stream);
}
template wfk_status attention_few<float>(const wfk_attention_args &, cudaStream_t);
template wfk_status attention_few<__half>(const wfk_attention_args &, cudaStream_t);
template wfk_status attention_few<__nv_bfloat16>(const wfk_attention_args &, cudaStream_t);

}  // namespace wfk
