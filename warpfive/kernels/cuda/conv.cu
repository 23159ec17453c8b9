// Convolutions as products of panels: the panel is gathered from the image. Where channels come first a
// lane is an output place and weights are the same for all; where they come last a lane is an output
// channel and the image's elements are.
#include "sums.cuh"
#include "window.cuh"

namespace wfk {

constexpr int depth = 256;       // of a panel
constexpr int most_taps = 1024;  // of a window
constexpr int rows_pitch = most_taps + 16;  // of weights in shared memory: off the cache's period
constexpr int turn_pitch = 33;

struct Conv {
  wfk_window window;
  void *y;
  const void *x, *weight, *bias;
  int activation, rows_a_block;
};

template <class T>
__device__ __forceinline__ void deliver(const Conv &c, float sum, long channel, long at, bool in) {
  if (c.bias) sum += apart(in) ? value(((const T *)c.bias)[channel]) : 0.0f;
  T x = made<T>(activated(sum, c.activation));
  if (apart(in)) ((T *)c.y)[at] = x;
}

/// Weights of eight channels from place k0 on, `rows_pitch` apart.
template <class T>
__device__ __forceinline__ void fill_weights(float *rows, const T *weight, long first, long last,
                                             long size, long k0, int count, int lane) {
#pragma unroll 1
  for (int i = 0; i < at_once; i++) {
    const T *from = weight + min(first + i, last) * size + k0;
    along(count, lane, [&](long k, bool in) {
      if (in) rows[i * rows_pitch + k] = value(from[k]);
    });
  }
}

template <class T, bool Dense>
__global__ void first_kernel(Conv c) {
  extern __shared__ float shared[];
  const wfk_window &g = c.window;
  int lane = threadIdx.y * blockDim.x + threadIdx.x, kernel = (int)device_volume(g.kernel);
  int channels_at_once = max(1, depth / kernel), most = channels_at_once * kernel;
  float *panel = shared, *rows = panel + most * warp, *kept = rows + rows_pitch * at_once;
  long group = blockIdx.z % g.groups, image = blockIdx.z / g.groups;
  long ins = g.in_channels / g.groups, outs = g.out_channels / g.groups;
  long row0 = (long)blockIdx.y * c.rows_a_block, row1 = min(row0 + c.rows_a_block, outs);
  long plane = device_volume(g.in), size = ins * kernel;
  const T *x = (const T *)c.x + (image * g.in_channels + group * ins) * plane;
  const T *weight = (const T *)c.weight + group * outs * size;
  Patch<Dense> patch(g, blockIdx.x);
#pragma unroll 1
  for (long first = 0; first < ins; first += channels_at_once) {
    int channels = (int)min((long)channels_at_once, ins - first), count = channels * kernel;
    float *to = panel + lane;
    __syncwarp();
#pragma unroll 1
    for (int i = 0; i < channels; i++)
      patch.each(x + (first + i) * plane, [&](float v) { *to = v, to += warp; });
#pragma unroll 1
    for (long row = row0; row < row1; row += at_once) {
      __syncwarp();
      fill_weights(rows, weight, row, row1 - 1, size, first * kernel, count, lane);
      __syncwarp();
      eight_sums<rows_pitch, 1>(kept + (row - row0) * warp + lane, rows, panel + lane, count, 1.0f,
                                first == 0);
    }
  }
  long places = device_volume(g.out);
#pragma unroll 1
  for (long row = row0; row < row1; row++) {
    long channel = group * outs + row;
    deliver<T>(c, kept[(row - row0) * warp + lane], channel,
               (image * g.out_channels + channel) * places + patch.place(), patch.in);
  }
}

/// What lies under the windows of eight places, from k0 on of (tap, channel).
template <class T>
__device__ __forceinline__ void fill_places(float *rows, const wfk_window &g, const T *image,
                                            long place, long last, long ins, long k0, int count,
                                            int lane) {
#pragma unroll 1
  for (int i = 0; i < at_once; i++) {
    Corner c = corner(g, min(place + i, last));
    long k = k0;
#pragma unroll 1
    while (k < k0 + count) {
      int tap = (int)(k / ins), kw = tap % (int)g.kernel[2];
      int kh = tap / (int)g.kernel[2] % (int)g.kernel[1];
      Spot at = spot(g, c, tap / (int)(g.kernel[2] * g.kernel[1]), kh, kw);
      long channel = k % ins, run = min(ins - channel, k0 + count - k);
      float *to = rows + i * rows_pitch + (k - k0);
      const T *from = image + at.at * g.in_channels + channel;
      along(run, lane, [&](long j, bool in) {
        float v = in ? value(from[j]) : 0.0f;
        if (in) to[j] = at.in ? v : 0.0f;
      });
      k += run;
    }
  }
}

template <class T>
__global__ void last_kernel(Conv c) {
  extern __shared__ float shared[];
  const wfk_window &g = c.window;
  float *panel = shared, *turn = panel + depth * warp, *rows = turn + warp * turn_pitch;
  float *kept = rows + rows_pitch * at_once;
  int lane = threadIdx.x;
  long places = device_volume(g.out), group = blockIdx.z % g.groups, image = blockIdx.z / g.groups;
  long ins = g.in_channels / g.groups, outs = g.out_channels / g.groups;
  long channel = (long)blockIdx.x * warp, size = ins * device_volume(g.kernel);
  long row0 = (long)blockIdx.y * c.rows_a_block, row1 = min(row0 + c.rows_a_block, places);
  const T *x = (const T *)c.x + image * device_volume(g.in) * g.in_channels + group * ins;
  const T *weight = (const T *)c.weight + group * outs * size;
#pragma unroll 1
  for (long k0 = 0; k0 < size; k0 += depth) {
    int count = (int)min((long)depth, size - k0);
    __syncwarp();
#pragma unroll 1
    for (int k = 0; k < count; k += warp) {
#pragma unroll 1
      for (int j = 0; j < warp; j++) {
        const T *from = weight + min(channel + j, outs - 1) * size + k0 + k;
        float v = apart(k + lane < count) ? value(from[lane]) : 0.0f;
        turn[j * turn_pitch + lane] = v;
      }
      __syncwarp();
#pragma unroll 4
      for (int i = 0; i < warp; i++) panel[(k + i) * warp + lane] = turn[lane * turn_pitch + i];
      __syncwarp();
    }
#pragma unroll 1
    for (long row = row0; row < row1; row += at_once) {
      __syncwarp();
      fill_places(rows, g, x, row, row1 - 1, ins, k0, count, lane);
      __syncwarp();
      eight_sums<rows_pitch, 1>(kept + (row - row0) * warp + lane, rows, panel + lane, count, 1.0f,
                                k0 == 0);
    }
  }
  bool in = channel + lane < outs;
#pragma unroll 1
  for (long row = row0; row < row1; row++)
    deliver<T>(c, kept[(row - row0) * warp + lane], group * outs + channel + lane,
               (image * places + row) * g.out_channels + group * outs + channel + lane, in);
}

/// One input channel for each group: nothing to share, so nothing is kept. Channels come first.
template <class T, bool Dense>
__global__ void depthwise_first_kernel(Conv c) {
  const wfk_window &g = c.window;
  long plane = device_volume(g.in), image = blockIdx.z, channel = blockIdx.y;
  long from = image * g.in_channels + channel / (g.out_channels / g.groups);
  Patch<Dense> patch(g, blockIdx.x);
  const T *weight = (const T *)c.weight + channel * device_volume(g.kernel);
  float sum = 0;
  patch.each((const T *)c.x + from * plane, [&](float v) { sum = fmaf(v, value(*weight++), sum); });
  deliver<T>(c, sum, channel,
             (image * g.out_channels + channel) * device_volume(g.out) + patch.place(), patch.in);
}

/// The same with channels last: a lane is a channel.
template <class T>
__global__ void depthwise_last_kernel(Conv c) {
  const wfk_window &g = c.window;
  long plane = device_volume(g.in), kernel = device_volume(g.kernel), image = blockIdx.z;
  long channel = (long)blockIdx.x * warp + threadIdx.x, place = blockIdx.y;
  bool in = channel < g.out_channels;
  long held = min(channel, g.out_channels - 1), from = held / (g.out_channels / g.groups);
  const T *x = (const T *)c.x + image * plane * g.in_channels + from;
  const T *weight = (const T *)c.weight + held * kernel;
  float sum = 0;
  taps(g, corner(g, place), [&](int tap, Spot at) {
    float v = value(x[at.at * g.in_channels]);
    sum = fmaf(at.in ? v : 0.0f, value(weight[tap]), sum);
  });
  deliver<T>(c, sum, channel, (image * device_volume(g.out) + place) * g.out_channels + channel, in);
}

static long between(long low, long x, long high) { return x < low ? low : x > high ? high : x; }
static unsigned parts(long count, long each) { return (unsigned)((count + each - 1) / each); }

/// Rows of a block: enough blocks for every core, and as few fillings of a panel as that allows.
static int rows_a_block(long rows, long columns) {
  return (int)between(32, (rows * columns / 64 + 31) / 32 * 32, 256);
}

template <class T, bool Dense>
static void launch_first(Conv c, cudaStream_t stream) {
  const wfk_window &g = c.window;
  dim3 block = patch_of(g);
  long outs = g.out_channels / g.groups, many = patches(g, block);
  if (g.in_channels == g.groups && outs <= 4) {
    dim3 grid((unsigned)many, (unsigned)g.out_channels, (unsigned)g.images);
    depthwise_first_kernel<T, Dense><<<grid, block, 0, stream>>>(c);
    return;
  }
  c.rows_a_block = rows_a_block(outs, many * g.images * g.groups);
  long kernel = volume(g.kernel), most = kernel > depth ? kernel : depth / kernel * kernel;
  int bytes = (int)(4 * (most * warp + rows_pitch * at_once + (c.rows_a_block + at_once) * warp));
  allow_shared(first_kernel<T, Dense>, bytes);
  dim3 grid((unsigned)many, parts(outs, c.rows_a_block), (unsigned)(g.images * g.groups));
  first_kernel<T, Dense><<<grid, block, bytes, stream>>>(c);
}

template <class T>
static void launch_last(Conv c, cudaStream_t stream) {
  const wfk_window &g = c.window;
  long places = volume(g.out), outs = g.out_channels / g.groups;
  if (g.in_channels == g.groups && outs <= 4 && places <= 65535) {
    dim3 grid(parts(g.out_channels, warp), (unsigned)places, (unsigned)g.images);
    depthwise_last_kernel<T><<<grid, warp, 0, stream>>>(c);
    return;
  }
  c.rows_a_block = rows_a_block(places, parts(outs, warp) * g.images * g.groups);
  int floats = depth * warp + warp * turn_pitch + rows_pitch * at_once;
  int bytes = 4 * (floats + (c.rows_a_block + at_once) * warp);
  allow_shared(last_kernel<T>, bytes);
  dim3 grid(parts(outs, warp), parts(places, c.rows_a_block), (unsigned)(g.images * g.groups));
  last_kernel<T><<<grid, warp, bytes, stream>>>(c);
}

template <class T>
static void launch(Conv c, cudaStream_t stream) {
  if (c.window.channels_last) launch_last<T>(c, stream);
  else if (c.window.stride[2] == 1) launch_first<T, true>(c, stream);
  else launch_first<T, false>(c, stream);
}

/// A window of one element that moves by one: a plain product, y[image] = weight x[image].
static bool is_product(const wfk_window &g) {
  return volume(g.kernel) == 1 && volume(g.stride) == 1 && g.padding[0] + g.padding[1] +
         g.padding[2] == 0 && g.groups == 1;
}

static wfk_status product(void *y, const void *x, const void *weight, const void *bias,
                          wfk_dtype type, wfk_activation activation, const wfk_window &g,
                          wfk_stream stream) {
  long places = volume(g.in), ins = g.in_channels, outs = g.out_channels;
  wfk_gemm_args a = {};
  a.alpha = 1, a.bias = bias, a.activation = activation, a.k = ins;
  if (g.channels_last) {
    a.m = g.images * places, a.n = outs, a.batch = 1;
    a.a = {x, type, ins, 1, 0}, a.b = {weight, type, 1, ins, 0}, a.d = {y, type, outs, 1, 0};
  } else {
    a.m = outs, a.n = places, a.batch = g.images, a.bias_of_rows = 1;
    a.a = {weight, type, ins, 1, 0}, a.b = {x, type, places, 1, ins * places};
    a.d = {y, type, places, 1, outs * places};
  }
  return wfk_gemm(&a, stream);
}

}  // namespace wfk

