// Launch checks and the argument block.
#pragma once
#include <atomic>
#include <memory>
#include <vector>

#include "../../chip/native/device.h"
#include "api.h"
#include "module.h"
#include "stream.h"

namespace wf::rt {

struct LaunchShape {
  dim3 grid, block;
  size_t dynamic_shared = 0;
  bool cooperative = false;
};

/// A launch that has been checked and holds its arguments.
struct Ready {
  Launch launch;
  std::vector<char> args;
};

/// Checks and packs. `args` has one pointer a parameter; or `packed` is the argument block as it
/// is (CU_LAUNCH_PARAM_BUFFER_POINTER), `packed_bytes` long.
cudaError_t ready(CUfunc_st *function, const LaunchShape &shape, void *const *args,
                  const void *packed, size_t packed_bytes, std::shared_ptr<Ready> *out);

/// What runs on an executor.
Body launch_body(std::shared_ptr<Ready> ready);

cudaError_t launch(CUfunc_st *function, const LaunchShape &shape, void *const *args,
                   cudaStream_t stream);

/// Launches that have begun in this process.
extern std::atomic<uint64_t> launches_so_far;

cudaError_t set_attribute(CUfunc_st *function, cudaFuncAttribute which, int value);

/// Most bytes of dynamic shared memory a launch may ask for now.
size_t dynamic_shared_limit(const CUfunc_st *function);

}  // namespace wf::rt
