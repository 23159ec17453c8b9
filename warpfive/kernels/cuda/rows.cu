// What is done to each row: softmax, gated activations, rotary positions, embeddings, argmax.
#include "warp.cuh"

namespace wfk {

template <class T, bool Log>
__global__ void softmax_kernel(T *y, const T *x, long dim) {
  int lane = threadIdx.x;
  const T *from = x + blockIdx.x * dim;
  T *to = y + blockIdx.x * dim;
  float most = -INFINITY, sum = 0;
  along(dim, lane, [&](long c, bool in) { most = larger(most, in ? value(from[c]) : most); });
  most = largest_of_lanes(most);
  along(dim, lane, [&](long c, bool in) {
    float e = exp_smooth((in ? value(from[c]) : 0.0f) - most);
    sum += in ? e : 0.0f;
  });
  sum = sum_of_lanes(sum);
  float shift = most + logf(sum), part = 1.0f / sum;
  along(dim, lane, [&](long c, bool in) {
    if (!in) return;
    float v = value(from[c]);
    to[c] = made<T>(Log ? v - shift : exp_smooth(v - most) * part);
  });
}

/// The dimension is not the last: a lane has a place behind it to itself.
template <class T, bool Log>
__global__ void softmax_strided_kernel(T *y, const T *x, long dim, long inner) {
  long place = (long)blockIdx.x * warp + threadIdx.x, at = blockIdx.y * dim * inner + place;
  if (place >= inner) return;
  float most = -INFINITY, sum = 0;
#pragma unroll 1
  for (long d = 0; d < dim; d++) most = larger(most, value(x[at + d * inner]));
#pragma unroll 1
  for (long d = 0; d < dim; d++) sum += exp_smooth(value(x[at + d * inner]) - most);
  float shift = most + logf(sum), part = 1.0f / sum;
#pragma unroll 1
  for (long d = 0; d < dim; d++) {
    float v = value(x[at + d * inner]);
    y[at + d * inner] = made<T>(Log ? v - shift : exp_smooth(v - most) * part);
  }
}

template <class T>
__global__ void act_and_mul_kernel(T *y, const T *gate, const T *up, int act, long cols,
                                   long y_stride, long in_stride) {
  long row = blockIdx.x;
  along(cols, threadIdx.x, [&](long c, bool in) {
    long at = row * in_stride + c;
    float g = in ? value(gate[at]) : 0.0f, u = in ? value(up[at]) : 0.0f;
    T made_here = made<T>(activated(g, act) * u);
    if (in) y[row * y_stride + c] = made_here;
  });
}

template <class T, bool Interleaved>
__global__ void rope_kernel(T *x, const float *cosines, const float *sines, const int64_t *positions,
                            long rotary, long token_stride, long head_stride) {
  long token = blockIdx.x, half = rotary / 2;
  T *mine = x + token * token_stride + blockIdx.y * head_stride;
  long row = (positions ? positions[token] : token) * half;
  along(half, threadIdx.x, [&](long i, bool in) {
    if (!in) return;
    long first = Interleaved ? 2 * i : i, second = Interleaved ? 2 * i + 1 : i + half;
    float a = value(mine[first]), b = value(mine[second]);
    float c = cosines[row + i], s = sines[row + i];
    mine[first] = made<T>(a * c - b * s);
    mine[second] = made<T>(b * c + a * s);
  });
}

__device__ __forceinline__ long checked(int64_t id, long vocabulary) {
  if (id < 0 || id >= vocabulary) {
    printf("embedding: id %ld is not in 0 to %ld\n", (long)id, vocabulary - 1);
    __trap();
  }
  return id;
}

template <class T>
__global__ void embedding_kernel(T *y, const T *table, const int64_t *ids, long dim,
                                 long vocabulary) {
  const T *from = table + checked(ids[blockIdx.x], vocabulary) * dim;
  T *to = y + blockIdx.x * dim;
  along(dim, threadIdx.x, [&](long c, bool in) {
    if (in) to[c] = from[c];
  });
}

template <class T>
__global__ void bag_kernel(T *y, const T *table, const int64_t *ids, const int64_t *offsets,
                           const T *weights, int mode, long bags, long count, long dim,
                           long vocabulary, long padding) {
  long bag = blockIdx.x, c = (long)blockIdx.y * warp + threadIdx.x;
  long begin = offsets[bag], end = bag + 1 < bags ? offsets[bag + 1] : count, members = 0;
  float sum = mode == WFK_BAG_MAX ? -INFINITY : 0.0f;
  bool in = c < dim;
#pragma unroll 1
  for (long i = begin; i < end; i++) {
    long id = checked(ids[i], vocabulary);
    if (id == padding) continue;
    members++;
    float v = apart(in) ? value(table[id * dim + c]) : 0.0f;
    if (mode == WFK_BAG_MAX) sum = larger(sum, v);
    else sum = fmaf(weights ? value(weights[i]) : 1.0f, v, sum);
  }
  if (mode == WFK_BAG_MEAN && members) sum /= (float)members;
  if (!members) sum = 0;
  if (apart(in)) y[bag * dim + c] = made<T>(sum);
}

/// Whether value a at place i goes before value b at place j.
__device__ __forceinline__ bool before(float a, long i, float b, long j) {
  bool unordered_a = a != a, unordered_b = b != b;
  bool same = a == b || (unordered_a && unordered_b);
  bool more = unordered_a ? !unordered_b : a > b;
  return more || (same && i < j);
}

template <class T>
__global__ void argmax_kernel(int64_t *place, const T *x, long cols, long stride) {
  const T *from = x + blockIdx.x * stride;
  int lane = threadIdx.x, best_at = 0x7fffffff;
  float best = -INFINITY;
  along(cols, lane, [&](long c, bool in) {
    float v = in ? value(from[c]) : -INFINITY;
    int at = in ? (int)c : 0x7fffffff;
    bool better = before(v, at, best, best_at);
    best = better ? v : best, best_at = better ? at : best_at;
  });
#pragma unroll
  for (int step = 16; step; step /= 2) {
    float v = __shfl_xor_sync(everyone, best, step);
    int at = __shfl_xor_sync(everyone, best_at, step);
    bool better = before(v, at, best, best_at);
    best = better ? v : best, best_at = better ? at : best_at;
  }
  place[blockIdx.x] = best_at;
}

template <bool Log>
static wfk_status softmax(void *y, const void *x, wfk_dtype type, int64_t outer, int64_t dim,
                          int64_t inner, cudaStream_t stream) {
  return with_type(type, Log ? "log_softmax" : "softmax", [&](auto *t) {
    using T = std::remove_pointer_t<decltype(t)>;
    if (inner == 1)
      softmax_kernel<T, Log><<<by_row(outer), warp, 0, stream>>>((T *)y, (const T *)x, dim);
    else
      softmax_strided_kernel<T, Log>
          <<<dim3((unsigned)((inner + warp - 1) / warp), (unsigned)outer), warp, 0, stream>>>(
              (T *)y, (const T *)x, dim, inner);
  });
}

}  // namespace wfk

