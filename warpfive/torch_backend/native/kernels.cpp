#include "kernels.h"

#include <c10/util/Exception.h>

#include <mutex>
#include <unordered_map>
#include <vector>

#include "driver.h"

namespace wf::torch_backend {
namespace {

Compile compile = nullptr;
std::mutex mutex;
std::unordered_map<std::string, void *> &table() {
  static auto *kernels = new std::unordered_map<std::string, void *>;
  return *kernels;
}

}  // namespace

void set_compiler(Compile function) { compile = function; }

void *compiled(const std::string &description) {
  {
    std::lock_guard lock(mutex);
    auto found = table().find(description);
    if (found != table().end()) return found->second;
  }
  // Python takes its own lock; ours must not be held while it runs.
  std::vector<char> error(1 << 16);
  void *kernel = reinterpret_cast<void *>(
      compile(description.c_str(), error.data(), static_cast<int64_t>(error.size())));
  TORCH_CHECK_NOT_IMPLEMENTED(kernel, error.data());
  std::lock_guard lock(mutex);
  table().emplace(description, kernel);
  return kernel;
}

void launch(void *kernel, Shape blocks, Shape threads, const void *parameters, unsigned shared) {
  void *pointers[] = {const_cast<void *>(parameters)};
  check(driver.cuLaunchKernel(kernel, blocks.x, blocks.y, blocks.z, threads.x, threads.y,
                              threads.z, shared, current_stream(), pointers, nullptr));
}

}  // namespace wf::torch_backend
