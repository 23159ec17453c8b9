// The runtime area: the device's printf ring, assert messages and heap.
#pragma once
#include <cstdint>
#include <string>

namespace wf::rt {

/// Device address of the area, made on first use.
uint64_t runtime_area();

/// Gives the area up; the next launch makes one with the limits in force. The device is idle.
void reset_area();

/// A kernel is about to run, or has ended. What it printed is taken from the ring when no other
/// kernel runs.
void kernel_begins();
void kernel_ends();

/// Writes what kernels printed so far: printf to stdout, assertions to stderr. Called where CUDA
/// flushes: at synchronisation.
void drain_printf();

/// Formats as device printf does; `words` are the arguments as area.h says.
std::string format_printf(const char *format, const uint64_t *words, size_t count);

}  // namespace wf::rt
