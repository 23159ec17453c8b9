// What the chip's own files share. The CUDA layer includes device.h only.
#pragma once

#include <csetjmp>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "warpfive/chip/native/abi.h"
#include "warpfive/chip/native/device.h"

#define WF_EXPORT extern "C" __attribute__((visibility("default")))

namespace wf {

constexpr uint64_t page_bytes = 4096;

constexpr uint64_t round_up(uint64_t value, uint64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

uint64_t now_ns();  // monotonic host time

/// Changes a setting by the name of its environment variable. False: there is none.
bool change_setting(const char *name, const char *value);

// memory.cpp
namespace memory {
/// Address space of `bytes` bytes that stays inaccessible until protect() opens parts of it.
uint64_t reserve_area(uint64_t bytes);
void release_area(uint64_t base, uint64_t bytes);
/// Opens (read and write) or closes whole pages of an area. False: the host refused.
bool protect(uint64_t base, uint64_t bytes, bool open);
/// File descriptor of the memory when another process can map it (reference engine), else -1.
int shared_file();
uint64_t range_base();
/// Base and end of everything allocated, in pairs, as far as its pages reach.
std::vector<uint64_t> open_ranges();
uint64_t range_bytes();
}  // namespace memory

// cache.cpp
std::string host_level();
/// Where the cache keeps, or would keep, a translation.
std::string translated_path(const Image &image, const std::string &kernel,
                            const uint32_t block[3], const char *variant);
/// Path of the image's file in the cache, written if missing; empty if it cannot be.
std::string image_path(const Image &image);

// server.cpp
/// Sends one request line; "ok ..." or "error ..." comes back.
std::string ask_server(const std::string &request);
std::string escaped(const std::string &field);
/// Python and package folder of the process that answers, from the file beside the library.
struct ServerPlace { std::string python, package; };
const ServerPlace &server_place();

// image.cpp
struct Loaded {
  std::vector<char> elf;
  std::unordered_map<std::string_view, uint32_t> kernels, variables;
};

// code.cpp
/// The translated code of a kernel for a block shape. nullptr: `why` says why not.
const WfCode *translated(const Kernel &kernel, const uint32_t block[3], const char *variant,
                         std::string *why);
/// How long fast code of this kernel keeps a warp that may be waiting for another, as learned.
uint64_t patience_ns(const Kernel &kernel);
void set_patience_ns(const Kernel &kernel, uint64_t nanoseconds);
/// Host time of one block of this kernel, as last learned; 0: never run.
uint64_t typical_block_ps(const Kernel &kernel);
void set_typical_block_ps(const Kernel &kernel, uint64_t picoseconds);
/// Host time of a kernel's blocks in all launches, and of those that were counted.
struct CountingTime {
  std::atomic<uint64_t> busy_ns{0}, counted_ns{0}, launches{0};
};
CountingTime &counting_time(const Kernel &kernel);
void own_codes(Kernel *kernel);
void forget_codes(Image &image);

// fault.cpp
/// Set while this thread runs translated code: a memory fault there comes back as a jump.
struct FaultTrap {
  sigjmp_buf jump;
  volatile int signal = 0;
  volatile uint64_t address = 0;
  volatile uint64_t host_pc = 0;
};
void set_trap(FaultTrap *trap);
void prepare_signals();

// report.cpp
/// All records as JSON lines.
std::string report_text();
/// Whether anything was counted of this kernel and shape.
bool counted_before(const Launch &launch);
/// Adds a launch to its record; gives the counters of one such launch, as far as they are known.
std::shared_ptr<const KernelCounters> record_launch(const Launch &launch, double host_s,
                                                    const RawCounts &counts);

}  // namespace wf
