// Choosing a token: a warp has a row of logits. Cuts are found by halving an interval of logits, so nothing is
// sorted. Random numbers: J. Salmon et al., Parallel Random Numbers: As Easy as 1, 2, 3, SC 2011.
#include "warp.cuh"

namespace wfk {

/// Philox 4x32-10: `x` is the counter, and becomes four random words.
__device__ __forceinline__ void philox(unsigned (&x)[4], unsigned long seed) {
  unsigned key0 = (unsigned)seed, key1 = (unsigned)(seed >> 32);
#pragma unroll 1
  for (int round = 0; round < 10; round++) {
    unsigned long a = (unsigned long)x[0] * 0xD2511F53u, b = (unsigned long)x[2] * 0xCD9E8D57u;
    unsigned y0 = (unsigned)(b >> 32) ^ x[1] ^ key0, y2 = (unsigned)(a >> 32) ^ x[3] ^ key1;
    x[0] = y0, x[1] = (unsigned)b, x[2] = y2, x[3] = (unsigned)a;
    key0 += 0x9E3779B9u, key1 += 0xBB67AE85u;
  }
}

__global__ void philox_kernel(uint32_t *out, long count, unsigned long seed, unsigned long offset,
                              unsigned long subsequence) {
  long i = (long)blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= (count + 3) / 4) return;
  unsigned long at = offset + i;
  unsigned x[4] = {(unsigned)at, (unsigned)(at >> 32), (unsigned)subsequence,
                   (unsigned)(subsequence >> 32)};
  philox(x, seed);
#pragma unroll
  for (int j = 0; j < 4; j++)
    if (4 * i + j < count) out[4 * i + j] = x[j];
}

/// A float as an integer of the same order, and back.
__device__ __forceinline__ int ordered(float x) {
  int bits = __float_as_int(x);
  return bits < 0 ? bits ^ 0x7fffffff : bits;
}
__device__ __forceinline__ float unordered(int x) {
  return __int_as_float(x < 0 ? x ^ 0x7fffffff : x);
}

/// A row of logits under a temperature.
template <class T> struct Row {
  const T *from;
  long count;
  float most, cold;  // largest logit; 1 / temperature
  int lane;
  __device__ __forceinline__ float weight(float logit) const {
    return exp_smooth((logit - most) * cold);
  }
  /// Elements at or above `cut`, and their weight.
  __device__ __forceinline__ void above(float cut, float &number, float &weight_of) const {
    float elements = 0, sum = 0;
    along(count, lane, [&](long i, bool in) {
      float logit = in ? value(from[i]) : -INFINITY;
      bool counts = in && logit >= cut;
      elements += counts ? 1.0f : 0.0f;
      sum += counts ? weight(logit) : 0.0f;
    });
    number = sum_of_lanes(elements), weight_of = sum_of_lanes(sum);
  }
  /// The largest cut with at least `number` elements and `mass` of weight at or above it.
  __device__ __forceinline__ float cut_for(float number, float mass) const {
    int low = ordered(-INFINITY), high = ordered(most);
#pragma unroll 1
    while (low < high) {
      int middle = (int)(((long)low + high + 1) >> 1);
      float found, weighs;
      above(unordered(middle), found, weighs);
      if (found >= number && weighs >= mass) low = middle;
      else high = middle - 1;
    }
    return unordered(low);
  }
};

/// The place at which the weight of elements at or above `cut`, in order of place, passes `goal`.
template <class T>
__device__ __forceinline__ long passing(const Row<T> &row, float cut, float goal) {
  float before = 0;
  long last = -1;
#pragma unroll 1
  for (long at = 0; at < row.count; at += warp) {
    long i = at + row.lane;
    bool in = i < row.count;
    float logit = -INFINITY;
    if (apart(in)) logit = value(row.from[i]);
    bool counts = in && logit >= cut;
    float mine = counts ? row.weight(logit) : 0.0f, sum = mine;
#pragma unroll
    for (int step = 1; step < warp; step *= 2) {
      float other = __shfl_up_sync(everyone, sum, step);
      sum += row.lane >= step ? other : 0.0f;
    }
    unsigned there = __ballot_sync(everyone, counts && before + sum > goal);
    unsigned any = __ballot_sync(everyone, counts);
    if (there) return at + __ffs(there) - 1;
    if (any) last = at + 31 - __clz(any);
    before += __shfl_sync(everyone, sum, warp - 1);
  }
  return last;
}

