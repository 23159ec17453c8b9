// Norms: a warp normalises a row, a group or a channel.
#include "warp.cuh"

namespace wfk {

template <class T>
__global__ void rms_kernel(T *y, const T *x, const T *weight, T *residual, long cols, long y_stride,
                           long x_stride, float eps, float plus) {
  long row = blockIdx.x;
  int lane = threadIdx.x;
  const T *from = x + row * x_stride;
  T *to = y + row * y_stride, *kept = residual + row * cols;
  float squares = 0;
  if (residual)
    along(cols, lane, [&](long c, bool in) {
      float v = in ? value(from[c]) + value(kept[c]) : 0.0f;
      T stored = made<T>(v);
      if (in) kept[c] = stored;
      squares = fmaf(value(stored), value(stored), squares);
    });
  else
    along(cols, lane, [&](long c, bool in) {
      float v = in ? value(from[c]) : 0.0f;
      squares = fmaf(v, v, squares);
    });
  float rstd = rsqrtf(sum_of_lanes(squares) / (float)cols + eps);
  const T *source = residual ? kept : from;
  if (weight)
    along(cols, lane, [&](long c, bool in) {
      if (in) to[c] = made<T>(value(source[c]) * rstd * (value(weight[c]) + plus));
    });
  else
    along(cols, lane, [&](long c, bool in) {
      if (in) to[c] = made<T>(value(source[c]) * rstd);
    });
}

/// Mean and variance of what a warp's lanes add, in two passes over it.
struct Moments {
  float mean, variance;
};
template <class F>
__device__ __forceinline__ Moments moments(long count, F visit) {
  float sum = 0, squares = 0;
  visit([&](float v, bool in) { sum += in ? v : 0.0f; });
  float mean = sum_of_lanes(sum) / (float)count;
  visit([&](float v, bool in) {
    float off = in ? v - mean : 0.0f;
    squares = fmaf(off, off, squares);
  });
  return {mean, sum_of_lanes(squares) / (float)count};
}

template <class T>
__global__ void layer_kernel(T *y, const T *x, const T *weight, const T *bias, float *mean,
                             float *rstd, long cols, long y_stride, long x_stride, float eps) {
  long row = blockIdx.x;
  int lane = threadIdx.x;
  const T *from = x + row * x_stride;
  T *to = y + row * y_stride;
  Moments m = moments(cols, [&](auto add) {
    along(cols, lane, [&](long c, bool in) { add(in ? value(from[c]) : 0.0f, in); });
  });
  float r = rsqrtf(m.variance + eps);
  along(cols, lane, [&](long c, bool in) {
    if (!in) return;
    float v = (value(from[c]) - m.mean) * r;
    if (weight) v *= value(weight[c]);
    if (bias) v += value(bias[c]);
    to[c] = made<T>(v);
  });
  if (mean) mean[row] = m.mean;
  if (rstd) rstd[row] = r;
}

template <class T>
__global__ void group_kernel(T *y, const T *x, const T *weight, const T *bias, float *mean,
                             float *rstd, long channels, long spatial, long groups, float eps) {
  long each = channels / groups, count = each * spatial, group = blockIdx.x % groups;
  int lane = threadIdx.x;
  const T *from = x + blockIdx.x * count;
  Moments m = moments(count, [&](auto add) {
    along(count, lane, [&](long c, bool in) { add(in ? value(from[c]) : 0.0f, in); });
  });
  float r = rsqrtf(m.variance + eps);
#pragma unroll 1
  for (long c = 0; c < each; c++) {
    float scale = weight ? value(weight[group * each + c]) : 1.0f;
    float shift = bias ? value(bias[group * each + c]) : 0.0f;
    T *to = y + blockIdx.x * count + c * spatial;
    const T *source = from + c * spatial;
    along(spatial, lane, [&](long s, bool in) {
      if (in) to[s] = made<T>(fmaf((value(source[s]) - m.mean) * r, scale, shift));
    });
  }
  if (mean) mean[blockIdx.x] = m.mean;
  if (rstd) rstd[blockIdx.x] = r;
}

template <class T, class P>
__global__ void batch_kernel(T *y, const T *x, const P *mean, const P *variance, const P *weight,
                             const P *bias, long channels, long spatial, float eps) {
  long channel = blockIdx.x % channels;
  float scale = 1.0f / sqrtf(value(variance[channel]) + eps);
  if (weight) scale *= value(weight[channel]);
  float centre = value(mean[channel]), shift = bias ? value(bias[channel]) : 0.0f;
  const T *from = x + blockIdx.x * spatial;
  T *to = y + blockIdx.x * spatial;
  along(spatial, threadIdx.x, [&](long s, bool in) {
    if (in) to[s] = made<T>(fmaf(value(from[s]) - centre, scale, shift));
  });
}

template <class T>
__global__ void statistics_kernel(float *mean, float *variance, const T *x, long images,
                                  long channels, long spatial) {
  int lane = threadIdx.x;
  Moments m = moments(images * spatial, [&](auto add) {
#pragma unroll 1
    for (long i = 0; i < images; i++) {
      const T *from = x + (i * channels + blockIdx.x) * spatial;
      along(spatial, lane, [&](long s, bool in) { add(in ? value(from[s]) : 0.0f, in); });
    }
  });
  mean[blockIdx.x] = m.mean, variance[blockIdx.x] = m.variance;
}

}  // namespace wfk

