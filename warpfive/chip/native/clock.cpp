// The chip's clock: how long kernels take on it, learned from launches that were counted.

#include "warpfive/chip/native/clock.h"

#include <dlfcn.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <mutex>
#include <unordered_map>

#include "warpfive/chip/native/internal.h"

namespace wf {
namespace {

struct Key {
  const Kernel *kernel;
  uint32_t shape[6];
  uint64_t dynamic_shared;
  bool operator==(const Key &other) const = default;
};

struct KeyHash {
  size_t operator()(const Key &key) const {
    uint64_t hash = reinterpret_cast<uint64_t>(key.kernel) ^ key.dynamic_shared;
    for (uint32_t part : key.shape) hash = (hash ^ part) * 0x9e3779b97f4a7c15 + (hash >> 29);
    return hash;
  }
};

}  // namespace

struct KnownTime {
  std::mutex mutex;  // guards what follows, but `launches` and `rate`
  std::atomic<uint64_t> launches{0};
  WfCounts counts;        // of one launch, the mean so far
  double touched_at = 0;  // Times::touched when the latest launch began
  double footprint = 0;   // sectors of one launch
  double seconds = -1;
  double fill = 1;
  std::atomic<double> rate{1};
};

namespace {

constexpr double fastest_rate = 10;

/// Launches from which on what the caches hold is taken to be the same each time.
constexpr uint64_t settled_launches = 4;

struct Times {
  std::mutex mutex;
  std::unordered_map<Key, KnownTime, KeyHash> known;
  std::atomic<double> touched{0};  // sectors of all launches so far
  std::atomic<bool> wanted{false};
};

Times &times() {
  static Times *one = new Times;
  return *one;
}

Key key_of(const Launch &launch) {
  Key key{launch.kernel, {}, launch.dynamic_shared_bytes};
  for (int i = 0; i < 3; i++) key.shape[i] = launch.grid[i], key.shape[3 + i] = launch.block[i];
  return key;
}

std::string figures_path() {
  if (!settings().chip.empty()) return settings().chip;
  Dl_info info;
  if (!dladdr(reinterpret_cast<const void *>(&figures), &info) || !info.dli_fname) return "chip";
  std::string path = info.dli_fname;
  return path.substr(0, path.rfind('/') + 1) + "chip";
}

/// Lines "name value" in the order of the structure's members.
WfFigures read_figures() {
  constexpr size_t members = sizeof(WfFigures) / sizeof(double);
  double values[members];
  size_t count = 0;
  std::ifstream file(figures_path());
  std::string name;
  double value;
  while (file >> name >> value) {
    if (count < members) values[count] = value;
    count++;
  }
  if (count != members) {
    fprintf(stderr, "warpfive: %s is not a chip's figures; leave WARPFIVE_CHIP to `warpfive run "
                    "--chip NAME`\n", figures_path().c_str());
    exit(1);
  }
  WfFigures read;
  memcpy(&read, values, sizeof read);
  return read;
}

double ratio(double a, double b) { return b > 0 ? a / b : 0; }

template <size_t n>
void copy_buckets(const std::array<double, n> &from, double (&to)[WF_REUSE_BUCKETS]) {
  static_assert(n == WF_REUSE_BUCKETS);
  std::copy(from.begin(), from.end(), to);
}

void take_instructions(const double (&warp)[WF_UNITS], WfCounts *to) {
  to->alu = warp[WF_UNIT_ALU];
  to->int_mul = warp[WF_UNIT_INT_MUL];
  to->fp32 = warp[WF_UNIT_FP32];
  to->fp64 = warp[WF_UNIT_FP64];
  to->fp16 = warp[WF_UNIT_FP16];
  to->sfu = warp[WF_UNIT_SFU];
  to->convert = warp[WF_UNIT_CONVERT];
  to->global_load = warp[WF_UNIT_GLOBAL_LOAD];
  to->global_store = warp[WF_UNIT_GLOBAL_STORE];
  to->shared_load = warp[WF_UNIT_SHARED_LOAD];
  to->shared_store = warp[WF_UNIT_SHARED_STORE];
  to->local = warp[WF_UNIT_LOCAL];
  to->atomic = warp[WF_UNIT_ATOMIC];
  to->branch = warp[WF_UNIT_BRANCH];
  to->warp = warp[WF_UNIT_WARP];
  to->barrier = warp[WF_UNIT_BARRIER];
  to->tensor = warp[WF_UNIT_TENSOR];
  to->other = warp[WF_UNIT_OTHER];
}

void take_memory(const KernelCounters &from, WfCounts *to) {
  to->load_requests = from.global_load.requests;
  to->load_sectors = from.global_load.sectors;
  to->store_requests = from.global_store.requests;
  to->store_sectors = from.global_store.sectors;
  to->local_requests = from.local_load.requests + from.local_store.requests;
  to->local_sectors = from.local_load.sectors + from.local_store.sectors;
  to->shared_wavefronts = from.shared_load.wavefronts + from.shared_store.wavefronts;
  to->shared_passes = from.shared_atomic.passes;
  to->constant_turns = std::max(from.constant_addresses - from.constant_requests, 0.0);
  to->atomic_requests = from.global_atomic.requests;
  to->atomic_sectors = from.global_atomic.sectors;
  to->atomic_passes = from.global_atomic.passes;
  to->atomic_hottest = from.global_atomic.hottest;
  to->load_groups = from.global_load_groups;
  to->shared_groups = from.shared_load_groups;
  to->footprint_loaded = from.footprint_loaded;
  to->footprint_stored = from.footprint_stored;
  to->cold_loads = from.l2.cold_loads;
  to->cold_stores = from.l2.cold_stores;
  to->l2_blocks = from.l2.blocks;
  copy_buckets(from.l1.loads, to->reuse_l1);
  copy_buckets(from.l2.loads, to->reuse_l2_loads);
  copy_buckets(from.l2.stores, to->reuse_l2_stores);
}

}  // namespace

WfCounts model_counts(const Launch &launch, const KernelCounters &counters) {
  WfCounts to{};
  to.blocks = double(launch.grid[0]) * launch.grid[1] * launch.grid[2];
  to.threads = double(launch.block[0]) * launch.block[1] * launch.block[2];
  to.registers = counters.registers;
  to.shared_bytes =
      static_cast<double>(launch.kernel->static_shared_bytes + launch.dynamic_shared_bytes);
  take_instructions(counters.warp, &to);
  to.tensor_fp16 = counters.tensor_ops[0];
  to.tensor_bf16 = counters.tensor_ops[1];
  to.tensor_tf32 = counters.tensor_ops[2];
  to.tensor_int8 = counters.tensor_ops[3];
  take_memory(counters, &to);
  double warps = to.blocks * std::ceil(to.threads / WF_LANES);
  double mean = ratio(counters.warp_instructions(), warps);
  to.path = mean > 0 ? counters.path_mean / mean : 1;
  to.longest = counters.path_mean > 0 ? counters.path_max / counters.path_mean : 1;
  return to;
}

const WfFigures &figures() {
  static const WfFigures *one = new WfFigures(read_figures());
  return *one;
}

void want_clock() {
  if (settings().clock == Clock::chip) times().wanted.store(true, std::memory_order_relaxed);
}

KnownTime *known_time(const Launch &launch) {
  Times &all = times();
  std::lock_guard lock(all.mutex);
  return &all.known[key_of(launch)];
}

bool clock_counts(const KnownTime &known) {
  bool wanted = times().wanted.load(std::memory_order_relaxed) || !settings().trace.empty();
  if (!wanted || settings().clock == Clock::host) return false;
  uint64_t number = known.launches.load(std::memory_order_relaxed) + 1;
  return (number & (number - 1)) == 0;
}

void tell_time(const Launch &launch, KnownTime *known, Result *result) {
  std::lock_guard lock(known->mutex);
  uint64_t number = ++known->launches;
  if (result->counters) {
    known->counts = model_counts(launch, *result->counters);
    known->footprint = result->counters->footprint_sectors;
  }
  bool unknown = !result->counters && known->seconds < 0;
  if (unknown || settings().clock == Clock::host) return;
  double touched = times().touched.fetch_add(known->footprint);
  if (result->counters || number <= settled_launches) {
    known->counts.repeats = number > 1;
    known->counts.period = touched - known->touched_at;
    WfTime time;
    wf_kernel_time(&known->counts, &figures(), &time);
    known->seconds = time.total;
    known->fill = time.fill;
  }
  known->touched_at = touched;
  result->chip_s = known->seconds;
  result->fill = known->fill;
  // A kernel that waits for the clock gets the host's pace, lest it wait for ever.
  if (result->clock_ns) known->rate = 1;
  // What was counted ran slower: another launch tells the pace better.
  else if (!launch.count || number == 1)
    known->rate = std::min(ratio(result->chip_s, result->run_s), fastest_rate);
}

double clock_rate(const KnownTime &known) {
  return settings().clock == Clock::host ? 1 : known.rate.load(std::memory_order_relaxed);
}

void forget_times(const Image &image) {
  std::lock_guard lock(times().mutex);
  std::erase_if(times().known, [&](auto &one) { return one.first.kernel->image == &image; });
}

}  // namespace wf
