// What a thread does in a launch, and the pool of threads that help.

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "warpfive/chip/native/job.h"

namespace wf {
namespace {

constexpr int idle_spins = 400;  // about 20 us before a helper without work sleeps
constexpr uint64_t admit_ns = 1'000'000;  // blocks that get nowhere for this long let others start
constexpr size_t resident_limit = 2048;   // of the whole chip
constexpr uint64_t access_limit = 64;     // bytes: no access of a lane is longer

void pause_cpu() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  asm volatile("yield");
#endif
}

struct Workers {
  std::mutex mutex;
  std::vector<Worker *> idle;
  uint32_t made = 0;
};

Workers &all_workers() {
  static Workers *one = new Workers;
  return *one;
}

}  // namespace

Worker *Worker::acquire() {
  Workers &all = all_workers();
  std::lock_guard lock(all.mutex);
  if (all.idle.empty()) return new Worker(all.made++);
  Worker *one = all.idle.back();
  all.idle.pop_back();
  return one;
}

void Worker::release(Worker *worker) {
  std::lock_guard lock(all_workers().mutex);
  all_workers().idle.push_back(worker);
}

/// A block with room for this launch's; nullptr after fail().
Block *Worker::take_block() {
  if (idle_.empty()) {
    owned_.push_back(std::make_unique<Block>(this));
    idle_.push_back(owned_.back().get());
  }
  Block *block = idle_.back();
  if (!block->fit(job_)) {
    Failure failure;
    failure.fault = Fault::launch_out_of_resources;
    failure.words = "the host has no room for the stacks and shared memory of a block";
    job_->fail(failure);
    return nullptr;
  }
  idle_.pop_back();
  return block;
}

Worker::Counters &Worker::counters(const WfCode *code) {
  for (Counters &one : counters_)
    if (one.code == code) return one;
  counters_.push_back({code, std::make_unique<uint64_t[]>(3 * code->basic_blocks),
                       std::make_unique<SiteTally[]>(code->site_count)});
  return counters_.back();
}

void Worker::settle_counts() {
  for (Counters &one : counters_)
    job_->add_counts(one.code, one.blocks.get(), one.sites.get());
  counters_.clear();
}

// ----------------------------------------------------------------------------------- the work

void Worker::work(Job *job, bool caller) {
  job_ = job;
  caller_ = caller;
  chunk_next_ = chunk_end_ = 0;
  prepare_signals();
  {
    std::lock_guard lock(job->mutex);
    job->workers.push_back(this);
  }
  if (sigsetjmp(trap.jump, 0) == 0) {
    run();
  } else {
    caught_fault();
  }
  set_trap(nullptr);
  {
    std::lock_guard lock(job->mutex);
    std::erase(job->workers, this);
    running = nullptr;
  }
  for (Block *block : resident_) give_back(block);
  resident_.clear();
  settle_counts();
}

void Worker::run() {
  unsigned idle_rounds = 0;
  uint64_t stuck_since = 0;
  while (!job_->stopping.load(std::memory_order_relaxed)) {
    if (resident_.empty()) {
      if (!start_next()) return;
      stuck_since = 0;
      continue;
    }
    if (advance_residents()) {
      idle_rounds = 0;
      stuck_since = 0;
      continue;
    }
    if (job_->must_stop()) return;
    if (!stuck_since) stuck_since = now_ns();
    if (may_admit(now_ns() - stuck_since) && start_next()) {
      if (!job_->launch.cooperative) stuck_since = 0;
    } else {
      relax(idle_rounds++);
    }
  }
}

/// Whether another block should start although those here have not ended: they may wait for it.
bool Worker::may_admit(uint64_t stuck_ns) const {
  if (chunk_next_ >= chunk_end_ && job_->all_taken()) return false;
  size_t threads = settings().threads;
  if (job_->launch.cooperative) {
    size_t share = (job_->blocks + threads - 1) / threads;
    return resident_.size() < share || stuck_ns > admit_ns;
  }
  size_t most = std::max<size_t>(resident_limit / threads, 8);
  return job_->spins() && stuck_ns > admit_ns && resident_.size() < most;
}

/// Lets the others on: the blocks here wait for blocks elsewhere.
void Worker::relax(unsigned idle_rounds) {
  if (idle_rounds < 64) {
    for (int i = 0; i < 16; i++) pause_cpu();
  } else {
    sched_yield();
  }
}

