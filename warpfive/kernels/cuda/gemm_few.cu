// Products with few rows (decoding): as fast as B can be read. A warp takes four columns of B at a time,
// each of which lies side by side; a lane is a place along k, and the lanes' sums are added up at the end.
// All elements of a round are on their way before the first is used. The warps of a block take other rows,
// so that they find B in the L1; where there would be too few warps they share out k instead.
#include "gemm.cuh"
#include "grid.cuh"
#include "sums.cuh"

namespace wfk {

constexpr int lanes = warp, most_rows = 16, row_tiles = 4;
constexpr long most_blocks = 4096;

template <class B> constexpr bool packed = std::is_same_v<B, I4> || std::is_same_v<B, U4>;

/// How a warp reads its stretch of k. `Pairs`: 16-bit elements two at a time.
template <class A, class B, bool Quantised, bool Pairs, int Rows, int Columns>
struct Dots {
  static constexpr int rounds = Rows <= 2 ? 4 : 2;  // whose elements are loaded together
  static constexpr int stride = packed<B> || Pairs ? 2 * lanes : lanes;
  const wfk_gemm_args &g;
  const A *a[Rows];  // rows and columns, from this lane's next place on
  const B *b[Columns];
  long columns[Columns];
  float sums[Rows][Columns];
  const float *halves;  // of packed B: A's rows as floats, even places and odd apart
  long pitch, half;     // of `halves`: from row to row, from even to odd places
  int lane;

  /// Sums over the places from k, which a lane is `in`.
  __device__ __forceinline__ void singles(long k, int count, bool in) {
    float x[rounds][Rows], w[rounds][Columns];
#pragma unroll
    for (int u = 0; u < rounds; u++) {
      if (u >= count) break;
#pragma unroll
      for (int r = 0; r < Columns; r++)
        w[u][r] = in ? value(b[r][u * lanes]) : 0.0f;
#pragma unroll
      for (int i = 0; i < Rows; i++) x[u][i] = in ? value(a[i][u * lanes]) : 0.0f;
    }
#pragma unroll
    for (int u = 0; u < rounds; u++) {
      if (u >= count) break;
#pragma unroll
      for (int r = 0; r < Columns; r++) {
        w[u][r] = arrived(w[u][r]);
        if constexpr (Quantised)
          if (g.b_scale) w[u][r] = Scales(g).worth(w[u][r], k + u * lanes, columns[r]);
#pragma unroll
        for (int i = 0; i < Rows; i++) sums[i][r] = fmaf(w[u][r], x[u][i], sums[i][r]);
      }
    }
  }

  __device__ __forceinline__ void pairs() {
    unsigned x[rounds][Rows], w[rounds][Columns];
#pragma unroll
    for (int u = 0; u < rounds; u++) {
#pragma unroll
      for (int r = 0; r < Columns; r++)
        w[u][r] = ((const unsigned *)b[r])[u * lanes];
#pragma unroll
      for (int i = 0; i < Rows; i++) x[u][i] = ((const unsigned *)a[i])[u * lanes];
    }
#pragma unroll
    for (int u = 0; u < rounds; u++)
#pragma unroll
      for (int r = 0; r < Columns; r++) {
        w[u][r] = arrived(w[u][r]);
        float w0 = low_of<A>(w[u][r]), w1 = high_of<A>(w[u][r]);
#pragma unroll
        for (int i = 0; i < Rows; i++) {
          sums[i][r] = fmaf(w0, low_of<A>(x[u][i]), sums[i][r]);
          sums[i][r] = fmaf(w1, high_of<A>(x[u][i]), sums[i][r]);
        }
      }
  }

  /// 64 places of a B with two a byte.
  __device__ __forceinline__ void nibbles(long k, long from) {
    int both[Columns];
#pragma unroll
    for (int r = 0; r < Columns; r++)
      both[r] = ((const unsigned char *)b[r])[0];
#pragma unroll
    for (int r = 0; r < Columns; r++) {
      int low = both[r] & 15, high = both[r] >> 4;
      if constexpr (std::is_same_v<B, I4>) low = (low ^ 8) - 8, high = (high ^ 8) - 8;
      float w0 = (float)low, w1 = (float)high;
      if (g.b_scale) {
        Scales scales(g);
        w0 = scales.worth(w0, k, columns[r]), w1 = scales.worth(w1, k, columns[r]);
      }
#pragma unroll
      for (int i = 0; i < Rows; i++) {
        const float *row = halves + i * pitch + (k - from) / 2 + lane;
        sums[i][r] = fmaf(w0, row[0], fmaf(w1, row[half], sums[i][r]));
      }
    }
  }

