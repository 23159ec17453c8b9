// Quantising rows by groups, and back: a warp has a group.
#include "warp.cuh"

namespace wfk {

struct I4 {};

template <class C> constexpr float largest_code = 127.0f;
template <> constexpr float largest_code<F8E4M3> = 448.0f;
template <> constexpr float largest_code<F8E5M2> = 57344.0f;
template <> constexpr float largest_code<I4> = 7.0f;

__device__ __forceinline__ unsigned nibble(float x, float scale) {
  return (unsigned)(int)fminf(fmaxf(rintf(x / scale), -8.0f), 7.0f) & 15;
}

template <class T, class C>
__global__ void quantise_kernel(C *codes, float *scales, const T *x, long cols, long group) {
  int lane = threadIdx.x;
  long groups = gridDim.x, from = blockIdx.x * group, count = min(group, cols - from);
  const T *mine = x + blockIdx.y * cols + from;
  float most = 0;
  along(count, lane, [&](long c, bool in) { most = larger(most, in ? fabsf(value(mine[c])) : 0.0f); });
  most = largest_of_lanes(most);
  float scale = most > 0 ? most / largest_code<C> : 1.0f;
  if constexpr (std::is_same_v<C, I4>) {
    unsigned char *to = (unsigned char *)codes + (blockIdx.y * cols + from) / 2;
    along(count / 2, lane, [&](long c, bool in) {
      unsigned both = 0;
      if (in) both = nibble(value(mine[2 * c]), scale) | nibble(value(mine[2 * c + 1]), scale) << 4;
      if (in) to[c] = (unsigned char)both;
    });
  } else {
    C *to = codes + blockIdx.y * cols + from;
    along(count, lane, [&](long c, bool in) {
      if (in) to[c] = stored<C>(value(mine[c]), scale);
    });
  }
  scales[blockIdx.y * groups + blockIdx.x] = scale;
}

template <class T, class C>
__global__ void dequantise_kernel(T *x, const C *codes, const float *scales, long cols, long group) {
  long groups = gridDim.x, from = blockIdx.x * group, count = min(group, cols - from);
  float scale = scales[blockIdx.y * groups + blockIdx.x];
  long first = blockIdx.y * cols + from;
  along(count, threadIdx.x, [&](long c, bool in) {
    if (!in) return;
    float code;
    if constexpr (std::is_same_v<C, I4>) {
      int both = ((const unsigned char *)codes)[(first + c) / 2], one = c & 1 ? both >> 4 : both & 15;
      code = (float)((one ^ 8) - 8);
    } else {
      code = value(codes[first + c]);
    }
    x[first + c] = made<T>(code * scale);
  });
}

/// Calls f with null pointers to the element's and the code's type.
template <class F>
static wfk_status with_types(const char *what, wfk_dtype type, wfk_dtype code, int64_t rows,
                             int64_t cols, int64_t group, F f) {
  if (code != WFK_I8 && code != WFK_I4 && code != WFK_F8E4M3 && code != WFK_F8E5M2)
    return fail(WFK_UNSUPPORTED, "%s: no codes of %s; int8, int4, float8_e4m3 and float8_e5m2 have "
                "kernels", what, name_of(code));
  if (code == WFK_I4 && (cols % 2 || group % 2))
    return fail(WFK_INVALID, "%s: rows of %ld in groups of %ld; both are even for int4", what,
                (long)cols, (long)group);
  if (group < 0 || rows < 0 || cols < 0 || rows > 65535)
    return fail(WFK_INVALID, "%s: %ld rows of %ld in groups of %ld; rows are 0 to 65535, the others 0 "
                "or more", what, (long)rows, (long)cols, (long)group);
  if (!rows || !cols) return fine();
  return with_type(type, what, [&](auto *t) {
    if (code == WFK_I8) f(t, (signed char *)nullptr);
    else if (code == WFK_I4) f(t, (I4 *)nullptr);
    else if (code == WFK_F8E4M3) f(t, (F8E4M3 *)nullptr);
    else f(t, (F8E5M2 *)nullptr);
  });
}

static dim3 grid_of(int64_t rows, int64_t cols, int64_t group) {
  return dim3((unsigned)((cols + group - 1) / group), (unsigned)rows);
}

}  // namespace wfk

using namespace wfk;

extern "C" wfk_status wfk_quantise(void *codes, wfk_dtype code_type, float *scales, const void *x,
                                   wfk_dtype type, int64_t rows, int64_t cols, int64_t group,
                                   wfk_stream stream) {
  return with_types("quantise", type, code_type, rows, cols, group, [&](auto *t, auto *c) {
    using T = std::remove_pointer_t<decltype(t)>;
    using C = std::remove_pointer_t<decltype(c)>;
    long each = group ? group : cols;
    quantise_kernel<T, C><<<grid_of(rows, cols, each), warp, 0, (cudaStream_t)stream>>>(
        (C *)codes, scales, (const T *)x, cols, each);
  });
}

extern "C" wfk_status wfk_dequantise(void *x, wfk_dtype type, const void *codes, wfk_dtype code_type,
                                     const float *scales, int64_t rows, int64_t cols, int64_t group,
                                     wfk_stream stream) {
  return with_types("dequantise", type, code_type, rows, cols, group, [&](auto *t, auto *c) {
    using T = std::remove_pointer_t<decltype(t)>;
    using C = std::remove_pointer_t<decltype(c)>;
    long each = group ? group : cols;
    dequantise_kernel<T, C><<<grid_of(rows, cols, each), warp, 0, (cudaStream_t)stream>>>(
        (T *)x, (const C *)codes, scales, cols, each);
  });
}
