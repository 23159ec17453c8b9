// cudaDeviceSetLimit's values.
#pragma once
#include <cstddef>

#include "api.h"

namespace wf::rt {

/// The value in force; 0 for limits the chip does not have.
size_t limit(cudaLimit which);

/// The device's properties, filled once.
const cudaDeviceProp &properties();

/// One attribute; cudaErrorInvalidValue for numbers that are none.
cudaError_t attribute(int *out, int which);

}  // namespace wf::rt
