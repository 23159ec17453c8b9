// A launch: its code, its blocks, its end.

#include "warpfive/chip/native/job.h"

#include <algorithm>
#include <cmath>

#include "warpfive/chip/native/clock.h"

namespace wf {
namespace {

constexpr uint64_t chunk_ns = 20'000;        // blocks are taken in portions of about this time
constexpr uint64_t help_ns = 60'000;         // the rest is worth waking others from here on
constexpr uint64_t waiting_patience_ns = 200'000, longest_patience_ns = 30'000'000'000;
constexpr uint64_t most_chunk = 1 << 16;
constexpr uint64_t group_blocks = 4;         // neighbours that are counted together
constexpr uint64_t sample_groups = 16;       // of a big grid
// Counting may take so long for a kernel, and then a share of the time of all its blocks.
constexpr uint64_t count_grace_ns = 1'000'000, count_share = 8;
constexpr uint64_t shapes_grace_ns = 20'000'000;  // and a kernel of many shapes, each seen once
constexpr size_t block_accesses = 2048, exact_accesses = 1 << 20;

constexpr uint64_t clock_step_ns = 20'000;   // most that passes between two reads of such a warp
constexpr uint64_t clock_wait_reads = 256;   // of a warp, from which on it waits for the clock

std::atomic<uint64_t> stop_requests{0};
std::atomic<uint64_t> launches{0};

uint64_t volume(const uint32_t shape[3]) {
  return uint64_t{shape[0]} * shape[1] * shape[2];
}

/// Stack bytes of one thread. An odd multiple of 64, so that lanes use all sets of a cache.
uint64_t thread_stack(const Launch &launch) {
  // Frames of 64-bit code are larger than those the limit was meant for.
  uint64_t need = launch.kernel->stack_bytes
                      ? launch.kernel->stack_bytes
                      : std::max<uint64_t>(4 * launch.stack_limit_bytes, 16 << 10);
  uint64_t lines = round_up(need, 64) / 64;
  return (lines | 1) * 64;
}

}  // namespace

void stop_launches() { stop_requests.fetch_add(1, std::memory_order_relaxed); }

// ------------------------------------------------------------------------------- grid barrier

void GridBarrier::begin(uint64_t blocks) { blocks_ = blocks; }

uint64_t GridBarrier::arrive() {
  std::lock_guard lock(mutex_);
  uint64_t now = generation_.load(std::memory_order_relaxed);
  arrived_++;
  open_if_full();
  return now;
}

void GridBarrier::leave() {
  std::lock_guard lock(mutex_);
  left_++;
  open_if_full();
}

void GridBarrier::open_if_full() {
  if (!arrived_ || arrived_ + left_ < blocks_) return;
  arrived_ = 0;
  generation_.fetch_add(1, std::memory_order_release);
}

// ---------------------------------------------------------------------------------------- job

Job::Job(const Launch &launch, uint64_t args)
    : launch(launch),
      kernel(*launch.kernel),
      args(args),
      blocks(volume(launch.grid)),
      threads(static_cast<uint32_t>(volume(launch.block))),
      warps((threads + WF_LANES - 1) / WF_LANES),
      stack_bytes(thread_stack(launch)),
      dynamic_offset(round_up(launch.kernel->static_shared_bytes, 16)),
      grid_id(launches.fetch_add(1, std::memory_order_relaxed)),
      stop_epoch_(stop_requests.load(std::memory_order_relaxed)) {
  double limit = settings().kernel_timeout_s;
  deadline_ns_ = limit > 0 ? now_ns() + static_cast<uint64_t>(limit * 1e9) : UINT64_MAX;
  block_ps_ = typical_block_ps(kernel);
  grid.begin(blocks);
}

void Job::start_clock(double rate) {
  clock_seen_ = now_ns();
  clock_rate_ = rate;
}

uint64_t Job::clock_ns() {
  uint64_t host = now_ns(), before = clock_seen_.exchange(host, std::memory_order_relaxed);
  uint64_t step = host > before ? host - before : 0;
  // Who waits for the clock does not see that the host did something else meanwhile.
  if (clock_reads_.fetch_add(1, std::memory_order_relaxed) > clock_wait_reads * warps * blocks)
    step = std::min(step, clock_step_ns);
  uint64_t passed = clock_passed_.fetch_add(step, std::memory_order_relaxed) + step;
  uint64_t now = launch.start_ns +
                 static_cast<uint64_t>(static_cast<double>(passed) * clock_rate_);
  if (clock_last_.load(std::memory_order_relaxed) < now)
    clock_last_.store(now, std::memory_order_relaxed);
  return now;
}

uint64_t Job::clock_waited_ns() const {
  uint64_t reads = clock_reads_.load(std::memory_order_relaxed);
  return reads > clock_wait_reads * warps * blocks ? clock_last_.load() : 0;
}

void Job::limit(double seconds) {
  deadline_ns_ = std::min(deadline_ns_, now_ns() + static_cast<uint64_t>(seconds * 1e9));
}

bool Job::load_code(std::string *why) {
  bool general = settings().engine == Engine::general;
  plain = translated(kernel, launch.block, general ? "general" : "plain", why);
  if (!plain && !general) plain = translated(kernel, launch.block, "general", why);
  if (!plain) return false;
  counting = plain;
  if (!settings().counting && !launch.count) return true;
  std::string ignored;
  const WfCode *counts =
      translated(kernel, launch.block, general ? "general-count" : "count", &ignored);
  if (!counts) return true;
  counting = counts;
  group = group_blocks;
  unknown = !counted_before(launch);
  sample_seed = counting_time(kernel).launches++;
  sample_stride = group;
  if (!settings().exact)
    sample_stride = round_up((blocks + sample_groups - 1) / sample_groups, group);
  return true;
}

bool Job::sampled(uint64_t block) const {
  if (counting == plain) return false;
  // At places that move, lest a pattern of the grid is in step, and others in the next launch.
  uint64_t row = block / sample_stride, places = sample_stride / group;
  uint64_t place = Trace::hash(row + sample_seed * most_groups) % places;
  return block % sample_stride / group == place;
}

bool Job::granted(uint64_t block) {
  if (!sampled(block)) return false;
  if (settings().exact) return true;
  std::atomic<uint8_t> &grant = grants_[block / sample_stride % most_groups];
  if (uint8_t known = grant.load(std::memory_order_relaxed)) return known == 1;
  CountingTime &before = counting_time(kernel);
  uint64_t busy = before.busy_ns + busy_ns_, counted = before.counted_ns + counted_ns_;
  bool first = unknown && !counted_ns_ && counted <= shapes_grace_ns;
  uint8_t fresh = first || counted <= count_grace_ns + busy / count_share ? 1 : 2, none = 0;
  return (grant.compare_exchange_strong(none, fresh) ? fresh : none) == 1;
}

void Job::spent(uint64_t nanoseconds, bool counted) {
  busy_ns_.fetch_add(nanoseconds, std::memory_order_relaxed);
  if (counted) counted_ns_.fetch_add(nanoseconds, std::memory_order_relaxed);
}

void Job::begin_trace(Trace *trace, uint64_t block) const {
  size_t most = block_accesses;
  if (settings().exact) most = std::max<size_t>(exact_accesses / blocks, 64);
  trace->begin(block, warps, most);
  trace->windowed = !settings().exact;
  trace->phase = Trace::hash(block / group) % Windows::period;
}

void Job::add_trace(const Block &block) {
  uint64_t start = now_ns();
  Trace trace = *block.trace;
  for (uint64_t one : trace.progress) trace.path = std::max(trace.path, one);
  trace.progress = {};
  RawCounts own;
  settle_block(trace, &own);
  // Looking at it again together with its neighbours takes about as long.
  counted_ns_.fetch_add(2 * (now_ns() - start), std::memory_order_relaxed);
  std::lock_guard lock(mutex);
  counts.add(own);
  for (int i = 0; i < 2; i++) hot[i].add(block.hot[i]);
  traces.push_back(std::move(trace));
}

RawCounts Job::take_counts() {
  CountingTime &time = counting_time(kernel);
  time.busy_ns += busy_ns_;
  time.counted_ns += counted_ns_;
  for (int i = 0; i < 2; i++) {
    if (!hot[i].total) continue;
    auto most = static_cast<double>(hot[i].most());
    // Of a sample, what chance alone may have put on one address does not count.
    if (traces.size() < blocks) most = std::max(0.0, most - 2 * std::sqrt(most));
    counts.hottest[i] += most / static_cast<double>(hot[i].total);
  }
  settle_traces(&traces, {.blocks = blocks, .group = group}, &counts);
  return std::move(counts);
}

const WfCode *Job::general_for(const WfCode *code) {
  const char *variant = code->flags & WF_CODE_COUNTS    ? "general-count"
                        : code->flags & WF_CODE_PRECISE ? "precise"
                                                        : "general";
  std::string why;
  const WfCode *found = translated(kernel, launch.block, variant, &why);
  if (found && found->general) return found;
  Failure failure;
  failure.fault = Fault::no_kernel_image;
  failure.words = "the kernel needs general code, which the translator refused: " + why;
  fail(failure);
  return nullptr;
}

bool Job::must_stop() {
  if (stopping.load(std::memory_order_relaxed)) return true;
  bool asked = stop_requests.load(std::memory_order_relaxed) != stop_epoch_ ||
               (launch.cancel && launch.cancel->load(std::memory_order_relaxed));
  bool late = deadline_ns_ != UINT64_MAX && now_ns() > deadline_ns_;
  if (asked || late) {
    Failure failure;
    failure.fault = Fault::launch_timeout;
    failure.words = asked ? "stopped" : "stopped at --kernel-timeout";
    fail(failure);
  }
  return asked || late;
}

void Job::fail(const Failure &what) {
  std::lock_guard lock(mutex);
  if (failure.fault == Fault::none) failure = what;
  stopping = 1;
  for (Worker *one : workers)
    if (Block *block = one->running.load()) block->ctx->stop = 1;
}

uint64_t Job::chunk(uint64_t first) const {
  uint64_t typical = block_ps_.load(std::memory_order_relaxed);
  if (!typical || launch.cooperative) return 1;
  uint64_t least = std::clamp<uint64_t>(chunk_ns * 1000 / typical, 1, most_chunk);
  // A block that waits for earlier ones must not sit long behind those of another's portion.
  if (spins()) return std::min<uint64_t>(least, 64);
  uint64_t share = (blocks - first) / (settings().threads * 4);
  return std::clamp<uint64_t>(share, least, most_chunk);
}

bool Job::take(uint64_t *first, uint64_t *count) {
  uint64_t at = next_.load(std::memory_order_relaxed), portion;
  do {
    if (at >= blocks) return false;
    portion = std::min(chunk(at), blocks - at);
  } while (!next_.compare_exchange_weak(at, at + portion, std::memory_order_relaxed));
  *first = at;
  *count = portion;
  return true;
}

/// Keeps the typical time of a block up to date, and wakes others when the rest looks long.
void Job::learn(uint64_t blocks_run, uint64_t spent_ns) {
  uint64_t here = std::max<uint64_t>(spent_ns * 1000 / blocks_run, 1);
  uint64_t before = block_ps_.load(std::memory_order_relaxed);
  uint64_t typical = before ? (before + here) / 2 : here;
  block_ps_.store(typical, std::memory_order_relaxed);
  set_typical_block_ps(kernel, typical);
  uint64_t left = blocks - std::min(blocks, next_.load(std::memory_order_relaxed));
  if (left * typical > help_ns * 1000) call_help();
}

bool Job::worth_help() const {
  return launch.cooperative || blocks * block_ps_.load(std::memory_order_relaxed) > help_ns * 1000;
}

void Job::call_help() {
  if (helped_.load(std::memory_order_relaxed) || blocks == 1) return;
  if (!helped_.exchange(true) && settings().threads > 1) Pool::one().offer(this);
}

void Job::add_counts(const WfCode *code, const uint64_t *counters, const SiteTally *sites) {
  std::lock_guard lock(mutex);
  counts.add(code, counters, sites);
}

void Job::learn_waits(bool waited) {
  // Wrong guesses cost time only: a warp that computes does so in slower code from here on, one
  // that waits does so longer.
  uint64_t before = wf::patience_ns(kernel);
  set_patience_ns(kernel, waited ? waiting_patience_ns : std::min(before * 4, longest_patience_ns));
}

/// Called by translated code, and the general code's way to give up its turn.
int32_t poll(WfCtx *ctx) {
  auto *block = static_cast<Block *>(ctx->scheduler);
  Job *job = block->job;
  if (job->must_stop()) return 2;
  if (block->general_now) return 1;
  job->call_help();
  if (!job->may_wait()) return 0;
  uint64_t now = now_ns();
  if (!block->patience_start_ns || block->patience_block != ctx->block_index ||
      block->patience_warp != ctx->warp_index) {
    block->patience_start_ns = now;
    block->patience_block = ctx->block_index;
    block->patience_warp = ctx->warp_index;
    return 0;
  }
  return now - block->patience_start_ns > patience_ns(job->kernel);
}

}  // namespace wf
