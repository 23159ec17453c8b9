// A launch: its code, its blocks, its end.

#include "warpfive/chip/native/job.h"

#include <algorithm>

namespace wf {
namespace {

constexpr uint64_t chunk_ns = 20'000;        // blocks are taken in portions of about this time
constexpr uint64_t help_ns = 60'000;         // the rest is worth waking others from here on
constexpr uint64_t waiting_patience_ns = 200'000, longest_patience_ns = 30'000'000'000;
constexpr uint64_t most_chunk = 1 << 16;
constexpr uint64_t sample_blocks = 64;       // counted blocks of a big grid, about

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

void Job::limit(double seconds) {
  deadline_ns_ = std::min(deadline_ns_, now_ns() + static_cast<uint64_t>(seconds * 1e9));
}

bool Job::load_code(std::string *why) {
  bool general = settings().engine == Engine::general;
  plain = translated(kernel, launch.block, general ? "general" : "plain", why);
  if (!plain && !general) plain = translated(kernel, launch.block, "general", why);
  if (!plain) return false;
  counting = plain;
  if (!settings().counting) return true;
  std::string ignored;
  const WfCode *counts =
      translated(kernel, launch.block, general ? "general-count" : "count", &ignored);
  if (!counts) return true;
  counting = counts;
  sample_stride = settings().exact ? 1 : std::max<uint64_t>(blocks / sample_blocks, 1);
  return true;
}

bool Job::sampled(uint64_t block) const {
  if (counting == plain) return false;
  // One block in every stride, at a place that moves, lest a pattern of the grid is in step.
  uint64_t row = block / sample_stride;
  return block % sample_stride == row * 7919 % sample_stride;
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

void Job::add_counts(const WfCode *code, const uint64_t *counters) {
  uint64_t instructions = 0, lanes = 0;
  for (uint32_t i = 0; i < code->basic_blocks; i++) {
    instructions += counters[2 * i] * code->block_instructions[i];
    lanes += counters[2 * i + 1] * code->block_instructions[i];
  }
  std::lock_guard lock(mutex);
  warp_instructions += instructions;
  lane_instructions += lanes;
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
