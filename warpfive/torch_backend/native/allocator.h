// Device memory for tensors: freed blocks are kept and given out again in stream order.
#pragma once
#include <c10/core/Allocator.h>

#include <cstdint>
#include <string>

namespace wf::torch_backend {

c10::Allocator *device_allocator();
c10::Allocator *pinned_allocator();
bool is_pinned(const void *pointer);

/// Whether the address lies in a block that the device allocator gave out or keeps.
bool is_device_memory(const void *pointer);

/// Bytes and counts as `torch.cuda.memory_stats` names them, as "name value" lines.
std::string memory_stats();
/// Segments and their blocks as JSON, the form of `torch.cuda.memory_snapshot()`.
std::string memory_snapshot();
void reset_peaks();
void reset_accumulated();
/// Returns what no tensor uses to the chip.
void empty_cache();
/// Raises OutOfMemoryError beyond this share of the chip's memory.
void set_memory_fraction(double fraction);

/// Everything allocated until end_pool goes to and comes from pool `id` (graph capture).
void begin_pool(int64_t id);
void end_pool();
/// The pool's unused memory may serve others from now on.
void release_pool(int64_t id);

/// Notes that a stream other than the block's own uses it.
void record_stream(const void *pointer, void *stream);

}  // namespace wf::torch_backend
