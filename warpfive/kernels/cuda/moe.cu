// Mixtures of experts: choosing them, bringing each one's tokens together, and adding up what they made.
#include "warp.cuh"

namespace wfk {

constexpr int most_experts = 1024;

/// A warp has a token: it takes the largest score left, top_k times.
template <class T>
__global__ void gate_kernel(float *weights, int32_t *chosen, const T *scores, int experts, int top_k,
                            int softmax_after, int renormalise) {
  extern __shared__ float left[];
  int lane = threadIdx.x;
  const T *from = scores + (long)blockIdx.x * experts;
  float *weight = weights + (long)blockIdx.x * top_k;
  float most = -INFINITY, all = 0;
  along(experts, lane, [&](long e, bool in) {
    float v = in ? value(from[e]) : -INFINITY;
    if (in) left[e] = v;
    most = larger(most, v);
  });
  most = largest_of_lanes(most);
  __syncwarp();
  along(experts, lane, [&](long e, bool in) {
    all += in ? exp_smooth((in ? left[e] : 0.0f) - most) : 0.0f;
  });
  all = sum_of_lanes(all);
  float sum = 0;
#pragma unroll 1
  for (int i = 0; i < top_k; i++) {
    float best = -INFINITY;
    int at = 0x7fffffff;
    along(experts, lane, [&](long e, bool in) {
      float v = in ? left[e] : -INFINITY;
      bool better = in && (v > best || (v == best && e < at));
      best = better ? v : best, at = better ? (int)e : at;
    });
#pragma unroll
    for (int step = 16; step; step /= 2) {
      float v = __shfl_xor_sync(everyone, best, step);
      int other = __shfl_xor_sync(everyone, at, step);
      bool better = v > best || (v == best && other < at);
      best = better ? v : best, at = better ? other : at;
    }
    float w = exp_smooth(best - most);
    sum += w;
    if (apart(lane == 0)) {
      chosen[(long)blockIdx.x * top_k + i] = at;
      weight[i] = w;
      left[at] = -INFINITY;
    }
    __syncwarp();
  }
  float part = 1.0f / (softmax_after || renormalise ? sum : all);
  along(top_k, lane, [&](long i, bool in) {
    if (in) weight[i] *= part;
  });
}

/// One warp sorts all copies, in order: 32 at a time take the next places of their experts.
__global__ void sort_kernel(int32_t *offsets, int32_t *source, const int32_t *chosen, long copies,
                            int experts) {
  __shared__ int next[most_experts];
  int lane = threadIdx.x;
#pragma unroll 1
  for (int e = lane; e < experts; e += warp) next[e] = 0;
  __syncwarp();
  along(copies, lane, [&](long i, bool in) {
    if (in) atomicAdd(&next[chosen[i]], 1);
  });
  __syncwarp();
  int before = 0;
#pragma unroll 1
  for (int e = 0; e < experts; e++) {
    int count = next[e];
    __syncwarp();
    offsets[e] = before, next[e] = before;
    before += count;
  }
  offsets[experts] = before;
  __syncwarp();
#pragma unroll 1
  for (long at = 0; at < copies; at += warp) {
    bool in = at + lane < copies;
    int expert = -1;
    if (apart(in)) expert = chosen[at + lane];
    unsigned same = __match_any_sync(everyone, expert);
    int rank = __popc(same & ((1u << lane) - 1));
    if (apart(in)) source[next[expert] + rank] = (int)at + lane;
    __syncwarp();
    if (apart(in && rank == 0)) next[expert] += __popc(same);
    __syncwarp();
  }
}

template <class T>
__global__ void gather_kernel(T *rows, const T *x, const int32_t *source, int top_k, long dim) {
  const T *from = x + source[blockIdx.x] / top_k * dim;
  T *to = rows + blockIdx.x * dim;
  along(dim, threadIdx.x, [&](long c, bool in) {
    if (in) to[c] = from[c];
  });
}

__global__ void invert_kernel(int32_t *row_of, const int32_t *source, long copies) {
  long i = (long)blockIdx.x * blockDim.x + threadIdx.x;
  if (i < copies) row_of[source[i]] = (int32_t)i;
}

template <class T>
__global__ void combine_kernel(T *y, const T *rows, const int32_t *row_of, const float *weights,
                               int top_k, long dim) {
  long token = blockIdx.x;
  along(dim, threadIdx.x, [&](long c, bool in) {
    float sum = 0;
#pragma unroll 1
    for (int i = 0; i < top_k; i++) {
      long copy = token * top_k + i;
      float v = in ? value(rows[row_of[copy] * dim + c]) : 0.0f;
      sum = fmaf(weights[copy], v, sum);
    }
    if (in) y[token * dim + c] = made<T>(sum);
  });
}

}  // namespace wfk

