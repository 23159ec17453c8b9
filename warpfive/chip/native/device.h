// What the CUDA layer sees of the chip: memory, images, launches, settings.
//
// One chip a process. Every function here may be called from any thread. Addresses are device
// addresses, which are host addresses inside the chip's reserved range: reading and writing an
// allocation from the host is plain memcpy.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "warpfive/chip/native/counters.h"

namespace wf {

// ---------------------------------------------------------------------------------- errors

/// Why an operation failed. The values are the CUDA error codes of the public documentation.
enum class Fault : int32_t {
  none = 0,
  invalid_value = 1,
  out_of_memory = 2,
  invalid_configuration = 9,   // grid or block shape outside the chip's limits
  invalid_image = 200,         // not an ELF image of ours
  no_kernel_image = 209,       // the translator refused the kernel; the message says why
  illegal_address = 700,
  launch_out_of_resources = 701,
  launch_timeout = 702,        // longer than Settings::kernel_timeout_s, or stopped
  assert_failed = 710,
  stack_overflow = 714,
  illegal_instruction = 715,
  misaligned_address = 716,
  invalid_pc = 718,
  launch_failure = 719,        // __trap, or a block whose barriers can never open
  cooperative_too_large = 720,
  unknown = 999,
};

// ------------------------------------------------------------------------------ properties

/// The figures of the chip that programs can ask for.
struct Chip {
  const char *name = "warpfive Zhenwu 810E-class PPU (simulated)";
  int compute_major = 8;  // the level of CUDA features offered, not the silicon's
  int compute_minor = 0;
  int compute_units = 64;  // multiprocessors in CUDA's words
  int warp_threads = 32;
  int clock_khz = 1'450'000;
  uint64_t memory_bytes = 96ull << 30;
  int memory_clock_khz = 1'600'000;
  int memory_bus_bits = 6144;
  int l2_bytes = 48 << 20;
  int block_threads = 1024;
  int unit_threads = 2048;  // resident on one compute unit
  int unit_blocks = 32;
  int block_registers = 65536;
  int unit_registers = 65536;
  uint64_t block_shared_bytes = 48 << 10;         // without opting in
  uint64_t block_shared_optin_bytes = 228 << 10;
  uint64_t unit_shared_bytes = 229 << 10;
  uint64_t constant_bytes = 64 << 10;
  uint64_t args_bytes = 32764;  // of one launch
  uint32_t block_max[3] = {1024, 1024, 64};
  uint32_t grid_max[3] = {0x7fffffff, 65535, 65535};
};

const Chip &chip();

/// Blocks of `threads` threads with this much shared memory that fit on one compute unit (what
/// cudaOccupancyMaxActiveBlocksPerMultiprocessor answers).
struct Kernel;
int resident_blocks(const Kernel &kernel, uint32_t threads, uint64_t dynamic_shared_bytes);

/// Host time since the first call, and in cycles of the chip.
uint64_t host_time_ns();
uint64_t chip_cycles();

// -------------------------------------------------------------------------------- settings

enum class Engine : uint32_t { fast, general, reference };

/// What events, clock64 and globaltimer read: predicted time on the chip, or the host's.
enum class Clock : uint32_t { chip, host };

/// How this process uses the chip. Read from the environment once; change it before the first
/// allocation (engine) or the next launch (the rest).
struct Settings {
  Engine engine = Engine::fast;     // WARPFIVE_ENGINE=fast|general|reference
  std::string host;                 // WARPFIVE_HOST=avx512|avx2|sse4|neon; default: this host's best
  unsigned threads = 0;             // WARPFIVE_THREADS; default: the cores this process may use
  double kernel_timeout_s = 0;      // WARPFIVE_KERNEL_TIMEOUT; 0: none
  bool counting = false;            // set when WARPFIVE_REPORT names a file
  bool exact = false;               // WARPFIVE_EXACT=1: count every block, not a sample
  Clock clock = Clock::chip;        // WARPFIVE_CLOCK=chip|host
  std::string chip;                 // WARPFIVE_CHIP: file of the figures of the chip that tells time
  std::string trace;                // WARPFIVE_TRACE: file for the chip's timeline, at exit
  std::string report;               // WARPFIVE_REPORT: file for the launch records, at exit
  std::string cache;                // WARPFIVE_CACHE; default ~/.cache/warpfive
  uint64_t cache_bytes = 2ull << 30;  // WARPFIVE_CACHE_BYTES: bound on translated objects
  uint64_t memory_bytes = 0;        // WARPFIVE_MEMORY: a smaller memory than the chip's; 0: all
};

Settings &settings();

// ---------------------------------------------------------------------------------- memory

enum class MemoryKind : uint32_t {
  device,   // cudaMalloc; counts against the chip's memory
  managed,  // cudaMallocManaged; counts too
  pinned,   // cudaHostAlloc; does not count
  image,    // code and variables of a loaded image; counts
  system,   // the chip's and the runtime's own areas; does not count
};

struct Allocation {
  uint64_t base = 0;
  uint64_t bytes = 0;  // as asked for
  MemoryKind kind = MemoryKind::device;
  uint32_t tag = 0;  // the caller's own; set_tag()
};

/// The reserved range and what is allocated in it.
///
/// Memory is committed when first touched and zero until written. Allocations of a megabyte and
/// more have 2 MB pages of their own; smaller ones share. Freed memory faults when touched, at
/// the latest when all of its page is free, and its address is not given out again soon.
namespace memory {

/// Base of `bytes` bytes, at least 512-byte aligned (more if `align`, a power of two, is more);
/// 0 if the chip's memory is spent. `bytes` = 0 is not valid.
uint64_t alloc(uint64_t bytes, MemoryKind kind = MemoryKind::device, uint64_t align = 512);

/// False if no allocation begins at `base`.
bool free(uint64_t base);

/// The allocation that holds `address`, if one does.
std::optional<Allocation> find(uint64_t address);

void set_tag(uint64_t base, uint32_t tag);

/// Whether the address lies in the reserved range, allocated or not.
bool inside(uint64_t address);

uint64_t capacity();   // bytes: the chip's memory
uint64_t allocated();  // bytes of the kinds that count, as rounded

/// Frees every allocation of kinds device, managed and pinned (cudaDeviceReset).
void reset();

}  // namespace memory

// ---------------------------------------------------------------------------------- images

struct Image;

struct Param {
  uint32_t offset;  // in the argument block
  uint32_t bytes;
};

struct Kernel {
  std::string name;  // mangled
  Image *image = nullptr;
  uint64_t entry = 0;  // offset in the image
  uint32_t args_bytes = 0;
  std::vector<Param> params;
  uint32_t static_shared_bytes = 0;
  uint32_t stack_bytes = 0;  // per thread; 0: unknown (recursion, calls through pointers)
  uint32_t max_threads = 1024;
  struct Codes *codes = nullptr;  // the chip's own: translations by block shape
};

enum class VariableKind : uint32_t { device, constant, managed };

struct Variable {
  std::string name;  // mangled
  uint64_t address = 0;
  uint64_t bytes = 0;
  VariableKind kind = VariableKind::device;
};

/// A loaded image. Kernels and variables stay where they are until the image is unloaded.
struct Image {
  std::string id;  // 32 hex digits: the hash of its contents
  uint64_t base = 0;
  uint64_t bytes = 0;
  std::vector<Kernel> kernels;
  std::vector<Variable> variables;

