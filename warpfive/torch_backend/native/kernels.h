// Kernels by their description: found in a table, or generated and compiled by Python.
#pragma once
#include <cstdint>
#include <string>

namespace wf::torch_backend {

/// Compiles what the text describes and returns its function's handle, or 0 with `error` filled.
using Compile = int64_t (*)(const char *description, char *error, int64_t error_bytes);

void set_compiler(Compile compile);

/// The kernel of this description; raises c10::Error when it cannot be had.
void *compiled(const std::string &description);

struct Shape {
  unsigned x, y = 1, z = 1;
};

/// Launches in the current stream. The kernel takes one structure; `shared` is dynamic shared
/// memory in bytes.
void launch(void *kernel, Shape blocks, Shape threads, const void *parameters,
            unsigned shared = 0);

/// Blocks of `threads` that cover `count` items.
inline unsigned blocks_for(int64_t count, unsigned threads) {
  return static_cast<unsigned>((count + threads - 1) / threads);
}

}  // namespace wf::torch_backend
