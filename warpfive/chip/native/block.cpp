// One resident block: memory, warps, barriers.

#include "warpfive/chip/native/block.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "warpfive/chip/native/clock.h"
#include "warpfive/chip/native/job.h"

namespace wf {
namespace {

constexpr uint64_t gap_bytes = 128 << 10;           // closed, between stacks and shared memory
constexpr uint64_t shared_window_bytes = 256 << 10; // room for the chip's 228 KB
constexpr uint64_t least_stack_bytes = 512 << 10;   // then an area is one unit of the range
// A turn of general code is short: lanes that spin on one another only move on between turns.
constexpr uint32_t fast_budget = 1 << 16, general_budget = 1 << 12, stalled_budget = 1 << 7;
constexpr uint32_t looks = 64;  // turns of a warp that tell whether it waits or computes

uint64_t clock_ns(WfCtx *ctx) { return static_cast<Block *>(ctx->scheduler)->job->clock_ns(); }
uint64_t clock_cycles(WfCtx *ctx) {
  return static_cast<uint64_t>(static_cast<double>(clock_ns(ctx)) * figures().clock_hz * 1e-9);
}

uint32_t waiting(const WfWarp *warp) { return warp->parked & ~warp->released; }

/// A hash of what the warp would go on from.
uint64_t fingerprint(const WfWarp *warp) {
  uint64_t hash = warp->live ^ uint64_t{warp->blocked} << 32;
  auto mix = [&hash](const uint64_t *words, size_t count) {
    for (size_t i = 0; i < count; i++) hash = (hash ^ words[i]) * 0x9e3779b97f4a7c15 + (hash >> 29);
  };
  mix(warp->pc, WF_LANES);
  mix(warp->x[0], 32 * WF_LANES);
  mix(warp->f[0], 32 * WF_LANES);
  return hash;
}

/// Lanes that can run now.
uint32_t runnable(const WfWarp *warp) { return warp->live & ~waiting(warp); }

}  // namespace

Block::Block(Worker *worker) : worker(worker) {
  ctx = static_cast<WfCtx *>(aligned_alloc(64, sizeof(WfCtx)));
  memset(ctx, 0, sizeof *ctx);
  ctx->clock64 = clock_cycles;
  ctx->globaltimer = clock_ns;
  ctx->poll = poll;
  ctx->access = capture_access;
  ctx->access_one = capture_one;
  ctx->warp_end = capture_warp_end;
  ctx->scheduler = this;
}

Block::~Block() {
  free(ctx);
  free(warp_memory_);
  if (area_) memory::release_area(area_, area_bytes_);
}

WfWarp *Block::warp(uint32_t index) {
  return reinterpret_cast<WfWarp *>(warps_at_ + index * stride_);
}

// ------------------------------------------------------------------------------------- memory

bool Block::in_stack_guard(uint64_t address) const {
  return address < ctx->stack && address >= ctx->stack - stack_guard_bytes;
}

bool Block::make_area(uint64_t stack_total) {
  if (area_ && stack_total <= stack_open_) return true;
  if (area_) memory::release_area(area_, area_bytes_);
  stack_open_ = round_up(std::max(stack_total, least_stack_bytes), page_bytes);
  area_bytes_ = stack_guard_bytes + stack_open_ + gap_bytes + shared_window_bytes + gap_bytes;
  area_ = memory::reserve_area(area_bytes_);
  if (!area_) return false;
  shared_ = area_ + stack_guard_bytes + stack_open_ + gap_bytes;
  shared_open_ = 0;
  return memory::protect(area_ + stack_guard_bytes, stack_open_, true);
}

/// Opens just the pages of shared memory that the launch has.
bool Block::open_shared(uint64_t bytes) {
  bytes = round_up(bytes, page_bytes);
  if (bytes == shared_open_) return true;
  bool opens = bytes > shared_open_;
  uint64_t low = opens ? shared_open_ : bytes, high = opens ? bytes : shared_open_;
  shared_open_ = bytes;
  return memory::protect(shared_ + low, high - low, opens);
}

/// Room for `count` warps that `code` runs, one after another. Keeps what scratch() holds.
bool Block::make_warps(const WfCode *code, uint32_t count) {
  stride_ = round_up(offsetof(WfWarp, fast_state) + code->fast_state_bytes, 64);
  uint64_t bytes = stride_ * count + 64;
  if (bytes <= warp_room_) return true;
  char *fresh = static_cast<char *>(aligned_alloc(64, round_up(bytes, 64)));
  if (!fresh) return false;
  memset(fresh, 0, bytes);
  if (warps_at_) memcpy(fresh + 16, warps_at_, std::min(bytes, warp_room_) - 64);
  free(warp_memory_);
  warp_memory_ = fresh;
  warps_at_ = fresh + 16;  // so that fast_state, x and f begin at multiples of 64
  warp_room_ = bytes;
  return true;
}

bool Block::fit(Job *next) {
  job = next;
  warp_count_ = job->warps;
  uint64_t shared = job->dynamic_offset + job->launch.dynamic_shared_bytes;
  if (!make_area(job->stack_bytes * job->threads) || !open_shared(shared)) return false;
  const Launch &launch = job->launch;
  ctx->module_base = job->kernel.image->base;
  ctx->image_bytes = static_cast<uint32_t>(job->kernel.image->bytes);
  ctx->args = job->args;
  ctx->shared = shared_;
  ctx->static_shared_bytes = job->kernel.static_shared_bytes;
  ctx->dyn_shared = shared_ + job->dynamic_offset;
  ctx->dyn_shared_bytes = static_cast<uint32_t>(launch.dynamic_shared_bytes);
  ctx->stack = area_ + stack_guard_bytes;
  ctx->stack_bytes = job->stack_bytes;
  ctx->runtime_area = launch.runtime_area;
  memcpy(ctx->grid, launch.grid, sizeof ctx->grid);
  memcpy(ctx->block, launch.block, sizeof ctx->block);
  ctx->nsm = static_cast<uint32_t>(chip().compute_units);
  ctx->smid = worker->index % ctx->nsm;
  ctx->stop = job->stopping;
  ctx->grid_id = job->grid_id;
  ctx->trap_code = WF_TRAP_NONE;
  ctx->trap_lanes = 0;
  ctx->access_mask = 0;
  patience_start_ns = 0;
  in_grid_ = false;
  stuck = nullptr;
  general_ = nullptr;
  watched_ = -1;
  stalls_ = 0;
  return true;
}

// -------------------------------------------------------------------------------------- start

void Block::place(uint64_t index) {
  uint64_t row = index / ctx->grid[0];
  ctx->block_index = index;
  ctx->ctaid[0] = static_cast<uint32_t>(index % ctx->grid[0]);
  ctx->ctaid[1] = static_cast<uint32_t>(row % ctx->grid[1]);
  ctx->ctaid[2] = static_cast<uint32_t>(row / ctx->grid[1]);
}

uint32_t Block::lanes(uint32_t warp) const {
  uint32_t left = job->threads - warp * WF_LANES;
  return left >= WF_LANES ? 0xffffffffu : (1u << left) - 1;
}

/// Registers as the ABI gives them to a kernel's entry.
void Block::make_canonical(WfWarp *warp) {
  uint64_t top = ctx->stack + (uint64_t{warp->index} * WF_LANES + 1) * ctx->stack_bytes;
  for (int lane = 0; lane < WF_LANES; lane++) {
    warp->pc[lane] = job->kernel.entry;
    warp->x[0][lane] = 0;
    warp->x[1][lane] = 0;                                // ra: returning ends the lane
    warp->x[2][lane] = top + static_cast<uint64_t>(lane) * ctx->stack_bytes;
    warp->x[3][lane] = 0;
    warp->x[4][lane] = ctx->shared;
    warp->x[10][lane] = ctx->args;
  }
}

void Block::start_warp(uint32_t index, bool canonical) {
  WfWarp *one = warp(index);
  memset(one, 0, offsetof(WfWarp, barrier_id));
  one->index = index;
  one->mode = canonical ? 0 : 1;
  one->live = lanes(index);
  if (canonical) make_canonical(one);
}

uint64_t Block::shared_bytes() const {
  return job->dynamic_offset + job->launch.dynamic_shared_bytes;
}

/// Where `code` leaves its counts.
void Block::count_with(const WfCode *code) {
  if (!trace) return;
  Worker::Counters &counters = worker->counters(code);
  ctx->counters = counters.blocks.get();
  sites = counters.sites.get();
  site_table = code->sites;
}

void Block::use(const WfCode *code, uint64_t index) {
  code_ = code;
  general_ = code->general ? code : nullptr;
  trace = code->flags & WF_CODE_COUNTS ? &own_trace_ : nullptr;
  if (trace) {
    job->begin_trace(trace, index);
    for (HotAddresses &one : hot) one.clear();
  }
  count_with(code);
  ctx->budget = fast_budget;
  general_now = false;
  make_warps(code, code->fast ? warp_count_ : 1);
}

void Block::begin(uint64_t index, const WfCode *code) {
  use(code, index);
  make_warps(code, warp_count_);
  place(index);
  memset(arrivals_, 0, sizeof arrivals_);
  in_grid_ = false;
  bool canonical = !code->fast || settings().engine == Engine::general;
  for (uint32_t i = 0; i < warp_count_; i++) start_warp(i, canonical);
}

void Block::adopt(uint64_t index, const WfCode *code) {
  uint32_t at = ctx->warp_index;
  code_ = code;
  general_ = code->general ? code : nullptr;
  place(index);
  memset(arrivals_, 0, sizeof arrivals_);
  in_grid_ = false;
  if (code->fast) {
    // The warps behind this one have not had their turn: their barrier has opened.
    for (uint32_t i = at + 1; i < warp_count_; i++) release(warp(i), warp(i)->parked, 0);
    general_now = false;
    watch(warp(at));
    return;
  }
  make_warps(code, warp_count_);
  if (trace) trace->progress[at] = ctx->progress;
  if (at) memcpy(static_cast<void *>(warp(at)), scratch(), offsetof(WfWarp, fast_state));
  warp(at)->index = at;
  for (uint32_t i = 0; i < at; i++) {
    start_warp(i, false);
    warp(i)->live = 0;
  }
  for (uint32_t i = at + 1; i < warp_count_; i++) start_warp(i, true);
  general_now = false;
  watch(warp(at));
}

// --------------------------------------------------------------------------------------- turn

const WfCode *Block::general() {
  if (!general_) general_ = job->general_for(code_);
  return general_;
}

int32_t Block::step(WfWarp *warp) {
  ctx->warp_index = warp->index;
  general_now = warp->mode == 0;
  const WfCode *code = code_;
  if (general_now) {
    code = general();
    if (!code) return WF_STOP;
  }
  count_with(code);
  if (trace) {
    ctx->progress = trace->progress[warp->index];
    ctx->capture_from = 0;
  }
  ctx->budget = !general_now ? fast_budget : stalls_ > 1 ? stalled_budget : general_budget;
  patience_start_ns = 0;
  set_trap(&worker->trap);
  int32_t status = general_now ? code->general(ctx, warp) : code->fast(ctx, warp);
  set_trap(nullptr);
  if (trace) trace->progress[warp->index] = ctx->progress;
  warp->status = static_cast<uint32_t>(status);
  if (status == WF_YIELD && (watched_ == warp->index || !general_now)) watch(warp);
  return status;
}

/// Looks at a warp that had to leave fast code. One that waits in a loop comes back to a state it
/// was in before; one that computes does not, and should have been left alone.
void Block::watch(WfWarp *warp) {
  if (!general_now) {
    watched_ = warp->index;
    looks_ = 0;
    std::fill_n(seen_, 8, 0);
  }
  uint64_t now = fingerprint(warp);
  bool again = std::find(seen_, seen_ + 8, now) != seen_ + 8;
  if (again || looks_ == looks) {
    job->learn_waits(again);
    watched_ = -1;
    return;
  }
  seen_[looks_++ % 8] = now;
}

Turn Block::turn() {
  bool ran = false, moved = release_grid();
  uint32_t live = 0;
  for (uint32_t i = 0; i < warp_count_; i++) {
    WfWarp *one = warp(i);
    if (!one->live) continue;
    live++;
    if (!runnable(one)) continue;
    ran = true;
    switch (step(one)) {
      case WF_EXIT:
        one->live = 0;
        live--;
        moved = true;
        break;
      case WF_BARRIER:
        moved = true;
        break;
      case WF_YIELD:
        one->rotate++;
        break;
      case WF_TRAP:
        return Turn::failed;
      default:
        return Turn::stopped;
    }
  }
  if (!live) return Turn::done;
  if (open_barriers()) moved = true;
  else if (!ran) return unrunnable();
  stalls_ = moved ? 0 : stalls_ + 1;
  return moved ? Turn::progress : Turn::stalled;
}

/// Every live thread waits, and no barrier of the block opens.
Turn Block::unrunnable() {
  bool grid = true;
  for (uint32_t i = 0; i < warp_count_ && grid; i++) {
    const WfWarp *one = warp(i);
    for (uint32_t lane = 0; lane < WF_LANES; lane++)
      if (one->live >> lane & 1 && one->barrier_id[lane] != WF_BARRIER_GRID) grid = false;
  }
  if (!grid) {
    stuck = "barriers that can never open: not every thread of the block can reach them";
    return Turn::failed;
  }
  if (!in_grid_) {
    in_grid_ = true;
    grid_generation_ = job->grid.arrive();
  }
  return Turn::waiting;
}

// ----------------------------------------------------------------------------------- barriers

/// Warps that met go on together: the others have waited for the slowest.
void Block::align(uint32_t warps) {
  if (!trace) return;
  uint64_t slowest = 0;
  for (uint32_t left = warps; left; left &= left - 1)
    slowest = std::max(slowest, trace->progress[std::countr_zero(left)]);
  for (uint32_t left = warps; left; left &= left - 1) {
    uint64_t &own = trace->progress[std::countr_zero(left)];
    trace->barrier_wait += slowest - own;
    own = slowest;
  }
}

void Block::release(WfWarp *warp, uint32_t lanes, uint32_t result) {
  warp->released |= lanes;
  warp->barrier_result = result;
}

bool Block::release_grid() {
  if (!in_grid_ || job->grid.generation() == grid_generation_) return false;
  in_grid_ = false;
  uint32_t met = 0;
  for (uint32_t i = 0; i < warp_count_; i++) {
    if (waiting(warp(i))) met |= 1u << i;
    release(warp(i), waiting(warp(i)), 0);
  }
  align(met);
  return true;
}

bool Block::open_barriers() {
  uint32_t live = 0, parked = 0;
  bool plain = true;
  for (uint32_t i = 0; i < warp_count_; i++) {
    const WfWarp *one = warp(i);
    uint32_t here = waiting(one);
    live += static_cast<uint32_t>(std::popcount(one->live));
    parked += static_cast<uint32_t>(std::popcount(here));
    uint32_t named = 0;
    for (uint32_t lane = 0; lane < WF_LANES; lane++)
      named |= (one->barrier_id[lane] | one->barrier_threads[lane]) & (0 - (here >> lane & 1));
    plain = plain && !named;
  }
  if (!parked) return false;
  if (plain) return parked == live && open_plain();
  return open_named();
}

/// Every live thread waits at barrier 0 for the whole block.
bool Block::open_plain() {
  uint32_t count = 0, zeros = 0;
  for (uint32_t i = 0; i < warp_count_; i++) {
    const WfWarp *one = warp(i);
    count += static_cast<uint32_t>(std::popcount(one->pred & waiting(one)));
    zeros |= ~one->pred & waiting(one);
  }
  const uint32_t results[] = {0, count, zeros == 0, count != 0};
  uint32_t met = 0;
  for (uint32_t i = 0; i < warp_count_; i++) {
    WfWarp *one = warp(i);
    if (!one->live) continue;
    met |= 1u << i;
    release(one, waiting(one), results[one->barrier_op & 3]);
  }
  align(met);
  return true;
}

/// Barriers by number and thread count: arrivals, and waits of a part of the block.
bool Block::open_named() {
  bool opened = false;
  uint32_t exited = job->threads, waits[16] = {}, wanted[16] = {}, zeros[16] = {}, ones[16] = {}, met[16] = {};
  auto each = [&](auto &&visit) {
    for (uint32_t i = 0; i < warp_count_; i++)
      for (uint32_t left = waiting(warp(i)); left; left &= left - 1)
        visit(warp(i), static_cast<uint32_t>(std::countr_zero(left)));
  };
  for (uint32_t i = 0; i < warp_count_; i++)
    exited -= static_cast<uint32_t>(std::popcount(warp(i)->live));
  each([&](WfWarp *one, uint32_t lane) {
    if (one->barrier_id[lane] == WF_BARRIER_GRID) return;
    uint32_t id = one->barrier_id[lane] & 15, threads = one->barrier_threads[lane];
    uint32_t count = threads & ~WF_BARRIER_ARRIVE;
    wanted[id] = count && count < job->threads ? count : job->threads;
    (one->pred >> lane & 1 ? ones : zeros)[id]++;
    if (threads & WF_BARRIER_ARRIVE) {
      arrivals_[id]++;
      release(one, 1u << lane, 0);
      opened = true;
    } else {
      waits[id]++;
      met[id] |= 1u << one->index;
    }
  });
  bool open[16] = {};
  for (int id = 0; id < 16; id++) {
    if (!wanted[id]) continue;
    uint32_t gone = wanted[id] == job->threads ? exited : 0;
    open[id] = waits[id] + arrivals_[id] + gone >= wanted[id];
    if (!open[id]) continue;
    arrivals_[id] = 0;
    align(met[id]);
  }
  each([&](WfWarp *one, uint32_t lane) {
    uint32_t id = one->barrier_id[lane] & 15;
    if (one->barrier_id[lane] == WF_BARRIER_GRID || !open[id]) return;
    const uint32_t results[] = {0, ones[id], zeros[id] == 0, ones[id] != 0};
    release(one, 1u << lane, results[one->barrier_op & 3]);
    opened = true;
  });
  return opened;
}

}  // namespace wf
