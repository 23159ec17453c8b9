// A window that moves over an image: what convolutions and pools share.
#pragma once
#include "warp.cuh"

namespace wfk {

/// Where an output element's window begins, in each dimension; padding may make it negative.
struct Corner {
  int d, h, w;
};
__device__ __forceinline__ Corner corner(const wfk_window &g, long place) {
  int x = (int)(place % g.out[2]), y = (int)(place / g.out[2] % g.out[1]);
  int z = (int)(place / g.out[2] / g.out[1]);
  return {(int)(z * g.stride[0] - g.padding[0]), (int)(y * g.stride[1] - g.padding[1]),
          (int)(x * g.stride[2] - g.padding[2])};
}

/// Element of the image under tap (kd, kh, kw) of a window; whether there is one.
struct Spot {
  long at;
  bool in;
};
__device__ __forceinline__ Spot spot(const wfk_window &g, Corner c, int kd, int kh, int kw) {
  int d = c.d + kd * (int)g.dilation[0], h = c.h + kh * (int)g.dilation[1];
  int w = c.w + kw * (int)g.dilation[2];
  bool in = d >= 0 && d < g.in[0] && h >= 0 && h < g.in[1] && w >= 0 && w < g.in[2];
  return {in ? ((long)d * g.in[1] + h) * g.in[2] + w : 0, in};
}

/// A warp's output places where channels come first: a rectangle of one plane, threadIdx.x along its
/// rows. With `Dense`, a stride of 1 along them, its loads are of neighbours.
template <bool Dense>
struct Patch {
  const wfk_window &g;
  long x, y, z;     // this lane's place
  long w, h, d;     // its corner
  bool in, inside;  // whether there is such a place; whether no tap of the patch leaves the image

  __device__ __forceinline__ Patch(const wfk_window &window, long number) : g(window) {
    long across = (g.out[2] + blockDim.x - 1) / blockDim.x;
    long down = (g.out[1] + blockDim.y - 1) / blockDim.y;
    long x0 = number % across * blockDim.x, y0 = number / across % down * blockDim.y;
    z = number / across / down;
    x = x0 + threadIdx.x, y = y0 + threadIdx.y;
    w = (Dense ? x : x * g.stride[2]) - g.padding[2], h = y * g.stride[1] - g.padding[1];
    d = z * g.stride[0] - g.padding[0];
    in = x < g.out[2] && y < g.out[1];
    inside = x0 + blockDim.x <= g.out[2] && y0 + blockDim.y <= g.out[1] &&
             fits(x0, blockDim.x, 2) && fits(y0, blockDim.y, 1) && fits(z, 1, 0);
  }
  __device__ __forceinline__ bool fits(long from, long count, int i) const {
    long first = from * g.stride[i] - g.padding[i];
    long last = (from + count - 1) * g.stride[i] - g.padding[i] + (g.kernel[i] - 1) * g.dilation[i];
    return first >= 0 && last < g.in[i];
  }
  __device__ __forceinline__ long place() const { return (z * g.out[1] + y) * g.out[2] + x; }

  /// Runs body(value) for each tap of `plane`'s window, 0 where it leaves the image.
  template <class T, class F>
  __device__ __forceinline__ void each(const T *plane, F body) const {
#pragma unroll 1
    for (long kd = 0; kd < g.kernel[0]; kd++)
#pragma unroll 1
      for (long kh = 0; kh < g.kernel[1]; kh++) {
        long deep = d + kd * g.dilation[0], low = h + kh * g.dilation[1];
        const T *from = plane + ((deep * g.in[1] + low) * g.in[2] + w);
        bool line = deep >= 0 && deep < g.in[0] && low >= 0 && low < g.in[1];
#pragma unroll 1
        for (long kw = 0; kw < g.kernel[2]; kw++) {
          long step = kw * g.dilation[2], right = w + step;
          float v = 0;
          if (inside) v = value(from[step]);
          else if (apart(line && right >= 0 && right < g.in[2])) v = value(from[step]);
          body(v);
        }
      }
  }
};

/// A block's shape for patches: of those that cover the output with the fewest, the widest.
inline dim3 patch_of(const wfk_window &g) {
  dim3 best(32, 1);
  auto count = [&](dim3 one) {
    return ((g.out[2] + one.x - 1) / one.x) * ((g.out[1] + one.y - 1) / one.y);
  };
  for (dim3 one : {dim3(16, 2), dim3(8, 4)})
    if (count(one) < count(best)) best = one;
  return best;
}
inline long patches(const wfk_window &g, dim3 patch) {
  return ((g.out[2] + patch.x - 1) / patch.x) * ((g.out[1] + patch.y - 1) / patch.y) * g.out[0];
}

inline int64_t volume(const int64_t (&sides)[3]) { return sides[0] * sides[1] * sides[2]; }
__device__ __forceinline__ long device_volume(const int64_t (&sides)[3]) {
  return sides[0] * sides[1] * sides[2];
}

/// Runs body(tap number, spot) for each tap of a window.
template <class F>
__device__ __forceinline__ void taps(const wfk_window &g, Corner c, F body) {
  int number = 0;
#pragma unroll 1
  for (int kd = 0; kd < g.kernel[0]; kd++)
#pragma unroll 1
    for (int kh = 0; kh < g.kernel[1]; kh++)
#pragma unroll 1
      for (int kw = 0; kw < g.kernel[2]; kw++) body(number++, spot(g, c, kd, kh, kw));
}

inline wfk_status check_window(const char *what, const wfk_window &g) {
  for (int i = 0; i < 3; i++) {
    if (g.kernel[i] < 1 || g.stride[i] < 1 || g.dilation[i] < 1 || g.padding[i] < 0 || g.in[i] < 0)
      return fail(WFK_INVALID, "%s: dimension %d has kernel %ld, stride %ld, dilation %ld, padding "
                  "%ld; they are 1 or more, padding 0 or more", what, i, (long)g.kernel[i],
                  (long)g.stride[i], (long)g.dilation[i], (long)g.padding[i]);
  }
  return WFK_OK;
}

}  // namespace wfk
