// The parts of torch that a CUDA build fills and a CPU build leaves empty: guard, hooks, generator.
#pragma once
#include <ATen/core/Generator.h>

#include <cstdint>
#include <utility>

namespace wf::torch_backend {

/// Fills the device guard's slot and the CUDA hooks. Refuses a torch where they are taken.
void install_device();

/// Seed and offset of the Philox stream for a kernel in which each thread draws at most
/// `increment` numbers; the generator moves on by it.
std::pair<uint64_t, uint64_t> philox(const std::optional<at::Generator> &generator,
                                     uint64_t increment);

/// The device's default generator.
const at::Generator &default_generator();
/// A new generator; the first is the default one, for Python has no other way to ask for it.
at::Generator new_generator();

}  // namespace wf::torch_backend
