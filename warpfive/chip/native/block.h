// A resident block: its context, warps, shared memory and stacks, and one turn of its warps.
#pragma once

#include "warpfive/chip/native/internal.h"
#include "warpfive/chip/native/trace.h"

namespace wf {

class Job;
class Worker;

/// What a turn of a block's warps came to.
enum class Turn {
  done,      // every thread has exited
  progress,  // some warp exited, reached a barrier or left one
  stalled,   // every warp that could run used its budget up and is where it was, or elsewhere
  waiting,   // every live thread waits for the grid
  failed,    // a trap, or barriers that can never open: Block::failure says which
  stopped,   // the launch is being stopped
};

/// The inaccessible part below the stacks: a frame larger than this could jump over it.
constexpr uint64_t stack_guard_bytes = 1 << 20;

class Block {
 public:
  explicit Block(Worker *worker);
  ~Block();
  Block(const Block &) = delete;
  Block &operator=(const Block &) = delete;

  /// Makes room for the blocks of a job and fills in what they all share. False: no memory.
  bool fit(Job *job);
  /// Begins block `index` of the grid with `code`'s fast or general entry.
  void begin(uint64_t index, const WfCode *code);
  /// Goes on with block `index` where `blocks` code left it: in scratch().
  void adopt(uint64_t index, const WfCode *code);
  /// Lets every warp that can run take its turn.
  Turn turn();
  /// Prepares for WfCode::blocks calls with `code`, which begin at block `index`.
  void use(const WfCode *code, uint64_t index);
  uint64_t shared_bytes() const;

  WfWarp *scratch() { return warp(0); }
  WfWarp *warp(uint32_t index);
  uint32_t warps() const { return warp_count_; }
  void place(uint64_t index);  // sets block_index and ctaid
  /// Whether a faulting address lies in the guard below the stacks.
  bool in_stack_guard(uint64_t address) const;

  WfCtx *ctx;
  Job *job = nullptr;
  Worker *worker;
  bool general_now = false;  // the warp that runs now runs general code
  const char *stuck = nullptr;  // why barriers can never open, after Turn::failed
  uint64_t patience_start_ns = 0, patience_block = 0;  // see poll()
  uint32_t patience_warp = 0;
  // While the block is counted:
  Trace *trace = nullptr;               // null: it is not
  HotAddresses hot[2];                  // of atomics on global and shared memory
  SiteTally *sites = nullptr;           // of the code that runs now
  const WfSite *site_table = nullptr;

 private:
  bool make_area(uint64_t stack_total);
  bool open_shared(uint64_t bytes);
  bool make_warps(const WfCode *code, uint32_t count);
  void start_warp(uint32_t index, bool canonical);
  void make_canonical(WfWarp *warp);
  uint32_t lanes(uint32_t warp) const;
  int32_t step(WfWarp *warp);
  const WfCode *general();
  bool open_barriers();
  bool open_plain();
  bool open_named();
  void release(WfWarp *warp, uint32_t lanes, uint32_t result);
  bool release_grid();
  void count_with(const WfCode *code);
  void align(uint32_t warps);
  Turn unrunnable();
  void watch(WfWarp *warp);

  Trace own_trace_;
  const WfCode *code_ = nullptr;
  const WfCode *general_ = nullptr;
  uint64_t area_ = 0, area_bytes_ = 0, stack_open_ = 0, shared_ = 0, shared_open_ = 0;
  char *warp_memory_ = nullptr;
  char *warps_at_ = nullptr;
  uint64_t stride_ = 0, warp_room_ = 0;
  uint32_t warp_count_ = 0;
  uint32_t arrivals_[16] = {};  // bar.arrive, by barrier
  // A warp that had to yield, seen at its last few turns: see watch().
  int64_t watched_ = -1;
  uint32_t looks_ = 0;
  uint64_t seen_[8] = {};
  uint32_t stalls_ = 0;         // turns in a row without progress
  bool in_grid_ = false;
  uint64_t grid_generation_ = 0;
};

}  // namespace wf
