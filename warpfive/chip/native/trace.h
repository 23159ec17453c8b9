// What a counted block leaves: sampled accesses in time, its critical path; and what follows.
#pragma once

#include <cstdint>
#include <vector>

#include "warpfive/chip/native/counters.h"

namespace wf {

/// An access of a 32-byte sector of global memory by a request.
struct Access {
  uint64_t sector;  // address / 32
  uint32_t time;    // the warp's progress
  uint16_t warp;    // in the block
  uint16_t kind;    // enum WfAccessKind
};

/// Progress of a warp at which its accesses are captured: the beginning, then a window in each
/// period, the same for all warps of a group of blocks so that they are seen side by side; groups
/// have phases of their own.
struct Windows {
  static constexpr uint64_t first = 4096, period = 32768, length = 2048;
  static bool open(uint64_t progress, uint64_t phase) {
    return progress < first || (progress + phase) % period < length;
  }
  /// The next progress at which a window opens.
  static uint64_t next(uint64_t progress, uint64_t phase) {
    return ((progress + phase) / period + 1) * period - phase;
  }
};

/// The addresses most used by atomics; exact for few, else from below (Metwally et al., "Efficient computation of frequent
/// and top-k elements in data streams", 2005).
class HotAddresses {
 public:
  void add(uint64_t address, uint64_t count) {
    total += count;
    add(address, count, 0);
  }
  void clear() { used_ = 0, total = 0; }
  uint64_t most() const;
  void add(const HotAddresses &other);
  uint64_t total = 0;

 private:
  static constexpr int room = 64;
  void add(uint64_t address, uint64_t count, uint64_t surplus);
  uint64_t address_[room], count_[room];
  uint64_t surplus_[room];  // of the count: what it took over from another address
  int used_ = 0;
};

class Trace {
 public:
  void begin(uint64_t block, uint32_t warps, size_t most_accesses);
  void add(uint64_t sector, uint64_t time, uint32_t warp, int kind) {
    seen[kind]++;
    if (hash(sector >> 2) & sample_mask) return;
    accesses.push_back({sector, static_cast<uint32_t>(time), static_cast<uint16_t>(warp),
                        static_cast<uint16_t>(kind)});
    if (accesses.size() >= most_) thin();
  }
  /// Keeps one line in 2^shift.
  void thin_to(unsigned shift);
  unsigned shift() const { return static_cast<unsigned>(__builtin_popcountll(sample_mask)); }

  static uint64_t hash(uint64_t line) {
    line *= 0x9e3779b97f4a7c15;
    line ^= line >> 32;
    line *= 0xd6e8feb86659fd93;
    return line ^ line >> 32;
  }

  uint64_t block = 0;
  bool windowed = true;
  uint64_t phase = 0;  // of the windows
  uint64_t sample_mask = 0;
  uint64_t seen[3] = {};
  std::vector<Access> accesses;
  std::vector<uint64_t> progress;  // by warp
  uint64_t path = 0, barrier_wait = 0;

 private:
  void thin();
  size_t most_ = 0;
};

/// Reuse distances of blocks that run abreast.
ReuseTally reuse_of(std::vector<const Trace *> blocks, double *weight);

/// How the blocks of a launch were sampled, for the estimate of what all of them touch.
struct Sampling {
  uint64_t blocks = 0;  // of the launch
  uint64_t group = 1;   // neighbouring blocks that were counted together
};

/// Adds to `to` what one block's trace tells: reuse within it, its critical path.
void settle_block(const Trace &trace, RawCounts *to);
/// And what those of a launch tell together: reuse between neighbours, footprint.
void settle_traces(std::vector<Trace> *traces, const Sampling &sampling, RawCounts *to);

}  // namespace wf
