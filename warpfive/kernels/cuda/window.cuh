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