using namespace wfk;

extern "C" wfk_status wfk_conv(void *y, const void *x, const void *weight, const void *bias,
                               wfk_dtype type, wfk_activation activation, const wfk_window *window,
                               wfk_stream stream) {
  const wfk_window &g = *window;
  if (wfk_status bad = check_window("conv", g)) return bad;
  if (g.groups < 1 || g.in_channels % g.groups || g.out_channels % g.groups)
    return fail(WFK_INVALID, "conv: %ld and %ld channels do not part into %ld groups",
                (long)g.in_channels, (long)g.out_channels, (long)g.groups);
  if (g.images * g.groups > 65535)
    return fail(WFK_UNSUPPORTED, "conv: %ld images times groups; at most 65535 go at once",
                (long)(g.images * g.groups));
  if (volume(g.kernel) > most_taps || g.out_channels > 65535)
    return fail(WFK_UNSUPPORTED, "conv: a window of %ld places for %ld channels; at most %d for 65535",
                (long)volume(g.kernel), (long)g.out_channels, most_taps);
  if (!g.images || !g.out_channels || volume(g.out) <= 0) return fine();
  if (is_product(g) && is_real(type))
    return product(y, x, weight, bias, type, activation, g, stream);
  return with_type(type, "conv", [&](auto *t) {
    using T = std::remove_pointer_t<decltype(t)>;
    launch<T>({g, y, x, weight, bias, activation, 0}, (cudaStream_t)stream);
  });
}