using namespace wfk;

extern "C" wfk_status wfk_rms_norm(void *y, const void *x, const void *weight, void *residual,
                                   wfk_dtype type, int64_t rows, int64_t cols, int64_t y_stride,
                                   int64_t x_stride, double eps, double weight_plus,
                                   wfk_stream stream) {
  if (wfk_status bad = check_rows("rms_norm", rows, cols)) return bad;
  if (!rows || !cols) return fine();
  return with_type(type, "rms_norm", [&](auto *t) {
    using T = std::remove_pointer_t<decltype(t)>;
    rms_kernel<T><<<by_row(rows), warp, 0, (cudaStream_t)stream>>>(
        (T *)y, (const T *)x, (const T *)weight, (T *)residual, cols, y_stride, x_stride,
        (float)eps, (float)weight_plus);
  });
}

extern "C" wfk_status wfk_layer_norm(void *y, const void *x, const void *weight, const void *bias,
                                     float *mean, float *rstd, wfk_dtype type, int64_t rows,
                                     int64_t cols, int64_t y_stride, int64_t x_stride, double eps,
                                     wfk_stream stream) {
  if (wfk_status bad = check_rows("layer_norm", rows, cols)) return bad;
  if (!rows || !cols) return fine();
  return with_type(type, "layer_norm", [&](auto *t) {
    using T = std::remove_pointer_t<decltype(t)>;
    layer_kernel<T><<<by_row(rows), warp, 0, (cudaStream_t)stream>>>(
        (T *)y, (const T *)x, (const T *)weight, (const T *)bias, mean, rstd, cols, y_stride,
        x_stride, (float)eps);
  });
}

extern "C" wfk_status wfk_group_norm(void *y, const void *x, const void *weight, const void *bias,
                                     float *mean, float *rstd, wfk_dtype type, int64_t images,
                                     int64_t channels, int64_t spatial, int64_t groups, double eps,
                                     wfk_stream stream) {
  if (groups < 1 || channels % groups)
    return fail(WFK_INVALID, "group_norm: %ld channels do not part into %ld groups", (long)channels,
                (long)groups);
  if (wfk_status bad = check_rows("group_norm", images * groups, channels * spatial)) return bad;
  if (!images || !channels || !spatial) return fine();
  return with_type(type, "group_norm", [&](auto *t) {
    using T = std::remove_pointer_t<decltype(t)>;
    group_kernel<T><<<by_row(images * groups), warp, 0, (cudaStream_t)stream>>>(
        (T *)y, (const T *)x, (const T *)weight, (const T *)bias, mean, rstd, channels, spatial,
        groups, (float)eps);
  });
}

extern "C" wfk_status wfk_batch_norm(void *y, const void *x, const void *mean, const void *variance,
                                     const void *weight, const void *bias, int float_parameters,
                                     wfk_dtype type, int64_t images, int64_t channels,
                                     int64_t spatial, double eps, wfk_stream stream) {
  if (wfk_status bad = check_rows("batch_norm", images * channels, spatial)) return bad;
  if (!images || !channels || !spatial) return fine();
  return with_type(type, "batch_norm", [&](auto *t) {
    using T = std::remove_pointer_t<decltype(t)>;
    auto launch = [&](auto *parameter) {
      using P = std::remove_pointer_t<decltype(parameter)>;
      batch_kernel<T, P><<<by_row(images * channels), warp, 0, (cudaStream_t)stream>>>(
          (T *)y, (const T *)x, (const P *)mean, (const P *)variance, (const P *)weight,
          (const P *)bias, channels, spatial, (float)eps);
    };
    if (float_parameters) launch((float *)nullptr);
    else launch((T *)nullptr);
  });
}

extern "C" wfk_status wfk_batch_statistics(float *mean, float *variance, const void *x,
                                           wfk_dtype type, int64_t images, int64_t channels,
                                           int64_t spatial, wfk_stream stream) {
  if (wfk_status bad = check_rows("batch_statistics", channels, images * spatial)) return bad;
  if (!channels) return fine();
  return with_type(type, "batch_statistics", [&](auto *t) {
    using T = std::remove_pointer_t<decltype(t)>;
    statistics_kernel<T><<<by_row(channels), warp, 0, (cudaStream_t)stream>>>(
        mean, variance, (const T *)x, images, channels, spatial);
  });
}
