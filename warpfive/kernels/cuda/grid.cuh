// How a launch is spread over the chip's cores.
#pragma once
#include <math.h>
#include "common.cuh"

namespace wfk {

/// Cores of the chip.
inline int core_count() {
  static int count = [] {
    int found = 0;
    cudaDeviceGetAttribute(&found, cudaDevAttrMultiProcessorCount, 0);
    return found > 0 ? found : 64;
  }();
  return count;
}

/// Time of two things that a core does side by side: a softened maximum, as docs/timing.md has it.
inline double joined(double a, double b) { return sqrt(sqrt(a * a * a * a + b * b * b * b)); }

/// Into how many stretches of k the warps of a block share a product's sums, so that `warps` such warps
/// become enough to hide what they wait for; no stretch is shorter than `least`.
inline int few_slices(long warps, long k, long least, int wanted = 6) {
  int slices = 1;
  while (slices < 8 && warps * slices < (long)wanted * core_count() && k / (2 * slices) >= least)
    slices *= 2;
  return slices;
}

}  // namespace wfk