template <class T>
__global__ void sample_kernel(wfk_sample_args g) {
  long r = blockIdx.x;
  int lane = threadIdx.x;
  Row<T> row = {(const T *)g.logits + r * g.stride, g.vocabulary, 0, 0, lane};
  float best = -INFINITY;
  int best_at = 0x7fffffff;
  along(g.vocabulary, lane, [&](long i, bool in) {
    float v = in ? value(row.from[i]) : -INFINITY;
    bool better = v > best || (best_at == 0x7fffffff && in);
    best = better ? v : best, best_at = better ? (int)i : best_at;
  });
#pragma unroll
  for (int step = 16; step; step /= 2) {
    float v = __shfl_xor_sync(everyone, best, step);
    int at = __shfl_xor_sync(everyone, best_at, step);
    bool better = v > best || (v == best && at < best_at);
    best = better ? v : best, best_at = better ? at : best_at;
  }
  float temperature = g.temperatures ? g.temperatures[r] : (float)g.temperature;
  float top_p = g.top_ps ? g.top_ps[r] : (float)g.top_p;
  long top_k = g.top_ks ? g.top_ks[r] : g.top_k;
  best = __shfl_sync(everyone, best, 0);
  long token = __shfl_sync(everyone, best_at, 0);
  row.most = best, row.cold = temperature > 0 ? 1.0f / temperature : 1.0f;
  float number, all, kept;
  row.above(-INFINITY, number, all);
  if (temperature > 0) {
    float cut = -INFINITY;
    if (top_k > 0 && top_k < g.vocabulary) cut = row.cut_for((float)top_k, 0.0f);
    row.above(cut, number, kept);
    if (top_p < 1.0f) {
      cut = fmaxf(cut, row.cut_for(1.0f, top_p * kept));
      row.above(cut, number, kept);
    }
    unsigned long at = g.offset + r;
    unsigned x[4] = {(unsigned)at, (unsigned)(at >> 32), 0, 0};
    philox(x, g.seed);
    token = passing(row, cut, (float)(x[0] * 0x1p-32) * kept);
  }
  g.tokens[r] = token;
  if (g.logprobs) g.logprobs[r] = (value(row.from[token]) - best) * row.cold - logf(all);
}

}  // namespace wfk

using namespace wfk;

extern "C" wfk_status wfk_sample(const wfk_sample_args *args, wfk_stream stream) {
  const wfk_sample_args &g = *args;
  if (wfk_status bad = check_rows("sample", g.rows, g.vocabulary)) return bad;
  if (g.vocabulary < 1 || g.vocabulary > 1 << 24)
    return fail(WFK_UNSUPPORTED, "sample: a vocabulary of %ld; of 1 to 2^24", (long)g.vocabulary);
  if (g.temperature < 0 || g.top_p <= 0 || g.top_p > 1 || g.top_k < 0)
    return fail(WFK_INVALID, "sample: temperature %g, top_p %g, top_k %ld; temperature and top_k are "
                "0 or more, top_p is above 0 and at most 1", g.temperature, g.top_p, (long)g.top_k);
  if (!g.rows) return fine();
  return with_type(g.type, "sample", [&](auto *t) {
    using T = std::remove_pointer_t<decltype(t)>;
    sample_kernel<T><<<by_row(g.rows), warp, 0, (cudaStream_t)stream>>>(g);
  });
}

extern "C" wfk_status wfk_philox(uint32_t *out, int64_t count, uint64_t seed, uint64_t offset,
                                 uint64_t subsequence, wfk_stream stream) {
  if (count < 0) return fail(WFK_INVALID, "philox: a count of %ld; 0 or more", (long)count);
  if (!count) return fine();
  long threads = (count + 3) / 4;
  philox_kernel<<<(unsigned)((threads + 127) / 128), 128, 0, (cudaStream_t)stream>>>(
      out, count, seed, offset, subsequence);
  return launched("philox");
}
