// Images that the program registered, and what its host symbols stand for on the device.
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "../../chip/native/device.h"
#include "api.h"

struct CUmod_st;

/// A kernel as the program knows it: a host stub or a driver API handle.
struct CUfunc_st {
  CUmod_st *module = nullptr;
  std::string name;                        // mangled
  const wf::Kernel *kernel = nullptr;      // once the image is loaded
  int max_dynamic_shared = -1;             // cudaFuncSetAttribute; -1: not set
  int carveout = -1;
};

/// One device image, loaded when something of it is first used.
struct CUmod_st {
  const void *elf = nullptr;
  size_t bytes = 0;
  std::vector<char> copy;  // the image itself, where the caller's does not outlive the call
  wf::Image *image = nullptr;
  cudaError_t failed = cudaSuccess;
  std::vector<std::pair<const void *, std::string>> variables;  // host address, mangled name
  std::unordered_map<std::string, std::unique_ptr<CUfunc_st>> functions;
};

namespace wf::rt {

struct SymbolRange {
  uint64_t address = 0;
  uint64_t bytes = 0;
};

/// Guards everything in this file.
std::recursive_mutex &modules_mutex();

/// Loads the module's image if it is not. cudaErrorInvalidKernelImage if it cannot be read.
cudaError_t load(CUmod_st *module);

/// The function by its mangled name; null if the image has no such kernel.
CUfunc_st *function_of(CUmod_st *module, const std::string &name);

/// The loaded kernel behind a host stub: cudaErrorInvalidDeviceFunction if nothing registered it.
cudaError_t find_function(const void *stub, CUfunc_st **out);

/// The device memory behind a host variable: cudaErrorInvalidSymbol if nothing registered it.
cudaError_t find_symbol(const void *host, SymbolRange *out);

/// Initial values for every variable of every loaded image (cudaDeviceReset).
void reset_modules();

/// A module for the driver API; `data` is copied.
cudaError_t open_module(const void *data, CUmod_st **out);
void close_module(CUmod_st *module);
bool is_module(CUmod_st *module);
bool is_function(CUfunc_st *function);

}  // namespace wf::rt
