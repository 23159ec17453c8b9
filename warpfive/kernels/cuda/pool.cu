// Pools: a lane is an output place, or a channel where channels come last.
#include "window.cuh"

namespace wfk {

/// What a lane pools: its corner, how to reach element `at` of its channel, and where it delivers.
struct Lane {
  Corner corner;
  long first, step, to;
  bool in;
};
__device__ __forceinline__ Lane lane_of(const wfk_window &g) {
  long places = device_volume(g.out), plane = device_volume(g.in), channels = g.in_channels;
  long lane = (long)blockIdx.x * warp + threadIdx.x, other = blockIdx.y, image = blockIdx.z;
  bool last = g.channels_last;
  long count = last ? channels : places, held = min(lane, count - 1);
  long channel = last ? held : other, place = last ? other : held;
  Lane found = {corner(g, place), image * plane * channels, 0, 0, lane < count};
  found.first += last ? channel : channel * plane;
  found.step = last ? channels : 1;
  found.to = last ? (image * places + place) * channels + channel
                  : (image * channels + channel) * places + place;
  return found;
}

template <class T>
__global__ void max_kernel(T *y, int64_t *places, const T *x, wfk_window g) {
  Lane lane = lane_of(g);
  float most = -INFINITY;
  long where = -1;
  taps(g, lane.corner, [&](int, Spot at) {
    float v = value(x[lane.first + at.at * lane.step]);
    bool better = at.in && (where < 0 || v > most || v != v);
    most = better ? v : most, where = better ? at.at : where;
  });
  if (apart(lane.in)) y[lane.to] = made<T>(most);
  if (places)
    if (apart(lane.in)) places[lane.to] = where;
}

/// Places of a window in one dimension that lie inside the padded image.
__device__ __forceinline__ int padded(int from, int64_t kernel, int64_t in, int64_t padding) {
  return (int)(min((long)from + kernel, in + padding) - from);
}

template <class T>
__global__ void avg_kernel(T *y, const T *x, int count_padding, long divisor, wfk_window g) {
  Lane lane = lane_of(g);
  float sum = 0;
  int inside = 0;
  taps(g, lane.corner, [&](int, Spot at) {
    float v = value(x[lane.first + at.at * lane.step]);
    sum += at.in ? v : 0.0f, inside += at.in;
  });
  int all = padded(lane.corner.d, g.kernel[0], g.in[0], g.padding[0]) *
            padded(lane.corner.h, g.kernel[1], g.in[1], g.padding[1]) *
            padded(lane.corner.w, g.kernel[2], g.in[2], g.padding[2]);
  float by = divisor > 0 ? (float)divisor : count_padding ? (float)all : (float)inside;
  if (apart(lane.in)) y[lane.to] = made<T>(sum / by);
}

static wfk_status check(const char *what, const wfk_window &g) {
  if (wfk_status bad = check_window(what, g)) return bad;
  long others = g.channels_last ? volume(g.out) : g.in_channels;
  if (others > 65535 || g.images > 65535)
    return fail(WFK_UNSUPPORTED, "%s: %ld %s; at most 65535 go at once", what, others,
                g.channels_last ? "places with channels last" : "channels");
  return WFK_OK;
}

static dim3 grid_of(const wfk_window &g) {
  long lanes = g.channels_last ? g.in_channels : volume(g.out);
  long others = g.channels_last ? volume(g.out) : g.in_channels;
  return dim3((unsigned)((lanes + warp - 1) / warp), (unsigned)others, (unsigned)g.images);
}

}  // namespace wfk

using namespace wfk;

extern "C" wfk_status wfk_max_pool(void *y, int64_t *places, const void *x, wfk_dtype type,
                                   const wfk_window *window, wfk_stream stream) {
  const wfk_window &g = *window;
  if (wfk_status bad = check("max_pool", g)) return bad;
  if (!g.images || !g.in_channels || volume(g.out) <= 0) return fine();
  return with_type(type, "max_pool", [&](auto *t) {
    using T = std::remove_pointer_t<decltype(t)>;
    max_kernel<T><<<grid_of(g), warp, 0, (cudaStream_t)stream>>>((T *)y, places, (const T *)x, g);
  });
}

extern "C" wfk_status wfk_avg_pool(void *y, const void *x, wfk_dtype type, int count_padding,
                                   int64_t divisor, const wfk_window *window, wfk_stream stream) {
  const wfk_window &g = *window;
  if (wfk_status bad = check("avg_pool", g)) return bad;
  if (!g.images || !g.in_channels || volume(g.out) <= 0) return fine();
  return with_type(type, "avg_pool", [&](auto *t) {
    using T = std::remove_pointer_t<decltype(t)>;
    avg_kernel<T><<<grid_of(g), warp, 0, (cudaStream_t)stream>>>((T *)y, (const T *)x,
                                                                 count_padding, divisor, g);
  });
}
