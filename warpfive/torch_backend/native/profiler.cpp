// The chip's clock for torch.profiler and torch.autograd.profiler: an event before and one after
// each operator. Where torch has no CUPTI, as a CPU build has none, its profiler asks for these.
#include <c10/util/ApproximateClock.h>
#include <torch/csrc/profiler/stubs/base.h>

#include "driver.h"
#include "profiler.h"

namespace wf::torch_backend {
namespace {

using Event = torch::profiler::impl::ProfilerVoidEventStub;

struct ChipClock : torch::profiler::impl::ProfilerStubs {
  void record(c10::DeviceIndex *device, Event *event, int64_t *cpu_ns) const override {
    void *made = nullptr;
    check(driver.cudaEventCreateWithFlags(&made, 0));
    *event = Event(made, [](void *each) { driver.cudaEventDestroy(each); });
    check(driver.cudaEventRecord(made, current_stream()));
    if (device) *device = 0;
    if (cpu_ns) *cpu_ns = c10::getTime();
  }

  /// Microseconds between two events.
  float elapsed(const Event *first, const Event *second) const override {
    float ms = 0;
    check(driver.cudaEventSynchronize(second->get()));
    check(driver.cudaEventElapsedTime(&ms, first->get(), second->get()));
    return ms * 1000;
  }

  bool enabled() const override { return true; }
  void onEachDevice(std::function<void(int)> visit) const override { visit(0); }
  void synchronize() const override { check(driver.cudaDeviceSynchronize()); }
  // Ranges are for a tool that looks on; there is none.
  void mark(const char *) const override {}
  void rangePush(const char *) const override {}
  void rangePop() const override {}
};

}  // namespace

void install_profiler() {
  static ChipClock clock;
  torch::profiler::impl::registerCUDAMethods(&clock);
}

}  // namespace wf::torch_backend
