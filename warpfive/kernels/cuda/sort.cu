// Sorting rows by their bits, eight at a time from the lowest (a radix sort). A block is one warp and sorts
// one row: it counts digits, then puts 32 elements at a time where their digit's next places are.
#include "warp.cuh"

namespace wfk {

/// An element as an unsigned number of the same order; NaN last.
template <class T> struct Ordered {
  using Key = unsigned;
  static __device__ Key key(T x) { return (unsigned)(int)x ^ 0x80000000u; }
};
template <> struct Ordered<float> {
  using Key = unsigned;
  static __device__ Key key(float x) {
    unsigned bits = x != x ? 0x7fc00000u : __float_as_uint(x == 0 ? 0.0f : x);
    return bits >> 31 ? ~bits : bits | 0x80000000u;
  }
};
template <> struct Ordered<__half> : Ordered<float> {
  static __device__ Key key(__half x) { return Ordered<float>::key(value(x)); }
};
template <> struct Ordered<__nv_bfloat16> : Ordered<float> {
  static __device__ Key key(__nv_bfloat16 x) { return Ordered<float>::key(value(x)); }
};
template <> struct Ordered<double> {
  using Key = unsigned long;
  static __device__ Key key(double x) {
    Key bits = x != x ? 0x7ff8000000000000ul : (Key)__double_as_longlong(x == 0 ? 0.0 : x);
    return bits >> 63 ? ~bits : bits | 0x8000000000000000ul;
  }
};
template <> struct Ordered<long> {
  using Key = unsigned long;
  static __device__ Key key(long x) { return (Key)x ^ 0x8000000000000000ul; }
};

constexpr int digits = 256;

/// The elements of a row on their way: keys, and where each was.
template <class Key> struct Elements {
  Key *keys;
  unsigned *places;
};

/// Counts to first places.
__device__ __forceinline__ void starts(unsigned *counts, int lane) {
  unsigned before = 0;
#pragma unroll 1
  for (int d = 0; d < digits; d += warp) {
    unsigned mine = counts[d + lane], sum = mine;
#pragma unroll
    for (int step = 1; step < warp; step *= 2) {
      unsigned other = __shfl_up_sync(everyone, sum, step);
      sum += lane >= step ? other : 0;
    }
    counts[d + lane] = before + sum - mine;
    before += __shfl_sync(everyone, sum, warp - 1);
  }
}

/// One pass over the digit at bit `shift`; false where all elements have the same one.
template <class Key>
__device__ __forceinline__ bool pass(unsigned *counts, Elements<Key> from, Elements<Key> to, long count,
                                     int shift, int lane) {
  const Key *keys = from.keys;
#pragma unroll 1
  for (int d = lane; d < digits; d += warp) counts[d] = 0;
  __syncwarp();
  along(count, lane, [&](long i, bool in) {
    if (in) atomicAdd(&counts[(unsigned)(keys[i] >> shift) & (digits - 1)], 1u);
  });
  __syncwarp();
  if (counts[(unsigned)(keys[0] >> shift) & (digits - 1)] == count) return false;
  starts(counts, lane);
  __syncwarp();
#pragma unroll 1
  for (long at = 0; at < count; at += warp) {
    long i = at + lane;
    bool in = i < count;
    Key key = 0;
    unsigned place = 0;
    if (apart(in)) key = keys[i], place = from.places[i];
    unsigned digit = in ? (unsigned)(key >> shift) & (digits - 1) : digits;
    unsigned same = __match_any_sync(everyone, digit);
    unsigned rank = __popc(same & ((1u << lane) - 1));
    if (apart(in)) {
      unsigned next = counts[digit] + rank;
      to.keys[next] = key, to.places[next] = place;
    }
    __syncwarp();
    if (apart(in && rank == 0)) counts[digit] += __popc(same);
    __syncwarp();
  }
  return true;
}

/// Elements of a row whose key is at most `cut`.
template <class T, class Key>
__device__ __forceinline__ long up_to(const T *row, long cols, Key cut, bool descending, int lane) {
  int count = 0;
  along(cols, lane, [&](long i, bool in) {
    Key key = Ordered<T>::key(in ? row[i] : T());
    count += in && (descending ? ~key : key) <= cut;
  });
  return __shfl_sync(everyone, sum_of_lanes(count), 0);
}

/// Brings the first `kept` of a row's elements together, in order of place: those below the key of the
/// last of them, which halving finds, and as many of that key as there is room for.
template <class T, class Key>
__device__ __forceinline__ void select(Elements<Key> to, const T *row, long cols, long kept,
                                       bool descending, int lane) {
  Key low = 0, high = ~Key(0);
#pragma unroll 1
  while (low < high) {
    Key middle = low + (high - low) / 2;
    if (up_to(row, cols, middle, descending, lane) >= kept) high = middle;
    else low = middle + 1;
  }
  long below = low ? up_to(row, cols, low - 1, descending, lane) : 0, done = 0, room = kept - below;
#pragma unroll 1
  for (long at = 0; at < cols; at += warp) {
    long i = at + lane;
    bool in = i < cols;
    T x = T();
    if (apart(in)) x = row[i];
    Key key = Ordered<T>::key(x);
    key = descending ? ~key : key;
    unsigned before = (1u << lane) - 1, same = __ballot_sync(everyone, in && key == low);
    bool takes = in && (key < low || (key == low && __popc(same & before) < room));
    unsigned taken = __ballot_sync(everyone, takes);
    long next = done + __popc(taken & before);
    if (apart(takes)) to.keys[next] = key, to.places[next] = (unsigned)i;
    done += __popc(taken), room -= min(room, (long)__popc(same));
  }
}

template <class T>
__global__ void sort_kernel(T *y, int64_t *places, const T *x, char *workspace, long cols, long kept,
                            int descending) {
  using Key = typename Ordered<T>::Key;
  __shared__ unsigned counts[digits];
  int lane = threadIdx.x;
  char *mine = workspace + blockIdx.x * cols * 2 * (sizeof(Key) + sizeof(unsigned));
  Key *keys = (Key *)mine;
  unsigned *were = (unsigned *)(keys + 2 * cols);
  Elements<Key> now = {keys, were}, next = {keys + cols, were + cols};
  const T *row = x + blockIdx.x * cols;
  long count = cols;
  if (4 * kept < cols) {
    select(now, row, cols, kept, descending, lane);
    count = kept;
  } else {
    along(cols, lane, [&](long i, bool in) {
      if (!in) return;
      Key key = Ordered<T>::key(row[i]);
      now.keys[i] = descending ? ~key : key;
      now.places[i] = (unsigned)i;
    });
  }
  __syncwarp();
#pragma unroll 1
  for (int shift = 0; shift < 8 * (int)sizeof(Key); shift += 8) {
    if (pass(counts, now, next, count, shift, lane)) {
      Elements<Key> spare = now;
      now = next, next = spare;
    }
    __syncwarp();
  }
  along(kept, lane, [&](long i, bool in) {
    if (!in) return;
    unsigned place = now.places[i];
    y[blockIdx.x * kept + i] = row[place];
    if (places) places[blockIdx.x * kept + i] = place;
  });
}

template <class T>
static wfk_status launch(const char *what, void *y, int64_t *places, const void *x, int64_t rows,
                         int64_t cols, int64_t kept, int descending, cudaStream_t stream) {
  size_t bytes = (size_t)rows * cols * 2 * (sizeof(typename Ordered<T>::Key) + sizeof(unsigned));
  char *workspace = nullptr;
  if (cudaMallocAsync((void **)&workspace, bytes, stream) != cudaSuccess) return launched(what);
  sort_kernel<T><<<by_row(rows), warp, 0, stream>>>((T *)y, places, (const T *)x, workspace, cols,
                                                   kept, descending);
  cudaFreeAsync(workspace, stream);
  return launched(what);
}

static wfk_status sorted(const char *what, void *y, int64_t *places, const void *x, wfk_dtype type,
                         int64_t rows, int64_t cols, int64_t kept, int descending,
                         cudaStream_t stream) {
  if (wfk_status bad = check_rows(what, rows, cols)) return bad;
  if (kept < 0 || kept > cols)
    return fail(WFK_INVALID, "%s: k is %ld; 0 to the row's %ld", what, (long)kept, (long)cols);
  if (cols > 0xfffffffe) return fail(WFK_UNSUPPORTED, "%s: rows of %ld; below 2^32", what, (long)cols);
  if (!rows || !kept) return fine();
#define WFK_SORT(type) \
  return launch<type>(what, y, places, x, rows, cols, kept, descending, stream)
  switch (type) {
    case WFK_F32: WFK_SORT(float);
    case WFK_F64: WFK_SORT(double);
    case WFK_F16: WFK_SORT(__half);
    case WFK_BF16: WFK_SORT(__nv_bfloat16);
    case WFK_I8: WFK_SORT(signed char);
    case WFK_U8: case WFK_BOOL: WFK_SORT(unsigned char);
    case WFK_I16: WFK_SORT(short);
    case WFK_I32: WFK_SORT(int);
    case WFK_I64: WFK_SORT(long);
    default: return fail(WFK_UNSUPPORTED, "%s: no kernel for %s; convert first", what, name_of(type));
  }
#undef WFK_SORT
}

}  // namespace wfk

using namespace wfk;

extern "C" wfk_status wfk_sort(void *y, int64_t *places, const void *x, wfk_dtype type, int64_t rows,
                               int64_t cols, int descending, wfk_stream stream) {
  return sorted("sort", y, places, x, type, rows, cols, cols, descending, (cudaStream_t)stream);
}

extern "C" wfk_status wfk_topk(void *y, int64_t *places, const void *x, wfk_dtype type, int64_t rows,
                               int64_t cols, int64_t k, int largest, wfk_stream stream) {
  return sorted("topk", y, places, x, type, rows, cols, k, largest, (cudaStream_t)stream);
}
