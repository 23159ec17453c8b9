/* Prefix sums over a group inside a warp. */
#pragma once
#include "reduce.h"

#if defined(__cplusplus) && defined(__CUDA__)
namespace cooperative_groups {

template <class Group, class T, class F>
__wf_d T inclusive_scan(const Group &group, const T &value, F &&op) {
  T sum = value;
  for (unsigned int step = 1; step < group.size(); step *= 2) {
    const T other = group.shfl_up(sum, step);
    if (group.thread_rank() >= step) sum = op(other, sum);
  }
  return sum;
}
template <class Group, class T>
__wf_d T inclusive_scan(const Group &group, const T &value) {
  return inclusive_scan(group, value, plus<T>());
}
/* Rank 0 gets a value-initialised T. */
template <class Group, class T, class F>
__wf_d T exclusive_scan(const Group &group, const T &value, F &&op) {
  const T sum = group.shfl_up(inclusive_scan(group, value, op), 1);
  return group.thread_rank() == 0 ? T() : sum;
}
template <class Group, class T>
__wf_d T exclusive_scan(const Group &group, const T &value) {
  return exclusive_scan(group, value, plus<T>());
}

}  // namespace cooperative_groups
#endif