  /// A's rows from `from` to `to` as floats to `place`, even places and odd places apart.
  __device__ __forceinline__ void halve(float *place, long from, long to, long batch, long row0,
                                        long row1) {
    halves = place, half = (to - from) / 2, pitch = 2 * half;
#pragma unroll 1
    for (int i = 0; i < Rows; i++) {
      const A *row = (const A *)g.a.data + batch * g.a.bs + min(row0 + i, row1 - 1) * g.a.rs + from;
#pragma unroll 1
      for (long at = lane; at < half; at += lanes) {
        place[i * pitch + at] = value(row[2 * at]);
        place[i * pitch + half + at] = value(row[2 * at + 1]);
      }
    }
    __syncwarp();
  }

  /// On to the places that lie `count` further.
  __device__ __forceinline__ void forward(long count) {
#pragma unroll
    for (int r = 0; r < Columns; r++) {
      if constexpr (packed<B>) b[r] = (const B *)((const unsigned char *)b[r] + count / 2);
      else b[r] += count;
    }
    if constexpr (!packed<B>)
#pragma unroll
      for (int i = 0; i < Rows; i++) a[i] += count;
  }

  /// Columns from `col` on, rows from `row0` on; sums over k from `from` to `to`.
  __device__ __forceinline__ void from_to(long from, long to, long col, long matrix, long batch,
                                          long row0, long row1) {
#pragma unroll
    for (int r = 0; r < Columns; r++) {
      columns[r] = min(col + r, (long)g.n - 1);
      long at = matrix * g.b.bs + columns[r] * g.b.cs + from;
      if constexpr (packed<B>) b[r] = (const B *)((const unsigned char *)g.b.data + at / 2 + lane);
      else b[r] = (const B *)g.b.data + at + (Pairs ? 2 * lane : lane);
    }
#pragma unroll
    for (int i = 0; i < Rows; i++) {
#pragma unroll
      for (int r = 0; r < Columns; r++) sums[i][r] = 0;
      a[i] = (const A *)g.a.data + batch * g.a.bs + min(row0 + i, row1 - 1) * g.a.rs + from +
             (Pairs ? 2 * lane : packed<B> ? 0 : lane);
    }
    long k = from;
    if constexpr (packed<B>) {
#pragma unroll 1
      for (; k < to; k += stride, forward(stride)) nibbles(k, from);
    } else {
#pragma unroll 1
      for (; k + rounds * stride <= to; k += rounds * stride, forward(rounds * stride)) {
        if constexpr (Pairs) pairs();
        else singles(k, rounds, true);
      }
      if constexpr (Pairs) {  // from here on one at a time
#pragma unroll
        for (int r = 0; r < Columns; r++) b[r] -= lane;
#pragma unroll
        for (int i = 0; i < Rows; i++) a[i] -= lane;
      }
#pragma unroll 1
      for (; k + lanes <= to; k += lanes, forward(lanes)) singles(k, 1, true);
      if (k < to) singles(k, 1, apart(k + lane < to));
    }
  }