  const Kernel *kernel(std::string_view name) const;
  const Variable *variable(std::string_view name) const;
  /// The kernel whose entry is at device address `address`, if one is.
  const Kernel *kernel_at(uint64_t address) const;

  struct Loaded *loaded = nullptr;  // the chip's own
};

/// Copies the image into device memory, relocated. nullptr on failure: `why` gets one sentence.
Image *load_image(const void *elf, size_t bytes, std::string *why);
void unload_image(Image *image);
/// Gives the variables their initial values again (cudaDeviceReset).
void reset_image(Image *image);

// --------------------------------------------------------------------------------- launches

struct Launch {
  const Kernel *kernel = nullptr;
  uint32_t grid[3] = {1, 1, 1};
  uint32_t block[3] = {1, 1, 1};
  const void *args = nullptr;  // host copy of the argument block, kernel->args_bytes bytes
  uint64_t dynamic_shared_bytes = 0;
  bool cooperative = false;      // every block resident; grid.sync works
  uint64_t stack_limit_bytes = 1024;  // cudaLimitStackSize, for kernels of unknown stack
  uint64_t runtime_area = 0;     // device address for special register 28
  const std::atomic<bool> *cancel = nullptr;  // optional: raised by another thread to stop it
  uint64_t start_ns = 0;         // when it begins on the chip's timeline
  bool count = false;            // it is counted although nothing is reported
};

struct Result {
  Fault fault = Fault::none;
  std::string message;  // the line printed on stderr, without the prefix; empty if none
  double host_s = 0;
  uint64_t blocks = 0;  // finished
  /// Of one launch of this kernel and shape, the mean of those counted so far; null unless
  /// counting, or where nothing was counted.
  std::shared_ptr<const KernelCounters> counters;
  double run_s = 0;     // of host_s, without translation
  double chip_s = -1;   // predicted time on the chip; negative: no such launch was counted
  double fill = 1;      // share of the chip that it keeps busy
  uint64_t clock_ns = 0;  // the clock as last read by a kernel that waits for it; 0: none does
};

/// Checks a launch against the chip's limits without running it: what cudaLaunchKernel reports
/// at once (invalid_configuration, launch_out_of_resources, cooperative_too_large, ...).
Fault check(const Launch &launch);

/// Runs a launch to its end on the calling thread and the chip's workers. Several threads may
/// run launches at once; each makes progress. Faults print their line on stderr; the process
/// lives. Host memory order: what the caller wrote before is seen by the kernel, and the other
/// way round.
Result run(const Launch &launch);

/// Translates ahead of the first launch. Also says whether the kernel can run at all.
Fault prepare(const Kernel &kernel, const uint32_t block[3], std::string *why);

/// Stops every launch that runs now (async-signal-safe): they end with launch_timeout.
void stop_launches();

// ---------------------------------------------------------------------------------- reports

/// What was run: one record a kernel, grid, block shape and dynamic shared memory.
struct LaunchRecord {
  std::string kernel;  // demangled
  std::string image;   // Image::id
  uint32_t grid[3];
  uint32_t block[3];
  uint64_t launches = 0;
  double host_s = 0;
  bool exact = true;  // false: scaled from a sample of the blocks
  uint64_t sampled_blocks = 0;
  uint64_t dynamic_shared_bytes = 0, static_shared_bytes = 0, stack_bytes = 0, args_bytes = 0;
  uint32_t registers = 0;
  double period_sectors = 0;  // touched from one of its launches to the next, its own included
  KernelCounters counters;  // of all launches; zero unless counting
};

std::vector<LaunchRecord> launch_records();
void clear_records();

/// Answers a server's "reference ..." request with its reply line. A Python process sets one: it
/// then changes to the reference engine while it runs, without memory that another can map.
using ReferenceFn = void (*)(const char *request, char *reply, size_t reply_bytes);
void set_reference(ReferenceFn run);

/// Demangled name of a kernel, for people.
std::string demangle(const std::string &name);

}  // namespace wf