using namespace wfk;

extern "C" wfk_status wfk_softmax(void *y, const void *x, wfk_dtype type, int64_t outer, int64_t dim,
                                  int64_t inner, int log, wfk_stream stream) {
  if (wfk_status bad = check_rows("softmax", outer, dim * inner)) return bad;
  if (inner > 1 && outer > 65535)
    return fail(WFK_UNSUPPORTED, "softmax: %ld rows before the dimension; at most 65535 unless it "
                "is the last", (long)outer);
  if (!outer || !dim || !inner) return fine();
  return log ? softmax<true>(y, x, type, outer, dim, inner, (cudaStream_t)stream)
             : softmax<false>(y, x, type, outer, dim, inner, (cudaStream_t)stream);
}

extern "C" wfk_status wfk_act_and_mul(void *y, const void *gate, const void *up,
                                      wfk_activation activation, wfk_dtype type, int64_t rows,
                                      int64_t cols, int64_t y_stride, int64_t in_stride,
                                      wfk_stream stream) {
  if (wfk_status bad = check_rows("act_and_mul", rows, cols)) return bad;
  if (!rows || !cols) return fine();
  return with_type(type, "act_and_mul", [&](auto *t) {
    using T = std::remove_pointer_t<decltype(t)>;
    act_and_mul_kernel<T><<<by_row(rows), warp, 0, (cudaStream_t)stream>>>(
        (T *)y, (const T *)gate, (const T *)up, activation, cols, y_stride, in_stride);
  });
}

