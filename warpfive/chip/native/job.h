// One launch being run, and the threads that run it.
#pragma once

#include <condition_variable>

#include "warpfive/chip/native/block.h"

namespace wf {

/// What stopped a launch.
struct Failure {
  Fault fault = Fault::none;
  uint64_t block = 0;
  uint32_t warp = 0;
  uint32_t lanes = 0;      // 0: not known
  uint64_t address = 0;    // of the access, for memory faults
  bool has_address = false;
  uint64_t pc = 0;         // offset in the image
  bool has_pc = false;
  bool memory = false;     // a signal: running it again precisely says more
  std::string words;       // replaces the fault's usual words
};

/// Barrier over all blocks of a cooperative launch.
class GridBarrier {
 public:
  void begin(uint64_t blocks);
  /// A block's threads have all arrived. Gives the generation to wait for the end of.
  uint64_t arrive();
  /// A block has exited: it counts as arrived from now on.
  void leave();
  uint64_t generation() const { return generation_.load(std::memory_order_acquire); }

 private:
  void open_if_full();
  std::mutex mutex_;
  uint64_t blocks_ = 0, arrived_ = 0, left_ = 0;
  std::atomic<uint64_t> generation_{0};
};

class Job {
 public:
  Job(const Launch &launch, uint64_t args);

  /// Loads the code. Says why not in `why`.
  bool load_code(std::string *why);
  /// Whether the launch is to end early. Looks at the clock and the stop requests.
  bool must_stop();
  void fail(const Failure &failure);
  /// Lets idle workers join, once there is reason to.
  void call_help();
  /// The next blocks for a worker; false when all are taken.
  bool take(uint64_t *first, uint64_t *count);
  bool all_taken() const { return next_.load(std::memory_order_relaxed) >= blocks; }
  /// Whether a block is in the sample that may be counted.
  bool sampled(uint64_t block) const;
  /// Whether it is to be counted: in the sample, and counting has not cost too much so far.
  bool granted(uint64_t block);
  /// General code that goes on where `code` stopped. nullptr after fail().
  const WfCode *general_for(const WfCode *code);
  void add_counts(const WfCode *code, const uint64_t *counters, const SiteTally *sites);
  void begin_trace(Trace *trace, uint64_t block) const;
  /// A counted block has ended.
  void add_trace(const Block &block);
  /// Host time that a worker spent on blocks, counted ones or others.
  void spent(uint64_t nanoseconds, bool counted);
  /// What was counted, at the launch's end.
  RawCounts take_counts();
  void learn(uint64_t blocks_run, uint64_t spent_ns);
  /// Whether others should join before anything has run.
  bool worth_help() const;
  /// A warp that had to yield was waiting for others, or was just computing.
  void learn_waits(bool waited);
  /// Whether a warp that runs long might be waiting for something that can run.
  bool may_wait() const { return spins() && threads * blocks > 1; }
  /// Ends the launch this long from now at the latest.
  void limit(double seconds);
  bool spins() const { return plain->flags & WF_CODE_SPINS; }
  /// The kernel begins.
  void start_clock(double rate);
  /// The chip's clock as the kernel reads it: it runs at the pace of earlier launches.
  uint64_t clock_ns();
  /// When the kernel last read it, if it read it so often that it must wait for it; else 0.
  uint64_t clock_waited_ns() const;

  const Launch &launch;
  const Kernel &kernel;
  uint64_t args;
  uint64_t blocks;
  uint32_t threads, warps;
  uint64_t stack_bytes;          // per thread
  uint64_t dynamic_offset;       // of dynamic shared memory from the start of shared memory
  uint64_t grid_id;
  const WfCode *plain = nullptr;
  const WfCode *counting = nullptr;
  uint64_t sample_stride = 1;    // of each so many blocks `group` neighbours are in the sample
  uint64_t group = 1;
  uint64_t sample_seed = 0;
  bool unknown = false;          // nothing was counted yet of this kernel and shape
  GridBarrier grid;
  std::atomic<uint64_t> finished{0};
  std::atomic<int32_t> stopping{0};