  /// The sum over all lanes that lane l has to deliver: of row l / Columns and column l % Columns.
  __device__ __forceinline__ float total() {
    float mine = 0;
#pragma unroll
    for (int i = 0; i < Rows; i++) {
      float sum = folded(sums[i], lane);
      mine = lane / Columns == i ? sum : mine;
    }
    return mine;
  }
};

/// `Sliced`: the warps of a block share out k; else they take other rows.
template <class A, class B, int Rows, int Columns, bool Quantised, bool Pairs, bool Sliced>
__global__ void few_kernel(Product p) {
  extern __shared__ float shared[];
  const wfk_gemm_args &g = p.args;
  int lane = threadIdx.x;
  long batch = blockIdx.z, matrix = batch;
  long tile = Sliced ? blockIdx.y : blockIdx.y * blockDim.y + threadIdx.y;
  long row0 = tile * Rows, row1 = min(row0 + Rows, (long)g.m);
  if (!g.groups && row0 >= g.m) return;
  if (g.groups && !find_group(g, Rows, blockIdx.y, row0, row1, matrix)) return;
  using D = Dots<A, B, Quantised, Pairs, Rows, Columns>;
  D dots{g};
  dots.lane = lane;
  long from = 0, to = g.k, step = D::stride;
  if constexpr (Sliced) {
    long whole = (g.k + step - 1) / step, slices = blockDim.y, slice = threadIdx.y;
    from = whole * slice / slices * step, to = min(whole * (slice + 1) / slices * step, (long)g.k);
  }
  if constexpr (packed<B>) dots.halve(shared + Rows * from, from, to, batch, row0, row1);
  long first = (long)blockIdx.x * p.across, end = min(first + p.across, (long)g.n);
  long row = row0 + lane / Columns;
#pragma unroll 1
  for (long col = first; col < end; col += Columns) {
    dots.from_to(from, to, col, matrix, batch, row0, row1);
    float sum = dots.total();
    if constexpr (Sliced) {
      float *parts = shared + (packed<B> ? Rows * g.k : 0);
      parts[threadIdx.y * lanes + lane] = sum;
      __syncthreads();
      if (threadIdx.y) return;  // one group of columns a block
      sum = 0;
#pragma unroll 1
      for (int s = 0; s < blockDim.y; s++) sum += parts[s * lanes + lane];
    }
    long mine = col + lane % Columns;
    deliver(g, sum, row, mine, batch, lane < Rows * Columns && row < row1 && mine < g.n);
  }
}

template <class A, class B, int Rows, int Columns, bool Quantised, bool Pairs>
static void launch(const wfk_gemm_args &g, cudaStream_t stream) {
  long groups = (g.n + Columns - 1) / Columns, tiles = (g.m + Rows - 1) / Rows;
  long stacked = g.groups ? g.m / Rows + g.groups : tiles;
  int slices = few_slices(groups * stacked * g.batch, g.k, 128, 12);
  int halves = packed<B> ? (int)(g.k * Rows * sizeof(float)) : 0;
  Product p{g, 0, 0, Columns, 0};
  // Quantised weights have one kernel: there are many types of them.
  if (Quantised || slices > 1) {
    auto *kernel = few_kernel<A, B, Rows, Columns, Quantised, Pairs, true>;
    int bytes = halves + slices * lanes * (int)sizeof(float);
    allow_shared(kernel, bytes);
    dim3 grid((unsigned)groups, (unsigned)stacked, (unsigned)g.batch);
    kernel<<<grid, dim3(lanes, slices), bytes, stream>>>(p);
  } else if constexpr (!Quantised) {
    long together = g.groups ? 1 : tiles < row_tiles ? tiles : row_tiles;
    p.across = (int)((groups + most_blocks - 1) / most_blocks) * Columns;
    dim3 grid((unsigned)((g.n + p.across - 1) / p.across),
              (unsigned)((stacked + together - 1) / together), (unsigned)g.batch);
    few_kernel<A, B, Rows, Columns, Quantised, Pairs, false>
        <<<grid, dim3(lanes, (unsigned)together), 0, stream>>>(p);
  }
}

/// Whether 16-bit elements can be read two at a time.
static bool even(const wfk_matrix &one, int64_t step) {
  return (uintptr_t)one.data % 4 == 0 && step % 2 == 0 && one.bs % 2 == 0;
}

template <class A, class B, bool Quantised, int Rows>
static void with_rows(const wfk_gemm_args &g, cudaStream_t stream) {
  if constexpr (sizeof(A) == 2 && std::is_same_v<A, B>)
    if (even(g.a, g.a.rs) && even(g.b, g.b.cs))
      return launch<A, B, Rows, 4, Quantised, true>(g, stream);
  launch<A, B, Rows, 4, Quantised, false>(g, stream);
}

template <class A, class B, bool Quantised>
static void by_rows(const wfk_gemm_args &g, cudaStream_t stream) {
  if (g.m == 1) with_rows<A, B, Quantised, 1>(g, stream);
  else if (g.m == 2) with_rows<A, B, Quantised, 2>(g, stream);
  else with_rows<A, B, Quantised, 4>(g, stream);
}

template <class A>
static void weights(const wfk_gemm_args &g, cudaStream_t stream) {
  switch (g.b.type) {
    case WFK_I8: return by_rows<A, signed char, true>(g, stream);
    case WFK_F8E4M3: return by_rows<A, F8E4M3, true>(g, stream);
    case WFK_I4: return by_rows<A, I4, true>(g, stream);
    case WFK_U4: return by_rows<A, U4, true>(g, stream);
    default: return by_rows<A, A, false>(g, stream);
  }
}

bool takes_few_rows(const wfk_gemm_args &g) {
  bool nibbles = g.b.type == WFK_I4 || g.b.type == WFK_U4;
  bool known = g.b.type == g.a.type || nibbles || g.b.type == WFK_I8 || g.b.type == WFK_F8E4M3;
  if (!is_real(g.a.type) || !known || g.m > (g.groups ? 8 * g.groups : most_rows)) return false;
  if (nibbles && (g.k % 64 || g.k > 8192)) return false;
  bool aligned = !g.b_scale || (nibbles ? g.group % 64 == 0 : g.group % lanes == 0);
  return g.a.cs == 1 && g.b.rs == 1 && aligned && g.k > 0;
}

wfk_status few_rows(const wfk_gemm_args &g, cudaStream_t stream) {
  if (g.a.type == WFK_F32) weights<float>(g, stream);
  else if (g.a.type == WFK_BF16) weights<__nv_bfloat16>(g, stream);
  else weights<__half>(g, stream);
  return launched("gemm");
}

}  // namespace wfk