using namespace wfk;

extern "C" wfk_status wfk_moe_gate(float *weights, int32_t *chosen, const void *scores,
                                   wfk_dtype type, int64_t tokens, int64_t experts, int64_t top_k,
                                   int softmax_after, int renormalise, wfk_stream stream) {
  if (experts < 1 || experts > most_experts || top_k < 1 || top_k > experts)
    return fail(WFK_INVALID, "moe_gate: %ld of %ld experts; of at most %d, at least one and no more "
                "than there are", (long)top_k, (long)experts, most_experts);
  if (wfk_status bad = check_rows("moe_gate", tokens, experts)) return bad;
  if (!tokens) return fine();
  return with_type(type, "moe_gate", [&](auto *t) {
    using T = std::remove_pointer_t<decltype(t)>;
    gate_kernel<T><<<by_row(tokens), warp, (int)experts * 4, (cudaStream_t)stream>>>(
        weights, chosen, (const T *)scores, (int)experts, (int)top_k, softmax_after, renormalise);
  });
}

extern "C" wfk_status wfk_moe_sort(int32_t *offsets, int32_t *source, const int32_t *chosen,
                                   int64_t tokens, int64_t top_k, int64_t experts,
                                   wfk_stream stream) {
  if (experts < 1 || experts > most_experts)
    return fail(WFK_INVALID, "moe_sort: %ld experts; of 1 to %d", (long)experts, most_experts);
  sort_kernel<<<1, warp, 0, (cudaStream_t)stream>>>(offsets, source, chosen, tokens * top_k,
                                                   (int)experts);
  return launched("moe_sort");
}

extern "C" wfk_status wfk_moe_gather(void *rows, const void *x, const int32_t *source,
                                     wfk_dtype type, int64_t tokens, int64_t top_k, int64_t dim,
                                     wfk_stream stream) {
  if (wfk_status bad = check_rows("moe_gather", tokens * top_k, dim)) return bad;
  if (!tokens || !dim) return fine();
  return with_type(type, "moe_gather", [&](auto *t) {
    using T = std::remove_pointer_t<decltype(t)>;
    gather_kernel<T><<<by_row(tokens * top_k), warp, 0, (cudaStream_t)stream>>>(
        (T *)rows, (const T *)x, source, (int)top_k, dim);
  });
}

extern "C" wfk_status wfk_moe_combine(void *y, const void *rows, const int32_t *source,
                                      const float *weights, int32_t *workspace, wfk_dtype type,
                                      int64_t tokens, int64_t top_k, int64_t dim,
                                      wfk_stream stream) {
  if (wfk_status bad = check_rows("moe_combine", tokens * top_k, dim)) return bad;
  if (!tokens || !dim) return fine();
  return with_type(type, "moe_combine", [&](auto *t) {
    using T = std::remove_pointer_t<decltype(t)>;
    long copies = tokens * top_k;
    invert_kernel<<<(unsigned)((copies + 127) / 128), 128, 0, (cudaStream_t)stream>>>(
        workspace, source, copies);
    combine_kernel<T><<<by_row(tokens), warp, 0, (cudaStream_t)stream>>>(
        (T *)y, (const T *)rows, workspace, weights, (int)top_k, dim);
  });
}