  std::mutex mutex;              // guards what follows
  std::vector<Worker *> workers;
  Failure failure;
  RawCounts counts;
  std::vector<Trace> traces;
  HotAddresses hot[2];

  bool offered = false;             // the pool's
  std::atomic<unsigned> users{0};   // the pool's: helpers at work

 private:
  uint64_t chunk(uint64_t first) const;

  std::atomic<uint64_t> next_{0};
  std::atomic<bool> helped_{false};
  std::atomic<uint64_t> block_ps_{0};
  std::atomic<uint64_t> busy_ns_{0}, counted_ns_{0};
  static constexpr uint64_t most_groups = 64;
  std::atomic<uint8_t> grants_[most_groups] = {};  // by group: 0 not asked, 1 yes, 2 no
  uint64_t deadline_ns_;
  uint64_t stop_epoch_;
  double clock_rate_ = 1;
  std::atomic<uint64_t> clock_seen_{0};    // host time of the latest read
  std::atomic<uint64_t> clock_passed_{0};  // since the kernel began, at the host's pace
  std::atomic<uint64_t> clock_reads_{0}, clock_last_{0};
};

/// A thread's part in a launch: the blocks it holds. Workers are kept and used again.
class Worker {
 public:
  explicit Worker(uint32_t index) : index(index) {}
  static Worker *acquire();
  static void release(Worker *worker);

  /// Takes part until no block is left for this thread. `caller`: the launch's own thread, which
  /// calls for help when the rest looks long.
  void work(Job *job, bool caller);
  /// Runs one block alone, to its end or fault. For finding out more about a fault.
  void replay(Job *job, uint64_t block, const WfCode *code, Failure *found);

  /// Takes blocks for this job from now on.
  void join(Job *job) { job_ = job; }
  Block *take_block();
  void give_back(Block *block) { idle_.push_back(block); }

  /// Counts of one object of code: by basic block, and of its accesses.
  struct Counters {
    const WfCode *code;
    std::unique_ptr<uint64_t[]> blocks;
    std::unique_ptr<SiteTally[]> sites;
  };
  Counters &counters(const WfCode *code);

  const uint32_t index;
  std::atomic<Block *> running{nullptr};
  FaultTrap trap;

 private:
  void run();
  bool start_next();
  void run_whole(uint64_t first, uint64_t count, const WfCode *code);
  void run_one(uint64_t index, const WfCode *code);
  void run_stepped(Block *block);
  bool settle(Block *block, Turn turn);
  bool advance_residents();
  bool may_admit(uint64_t stuck_ns) const;
  void relax(unsigned idle_rounds);
  void caught_fault();
  Failure describe_fault();
  Failure describe_trap(const Block &block) const;
  void settle_counts();

  Job *job_ = nullptr;
  bool caller_ = false;
  uint64_t chunk_next_ = 0, chunk_end_ = 0;
  std::vector<std::unique_ptr<Block>> owned_;
  std::vector<Block *> idle_, resident_;
  std::vector<Counters> counters_;
};

/// The threads that help with launches.
class Pool {
 public:
  static Pool &one();
  void offer(Job *job);
  /// Takes the job back: when it returns, no worker touches the job any more.
  void retire(Job *job);

 private:
  void start_threads();
  void serve();
  Job *find_work();

  std::mutex mutex_;
  std::condition_variable wake_, done_;
  std::vector<Job *> jobs_;
  std::atomic<uint64_t> offers_{0};
  unsigned threads_ = 0;
};

/// One sentence about what ended the launch: what, where, and the source line if it is known.
std::string describe(const Job &job, const Failure &failure);

/// Runs a whole launch on the reference engine.
void interpret(Job *job, Worker *worker);

int32_t poll(WfCtx *ctx);

// capture.cpp: what counting code calls
void capture_access(WfCtx *ctx, uint32_t site, uint32_t mask);
void capture_one(WfCtx *ctx, uint32_t site, uint32_t mask, uint64_t address);
void capture_warp_end(WfCtx *ctx);

}  // namespace wf