extern "C" wfk_status wfk_rope(void *x, const float *cos, const float *sin, const int64_t *positions,
                               wfk_dtype type, int64_t tokens, int64_t heads, int64_t head_size,
                               int64_t rotary, int64_t token_stride, int64_t head_stride,
                               int interleaved, wfk_stream stream) {
  if (rotary % 2 || rotary > head_size || heads > 65535)
    return fail(WFK_INVALID, "rope: rotary is %ld; it is even and at most the head's %ld",
                (long)rotary, (long)head_size);
  if (!tokens || !heads || !rotary) return fine();
  return with_type(type, "rope", [&](auto *t) {
    using T = std::remove_pointer_t<decltype(t)>;
    dim3 grid((unsigned)tokens, (unsigned)heads);
    if (interleaved)
      rope_kernel<T, true><<<grid, warp, 0, (cudaStream_t)stream>>>(
          (T *)x, cos, sin, positions, rotary, token_stride, head_stride);
    else
      rope_kernel<T, false><<<grid, warp, 0, (cudaStream_t)stream>>>(
          (T *)x, cos, sin, positions, rotary, token_stride, head_stride);
  });
}

extern "C" wfk_status wfk_embedding(void *y, const void *table, const int64_t *ids, wfk_dtype type,
                                    int64_t count, int64_t dim, int64_t vocabulary,
                                    wfk_stream stream) {
  if (wfk_status bad = check_rows("embedding", count, dim)) return bad;
  if (!count || !dim) return fine();
  return with_type(type, "embedding", [&](auto *t) {
    using T = std::remove_pointer_t<decltype(t)>;
    embedding_kernel<T><<<by_row(count), warp, 0, (cudaStream_t)stream>>>(
        (T *)y, (const T *)table, ids, dim, vocabulary);
  });
}

extern "C" wfk_status wfk_embedding_bag(void *y, const void *table, const int64_t *ids,
                                        const int64_t *offsets, const void *weights, wfk_bag mode,
                                        wfk_dtype type, int64_t bags, int64_t count, int64_t dim,
                                        int64_t vocabulary, int64_t padding, wfk_stream stream) {
  if (wfk_status bad = check_rows("embedding_bag", bags, dim)) return bad;
  if (weights && mode != WFK_BAG_SUM)
    return fail(WFK_UNSUPPORTED, "embedding_bag: weights go with sums only");
  if (!bags || !dim) return fine();
  return with_type(type, "embedding_bag", [&](auto *t) {
    using T = std::remove_pointer_t<decltype(t)>;
    dim3 grid((unsigned)bags, (unsigned)((dim + warp - 1) / warp));
    bag_kernel<T><<<grid, warp, 0, (cudaStream_t)stream>>>(
        (T *)y, (const T *)table, ids, offsets, (const T *)weights, mode, bags, count, dim,
        vocabulary, padding);
  });
}

extern "C" wfk_status wfk_argmax(int64_t *place, const void *x, wfk_dtype type, int64_t rows,
                                 int64_t cols, int64_t stride, wfk_stream stream) {
  if (wfk_status bad = check_rows("argmax", rows, cols)) return bad;
  if (!cols || cols > 0x7ffffffe)
    return fail(WFK_INVALID, "argmax: rows of %ld; of 1 to 2^31 - 2", (long)cols);
  if (!rows) return fine();
  return with_type(type, "argmax", [&](auto *t) {
    using T = std::remove_pointer_t<decltype(t)>;
    argmax_kernel<T><<<by_row(rows), warp, 0, (cudaStream_t)stream>>>(place, (const T *)x, cols,
                                                                      stride);
  });
}
