// The parts of torch that a CUDA build fills and a CPU build leaves empty: guard, hooks, generator.
#pragma once
#include <ATen/core/Generator.h>

#include <cstdint>
#include <optional>

namespace wf::torch_backend {

/// Fills the device guard's slot and the CUDA hooks. Refuses a torch where they are taken.
void install_device();

/// A stretch of the Philox stream. Where `state` is not null, a graph is being recorded: seed and
/// offset are then read from there on the device, and `offset` counts from that one.
struct Drawn {
  uint64_t seed, offset;
  const void *state;
};

/// The next stretch, for a kernel that draws `increment` numbers.
Drawn philox(const std::optional<at::Generator> &generator, uint64_t increment);

/// The device's default generator.
const at::Generator &default_generator();
/// A new generator; the first is the default one, for Python has no other way to ask for it.
at::Generator new_generator();

}  // namespace wf::torch_backend
