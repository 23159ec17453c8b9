/* Reductions over a group, and the operations for them. */
#pragma once
#include "../cooperative_groups.h"

#if defined(__cplusplus) && defined(__CUDA__)
namespace cooperative_groups {

template <class T = void>
struct plus {
  __wf_hdc T operator()(T a, T b) const { return a + b; }
};
template <class T = void>
struct less {
  __wf_hdc T operator()(T a, T b) const { return b < a ? b : a; }
};
template <class T = void>
struct greater {
  __wf_hdc T operator()(T a, T b) const { return a < b ? b : a; }
};
template <class T = void>
struct bit_and {
  __wf_hdc T operator()(T a, T b) const { return a & b; }
};
template <class T = void>
struct bit_or {
  __wf_hdc T operator()(T a, T b) const { return a | b; }
};
template <class T = void>
struct bit_xor {
  __wf_hdc T operator()(T a, T b) const { return a ^ b; }
};

namespace details {

/* Rank 0 gathers, in a tree; then all take its result. */
template <class Group, class T, class F>
__wf_d T reduce_lanes(const Group &group, T value, F op) {
  const unsigned int size = (unsigned int)group.size(), rank = (unsigned int)group.thread_rank();
  unsigned int reach = 1;
  while (reach < size) reach *= 2;
  for (unsigned int step = reach / 2; step; step /= 2) {
    const T other = group.shfl_down(value, step);
    if (rank + step < size && rank < step) value = op(value, other);
  }
  return group.shfl(value, 0);
}

}  // namespace details

template <class T, class F>
__wf_d T reduce(const coalesced_group &group, const T &value, F &&op) {
  return details::reduce_lanes(group, value, op);
}
template <unsigned int Size, class Parent, class T, class F>
__wf_d T reduce(const thread_block_tile<Size, Parent> &group, const T &value, F &&op) {
  static_assert(Size <= 32, "reduce works on groups inside a warp");
  T sum = value;
  for (unsigned int step = Size / 2; step; step /= 2) sum = op(sum, group.shfl_xor(sum, step));
  return sum;
}

/* Rank 0 of the group adds the result to memory. */
template <class Group, class T, class F>
__wf_d void reduce_update_async(const Group &group, T &target, const T &value, F &&op) {
  const T sum = reduce(group, value, op);
  if (group.thread_rank() == 0) target.fetch_add(sum);
}
template <class Group, class T, class F>
__wf_d void reduce_store_async(const Group &group, T *target, const T &value, F &&op) {
  const T sum = reduce(group, value, op);
  if (group.thread_rank() == 0) *target = sum;
}

}  // namespace cooperative_groups
#endif
