// What both attention kernels share: which rows and keys there are, and where they lie.
#pragma once
#include "warp.cuh"

namespace wfk {

constexpr int most_head = 256;

/// One batch's and one key head's part of the work. A row is a query of one of the heads that share
/// the keys: row r is query r / group of head kv_head * group + r % group.
struct Part {
  const wfk_attention_args &g;
  long batch, kv_head, group, q_from, queries, k_from, keys;

  __device__ __forceinline__ Part(const wfk_attention_args &args, long batch_, long head)
      : g(args), batch(batch_), kv_head(head), group(args.heads / args.kv_heads), q_from(0),
        queries(args.queries), k_from(0), keys(args.keys) {
    if (g.query_starts) {
      q_from = g.query_starts[batch];
      queries = g.query_starts[batch + 1] - q_from;
    }
    if (g.key_starts) {
      k_from = g.key_starts[batch];
      keys = g.key_starts[batch + 1] - k_from;
    }
    if (g.key_lengths) keys = min(keys, (long)g.key_lengths[batch]);
  }
  __device__ __forceinline__ long head(long row) const { return kv_head * group + row % group; }
  __device__ __forceinline__ long q_at(long row) const {
    return (g.query_starts ? 0 : batch * g.q_b) + (q_from + row / group) * g.q_s + head(row) * g.q_h;
  }
  __device__ __forceinline__ long out_at(long row) const {
    return (g.query_starts ? 0 : batch * g.o_b) + (q_from + row / group) * g.o_s + head(row) * g.o_h;
  }
  __device__ __forceinline__ long lse_at(long row) const {
    return (batch * g.heads + head(row)) * g.queries + row / group;
  }
  __device__ __forceinline__ long bias_at(long row) const {
    return batch * g.bias_b + head(row) * g.bias_h + row / group * g.bias_q;
  }
  /// Where position `j` of a cache with these strides begins.
  __device__ __forceinline__ long key_at(long j, long b, long h, long s) const {
    if (g.table) {
      long page = g.table[batch * g.table_stride + j / g.page];
      return page * b + j % g.page * s + kv_head * h;
    }
    return (g.key_starts ? 0 : batch * b) + (k_from + j) * s + kv_head * h;
  }
  /// First key behind the last that a query sees, and the first that it sees.
  __device__ __forceinline__ long seen_end(long query) const {
    if (!g.causal) return keys;
    return min(keys, query + 1 + (g.causal == 2 ? keys - queries : 0));
  }
  __device__ __forceinline__ long seen_begin(long query) const {
    if (g.window <= 0) return 0;
    long last = query + (g.causal == 1 ? 0 : keys - queries);
    return max(0l, last + 1 - g.window);
  }
};

/// A score with its bias; -infinity where a mask hides the key.
template <class T>
__device__ __forceinline__ float biased(const wfk_attention_args &g, float score, long at) {
  if (!g.bias) return score;
  if (g.bias_is_mask) return ((const unsigned char *)g.bias)[at] ? score : -INFINITY;
  return score + value(((const T *)g.bias)[at]);
}

/// Whether the kernel on tensor tiles serves: 16-bit types, heads of 64 or 128, one sequence a batch.
bool takes_tiles(const wfk_attention_args &args);
wfk_status attention_by_tiles(const wfk_attention_args &args, cudaStream_t stream);
template <class T>
wfk_status attention_few(const wfk_attention_args &args, cudaStream_t stream);
template <class T>
wfk_status attention_many(const wfk_attention_args &args, cudaStream_t stream);

}  // namespace wfk
