/* cudaCreateChannelDesc<T>() for scalars and vectors of them. */
#pragma once
#include "cuda_runtime_api.h"

#if defined(__cplusplus)
template <class T>
inline cudaChannelFormatDesc cudaCreateChannelDesc() {
  return cudaCreateChannelDesc(0, 0, 0, 0, cudaChannelFormatKindNone);
}
#define __WF_CHANNEL(T, bits, count, kind)                                                    \
  template <>                                                                                 \
  inline cudaChannelFormatDesc cudaCreateChannelDesc<T>() {                                   \
    return cudaCreateChannelDesc(bits, count > 1 ? bits : 0, count > 2 ? bits : 0,            \
                                 count > 3 ? bits : 0, cudaChannelFormatKind##kind);          \
  }
#define __WF_CHANNELS(scalar, name, bits, kind) \
  __WF_CHANNEL(scalar, bits, 1, kind)           \
  __WF_CHANNEL(name##1, bits, 1, kind)          \
  __WF_CHANNEL(name##2, bits, 2, kind)          \
  __WF_CHANNEL(name##4, bits, 4, kind)
__WF_CHANNEL(char, 8, 1, Signed)
__WF_CHANNELS(signed char, char, 8, Signed)
__WF_CHANNELS(unsigned char, uchar, 8, Unsigned)
__WF_CHANNELS(short, short, 16, Signed)
__WF_CHANNELS(unsigned short, ushort, 16, Unsigned)
__WF_CHANNELS(int, int, 32, Signed)
__WF_CHANNELS(unsigned int, uint, 32, Unsigned)
__WF_CHANNELS(float, float, 32, Float)
#undef __WF_CHANNEL
#undef __WF_CHANNELS
inline cudaChannelFormatDesc cudaCreateChannelDescHalf() {
  return cudaCreateChannelDesc(16, 0, 0, 0, cudaChannelFormatKindFloat);
}
inline cudaChannelFormatDesc cudaCreateChannelDescHalf1() { return cudaCreateChannelDescHalf(); }
inline cudaChannelFormatDesc cudaCreateChannelDescHalf2() {
  return cudaCreateChannelDesc(16, 16, 0, 0, cudaChannelFormatKindFloat);
}
inline cudaChannelFormatDesc cudaCreateChannelDescHalf4() {
  return cudaCreateChannelDesc(16, 16, 16, 16, cudaChannelFormatKindFloat);
}
#endif