/// Runs the next blocks until they end or have to be set aside. False: none are left.
bool Worker::start_next() {
  if (chunk_next_ >= chunk_end_) {
    uint64_t count;
    if (!job_->take(&chunk_next_, &count)) return false;
    chunk_end_ = chunk_next_ + count;
  }
  uint64_t plain_blocks = 0, plain_ns = 0, now = now_ns();
  size_t residents = resident_.size();
  while (chunk_next_ < chunk_end_ && resident_.size() == residents && !job_->stopping) {
    uint64_t first = chunk_next_, end = first + 1, before = now;
    bool counted = job_->granted(first);
    const WfCode *code = counted ? job_->counting : job_->plain;
    bool whole = code->blocks && settings().engine != Engine::general;
    if (whole) {
      while (!counted && end < chunk_end_ && !job_->sampled(end)) end++;
      run_whole(first, end - first, code);
    } else {
      run_one(first, code);
    }
    now = now_ns();
    job_->spent(now - before, counted);
    if (!counted) {
      plain_blocks += std::max<uint64_t>(chunk_next_ - first, 1);
      plain_ns += now - before;
    }
    if (!whole) break;
  }
  if (plain_blocks) job_->learn(plain_blocks, plain_ns);
  return true;
}

/// A block turn by turn.
void Worker::run_one(uint64_t index, const WfCode *code) {
  Block *block = take_block();
  if (!block) return;
  block->begin(index, code);
  chunk_next_++;
  run_stepped(block);
}

/// Blocks [first, first + count) through the code's own loop.
void Worker::run_whole(uint64_t first, uint64_t count, const WfCode *code) {
  Block *block = take_block();
  if (!block) return;
  block->use(code, first);
  running = block;
  set_trap(&trap);
  uint64_t ended = code->blocks(block->ctx, block->scratch(), first, count);
  set_trap(nullptr);
  chunk_next_ = first + ended;
  job_->finished.fetch_add(ended, std::memory_order_relaxed);
  if (ended == count) {
    if (block->trace) job_->add_trace(*block);
    return give_back(block);
  }
  chunk_next_++;
  switch (block->scratch()->status) {
    case WF_YIELD:
      block->adopt(first + ended, code);
      return run_stepped(block);
    case WF_TRAP:
      job_->fail(describe_trap(*block));
      break;
    default:
      job_->must_stop();
  }
  give_back(block);
}

/// Turns of one block until it ends or gets nowhere; then it stays as a resident.
void Worker::run_stepped(Block *block) {
  running = block;
  Turn turn;
  do {
    turn = block->turn();
  } while (turn == Turn::progress && !job_->stopping.load(std::memory_order_relaxed));
  if (!settle(block, turn)) resident_.push_back(block);
}

/// Whether the block is over, and what that means for the launch.
bool Worker::settle(Block *block, Turn turn) {
  if (turn == Turn::done) {
    if (block->trace) job_->add_trace(*block);
    job_->finished.fetch_add(1, std::memory_order_relaxed);
    job_->grid.leave();
  } else if (turn == Turn::failed) {
    job_->fail(describe_trap(*block));
  } else if (turn == Turn::stopped) {
    job_->must_stop();
  } else {
    return false;
  }
  give_back(block);
  return true;
}

bool Worker::advance_residents() {
  bool moved = false;
  for (size_t i = 0; i < resident_.size() && !job_->stopping;) {
    Block *block = resident_[i];
    running = block;
    Turn turn = block->turn();
    moved |= turn == Turn::progress || turn == Turn::done;
    if (settle(block, turn)) {
      resident_.erase(resident_.begin() + static_cast<ptrdiff_t>(i));
    } else {
      i++;
    }
  }
  return moved;
}

// -------------------------------------------------------------------------------------- faults

Failure Worker::describe_trap(const Block &block) const {
  Failure failure;
  const WfCtx &ctx = *block.ctx;
  failure.block = ctx.block_index;
  failure.warp = ctx.warp_index;
  if (block.stuck) {
    failure.fault = Fault::launch_failure;
    failure.words = block.stuck;
    return failure;
  }
  switch (ctx.trap_code) {
    case WF_TRAP_ASSERT: failure.fault = Fault::assert_failed; break;
    case WF_TRAP_ILLEGAL_INSTR: failure.fault = Fault::illegal_instruction; break;
    case WF_TRAP_MISALIGNED: failure.fault = Fault::misaligned_address; break;
    case WF_TRAP_STACK: failure.fault = Fault::stack_overflow; break;
    case WF_TRAP_BAD_PC: failure.fault = Fault::invalid_pc; break;
    case WF_TRAP_BAD_ADDRESS: failure.fault = Fault::illegal_address; break;
    default: failure.fault = Fault::launch_failure;
  }
  failure.lanes = ctx.trap_lanes;
  failure.pc = ctx.trap_pc;
  failure.has_pc = true;
  failure.address = ctx.trap_addr;
  failure.has_address = ctx.trap_addr != 0;
  return failure;
}

/// Whether the host lets this process read the byte: a pipe takes it or refuses.
static bool readable(uint64_t address) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC)) return true;
  bool taken = write(ends[1], reinterpret_cast<const void *>(address), 1) == 1;
  close(ends[0]);
  close(ends[1]);
  return taken;
}

