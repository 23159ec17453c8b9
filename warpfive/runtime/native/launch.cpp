// cudaLaunchKernel and its relatives.
#include "launch.h"

#include <algorithm>
#include <cstring>

#include "errors.h"
#include "limits.h"
#include "printf.h"

namespace wf::rt {
namespace {

cudaError_t check_shape(const CUfunc_st *function, const LaunchShape &shape) {
  const Kernel &kernel = *function->kernel;
  if (shape.dynamic_shared > dynamic_shared_limit(function)) return cudaErrorInvalidValue;
  Launch launch;
  launch.kernel = &kernel;
  const unsigned grid[3] = {shape.grid.x, shape.grid.y, shape.grid.z};
  const unsigned block[3] = {shape.block.x, shape.block.y, shape.block.z};
  std::copy(grid, grid + 3, launch.grid);
  std::copy(block, block + 3, launch.block);
  launch.dynamic_shared_bytes = shape.dynamic_shared;
  launch.cooperative = shape.cooperative;
  return static_cast<cudaError_t>(check(launch));
}

void pack(const Kernel &kernel, void *const *args, char *block) {
  for (size_t i = 0; i < kernel.params.size(); i++)
    std::memcpy(block + kernel.params[i].offset, args[i], kernel.params[i].bytes);
}

thread_local std::vector<std::pair<LaunchShape, cudaStream_t>> configurations;

}  // namespace

size_t dynamic_shared_limit(const CUfunc_st *function) {
  uint64_t fixed = function->kernel->static_shared_bytes;
  uint64_t standard = chip().block_shared_bytes;
  uint64_t plain = fixed < standard ? standard - fixed : 0;
  return function->max_dynamic_shared < 0
             ? plain
             : std::max<uint64_t>(plain, static_cast<uint64_t>(function->max_dynamic_shared));
}

cudaError_t ready(CUfunc_st *function, const LaunchShape &shape, void *const *args,
                  const void *packed, size_t packed_bytes, std::shared_ptr<Ready> *out) {
  if (cudaError_t code = check_shape(function, shape)) return code;
  const Kernel &kernel = *function->kernel;
  if (!args && !packed && !kernel.params.empty()) return cudaErrorInvalidValue;
  auto made = std::make_shared<Ready>();
  made->args.resize(std::max<size_t>(kernel.args_bytes, 8));
  if (args) pack(kernel, args, made->args.data());
  if (!args && packed)
    std::memcpy(made->args.data(), packed, std::min(packed_bytes, made->args.size()));
  Launch &launch = made->launch;
  launch.kernel = &kernel;
  launch.grid[0] = shape.grid.x, launch.grid[1] = shape.grid.y, launch.grid[2] = shape.grid.z;
  launch.block[0] = shape.block.x, launch.block[1] = shape.block.y;
  launch.block[2] = shape.block.z;
  launch.args = made->args.data();
  launch.dynamic_shared_bytes = shape.dynamic_shared;
  launch.cooperative = shape.cooperative;
  launch.stack_limit_bytes = limit(cudaLimitStackSize);
  launch.runtime_area = runtime_area();
  *out = std::move(made);
  return cudaSuccess;
}

std::atomic<uint64_t> launches_so_far{0};

Body launch_body(std::shared_ptr<Ready> ready) {
  return [ready = std::move(ready)] {
    if (sticky_error() != cudaSuccess) return;
    launches_so_far.fetch_add(1, std::memory_order_relaxed);
    kernel_begins();
    ready->launch.start_ns = turn_ns();
    Result result = run(ready->launch);
    kernel_ends();
    charge({.of = Charge::Of::compute,
            .seconds = result.chip_s < 0 ? result.run_s : result.chip_s,
            .fill = result.fill,
            .until_ns = result.clock_ns,
            .kind = "kernel",
            .launch = &ready->launch});
    if (result.fault != Fault::none) post_async(static_cast<cudaError_t>(result.fault));
  };
}

cudaError_t launch(CUfunc_st *function, const LaunchShape &shape, void *const *args,
                   cudaStream_t stream) {
  if (sticky_error() != cudaSuccess) return sticky_error();
  std::shared_ptr<Ready> made;
  if (cudaError_t code = ready(function, shape, args, nullptr, 0, &made)) return code;
  return enqueue(stream, WorkKind::kernel, launch_body(std::move(made)));
}

namespace {

cudaError_t launch_stub(const void *stub, const LaunchShape &shape, void *const *args,
                        cudaStream_t stream) {
  CUfunc_st *function = nullptr;
  if (cudaError_t code = find_function(stub, &function)) return note(code);
  return note(launch(function, shape, args, stream));
}

}  // namespace
}  // namespace wf::rt

using namespace wf::rt;

extern "C" {

unsigned __cudaPushCallConfiguration(dim3 grid, dim3 block, size_t shared, cudaStream_t stream) {
  configurations.push_back({{grid, block, shared, false}, stream});
  return 0;
}

cudaError_t __cudaPopCallConfiguration(dim3 *grid, dim3 *block, size_t *shared, void *stream) {
  if (configurations.empty()) return note(cudaErrorMissingConfiguration);
  auto &[shape, handle] = configurations.back();
  *grid = shape.grid;
  *block = shape.block;
  *shared = shape.dynamic_shared;
  *static_cast<cudaStream_t *>(stream) = handle;
  configurations.pop_back();
  return cudaSuccess;
}

cudaError_t cudaLaunchKernel(const void *stub, dim3 grid, dim3 block, void **args, size_t shared,
                             cudaStream_t stream) {
  return launch_stub(stub, {grid, block, shared, false}, args, stream);
}

cudaError_t cudaLaunchKernel_ptsz(const void *stub, dim3 grid, dim3 block, void **args,
                                  size_t shared, cudaStream_t stream) {
  return launch_stub(stub, {grid, block, shared, false}, args,
                     stream ? stream : cudaStreamPerThread);
}

cudaError_t cudaLaunchCooperativeKernel(const void *stub, dim3 grid, dim3 block, void **args,
                                        size_t shared, cudaStream_t stream) {
  return launch_stub(stub, {grid, block, shared, true}, args, stream);
}

cudaError_t cudaLaunchCooperativeKernelMultiDevice(cudaLaunchParams *list, unsigned count,
                                                   unsigned) {
  if (!list || count != 1) return note(cudaErrorInvalidValue);
  return launch_stub(list->func, {list->gridDim, list->blockDim, list->sharedMem, true},
                     list->args, list->stream);
}

cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t *config, const void *stub, void **args) {
  if (!config) return note(cudaErrorInvalidValue);
  LaunchShape shape{config->gridDim, config->blockDim, config->dynamicSmemBytes, false};
  for (unsigned i = 0; i < config->numAttrs; i++) {
    const cudaLaunchAttribute &attribute = config->attrs[i];
    if (attribute.id == cudaLaunchAttributeCooperative)
      shape.cooperative = attribute.val.cooperative != 0;
    auto &cluster = attribute.val.clusterDim;
    if (attribute.id == cudaLaunchAttributeClusterDimension &&
        cluster.x * cluster.y * cluster.z > 1)
      return note(cudaErrorNotSupported);  // compute capability 8.0 has no clusters
  }
  return launch_stub(stub, shape, args, config->stream);
}

}  // extern "C"
