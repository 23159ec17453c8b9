/* Texture and surface objects: an object is the address of a WfTexture in device memory, and a
   fetch is ordinary code. The chip has no texture units. */
#pragma once
#include <stdint.h>

typedef struct WfTexture {
  uint64_t data, pitch, slice;    /* device address; bytes of a row and of a slice or layer */
  uint32_t width, height, depth;  /* elements; 1 where there is no such dimension */
  uint8_t channels, bytes, kind;  /* of an element; cudaChannelFormatKind */
  uint8_t linear, to_float, unit; /* filter between elements; integers become [0, 1] or [-1, 1];
                                     coordinates are in [0, 1) */
  uint8_t address[3];             /* cudaTextureAddressMode of each dimension */
  float border[4];
} WfTexture;

#if defined(__cplusplus) && defined(__CUDA__)
#include "surface_types.h"
#include "texture_types.h"
#include "vector_types.h"

template <class T>
struct __wf_texel;
#define __WF_TEXEL(type, count, part)     \
  template <>                             \
  struct __wf_texel<type> {               \
    typedef part element;                 \
    static constexpr int channels = count; \
  };
#define __WF_TEXELS(type, name) \
  __WF_TEXEL(type, 1, type)     \
  __WF_TEXEL(name##1, 1, type)  \
  __WF_TEXEL(name##2, 2, type)  \
  __WF_TEXEL(name##4, 4, type)
__WF_TEXEL(char, 1, char)
__WF_TEXELS(signed char, char)
__WF_TEXELS(unsigned char, uchar)
__WF_TEXELS(short, short)
__WF_TEXELS(unsigned short, ushort)
__WF_TEXELS(int, int)
__WF_TEXELS(unsigned int, uint)
__WF_TEXELS(float, float)
#undef __WF_TEXELS
#undef __WF_TEXEL

/* Channel `c` of the element at `p`. */
template <class E>
__wf_d E __wf_texel_channel(const WfTexture &t, const char *p, int c) {
  if (t.kind == cudaChannelFormatKindFloat) {
    if (t.bytes == 4) return (E)((const float *)p)[c];
#if defined(__WF_DEVICE__)
    return (E)(float)((const _Float16 *)p)[c];
#else
    return E();
#endif
  }
  const bool is_signed = t.kind == cudaChannelFormatKindSigned;
  long v;
  if (t.bytes == 1)
    v = is_signed ? (long)((const signed char *)p)[c] : (long)((const unsigned char *)p)[c];
  else if (t.bytes == 2)
    v = is_signed ? (long)((const short *)p)[c] : (long)((const unsigned short *)p)[c];
  else
    v = is_signed ? (long)((const int *)p)[c] : (long)((const unsigned int *)p)[c];
  if (!t.to_float) return (E)v;
  const float most = (float)((1 << (8 * t.bytes - is_signed)) - 1), f = (float)v / most;
  return (E)(f < -1.0f ? -1.0f : f);
}

/* Where coordinate `i` of a dimension of `n` elements leads; -1: to the border. */
__wf_d int __wf_texel_index(int i, int n, int mode) {
  if (i >= 0 && i < n) return i;
  if (mode == cudaAddressModeClamp) return i < 0 ? 0 : n - 1;
  if (mode == cudaAddressModeBorder) return -1;
  const int span = mode == cudaAddressModeMirror ? 2 * n : n, m = (i % span + span) % span;
  return m < n ? m : span - 1 - m;
}

template <class E>
__wf_d E __wf_texel_at(const WfTexture &t, int x, int y, int z, int c) {
  x = __wf_texel_index(x, (int)t.width, t.address[0]);
  y = __wf_texel_index(y, (int)t.height, t.address[1]);
  z = __wf_texel_index(z, (int)t.depth, t.address[2]);
  if (c >= t.channels) return E();
  if (x < 0 || y < 0 || z < 0) return (E)t.border[c];
  const char *p = (const char *)t.data + (unsigned long)z * t.slice + (unsigned long)y * t.pitch +
                  (unsigned long)x * (unsigned)(t.channels * t.bytes);
  return __wf_texel_channel<E>(t, p, c);
}

__wf_d int __wf_floor_int(float x) { return (int)__builtin_floorf(x); }

/* Dimensions `D` of the coordinates are filtered; `layer` is the last index of layered arrays. */
template <int D, class T>
__wf_d T __wf_tex(cudaTextureObject_t object, float x, float y, float z, int layer) {
  typedef typename __wf_texel<T>::element E;
  const WfTexture &t = *(const WfTexture *)object;
  if (t.unit) {
    x *= (float)t.width;
    y *= (float)t.height;
    if (D == 3) z *= (float)t.depth;
  }
  E part[__wf_texel<T>::channels];
  if (!t.linear) {
    const int i = __wf_floor_int(x), j = D > 1 ? __wf_floor_int(y) : 0;
    const int k = D > 2 ? __wf_floor_int(z) : layer;
    for (int c = 0; c < __wf_texel<T>::channels; c++) part[c] = __wf_texel_at<E>(t, i, j, k, c);
  } else {
    x -= 0.5f;
    y -= 0.5f;
    z -= 0.5f;
    const int i = __wf_floor_int(x), j = D > 1 ? __wf_floor_int(y) : 0;
    const int k = D > 2 ? __wf_floor_int(z) : layer;
    /* weights have 8 bits after the point */
    const float a = __builtin_rintf((x - (float)i) * 256.0f) / 256.0f;
    const float b = D > 1 ? __builtin_rintf((y - (float)j) * 256.0f) / 256.0f : 0.0f;
    const float g = D > 2 ? __builtin_rintf((z - (float)k) * 256.0f) / 256.0f : 0.0f;
    for (int c = 0; c < __wf_texel<T>::channels; c++) {
      float sum = 0;
      for (int corner = 0; corner < 1 << D; corner++) {
        const int dx = corner & 1, dy = corner >> 1 & 1, dz = corner >> 2;
        const float weight = (dx ? a : 1 - a) * (D > 1 ? dy ? b : 1 - b : 1.0f) *
                             (D > 2 ? dz ? g : 1 - g : 1.0f);
        sum += weight * (float)__wf_texel_at<float>(t, i + dx, j + dy, k + dz, c);
      }
      part[c] = (E)sum;
    }
  }
  T value;
  __builtin_memcpy(&value, part, sizeof value);
  return value;
}

template <class T>
__wf_d T tex1Dfetch(cudaTextureObject_t object, int x) {
  typedef typename __wf_texel<T>::element E;
  const WfTexture &t = *(const WfTexture *)object;
  E part[__wf_texel<T>::channels];
  const bool inside = (unsigned)x < t.width;
  const char *p = (const char *)t.data + (long)x * (t.channels * t.bytes);
  for (int c = 0; c < __wf_texel<T>::channels; c++)
    part[c] = inside && c < t.channels ? __wf_texel_channel<E>(t, p, c) : E();
  T value;
  __builtin_memcpy(&value, part, sizeof value);
  return value;
}

#define __WF_O cudaTextureObject_t o
#define __WF_TEX(name, D, parameters, ...)                    \
  template <class T>                                          \
  __wf_d T name parameters {                                  \
    return __wf_tex<D, T>(__VA_ARGS__);                       \
  }
__WF_TEX(tex1D, 1, (__WF_O, float x), o, x, 0.0f, 0.0f, 0)
__WF_TEX(tex2D, 2, (__WF_O, float x, float y), o, x, y, 0.0f, 0)
__WF_TEX(tex3D, 3, (__WF_O, float x, float y, float z), o, x, y, z, 0)
__WF_TEX(tex1DLayered, 1, (__WF_O, float x, int layer), o, x, 0.0f, 0.0f, layer)
__WF_TEX(tex2DLayered, 2, (__WF_O, float x, float y, int layer), o, x, y, 0.0f, layer)
/* There are no mipmaps: every level is the first. */
__WF_TEX(tex1DLod, 1, (__WF_O, float x, float), o, x, 0.0f, 0.0f, 0)
__WF_TEX(tex2DLod, 2, (__WF_O, float x, float y, float), o, x, y, 0.0f, 0)
__WF_TEX(tex3DLod, 3, (__WF_O, float x, float y, float z, float), o, x, y, z, 0)
#undef __WF_TEX
#define __WF_TEX(name, parameters, ...)                       \
  template <class T>                                          \
  __wf_d void name parameters {                               \
    *to = name<T>(__VA_ARGS__);                               \
  }
__WF_TEX(tex1Dfetch, (T *to, __WF_O, int x), o, x)
__WF_TEX(tex1D, (T *to, __WF_O, float x), o, x)
__WF_TEX(tex2D, (T *to, __WF_O, float x, float y), o, x, y)
__WF_TEX(tex3D, (T *to, __WF_O, float x, float y, float z), o, x, y, z)
__WF_TEX(tex2DLayered, (T *to, __WF_O, float x, float y, int layer), o, x, y, layer)
#undef __WF_TEX
#undef __WF_O

/* ---- Surfaces: x in bytes ---- */

__wf_d char *__wf_surface(cudaSurfaceObject_t object, int x, int y, int z, int bytes,
                          cudaSurfaceBoundaryMode mode) {
  const WfTexture &t = *(const WfTexture *)object;
  const int row = (int)(t.width * t.channels * t.bytes);
  const bool inside = x >= 0 && x + bytes <= row && (unsigned)y < t.height && (unsigned)z < t.depth;
  if (!inside) {
    if (mode == cudaBoundaryModeTrap) __trap();
    if (mode == cudaBoundaryModeZero) return nullptr;
    x = x < 0 ? 0 : x + bytes > row ? row - bytes : x;
    y = y < 0 ? 0 : y >= (int)t.height ? (int)t.height - 1 : y;
    z = z < 0 ? 0 : z >= (int)t.depth ? (int)t.depth - 1 : z;
  }
  return (char *)t.data + (unsigned long)z * t.slice + (unsigned long)y * t.pitch + x;
}

#define __WF_SURFACE(name, parameters, y, z)                                                     \
  template <class T>                                                                             \
  __wf_d T name##read(cudaSurfaceObject_t o, int x __WF_UNPACK parameters,                       \
                      cudaSurfaceBoundaryMode mode = cudaBoundaryModeTrap) {                     \
    const char *p = __wf_surface(o, x, y, z, (int)sizeof(T), mode);                              \
    T value = {};                                                                                \
    if (p) value = *(const T *)p;                                                                \
    return value;                                                                                \
  }                                                                                              \
  template <class T>                                                                             \
  __wf_d void name##read(T *to, cudaSurfaceObject_t o, int x __WF_UNPACK parameters,             \
                         cudaSurfaceBoundaryMode mode = cudaBoundaryModeTrap) {                  \
    const char *p = __wf_surface(o, x, y, z, (int)sizeof(T), mode);                              \
    T value = {};                                                                                \
    if (p) value = *(const T *)p;                                                                \
    *to = value;                                                                                 \
  }                                                                                              \
  template <class T>                                                                             \
  __wf_d void name##write(T value, cudaSurfaceObject_t o, int x __WF_UNPACK parameters,          \
                          cudaSurfaceBoundaryMode mode = cudaBoundaryModeTrap) {                 \
    char *p = __wf_surface(o, x, y, z, (int)sizeof(T), mode);                                    \
    if (p) *(T *)p = value;                                                                      \
  }
#define __WF_UNPACK(...) __VA_ARGS__
__WF_SURFACE(surf1D, (), 0, 0)
__WF_SURFACE(surf2D, (, int row), row, 0)
__WF_SURFACE(surf3D, (, int row, int plane), row, plane)
__WF_SURFACE(surf1DLayered, (, int layer), 0, layer)
__WF_SURFACE(surf2DLayered, (, int row, int layer), row, layer)
#undef __WF_UNPACK
#undef __WF_SURFACE
#endif
