// The chip's figures, clocks and settings.

#include <sched.h>
#include <time.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "warpfive/chip/native/internal.h"

namespace wf {
namespace {

const char *variable(const char *name) {
  const char *value = getenv(name);
  return value && *value ? value : nullptr;
}

unsigned host_cores() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set)) return 1;
  return std::max(1, CPU_COUNT(&set));
}

std::string default_cache() {
  const char *home = variable("HOME");
  return std::string(home ? home : "/tmp") + "/.cache/warpfive";
}

Settings read_settings() {
  Settings read;
  const char *engine = variable("WARPFIVE_ENGINE");
  if (engine && std::string_view(engine) == "general") read.engine = Engine::general;
  if (engine && std::string_view(engine) == "reference") read.engine = Engine::reference;
  if (const char *host = variable("WARPFIVE_HOST")) read.host = host;
  if (const char *count = variable("WARPFIVE_THREADS")) read.threads = atoi(count);
  if (!read.threads) read.threads = host_cores();
  if (const char *limit = variable("WARPFIVE_KERNEL_TIMEOUT")) read.kernel_timeout_s = atof(limit);
  if (const char *file = variable("WARPFIVE_REPORT")) read.report = file;
  read.counting = !read.report.empty();
  if (const char *exact = variable("WARPFIVE_EXACT")) read.exact = *exact != '0';
  std::error_code ignored;
  const char *cache = variable("WARPFIVE_CACHE");
  read.cache = std::filesystem::absolute(cache ? cache : default_cache(), ignored).string();
  if (const char *bound = variable("WARPFIVE_CACHE_BYTES")) read.cache_bytes = strtoull(bound, nullptr, 10);
  if (const char *bytes = variable("WARPFIVE_MEMORY")) read.memory_bytes = strtoull(bytes, nullptr, 10);
  return read;
}

}  // namespace

const Chip &chip() {
  static const Chip one;
  return one;
}

Settings &settings() {
  static Settings *one = new Settings(read_settings());
  return *one;
}

uint64_t now_ns() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(now.tv_nsec);
}

double now_s() { return static_cast<double>(now_ns()) * 1e-9; }

uint64_t chip_time_ns() {
  static const uint64_t start = now_ns();
  return now_ns() - start;
}

uint64_t chip_cycles() {
  // 1.45 GHz: cycles a nanosecond, in thousandths, so that the product fits for 400 years.
  return chip_time_ns() * static_cast<uint64_t>(chip().clock_khz / 1000) / 1000;
}

int resident_blocks(const Kernel &kernel, uint32_t threads, uint64_t dynamic_shared_bytes) {
  const Chip &one = chip();
  if (!threads || threads > std::min<uint32_t>(one.block_threads, kernel.max_threads)) return 0;
  uint64_t shared = kernel.static_shared_bytes + dynamic_shared_bytes;
  if (shared > one.block_shared_optin_bytes) return 0;
  uint32_t warps = (threads + one.warp_threads - 1) / one.warp_threads;
  uint64_t by_threads = one.unit_threads / (warps * one.warp_threads);
  // Each resident block also costs a kilobyte, as on the level of features the chip offers.
  uint64_t by_shared = one.unit_shared_bytes / (round_up(shared, 128) + 1024);
  return static_cast<int>(std::min({by_threads, by_shared, uint64_t(one.unit_blocks)}));
}

}  // namespace wf
