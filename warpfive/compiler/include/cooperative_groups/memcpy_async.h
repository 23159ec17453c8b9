/* Copies that a group makes together. The copy is made at once; wait() is the group's barrier. */
#pragma once
#include "../cooperative_groups.h"

#if defined(__cplusplus) && defined(__CUDA__)
namespace cooperative_groups {

namespace details {

template <class Group>
__wf_d void copy_bytes(const Group &group, void *dst, const void *src, size_t bytes) {
  const size_t rank = group.thread_rank(), threads = group.size();
  if ((((size_t)dst | (size_t)src | bytes) & 3) == 0) {
    for (size_t i = rank; i < bytes / 4; i += threads) ((int *)dst)[i] = ((const int *)src)[i];
  } else {
    for (size_t i = rank; i < bytes; i += threads) ((char *)dst)[i] = ((const char *)src)[i];
  }
}

}  // namespace details

template <class Group, class T>
__wf_d void memcpy_async(const Group &group, T *dst, const T *src, size_t bytes) {
  details::copy_bytes(group, (void *)dst, (const void *)src, bytes);
}
template <class Group, class T, class Shape>
__wf_d auto memcpy_async(const Group &group, T *dst, const T *src, const Shape &bytes)
    -> decltype((void)(size_t)bytes) {
  details::copy_bytes(group, (void *)dst, (const void *)src, (size_t)bytes);
}
/* Counts in elements, of the destination and the source. */
template <class Group, class T>
__wf_d void memcpy_async(const Group &group, T *dst, size_t dstCount, const T *src,
                         size_t srcCount) {
  const size_t count = dstCount < srcCount ? dstCount : srcCount;
  details::copy_bytes(group, (void *)dst, (const void *)src, count * sizeof(T));
}
template <class Group>
__wf_d void wait(const Group &group) {
  group.sync();
}
template <unsigned int Stages, class Group>
__wf_d void wait_prior(const Group &group) {
  group.sync();
}

}  // namespace cooperative_groups
#endif
