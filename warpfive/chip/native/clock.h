// What the chip's clock needs: its figures, and how long each kernel takes on it.
#pragma once

#include "warpfive/chip/native/counters.h"
#include "warpfive/chip/native/device.h"
#include "warpfive/perf/native/kernel_time.h"

namespace wf {

/// Figures of the chip that tells the time: of the file that WARPFIVE_CHIP names, else of the file
/// `chip` beside the library.
const WfFigures &figures();

/// Someone reads the clock: from now on some launches are counted although nothing is reported.
void want_clock();

/// What is known of the time of a kernel with one shape. It stays where it is until the kernel's
/// image is unloaded.
struct KnownTime;
KnownTime *known_time(const Launch &launch);

/// Whether the next launch is to be counted for the clock: the first of its kernel and shape, the
/// second, the fourth, and so on.
bool clock_counts(const KnownTime &known);

/// Sets the launch's time on the chip: from the mean of the counted launches of its kernel and
/// shape, its own among them if it was counted.
void tell_time(const Launch &launch, KnownTime *known, Result *result);

/// The chip's counts of one launch in the model's form; warpfive/perf/timing.py has the twin.
WfCounts model_counts(const Launch &launch, const KernelCounters &counters);

/// Chip seconds for a host second while the kernel runs, as last learned; 1 before that.
double clock_rate(const KnownTime &known);

/// The image's kernels are going away.
void forget_times(const Image &image);

}  // namespace wf
