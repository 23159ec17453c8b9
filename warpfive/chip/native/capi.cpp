// The chip for callers that load the library with ctypes: warpfive/chip/device.py mirrors it.

#include <cstring>

#include "warpfive/chip/native/internal.h"

using namespace wf;

namespace {

/// Copies text for a caller's buffer, cut to its size.
void give(const std::string &text, char *buffer, uint64_t bytes) {
  if (!bytes) return;
  size_t length = std::min<size_t>(text.size(), bytes - 1);
  memcpy(buffer, text.data(), length);
  buffer[length] = 0;
}

}  // namespace

/// What a launch came to.
struct WfOutcome {
  int32_t fault;
  uint32_t reserved;
  uint64_t blocks;
  double host_s;
  char message[1024];
};

/// A launch in plain C types; `flags`: 1 cooperative.
struct WfLaunch {
  uint64_t image;
  const char *kernel;
  uint32_t grid[3], block[3];
  const void *args;
  uint64_t dynamic_shared_bytes, stack_limit_bytes, runtime_area;
  uint32_t flags;
};

WF_EXPORT uint64_t wf_alloc(uint64_t bytes, uint32_t kind, uint64_t align) {
  return memory::alloc(bytes, static_cast<MemoryKind>(kind), align);
}

WF_EXPORT int wf_free(uint64_t base) { return memory::free(base); }

/// Writes base, bytes and kind of the allocation that holds `address`; 0 if none does.
WF_EXPORT int wf_find(uint64_t address, uint64_t found[3]) {
  std::optional<Allocation> one = memory::find(address);
  if (!one) return 0;
  found[0] = one->base;
  found[1] = one->bytes;
  found[2] = static_cast<uint64_t>(one->kind);
  return 1;
}

WF_EXPORT uint64_t wf_allocated() { return memory::allocated(); }
WF_EXPORT uint64_t wf_capacity() { return memory::capacity(); }
WF_EXPORT void wf_memory_reset() { memory::reset(); }
WF_EXPORT int wf_shared_file() { return memory::shared_file(); }

/// Range of the host's address space that device memory lies in.
WF_EXPORT void wf_range(uint64_t found[2]) {
  found[0] = memory::range_base();
  found[1] = memory::range_bytes();
}

WF_EXPORT uint64_t wf_load_image(const void *elf, uint64_t bytes, char *why, uint64_t why_bytes) {
  std::string reason;
  Image *image = load_image(elf, bytes, &reason);
  if (!image) give(reason, why, why_bytes);
  return reinterpret_cast<uint64_t>(image);
}

WF_EXPORT void wf_unload_image(uint64_t image) { unload_image(reinterpret_cast<Image *>(image)); }

/// Address of a variable of an image; 0 if it has none of that name.
WF_EXPORT uint64_t wf_variable(uint64_t image, const char *name) {
  const Variable *found = reinterpret_cast<Image *>(image)->variable(name);
  return found ? found->address : 0;
}

WF_EXPORT void wf_run(const WfLaunch *asked, WfOutcome *outcome) {
  Launch launch;
  launch.kernel = reinterpret_cast<Image *>(asked->image)->kernel(asked->kernel);
  memcpy(launch.grid, asked->grid, sizeof launch.grid);
  memcpy(launch.block, asked->block, sizeof launch.block);
  launch.args = asked->args;
  launch.dynamic_shared_bytes = asked->dynamic_shared_bytes;
  if (asked->stack_limit_bytes) launch.stack_limit_bytes = asked->stack_limit_bytes;
  launch.runtime_area = asked->runtime_area;
  launch.cooperative = asked->flags & 1;
  Result result = run(launch);
  outcome->fault = static_cast<int32_t>(result.fault);
  outcome->blocks = result.blocks;
  outcome->host_s = result.host_s;
  give(result.message, outcome->message, sizeof outcome->message);
}

/// The records as JSON lines; the bytes they need, of which as many are written as fit.
WF_EXPORT uint64_t wf_report(char *text, uint64_t bytes) {
  std::string all = report_text();
  give(all, text, bytes);
  return all.size() + 1;
}

WF_EXPORT void wf_clear_records() { clear_records(); }
WF_EXPORT void wf_set_counting(int counting) { settings().counting = counting; }

WF_EXPORT void wf_stop_launches() { stop_launches(); }
WF_EXPORT void wf_set_reference(ReferenceFn run) { set_reference(run); }
WF_EXPORT uint64_t wf_cycles() { return chip_cycles(); }

/// Settings by the name of their environment variable, for a process that is running already.
WF_EXPORT int wf_set(const char *name, const char *value) {
  return change_setting(name, value);
}
