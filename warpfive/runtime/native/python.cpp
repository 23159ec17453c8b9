// What the Python API asks beyond CUDA's own calls.
#include <cstring>
#include <string>

#include "launch.h"
#include "module.h"

using namespace wf::rt;

#pragma GCC visibility push(default)
extern "C" {

/// Name of the module's kernel number `index`, mangled or (`people`) demangled; null at the end.
const char *wf_module_kernel(CUmod_st *module, int index, int people) {
  static thread_local std::string text;
  if (load(module) != cudaSuccess) return nullptr;
  const auto &kernels = module->image->kernels;
  if (index < 0 || static_cast<size_t>(index) >= kernels.size()) return nullptr;
  const std::string &name = kernels[static_cast<size_t>(index)].name;
  text = people ? wf::demangle(name) : name;
  return text.c_str();
}

/// Bytes of each parameter into `sizes`, at most `room`; returns how many parameters there are.
int wf_function_params(CUfunc_st *function, uint32_t *sizes, int room) {
  const auto &params = function->kernel->params;
  for (size_t i = 0; i < params.size() && static_cast<int>(i) < room; i++)
    sizes[i] = params[i].bytes;
  return static_cast<int>(params.size());
}

/// Kernel launches that have begun in this process.
uint64_t wf_launches() { return launches_so_far.load(std::memory_order_relaxed); }

}  // extern "C"
#pragma GCC visibility pop
