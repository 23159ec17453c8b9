// Attention for a few rows (decoding): as fast as keys and values can be read. A warp takes a stretch of the
// keys; a lane is a place in the head. A block puts its warps' stretches together, and where there are
// several blocks a second kernel theirs.
#include "attention.cuh"
#include "grid.cuh"
#include "sums.cuh"

namespace wfk {

constexpr int step = 32;         // keys at a time
constexpr int most_warps = 8;    // of a block
constexpr int rounds = 4;        // of 32 places in the head whose keys are loaded together
constexpr int values_ahead = 8;  // whose values are

/// A warp's room in shared memory, in floats: queries, results, weights, and of each row the largest score
/// and the sum.
struct Room {
  float *q, *out, *weights, *states;
  int pitch;
  __device__ __forceinline__ Room(float *place, int rows, int size) : pitch(pitch_of(size)) {
    q = place, out = q + rows * pitch, weights = out + rows * pitch, states = weights + rows * step;
  }
  __host__ __device__ static int pitch_of(int size) { return (size + warp - 1) / warp * warp; }
  __host__ __device__ static int floats(int rows, int size) {
    return rows * (2 * pitch_of(size) + step + 2);
  }
};

/// sums[r][k] += q[r] . keys[k] over `Rounds` rounds of 32 places from d.
template <int Rounds, class T, int Rows, int Keys>
__device__ __forceinline__ void add_scores(float (&sums)[Rows * Keys], const float *q, int pitch,
                                           const T *const (&keys)[Keys], int d, bool in) {
  float y[Rounds][Keys];
#pragma unroll
  for (int u = 0; u < Rounds; u++)
#pragma unroll
    for (int k = 0; k < Keys; k++) y[u][k] = in ? value(keys[k][d + u * warp]) : 0.0f;
#pragma unroll
  for (int u = 0; u < Rounds; u++) {
    float x[Rows];
#pragma unroll
    for (int r = 0; r < Rows; r++) x[r] = in ? q[r * pitch + d + u * warp] : 0.0f;
#pragma unroll
    for (int k = 0; k < Keys; k++) {
      float here = arrived(y[u][k]);
#pragma unroll
      for (int r = 0; r < Rows; r++) sums[r * Keys + k] = fmaf(x[r], here, sums[r * Keys + k]);
    }
  }
}

/// Scores of `Rows` queries with `Keys` keys to weights[row * step + key].
template <class T, int Rows, int Keys>
__device__ __forceinline__ void score(float *weights, const Room &room, const T *const (&keys)[Keys],
                                      int size, int lane) {
  float sums[Rows * Keys];
#pragma unroll
  for (int i = 0; i < Rows * Keys; i++) sums[i] = 0;
  int d = 0;
#pragma unroll 1
  for (; d + rounds * warp <= size; d += rounds * warp)
    add_scores<rounds, T, Rows, Keys>(sums, room.q, room.pitch, keys, d + lane, true);
#pragma unroll 1
  for (; d + warp <= size; d += warp)
    add_scores<1, T, Rows, Keys>(sums, room.q, room.pitch, keys, d + lane, true);
  if (d < size)
    add_scores<1, T, Rows, Keys>(sums, room.q, room.pitch, keys, d + lane, apart(d + lane < size));
  float sum = folded(sums, lane);
  if (apart(lane < Rows * Keys)) weights[lane / Keys * step + lane % Keys] = sum;
}

/// sums[r] += weights of row r x the values from position `j` on, `Count` of them, at this lane's place.
template <int Count, class T, int Rows>
__device__ __forceinline__ void add_values(float (&sums)[Rows], const Part &part, const T *data,
                                           const float *weights, long j, bool in) {
  float v[Count];
#pragma unroll
  for (int i = 0; i < Count; i++)
    v[i] = in ? value(data[part.key_at(j + i, part.g.v_b, part.g.v_h, part.g.v_s)]) : 0.0f;
#pragma unroll
  for (int i = 0; i < Count; i++) {
    float here = arrived(v[i]);
#pragma unroll
    for (int r = 0; r < Rows; r++) sums[r] = fmaf(weights[r * step + i], here, sums[r]);
  }
}

/// One warp's stretch of the keys, from `from` to `stop`, into its room.
template <class T, int Rows, int Keys>
__device__ __forceinline__ void attend(const Part &part, const Room &room, long row0, long rows,
                                       long from, long stop, int lane) {
  const wfk_attention_args &g = part.g;
  int size = (int)g.head_size;
#pragma unroll 1
  for (long j0 = from; j0 < stop; j0 += step) {
#pragma unroll 1
    for (int j = 0; j < step; j += Keys) {
      const T *keys[Keys];
#pragma unroll
      for (int k = 0; k < Keys; k++)
        keys[k] = (const T *)g.k +
                  part.key_at(min(j0 + j + k, part.keys - 1), g.k_b, g.k_h, g.k_s);
      score<T, Rows, Keys>(room.weights + j, room, keys, size, lane);
    }
    __syncwarp();
    float scales[Rows];
    long key = j0 + lane;
#pragma unroll
    for (int r = 0; r < Rows; r++) {
      long row = min(row0 + r, max(rows - 1, 0l)), query = row / part.group;
      float x = room.weights[r * step + lane], before = room.states[2 * r];
      if (g.bias) x = biased<T>(g, x, part.bias_at(row) + min(key, part.keys - 1));
      bool seen = key < part.seen_end(query) && key >= part.seen_begin(query) && key < stop;
      x = seen ? x : -INFINITY;
      float most = larger(before, largest_of_lanes(x));
      float centre = most == -INFINITY ? 0.0f : most;
      float w = exp_smooth(x - centre);
      scales[r] = exp_smooth(before - centre);
      float total = room.states[2 * r + 1] * scales[r] + sum_of_lanes(w);
      room.weights[r * step + lane] = w;
      __syncwarp();
      room.states[2 * r] = most, room.states[2 * r + 1] = total;
    }
    __syncwarp();
    int count = (int)min((long)step, stop - j0);
    along(size, lane, [&](long d, bool in) {
      float sums[Rows];
#pragma unroll
      for (int r = 0; r < Rows; r++) sums[r] = in ? room.out[r * room.pitch + d] * scales[r] : 0.0f;
      const T *data = (const T *)g.v + d;
      int j = 0;
#pragma unroll 1
      for (; j + values_ahead <= count; j += values_ahead)
        add_values<values_ahead, T, Rows>(sums, part, data, room.weights + j, j0 + j, in);
#pragma unroll 1
      for (; j < count; j++) add_values<1, T, Rows>(sums, part, data, room.weights + j, j0 + j, in);
#pragma unroll
      for (int r = 0; r < Rows; r++)
        if (in) room.out[r * room.pitch + d] = sums[r];
    });
    __syncwarp();
  }
}

template <class T, int Rows, int Keys>
__global__ void few_rows_kernel(wfk_attention_args g, float *partial, long stretch, int tiles) {
  extern __shared__ float shared[];
  Part part(g, blockIdx.z, blockIdx.y);
  int lane = threadIdx.x, size = (int)g.head_size, warps = blockDim.y;
  // Blocks along x: for each stretch of keys, each tile of rows.
  long rows = part.queries * part.group, row0 = blockIdx.x % tiles * Rows;
  long place = blockIdx.x / tiles * warps + threadIdx.y;
  int floats = Room::floats(Rows, size);
  Room room(shared + threadIdx.y * floats, Rows, size);
#pragma unroll 1
  for (int r = 0; r < Rows; r++) {
    const T *from = (const T *)g.q + part.q_at(min(row0 + r, max(rows - 1, 0l)));
    along(size, lane, [&](long d, bool in) {
      if (in) room.q[r * room.pitch + d] = value(from[d]) * (float)g.scale;
      if (in) room.out[r * room.pitch + d] = 0;
    });
    room.states[2 * r] = -INFINITY, room.states[2 * r + 1] = 0;
  }
  __syncwarp();
  long last_query = max(part.queries - 1, 0l);
  long from = max(place * stretch, part.seen_begin(0) / step * step);
  long stop = min((place + 1) * stretch, part.seen_end(last_query));
  attend<T, Rows, Keys>(part, room, row0, rows, from, stop, lane);
  __syncthreads();
  // Each warp puts some of the rows together.
#pragma unroll 1
  for (int r = threadIdx.y; r < Rows; r += warps) {
    if (row0 + r >= rows) break;
    Room first(shared, Rows, size);
    float most = -INFINITY, total = 0;
#pragma unroll 1
    for (int w = 0; w < warps; w++) most = larger(most, first.states[w * floats + 2 * r]);
    float centre = most == -INFINITY ? 0.0f : most;
#pragma unroll 1
    for (int w = 0; w < warps; w++)
      total += first.states[w * floats + 2 * r + 1] *
               exp_smooth(first.states[w * floats + 2 * r] - centre);
    long at = ((part.batch * g.kv_heads + part.kv_head) * (gridDim.x / tiles) + blockIdx.x / tiles) *
                  tiles * Rows + row0 + r;
    float *parted = partial ? partial + at * (most_head + 2) : nullptr;
    T *to = (T *)g.out + part.out_at(row0 + r);
    float part_of = partial ? 1.0f : total > 0 ? 1.0f / total : total;
    along(size, lane, [&](long d, bool in) {
      float sum = 0;
#pragma unroll 1
      for (int w = 0; w < warps; w++) {
        float x = in ? first.out[w * floats + r * room.pitch + d] : 0.0f;
        sum = fmaf(x, exp_smooth(first.states[w * floats + 2 * r] - centre), sum);
      }
      sum *= part_of;
      if (parted) {
        if (in) parted[2 + d] = sum;
      } else if (in) {
        to[d] = made<T>(sum);
      }
    });
    if (parted) parted[0] = most, parted[1] = total;
    else if (g.lse) g.lse[part.lse_at(row0 + r)] = most + logf(total);
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
  long rows = g.queries * (g.heads / g.kv_heads), size = g.head_size;
  int tiles = (int)((rows + Rows - 1) / Rows);
  // Warps enough to hide what they wait for, each of 32 keys or more.
  long heads = g.kv_heads * g.batch * tiles, wanted = (16l * core_count() + heads - 1) / heads;
  long most = (g.keys + step - 1) / step, stretches = wanted < most ? wanted : most;
  long warps = 1;
  while (warps < stretches && warps < most_warps) warps *= 2;
  long blocks = (stretches + warps - 1) / warps;
  long stretch = (g.keys + blocks * warps - 1) / (blocks * warps);
  stretch = (stretch + step - 1) / step * step;
  blocks = (g.keys + stretch * warps - 1) / (stretch * warps);
  float *partial = nullptr;
  if (blocks > 1) {
    size_t bytes =
        (size_t)g.batch * g.kv_heads * blocks * tiles * Rows * (most_head + 2) * sizeof(float);
    if (cudaMallocAsync((void **)&partial, bytes, stream) != cudaSuccess)
      return launched("attention");
  }
  int bytes = (int)sizeof(float) * (int)warps * Room::floats(Rows, (int)size);
  allow_shared(few_rows_kernel<T, Rows, Keys>, bytes);
  dim3 grid((unsigned)(blocks * tiles), (unsigned)g.kv_heads, (unsigned)g.batch);
  few_rows_kernel<T, Rows, Keys>
      <<<grid, dim3(warp, (unsigned)warps), bytes, stream>>>(g, partial, stretch, tiles);
  if (partial) {
    grid.x = (unsigned)rows;
    together_kernel<T><<<grid, warp, 0, stream>>>(g, partial, (int)blocks, tiles * Rows);
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
