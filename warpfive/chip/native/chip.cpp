// The chip's figures, clocks and settings.

#include <sched.h>
#include <time.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "warpfive/chip/native/clock.h"
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

/// As warpfive/cache.py has it.
std::string default_cache() {
  if (const char *base = variable("XDG_CACHE_HOME")) return std::string(base) + "/warpfive";
  const char *home = variable("HOME");
  return std::string(home ? home : "/tmp") + "/.cache/warpfive";
}

constexpr const char *variables[] = {
    "WARPFIVE_ENGINE", "WARPFIVE_HOST", "WARPFIVE_THREADS", "WARPFIVE_KERNEL_TIMEOUT",
    "WARPFIVE_REPORT", "WARPFIVE_EXACT", "WARPFIVE_CACHE", "WARPFIVE_CACHE_BYTES",
    "WARPFIVE_MEMORY", "WARPFIVE_CLOCK", "WARPFIVE_CHIP", "WARPFIVE_TRACE",
};

Engine engine_named(std::string_view name) {
  return name == "general" ? Engine::general : name == "reference" ? Engine::reference : Engine::fast;
}

/// Takes one variable's value. False: there is no such setting.
bool assign(Settings *to, std::string_view name, const char *value) {
  std::error_code ignored;
  if (name == "WARPFIVE_ENGINE") to->engine = engine_named(value);
  else if (name == "WARPFIVE_HOST") to->host = value;
  else if (name == "WARPFIVE_THREADS") to->threads = static_cast<unsigned>(atoi(value));
  else if (name == "WARPFIVE_KERNEL_TIMEOUT") to->kernel_timeout_s = atof(value);
  else if (name == "WARPFIVE_REPORT") to->counting = !(to->report = value).empty();
  else if (name == "WARPFIVE_CLOCK") to->clock = value == std::string_view("host") ? Clock::host : Clock::chip;
  else if (name == "WARPFIVE_CHIP") to->chip = value;
  else if (name == "WARPFIVE_TRACE") to->trace = value;
  else if (name == "WARPFIVE_EXACT") to->exact = *value != '0';
  else if (name == "WARPFIVE_CACHE") to->cache = std::filesystem::absolute(value, ignored).string();
  else if (name == "WARPFIVE_CACHE_BYTES") to->cache_bytes = strtoull(value, nullptr, 10);
  else if (name == "WARPFIVE_MEMORY") to->memory_bytes = strtoull(value, nullptr, 10);
  else return false;
  if (!to->threads) to->threads = host_cores();
  return true;
}

Settings read_settings() {
  Settings read;
  read.cache = default_cache();
  read.threads = host_cores();
  for (const char *name : variables)
    if (const char *value = variable(name)) assign(&read, name, value);
  return read;
}

/// The chip that programs see: with the figures of the one whose time is told, where one is named.
Chip chip_of_figures() {
  Chip made;
  if (settings().chip.empty()) return made;
  const WfFigures &from = figures();
  made.compute_units = static_cast<int>(from.cores);
  made.clock_khz = static_cast<int>(from.clock_hz / 1000);
  made.l2_bytes = static_cast<int>(std::min(from.l2_bytes, double{INT32_MAX}));
  made.unit_threads = static_cast<int>(from.threads);
  made.unit_blocks = static_cast<int>(from.blocks);
  made.unit_registers = static_cast<int>(from.registers);
  return made;
}

}  // namespace

const Chip &chip() {
  static const Chip one = chip_of_figures();
  return one;
}

Settings &settings() {
  static Settings *one = new Settings(read_settings());
  return *one;
}

bool change_setting(const char *name, const char *value) {
  return assign(&settings(), name, value);
}

uint64_t now_ns() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(now.tv_nsec);
}

uint64_t host_time_ns() {
  static const uint64_t start = now_ns();
  return now_ns() - start;
}

uint64_t chip_cycles() {
  // 1.45 GHz: cycles a nanosecond, in thousandths, so that the product fits for 400 years.
  return host_time_ns() * static_cast<uint64_t>(chip().clock_khz / 1000) / 1000;
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