/// What a signal in translated code means. Exact for precise code.
Failure Worker::describe_fault() {
  Failure failure;
  const Block &block = *running.load();
  const WfCtx &ctx = *block.ctx;
  failure.memory = true;
  failure.block = ctx.block_index;
  failure.warp = ctx.warp_index;
  failure.address = trap.address;
  failure.has_address = trap.address != 0;
  failure.fault = trap.signal == SIGILL || trap.signal == SIGFPE ? Fault::launch_failure
                  : block.in_stack_guard(trap.address)           ? Fault::stack_overflow
                                                                 : Fault::illegal_address;
  if (!ctx.access_mask) return failure;
  failure.pc = ctx.access_pc;
  failure.has_pc = true;
  uint64_t nearest = access_limit;
  uint32_t unreadable = 0;
  for (uint32_t lane = 0; lane < WF_LANES; lane++) {
    if (!(ctx.access_mask >> lane & 1)) continue;
    // The host names a byte that faulted, not the first lane's; or nothing at all.
    uint64_t at = ctx.access_addr[lane], distance = trap.address - at;
    if (!readable(at)) unreadable |= 1u << lane;
    if (!trap.address || distance > nearest) continue;
    if (distance < nearest) failure.lanes = 0;
    nearest = distance;
    failure.lanes |= 1u << lane;
  }
  if (unreadable) failure.lanes = unreadable;
  if (!failure.lanes) failure.lanes = ctx.access_mask;
  failure.address = ctx.access_addr[__builtin_ctz(failure.lanes)];
  failure.has_address = true;
  return failure;
}

void Worker::caught_fault() {
  job_->fail(describe_fault());
  if (Block *block = running.load(); block && std::find(resident_.begin(), resident_.end(),
                                                        block) == resident_.end())
    give_back(block);
}

void Worker::replay(Job *job, uint64_t index, const WfCode *code, Failure *found) {
  job_ = job;
  resident_.clear();
  Block *block = take_block();
  if (!block) return;
  running = block;
  bool whole = !code->fast && !code->general;
  if (whole) block->use(code, index);
  else block->begin(index, code);
  if (sigsetjmp(trap.jump, 0) == 0) {
    Turn turn = Turn::progress;
    if (whole) {
      set_trap(&trap);
      uint64_t ended = code->blocks(block->ctx, block->scratch(), index, 1);
      set_trap(nullptr);
      turn = ended ? Turn::done : Turn::failed;
    }
    while (turn == Turn::progress || turn == Turn::stalled) {
      turn = block->turn();
      if (job->must_stop()) turn = Turn::stopped;
    }
    if (turn == Turn::failed && !block->stuck) *found = describe_trap(*block);
  } else {
    *found = describe_fault();
  }
  set_trap(nullptr);
  running = nullptr;
  give_back(block);
}

// ---------------------------------------------------------------------------------------- pool

Pool &Pool::one() {
  static std::atomic<Pool *> pool{nullptr};
  static std::once_flag once;
  std::call_once(once, [] {
    pool = new Pool;
    // A fork's child has none of the threads: it begins with a pool of its own.
    pthread_atfork(nullptr, nullptr, [] { pool = new Pool; });
  });
  return *pool;
}

void Pool::offer(Job *job) {
  std::lock_guard lock(mutex_);
  if (!threads_) start_threads();
  job->offered = true;
  jobs_.push_back(job);
  offers_.fetch_add(1, std::memory_order_release);
  uint64_t helpers = std::min<uint64_t>(threads_, job->blocks - 1);
  if (helpers >= threads_) return wake_.notify_all();
  for (uint64_t i = 0; i < helpers; i++) wake_.notify_one();
}

void Pool::retire(Job *job) {
  if (!job->offered) return;
  std::unique_lock lock(mutex_);
  std::erase(jobs_, job);
  lock.unlock();
  for (int i = 0; i < idle_spins && job->users; i++) pause_cpu();
  lock.lock();
  done_.wait(lock, [job] { return job->users == 0; });
}

void Pool::start_threads() {
  threads_ = settings().threads - 1;
  sigset_t all, before;
  sigfillset(&all);  // signals of the program are for its own threads
  for (int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL}) sigdelset(&all, fault);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  for (unsigned i = 0; i < threads_; i++) std::thread([this] { serve(); }).detach();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Job *Pool::find_work() {
  for (Job *job : jobs_)
    if (!job->all_taken() && !job->stopping) return job;
  return nullptr;
}

void Pool::serve() {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (Job *job = find_work()) {
      job->users++;
      lock.unlock();
      Worker *worker = Worker::acquire();
      worker->work(job, false);
      Worker::release(worker);
      lock.lock();
      if (--job->users == 0) done_.notify_all();
      continue;
    }
    uint64_t seen = offers_.load(std::memory_order_relaxed);
    lock.unlock();
    for (int i = 0; i < idle_spins && offers_.load(std::memory_order_acquire) == seen; i++)
      pause_cpu();
    lock.lock();
    if (offers_.load(std::memory_order_relaxed) == seen) wake_.wait(lock);
  }
}

}  // namespace wf
